//! From a time label to what every residual block reads.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{DType, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use undrift_kernels::silu;

use crate::initialiser::Initialiser;

/// How a published code turns a time label into sines and cosines.
///
/// Frequency i of `width / 2` is `10000^(-i / (width/2 - shift))`; an odd width is filled up with one zero.
/// None of them is Burn's `generate_sinusoids`, which interleaves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sinusoids {
    /// Whether all cosines stand before all sines (`flip_sin_to_cos` of diffusers).
    pub cosines_first: bool,
    /// What is taken from the number of frequencies (`freq_shift` of diffusers); 1 makes the last frequency
    /// exactly 1/10000.
    pub shift: f64,
}

impl Sinusoids {
    /// DDPM's: sines first, the last frequency 1/10000.
    ///
    /// Source: Ho, Jain, Abbeel 2020, arXiv:2006.11239, code (`get_timestep_embedding`).
    pub const DDPM: Sinusoids = Sinusoids { cosines_first: false, shift: 1.0 };

    /// ADM's and DiT's: cosines first, the frequencies divided by their number.
    ///
    /// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`timestep_embedding`).
    pub const ADM: Sinusoids = Sinusoids { cosines_first: true, shift: 0.0 };

    /// The features of each time label, computed in single precision whatever that of `time`, as all published
    /// codes do: at a time near 1000 its rounding decides about the fifth digit of a feature.
    ///
    /// The exponent is rounded in the order of guided-diffusion, DiT and diffusers, `(-ln 10000 * i) / (width/2 -
    /// shift)`. DDIM's code divides on the host first, which moves a feature by up to 3e-5 at a time near 1000.
    ///
    /// # Shapes
    ///
    /// - `time`: `[B]`
    /// - result: `[B, width]`, element type and device of `time`
    ///
    /// # Panics
    ///
    /// If `width / 2` is not larger than `shift`, where there is no frequency.
    pub fn embed(&self, time: Tensor<1>, width: usize) -> Tensor<2> {
        let (half, rows) = (width / 2, time.dims()[0]);
        assert!(half as f64 > self.shift, "an embedding of width {width} has no frequency with shift {}", self.shift);
        let (dtype, single) = (time.dtype(), (&time.device(), DType::F32));
        let (slope, count) = (-(10_000f64.ln()) as f32, half as f32 - self.shift as f32);
        let frequencies: Vec<f32> = (0..half).map(|i| (slope * i as f32 / count).exp()).collect();
        let frequencies = Tensor::<2>::from_data(TensorData::new(frequencies, [1, half]), single);
        let angles = time.cast(DType::F32).unsqueeze_dim::<2>(1).mul(frequencies);
        let (sines, cosines) = (angles.clone().sin(), angles.cos());
        let mut parts = if self.cosines_first { vec![cosines, sines] } else { vec![sines, cosines] };
        if width % 2 == 1 {
            parts.push(Tensor::zeros([rows, 1], single));
        }
        Tensor::cat(parts, 1).cast(dtype)
    }
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
    #[module(skip)]
    sinusoids: Sinusoids,
}

impl TimeEmbedding {
    pub(crate) fn new(width: usize, sinusoids: Sinusoids, init: &mut Initialiser) -> Self {
        let (expand, mix) = (init.linear([width, 4 * width]), init.linear([4 * width, 4 * width]));
        TimeEmbedding { expand, mix, width, sinusoids }
    }

    /// `time` is `[1]` or `[B]`, the result `[1, 4 width]` or `[B, 4 width]`: one row stays one row.
    pub(crate) fn forward(&self, time: Tensor<1>) -> Tensor<2> {
        let hidden = silu(self.expand.forward(self.sinusoids.embed(time, self.width)));
        silu(self.mix.forward(hidden))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn embedding(time: f64, width: usize) -> Vec<f64> {
        let time = Tensor::from_data(TensorData::new(vec![time], [1]), (&Device::flex(), DType::F64));
        Sinusoids::DDPM.embed(time, width).into_data().as_slice::<f64>().unwrap().to_vec()
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
