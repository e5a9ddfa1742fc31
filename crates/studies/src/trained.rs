//! The network of a row and seed that has been trained.

use crate::{Plan, RunDirectory, RunError, WeightSet};
use undrift_networks::{AnyNetwork, apply_parameters};
use undrift_noise::{Key, Purpose};
use undrift_training::{TrainState, Trainer};

/// The network of a trained row and seed.
///
/// # Errors
/// [`RunError::NotTrained`] without a checkpoint or with one of an unfinished training, and those of reading it.
pub fn trained_network(
    directory: &RunDirectory,
    plan: &Plan,
    seed: u64,
    weights: WeightSet,
) -> Result<AnyNetwork<4>, RunError> {
    let cell = directory.cell(&plan.id, seed);
    let not_trained =
        |why: String| RunError::NotTrained { path: directory.root().to_owned(), row: plan.id.clone(), seed, why };
    if !cell.checkpoint().exists() {
        return Err(not_trained("there is no checkpoint".to_owned()));
    }
    let state = TrainState::load(&cell.checkpoint())?;
    let (done, all) = (state.step(), plan.training.steps);
    if done < all {
        return Err(not_trained(format!("training stands at step {done} of {all}")));
    }
    let network = plan.network.network(&plan.device, Key::new(seed, Purpose::Initialisation))?;
    let parameters = match weights {
        WeightSet::Ema => state.averaged(),
        WeightSet::Raw => state.raw(),
    };
    Ok(apply_parameters(network, parameters)?)
}

/// The network of a trainer with one of its sets of weights.
pub(crate) fn network_of(trainer: &Trainer<AnyNetwork<4>>, weights: WeightSet) -> AnyNetwork<4> {
    match weights {
        WeightSet::Ema => trainer.averaged(),
        WeightSet::Raw => trainer.raw(),
    }
}
