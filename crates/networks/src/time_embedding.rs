//! From a time label to what every residual block reads.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Tensor, TensorData};
use undrift_kernels::silu;

use crate::initialiser::Initialiser;

/// DDPM's sinusoidal features of a time label: all sines, then all cosines.
///
/// Frequency i of `width / 2` is 10000^(-i / (width/2 - 1)), so the last is exactly 1/10000; an odd width
/// is filled up with one zero. Not Burn's `generate_sinusoids`, which interleaves, and not ADM's, which
/// has cosines first and divides by `width / 2`.
///
/// Source: Ho, Jain, Abbeel 2020, arXiv:2006.11239, code (`get_timestep_embedding`).
///
/// # Shapes
///
/// - `time`: `[B]`
/// - result: `[B, width]`, element type and device of `time`
///
/// # Panics
///
/// If `width` is below 4, where there is no second frequency.
pub fn sinusoidal_embedding(time: Tensor<1>, width: usize) -> Tensor<2> {
    assert!(width >= 4, "a sinusoidal embedding of width {width} has less than two frequencies");
    let (half, rows) = (width / 2, time.dims()[0]);
    let options = (&time.device(), time.dtype());
    let slope = -(10_000f64.ln()) / (half - 1) as f64;
    let frequencies: Vec<f64> = (0..half).map(|i| (slope * i as f64).exp()).collect();
    let frequencies = Tensor::<2>::from_data(TensorData::new(frequencies, [1, half]), options);
    let angles = time.unsqueeze_dim::<2>(1).mul(frequencies);
    let mut parts = vec![angles.clone().sin(), angles.cos()];
    if width % 2 == 1 {
        parts.push(Tensor::zeros([rows, 1], options));
    }
    Tensor::cat(parts, 1)
}

/// The time label as every residual block reads it: sinusoids, dense, SiLU, dense, SiLU.
///
/// The last SiLU is the one at the head of each block's own projection in the paper's code; it has no
/// parameters, so it is taken once here.
#[derive(Module, Debug)]
pub(crate) struct TimeEmbedding {
    expand: Linear,
    mix: Linear,
    width: usize,
}

impl TimeEmbedding {
    pub(crate) fn new(width: usize, init: &mut Initialiser) -> Self {
        TimeEmbedding { expand: init.linear([width, 4 * width]), mix: init.linear([4 * width, 4 * width]), width }
    }

    /// `time` is `[1]` or `[B]`, the result `[1, 4 width]` or `[B, 4 width]`: one row stays one row.
    pub(crate) fn forward(&self, time: Tensor<1>) -> Tensor<2> {
        let hidden = silu(self.expand.forward(sinusoidal_embedding(time, self.width)));
        silu(self.mix.forward(hidden))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    fn embedding(time: f64, width: usize) -> Vec<f64> {
        let time = Tensor::from_data(TensorData::new(vec![time], [1]), (&Device::flex(), DType::F64));
        sinusoidal_embedding(time, width).into_data().as_slice::<f64>().unwrap().to_vec()
    }

    #[test]
    fn sines_come_first_and_the_last_frequency_is_one_in_ten_thousand() {
        let expected = [-0.544021, 0.447671, 0.0215427, 0.00100000, -0.839072, 0.894198, 0.999768, 1.000000];
        for (ours, theirs) in embedding(10.0, 8).iter().zip(expected) {
            assert!((ours - theirs).abs() < 1e-6, "{ours} for {theirs}");
        }
    }

    #[test]
    fn an_odd_width_ends_with_a_zero() {
        let (even, odd) = (embedding(3.0, 8), embedding(3.0, 9));
        assert_eq!(odd[..8], even[..]);
        assert_eq!(odd[8..], [0.0]);
    }
}
