//! The squared error of a network's output, `L_simple` among them.

use crate::per_sample::mean_over_dims;
use crate::{Corrupted, Corruption, LossError};
use burn::tensor::Tensor;
use undrift_denoisers::{Levels, Network, OutputVariance, Parameterisation, Preconditioned};
use undrift_noise::Noise;

/// Mean squared error of the network's raw output, whatever its parameterisation makes of it.
///
/// With `Eps` it is `L_simple` (Ho et al. 2020, arXiv:2006.11239, eq. 14), and the target is the drawn `eps` itself;
/// with `MuTilde` the posterior mean of eq. 7; with `X0` and `V` what their names say; with `Edm` the target of
/// variance 1. `corruption` makes the network's input; [`Plain`](crate::Plain) is the forward process, one draw of
/// `noise`. [`Weighting`](crate::Weighting) says how much the error of each sample counts.
///
/// # Shapes
/// `x0`: `[B, ..]`; `at`: one level for all samples or `B`; result: `[B]`, the mean over the other dimensions.
///
/// # Errors
/// If the network emits a variance, which this loss would leave untrained (the authors' code asserts the same), if
/// shapes or counts do not fit, and where the parameterisation has no target at a level.
pub fn squared_error<const D: usize, N, P>(
    model: &Preconditioned<N, P>,
    corruption: &dyn Corruption<D>,
    x0: Tensor<D>,
    at: &Levels,
    noise: &mut dyn Noise<D>,
) -> Result<Tensor<1>, LossError>
where
    N: Network<D>,
    P: Parameterisation,
{
    if model.variance != OutputVariance::None {
        return Err(LossError::VarianceNotTrained { variance: model.variance });
    }
    at.check(&x0)?;
    let Corrupted { x, eps } = corruption.corrupt(model, &x0, at, noise)?;
    let output = model.output(x, at)?;
    let target = model.target(x0, eps, at)?;
    Ok(mean_over_dims((target - output).square()))
}
