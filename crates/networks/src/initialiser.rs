//! Initial weights as in DDPM's code, drawn from a key instead of a global generator.

use burn::module::{Param, ParamId};
use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::rand_core::Rng;
use undrift_noise::Key;

/// Makes the layers of a network with DDPM's initial values.
///
/// Weights are uniform in ±sqrt(6 * scale / (fan_in + fan_out)), the kernel's area counted in both fans;
/// biases are 0, norms have gain 1 and bias 0. The n-th parameter of a network reads the stream of
/// sample n of the key, on the host, so that every device gets the same bits and Burn's global generator
/// is never touched. Parameters are made when first read.
///
/// Source: Ho, Jain, Abbeel 2020, arXiv:2006.11239, code (`default_init`).
pub(crate) struct Initialiser {
    key: Key,
    next: u64,
    device: Device,
}

/// The usual scale of initial weights.
pub(crate) const ONE: f64 = 1.0;

/// The scale of a layer that starts as good as zero.
pub(crate) const ZERO: f64 = 1e-10;

/// What the authors' GroupNorm adds to the variance; Burn's default is 1e-5.
const GROUP_NORM_EPSILON: f64 = 1e-6;

impl Initialiser {
    pub(crate) fn new(device: &Device, key: Key) -> Self {
        Initialiser { key, next: 0, device: device.clone() }
    }

    /// A convolution that keeps height and width; `kernel` is odd.
    pub(crate) fn conv(&mut self, channels: [usize; 2], kernel: usize, scale: f64) -> Conv2d {
        let pad = kernel / 2;
        let padding = PaddingConfig2d::Explicit(pad, pad, pad, pad);
        self.conv_with(channels, kernel, 1, padding, scale)
    }

    /// A convolution with any stride and padding.
    pub(crate) fn conv_with(
        &mut self,
        [from, to]: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: PaddingConfig2d,
        scale: f64,
    ) -> Conv2d {
        let bound = bound(scale, kernel * kernel * (from + to));
        Conv2d {
            weight: self.uniform([to, from, kernel, kernel], bound),
            bias: Some(self.constant([to], 0.0)),
            stride: [stride; 2],
            kernel_size: [kernel; 2],
            dilation: [1; 2],
            groups: 1,
            padding,
        }
    }

    /// A dense layer.
    pub(crate) fn linear(&mut self, [from, to]: [usize; 2]) -> Linear {
        Linear { weight: self.uniform([from, to], bound(ONE, from + to)), bias: Some(self.constant([to], 0.0)) }
    }

    /// A group normalisation.
    pub(crate) fn group_norm(&mut self, channels: usize, groups: usize) -> GroupNorm {
        GroupNorm {
            gamma: Some(self.constant([channels], 1.0)),
            beta: Some(self.constant([channels], 0.0)),
            num_groups: groups,
            num_channels: channels,
            epsilon: GROUP_NORM_EPSILON,
            affine: true,
        }
    }

    pub(crate) fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        let (key, index) = (self.key, self.next);
        self.parameter(shape, move |count| uniform_values(key, index, count, bound))
    }

    /// Numbers of a normal distribution with this standard deviation.
    pub(crate) fn normal<const D: usize>(&mut self, shape: [usize; D], deviation: f64) -> Param<Tensor<D>> {
        let (key, index) = (self.key, self.next);
        self.parameter(shape, move |count| normal_values(key, index, count, deviation))
    }

    pub(crate) fn constant<const D: usize>(&mut self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        self.parameter(shape, move |count| vec![value; count])
    }

    fn parameter<const D: usize>(
        &mut self,
        shape: [usize; D],
        values: impl FnOnce(usize) -> Vec<f32> + Send + Sync + 'static,
    ) -> Param<Tensor<D>> {
        self.next += 1;
        let init = move |device: &Device, require_grad: bool| {
            let data = TensorData::new(values(shape.iter().product()), shape);
            Tensor::from_data(data, device).set_require_grad(require_grad)
        };
        Param::uninitialized(ParamId::new(), init, self.device.clone(), true, shape.into())
    }
}

fn bound(scale: f64, fans: usize) -> f64 {
    (6.0 * scale / fans as f64).sqrt()
}

fn uniform_values(key: Key, parameter: u64, count: usize, bound: f64) -> Vec<f32> {
    let mut rng = key.stream(parameter, 0);
    let unit = (-53f64).exp2();
    let mut symmetric = || 2.0 * ((rng.next_u64() >> 11) as f64 * unit) - 1.0;
    (0..count).map(|_| (bound * symmetric()) as f32).collect()
}

/// Normals by Box and Muller's rule, one from each pair of uniforms.
fn normal_values(key: Key, parameter: u64, count: usize, deviation: f64) -> Vec<f32> {
    let mut rng = key.stream(parameter, 0);
    let unit = (-53f64).exp2();
    // In (0, 1], so that the logarithm is finite.
    let mut uniform = || ((rng.next_u64() >> 11) + 1) as f64 * unit;
    let mut normal = || (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    (0..count).map(|_| (deviation * normal()) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use undrift_noise::Purpose;

    fn values<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
        param.val().into_data().as_slice::<f32>().unwrap().to_vec()
    }

    fn initialiser(seed: u64) -> Initialiser {
        Initialiser::new(&Device::flex(), Key::new(seed, Purpose::Initialisation))
    }

    #[test]
    fn weights_fill_the_glorot_interval_and_biases_are_zero() {
        let conv = initialiser(3).conv([20, 40], 3, ONE);
        let bound = (6.0 / (9.0 * 60.0f64)).sqrt() as f32;
        let weights = values(&conv.weight);
        let largest = weights.iter().fold(0f32, |a, w| a.max(w.abs()));
        assert!(largest <= bound && largest > 0.999 * bound, "{largest} of {bound}");
        let mean = weights.iter().sum::<f32>() / weights.len() as f32;
        let square = weights.iter().map(|w| w * w).sum::<f32>() / weights.len() as f32;
        assert!(mean.abs() < 0.02 * bound && (square * 3.0 / bound.powi(2) - 1.0).abs() < 0.03);
        assert!(values(&conv.bias.unwrap()).iter().all(|b| *b == 0.0));
    }

    #[test]
    fn a_zero_layer_is_near_but_not_at_zero() {
        let weights = values(&initialiser(3).conv([8, 8], 3, ZERO).weight);
        let bound = (6e-10 / (9.0 * 16.0f64)).sqrt() as f32;
        assert!(weights.iter().all(|w| w.abs() <= bound) && weights.iter().any(|w| *w != 0.0));
    }

    #[test]
    fn norms_start_neutral_with_ddpm_epsilon() {
        let norm = initialiser(0).group_norm(4, 2);
        assert_eq!(values(norm.gamma.as_ref().unwrap()), [1.0; 4]);
        assert_eq!(values(norm.beta.as_ref().unwrap()), [0.0; 4]);
        assert_eq!(norm.epsilon, 1e-6);
    }

    #[test]
    fn each_parameter_has_its_own_numbers_whenever_it_is_read() {
        let (mut one, mut two) = (initialiser(5), initialiser(5));
        let (a, b) = (one.linear([4, 4]), one.linear([4, 4]));
        let (c, d) = (two.linear([4, 4]), two.linear([4, 4]));
        Device::flex().seed(1);
        let (d, c) = (values(&d.weight), values(&c.weight));
        assert_eq!((values(&a.weight), values(&b.weight)), (c.clone(), d.clone()));
        assert_ne!(c, d);
        assert_ne!(c, values(&initialiser(6).linear([4, 4]).weight));
    }
}
