//! The layers of guided-diffusion with their initial weights.

use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, Linear, PaddingConfig2d};
use burn::tensor::Tensor;

use crate::initialiser::Initialiser;

/// What guided-diffusion's normalisations add to the variance.
const EPSILON: f64 = 1e-5;

/// Groups of guided-diffusion's normalisations.
const GROUPS: usize = 32;

impl Initialiser {
    /// A convolution as PyTorch starts it: weights and biases uniform in ±1/sqrt(fan_in).
    pub(super) fn torch_conv(&mut self, channels: [usize; 2], kernel: usize, stride: usize) -> Conv2d {
        let [from, to] = channels;
        let bound = 1.0 / ((kernel * kernel * from) as f64).sqrt();
        let weight = self.uniform([to, from, kernel, kernel], bound);
        let bias = self.uniform([to], bound);
        conv(weight, bias, kernel, stride)
    }

    /// A convolution that starts at 0.
    pub(super) fn zero_conv(&mut self, [from, to]: [usize; 2], kernel: usize) -> Conv2d {
        let weight = self.constant([to, from, kernel, kernel], 0.0);
        let bias = self.constant([to], 0.0);
        conv(weight, bias, kernel, 1)
    }

    /// A dense layer as PyTorch starts it.
    pub(super) fn torch_linear(&mut self, [from, to]: [usize; 2]) -> Linear {
        let bound = 1.0 / (from as f64).sqrt();
        Linear { weight: self.uniform([from, to], bound), bias: Some(self.uniform([to], bound)) }
    }

    /// guided-diffusion's normalisation, of 32 groups.
    pub(super) fn group_norm_32(&mut self, channels: usize) -> GroupNorm {
        GroupNorm { epsilon: EPSILON, ..self.group_norm(channels, GROUPS) }
    }
}

fn conv(weight: Param<Tensor<4>>, bias: Param<Tensor<1>>, kernel: usize, stride: usize) -> Conv2d {
    let pad = kernel / 2;
    Conv2d {
        weight,
        bias: Some(bias),
        stride: [stride; 2],
        kernel_size: [kernel; 2],
        dilation: [1; 2],
        groups: 1,
        padding: PaddingConfig2d::Explicit(pad, pad, pad, pad),
    }
}
