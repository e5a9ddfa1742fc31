//! From a time label and a class to what every block is modulated by.

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::silu;

use super::DitConfig;
use super::layers::{Start, dense};
use crate::Sinusoids;
use crate::fused::convolve_rows;
use crate::initialiser::Initialiser;
use crate::labels::rows;

/// Sinusoids, dense, SiLU, dense, plus the vector of the class, SiLU.
///
/// The last SiLU is the one at the head of each block's modulation; it has no parameters, so it is taken once.
#[derive(Module, Debug)]
pub(super) struct Conditioning {
    expand: Conv2d,
    mix: Conv2d,
    label: Param<Tensor<2>>,
}

/// Sinusoidal features of the time.
const FEATURES: usize = 256;

/// Standard deviation of the first embeddings.
const STD: f64 = 0.02;

impl Conditioning {
    pub(super) fn new(config: &DitConfig, init: &mut Initialiser) -> Self {
        Conditioning {
            expand: dense([FEATURES, config.width], Start::Normal(STD), init),
            mix: dense([config.width, config.width], Start::Normal(STD), init),
            label: init.normal([config.labels(), config.width], STD),
        }
    }

    /// `time` is `[1]` or `[B]`, the result `[B, width]`.
    pub(super) fn forward(&self, time: Tensor<1>, labels: &[usize]) -> Tensor<2> {
        let hidden = silu(convolve_rows(&self.expand, Sinusoids::ADM.embed(time, FEATURES)));
        silu(convolve_rows(&self.mix, hidden).add(rows(self.label.val(), labels)))
    }
}
