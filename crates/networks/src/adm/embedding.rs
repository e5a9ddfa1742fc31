//! What every residual block of ADM reads: the time, and the class where there is one.

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use undrift_kernels::silu;

use crate::Sinusoids;
use crate::fused::convolve_rows;
use crate::initialiser::Initialiser;
use crate::labels::rows;

/// The time label as ADM embeds it: sinusoids (cosines first), dense, SiLU, dense.
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`time_embed`).
#[derive(Module, Debug)]
pub(crate) struct TimeEmbedding {
    expand: Conv2d,
    mix: Conv2d,
    width: usize,
}

impl TimeEmbedding {
    pub(crate) fn new(width: usize, init: &mut Initialiser) -> Self {
        let (expand, mix) = (init.adm_conv([width, 4 * width], 1), init.adm_conv([4 * width, 4 * width], 1));
        TimeEmbedding { expand, mix, width }
    }

    /// `time` is `[1]` or `[B]`, the result `[1, 4 width]` or `[B, 4 width]`: one row stays one row.
    pub(crate) fn forward(&self, time: Tensor<1>) -> Tensor<2> {
        convolve_rows(&self.mix, silu(convolve_rows(&self.expand, Sinusoids::ADM.embed(time, self.width))))
    }
}

/// A vector for each class, which is added to the time's.
#[derive(Module, Debug)]
pub(crate) struct LabelEmbedding {
    table: Param<Tensor<2>>,
}

impl LabelEmbedding {
    pub(crate) fn new(classes: usize, width: usize, init: &mut Initialiser) -> Self {
        LabelEmbedding { table: init.normal([classes, width], 1.0) }
    }

    /// The rows of `labels`; panics where one of them is no class.
    pub(crate) fn forward(&self, labels: &[usize]) -> Tensor<2> {
        rows(self.table.val(), labels)
    }
}
