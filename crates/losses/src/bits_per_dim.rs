//! The whole variational bound of a batch, term by term.

use crate::per_sample::mean_over_dims;
use crate::{LossError, bound, mix};
use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels, Question, Variance};
use undrift_noise::Noise;
use undrift_schedules::{Grid, Span};

/// The variational bound of a batch, with what it is made of.
///
/// Everything indexed by level is in order of `t = 1..=T`: entry 0 belongs to the last step of sampling.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundOfBatch {
    /// `terms[t - 1][sample]`: decoder for `t = 1`, KL divergences above; bits per dimension.
    pub terms: Vec<Vec<f64>>,
    /// `prior[sample]`: the prior's term; bits per dimension.
    pub prior: Vec<f64>,
    /// `total[sample]`: sum of all terms and the prior; bits per dimension.
    pub total: Vec<f64>,
    /// `x0_mse[t - 1][sample]`: mean squared error of the predicted `x0` (after clipping, if the model clips).
    pub x0_mse: Vec<Vec<f64>>,
    /// `eps_mse[t - 1][sample]`: mean squared error of the `eps` that belongs to that `x0`.
    pub eps_mse: Vec<Vec<f64>>,
}

impl BoundOfBatch {
    /// Rate of each sample, what is sent before the pixels: all terms but the decoder's, and the prior; bits per
    /// dimension (Ho et al. 2020, arXiv:2006.11239, section 4.3).
    pub fn rate(&self) -> Vec<f64> {
        let sum = |sample: usize| self.terms[1..].iter().map(|row| row[sample]).sum::<f64>() + self.prior[sample];
        (0..self.prior.len()).map(sum).collect()
    }

    /// Distortion of each sample in bits per dimension: the decoder's term.
    pub fn distortion(&self) -> Vec<f64> {
        self.terms[0].clone()
    }
}

/// Bits per dimension of each sample: the whole variational bound with one draw of noise per level.
///
/// Ho et al. 2020, arXiv:2006.11239, eq. 5. The authors' evaluation clips `x0` to -1..1: pass `ClipX0(model)`.
/// Levels are visited noisiest first and `noise` is drawn exactly once per level, so that draw `k` belongs to
/// `grid.spans()[k]`; with noise keyed per sample the result does not depend on how a data set is split into
/// batches. Where the published loop reports its columns noisiest first, ours are in order of `t`. Sums over levels
/// are taken in f64 on the host.
///
/// # Shapes
/// `x0`: `[B, ..]` on the 256 grey levels `g / 127.5 - 1`; the model sees one level for the whole batch. On an
/// autodiff device the graph of one level is kept at a time; evaluation is meant for the inner device.
///
/// # Errors
/// If the grid does not end at the data, as [`bound::term`], and whatever the model answers.
pub fn bits_per_dim<const D: usize>(
    model: &dyn Denoiser<D>,
    variance: Variance,
    grid: &Grid,
    x0: Tensor<D>,
    noise: &mut dyn Noise<D>,
) -> Result<BoundOfBatch, LossError> {
    if let Some(end) = grid.end() {
        return Err(LossError::EndsAboveData { alpha_bar: end.alpha_bar() });
    }
    let rows = grid.spans().iter().map(|&span| at_span(model, variance, span, &x0, noise));
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    rows.reverse();
    Ok(assemble(rows, host(bound::prior(&x0, grid.start()))?))
}

struct AtSpan {
    term: Vec<f64>,
    x0_mse: Vec<f64>,
    eps_mse: Vec<f64>,
}

fn at_span<const D: usize>(
    model: &dyn Denoiser<D>,
    variance: Variance,
    span: Span,
    x0: &Tensor<D>,
    noise: &mut dyn Noise<D>,
) -> Result<AtSpan, LossError> {
    let at = Levels::from(span.from());
    let eps = noise.normal(x0);
    let prediction = model.predict(mix(x0.clone(), eps.clone(), &at), &Question::from(&at))?;
    let term = bound::term(&prediction, x0, &[span], variance)?;
    let mse = |of: Tensor<D>, truth: Tensor<D>| host(mean_over_dims((of - truth).square()));
    Ok(AtSpan { term: host(term)?, x0_mse: mse(prediction.x0(), x0.clone())?, eps_mse: mse(prediction.eps(), eps)? })
}

fn assemble(rows: Vec<AtSpan>, prior: Vec<f64>) -> BoundOfBatch {
    let mut bound = BoundOfBatch { terms: vec![], total: prior.clone(), prior, x0_mse: vec![], eps_mse: vec![] };
    for row in rows {
        bound.total.iter_mut().zip(&row.term).for_each(|(total, term)| *total += term);
        bound.terms.push(row.term);
        bound.x0_mse.push(row.x0_mse);
        bound.eps_mse.push(row.eps_mse);
    }
    bound
}

fn host(values: Tensor<1>) -> Result<Vec<f64>, LossError> {
    Ok(values.try_into_vec_as::<f64>()?)
}
