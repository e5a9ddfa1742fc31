//! How a U-Net of DDPM's family changes its resolution.

use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use undrift_kernels::upsample;

use crate::fused::convolve;
use crate::initialiser::{Initialiser, ONE};

/// How a U-Net of DDPM's family halves and doubles the resolution between levels.
///
/// Each of the convolutions is 3x3 and keeps the width; doubling always repeats every pixel first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// Convolutions; the one of stride 2 pads below and to the right only, as TensorFlow's `SAME` does
    /// (`downsample_padding` 0 of diffusers).
    ///
    /// Source: Ho, Jain, Abbeel 2020, arXiv:2006.11239, code (`downsample`).
    Convolution,
    /// Convolutions; the one of stride 2 pads on all sides, which is another network (`downsample_padding` 1
    /// of diffusers).
    CentredConvolution,
    /// No parameters: the mean of 2x2 pixels, and repetition (`resamp_with_conv` false).
    Plain,
}

impl Resampling {
    /// The convolution on the way from a level of `width` channels to the next coarser one.
    pub(crate) fn halving(self, width: usize, init: &mut Initialiser) -> Option<Conv2d> {
        let padding = match self {
            Resampling::Convolution => PaddingConfig2d::Explicit(0, 0, 1, 1),
            Resampling::CentredConvolution => PaddingConfig2d::Explicit(1, 1, 1, 1),
            Resampling::Plain => return None,
        };
        Some(init.conv_with([width, width], 3, 2, padding, ONE))
    }

    /// The convolution on the way from a level of `width` channels to the next finer one.
    pub(crate) fn doubling(self, width: usize, init: &mut Initialiser) -> Option<Conv2d> {
        (self != Resampling::Plain).then(|| init.conv([width, width], 3, ONE))
    }
}

/// Half the height and width, by the convolution or as means: `[B, 2 H, 2 W, C]` to `[B, H, W, C]`.
pub(crate) fn halve(conv: Option<&Conv2d>, x: Tensor<4>) -> Tensor<4> {
    match conv {
        Some(conv) => convolve(conv, x),
        None => mean_of_squares(x),
    }
}

/// Twice the height and width, then the convolution if there is one.
pub(crate) fn double(conv: Option<&Conv2d>, x: Tensor<4>) -> Tensor<4> {
    match conv {
        Some(conv) => convolve(conv, upsample(x)),
        None => upsample(x),
    }
}

/// The mean of each square of 2x2 pixels.
fn mean_of_squares(x: Tensor<4>) -> Tensor<4> {
    let [batch, height, breadth, width] = x.dims();
    let rows = x.reshape([batch, height / 2, 2, breadth * width]).mean_dim(2);
    rows.reshape([batch * height / 2, breadth / 2, 2, width]).mean_dim(2).reshape([
        batch,
        height / 2,
        breadth / 2,
        width,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};
    use undrift_noise::{Key, Purpose};

    /// Two images of 4x4 with two channels: 100 times the image, 10 times the row plus the column, and its negative.
    fn images() -> Tensor<4> {
        let pixel = |i: usize| (100 * (i / 16) + 10 * (i / 4 % 4) + i % 4) as f32;
        let values = (0..32).flat_map(|i| [pixel(i), -pixel(i)]).collect();
        Tensor::from_data(TensorData::new(values, [2, 4, 4, 2]), &Device::flex())
    }

    #[test]
    fn plain_halving_takes_the_mean_of_four_neighbours_of_one_channel() {
        let halved = halve(None, images()).into_data();
        let first = [5.5, 7.5, 25.5, 27.5].map(|mean: f32| [mean, -mean]);
        let second = first.map(|[a, b]| [a + 100.0, b - 100.0]);
        let expected: Vec<f32> = first.into_iter().chain(second).flatten().collect();
        assert_eq!(halved.as_slice::<f32>().unwrap(), expected);
    }

    #[test]
    fn plain_doubling_repeats_and_is_undone_by_plain_halving() {
        let back = halve(None, double(None, images())).into_data();
        assert_eq!(back.as_slice::<f32>().unwrap(), images().into_data().as_slice::<f32>().unwrap());
    }

    #[test]
    fn only_the_centred_convolution_pads_above_and_to_the_left() {
        let mut init = Initialiser::new(&Device::flex(), Key::new(0, Purpose::Initialisation));
        let mut padding = |resampling: Resampling| resampling.halving(2, &mut init).map(|conv| conv.padding);
        assert_eq!(padding(Resampling::Convolution), Some(PaddingConfig2d::Explicit(0, 0, 1, 1)));
        assert_eq!(padding(Resampling::CentredConvolution), Some(PaddingConfig2d::Explicit(1, 1, 1, 1)));
        assert_eq!(padding(Resampling::Plain), None);
    }
}
