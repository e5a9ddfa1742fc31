//! From a time label and a class to what every residual block reads.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::Tensor;
use undrift_kernels::silu;

use crate::Sinusoids;
use crate::initialiser::Initialiser;
use crate::labels::rows;

/// Sinusoids, dense, SiLU, dense, plus the vector of the class, SiLU.
///
/// The last SiLU is the one at the head of each block's own projection in the authors' code; it has no
/// parameters, so it is taken once here.
#[derive(Module, Debug)]
pub(super) struct Conditioning {
    expand: Linear,
    mix: Linear,
    label: Option<Param<Tensor<2>>>,
    width: usize,
}

impl Conditioning {
    pub(super) fn new(width: usize, classes: Option<usize>, init: &mut Initialiser) -> Self {
        Conditioning {
            expand: init.torch_linear([width, 4 * width]),
            mix: init.torch_linear([4 * width, 4 * width]),
            label: classes.map(|classes| init.normal([classes, 4 * width], 1.0)),
            width,
        }
    }

    /// `time` is `[1]` or `[B]`, the result `[1 or B, 4 width]`: one row where time and class are one for all.
    ///
    /// # Panics
    ///
    /// If labels are given to a network without classes or missing from one with, or one is too large.
    pub(super) fn forward(&self, time: Tensor<1>, labels: Option<&[usize]>) -> Tensor<2> {
        let hidden = silu(self.expand.forward(Sinusoids::ADM.embed(time, self.width)));
        let embedded = self.mix.forward(hidden);
        silu(match (&self.label, labels) {
            (None, None) => embedded,
            (Some(table), Some(labels)) => embedded.add(rows(table.val(), labels)),
            (None, Some(_)) => panic!("this network knows no classes; give it no labels"),
            (Some(_), None) => panic!("this network is conditional on a class; give it one label per image"),
        })
    }
}
