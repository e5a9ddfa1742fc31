//! Sigmas and labels of the sigma schedulers of huggingface/diffusers.

use statrs::distribution::{Beta, ContinuousCDF};

use crate::chain::linspace;
use crate::grid::karras_sigmas;
use crate::{Chain, Grid, GridError, Level, Span};

/// How sigmas are laid between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffusersCurve {
    /// Even in `sigma^(1/7)` (Karras, Aittala, Aila, Laine 2022, arXiv:2206.00364, eq. 5).
    Karras,
    /// Even in the logarithm of sigma.
    Exponential,
    /// Quantiles of Beta(0.6, 0.6) (Lee et al. 2024, arXiv:2407.12173).
    Beta,
    /// Even in `log(signal / noise)`, as Lu et al. 2022, arXiv:2206.00927, lay them: the same sigmas as
    /// [`Exponential`](Self::Exponential).
    Lu,
}

/// How Karras's sigmas bend; the peer has no other.
const RHO: f64 = 7.0;

/// Both parameters of the beta distribution.
const SHAPE: f64 = 0.6;

impl DiffusersCurve {
    /// `steps` sigmas from `sigma_max` down to `sigma_min`; one step is `sigma_max`.
    ///
    /// # Errors
    /// [`GridError::Empty`] for no steps, [`GridError::Range`] unless `0 < sigma_min <= sigma_max < inf`.
    pub fn sigmas(self, steps: usize, sigma_min: f64, sigma_max: f64) -> Result<Vec<f64>, GridError> {
        if steps == 0 {
            return Err(GridError::Empty);
        }
        if !(0.0 < sigma_min && sigma_min <= sigma_max && sigma_max.is_finite()) {
            return Err(GridError::Range { sigma_min, sigma_max });
        }
        let end = |step: usize| match step {
            0 => Some(sigma_max),
            _ => (step + 1 == steps).then_some(sigma_min),
        };
        Ok(match self {
            DiffusersCurve::Karras => karras_sigmas(steps, sigma_min, sigma_max, RHO)?,
            DiffusersCurve::Exponential | DiffusersCurve::Lu => {
                let exponents = linspace(sigma_max.ln(), sigma_min.ln(), steps).enumerate();
                exponents.map(|(step, exponent)| end(step).unwrap_or_else(|| exponent.exp())).collect()
            }
            DiffusersCurve::Beta => {
                let beta = Beta::new(SHAPE, SHAPE).expect("both parameters are positive");
                let sigma = |share: f64| sigma_min + quantile(&beta, share) * (sigma_max - sigma_min);
                linspace(1.0, 0.0, steps).map(sigma).collect()
            }
        })
    }
}

/// Sigmas that differ by less, as a share, are one.
const SAME: f64 = 1e-12;

/// The quantile of a share in `[0, 1]`.
fn quantile(beta: &Beta, share: f64) -> f64 {
    if share == 0.0 || share == 1.0 { share } else { beta.inverse_cdf(share) }
}

/// Sigma at a real index from 0 into a table of sigmas, smallest first: linear between neighbours, and that of the
/// nearest end outside.
///
/// # Panics
/// If the table is empty.
pub fn diffusers_sigma_at(sigmas: &[f64], index: f64) -> f64 {
    let index = index.clamp(0.0, (sigmas.len() - 1) as f64);
    let (low, share) = (index.floor() as usize, index.fract());
    if share == 0.0 { sigmas[low] } else { sigmas[low] + share * (sigmas[low + 1] - sigmas[low]) }
}

/// The real index, from 0, of a sigma in a table of logarithms of sigmas, smallest first: linear in the logarithm above
/// the last entry that is not larger, and that of the nearest end outside.
///
/// # Panics
/// If the table is empty.
pub fn diffusers_index_of(logarithms: &[f64], sigma: f64) -> f64 {
    let (last, logarithm) = (logarithms.len() - 1, sigma.ln());
    if last == 0 {
        return 0.0;
    }
    let below = logarithms.iter().rposition(|known| *known <= logarithm).unwrap_or(0).min(last - 1);
    let (low, high) = (logarithms[below], logarithms[below + 1]);
    below as f64 + ((logarithm - low) / (high - low)).clamp(0.0, 1.0)
}

/// A grid over the given levels that ends at `end`, or at the data; only the last step may stand still, where `end` is
/// the level before it.
///
/// # Errors
/// As [`Grid::ending_at`], but for that last step.
pub fn diffusers_grid(levels: &[Level], end: Option<Level>) -> Result<Grid, GridError> {
    match (end, levels.split_last()) {
        (Some(end), Some((last, before))) if (end.sigma() / last.sigma() - 1.0).abs() < SAME => {
            let mut spans = match before {
                [] => Vec::new(),
                before => Grid::ending_at(before.iter().copied(), *last)?.spans().to_vec(),
            };
            // Where nothing is asked any more: a label of its own tells the end from the level before.
            spans.push(Span::minted(*last, Some(last.relabelled(-1.0)), 0.0, None));
            Ok(Grid::of_spans(spans))
        }
        (Some(end), _) => Grid::ending_at(levels.iter().copied(), end),
        (None, _) => Grid::new(levels.iter().copied()),
    }
}

/// A grid whose every step goes from the level of an index, from 0, down by `stride`, whatever the next index is; a step
/// below index 0 ends at `end`, or at the data.
///
/// Spans do not touch where the list has another stride: the network is then asked about a state of another level than
/// it is told, as in `DDIMScheduler` and `PNDMScheduler`.
///
/// # Errors
/// [`GridError::Empty`] for no indices, [`GridError::NoSuchLevel`] for one beyond the chain.
pub fn diffusers_strided_grid(
    chain: &Chain,
    indices: &[usize],
    stride: usize,
    end: Option<Level>,
) -> Result<Grid, GridError> {
    let level = |index: usize| chain.level(index + 1).ok_or(GridError::NoSuchLevel { t: index + 1, len: chain.len() });
    let span = |&index: &usize| {
        let to = index.checked_sub(stride).map(level).transpose()?.or(end);
        Ok(Span::jump(level(index)?, to, None))
    };
    let spans = indices.iter().map(span).collect::<Result<Vec<Span>, GridError>>()?;
    if spans.is_empty() { Err(GridError::Empty) } else { Ok(Grid::of_spans(spans)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of Beta(0.6, 0.6) from scipy 1.17.
    #[test]
    fn beta_sigmas_are_quantiles() {
        let sigmas = DiffusersCurve::Beta.sigmas(5, 1.0, 2.0).unwrap();
        for (sigma, expected) in sigmas.iter().zip([2.0, 1.824319621347305, 1.5, 1.175680378652695, 1.0]) {
            assert!((sigma - expected).abs() < 1e-12, "{sigma} {expected}");
        }
    }

    #[test]
    fn an_index_and_its_sigma_belong_together_up_to_the_ends() {
        let chain = Chain::linear(1000).unwrap();
        let sigmas: Vec<f64> = chain.levels().iter().map(|level| level.sigma()).collect();
        let logarithms: Vec<f64> = sigmas.iter().map(|sigma| sigma.ln()).collect();
        for index in [0.0, 1.0, 500.0, 999.0] {
            assert!((diffusers_index_of(&logarithms, diffusers_sigma_at(&sigmas, index)) - index).abs() < 1e-9);
        }
        let between = diffusers_index_of(&logarithms, diffusers_sigma_at(&sigmas, 0.25));
        let (low, high) = (sigmas[0], sigmas[1]);
        let expected = ((low + 0.25 * (high - low)) / low).ln() / (high / low).ln();
        assert!((between - expected).abs() < 1e-12 && between > 0.26, "one is linear in sigma, one in its logarithm");
        assert_eq!(diffusers_index_of(&logarithms, 1e-9), 0.0);
        assert_eq!(diffusers_index_of(&logarithms, 1e9), 999.0);
        assert_eq!(diffusers_sigma_at(&sigmas, 1000.0), chain.last().sigma());
    }

    #[test]
    fn a_strided_step_lands_where_the_stride_says() {
        let chain = Chain::linear(1000).unwrap();
        let grid = diffusers_strided_grid(&chain, &[998, 855, 142, 0], 142, None).unwrap();
        let ends: Vec<Option<f64>> = grid.spans().iter().map(|span| span.to().map(Level::time)).collect();
        assert_eq!(ends, [Some(856.0), Some(713.0), Some(0.0), None]);
        let end = chain.level(1);
        assert_eq!(diffusers_strided_grid(&chain, &[0], 142, end).unwrap().spans()[0].beta(), 0.0);
        assert!(diffusers_strided_grid(&chain, &[1000], 142, None).is_err());
        assert_eq!(diffusers_strided_grid(&chain, &[], 142, None), Err(GridError::Empty));
    }

    #[test]
    fn only_the_last_step_may_stand_still() {
        let level = |sigma| Level::edm(sigma, 0.0).unwrap();
        let grid = diffusers_grid(&[level(2.0), level(1.0)], Some(level(1.0))).unwrap();
        assert_eq!((grid.steps(), grid.spans()[1].to_sigma(), grid.spans()[1].beta()), (2, 1.0, 0.0));
        assert_ne!(grid.spans()[0].to(), grid.end(), "the two steps end at levels that can be told apart");
        assert!(diffusers_grid(&[level(1.0), level(1.0)], None).is_err());
        assert!(diffusers_grid(&[level(1.0)], Some(level(2.0))).is_err());
    }
}
