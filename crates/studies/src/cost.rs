//! How long a row would take on this machine.

use crate::train::course;
use crate::{Plan, RunError};
use burn::tensor::{DType, Tensor};
use std::time::Instant;
use undrift_data::Images;
use undrift_networks::{Backbone, Mode};
use undrift_noise::{Key, Purpose};
use undrift_training::{Optimisation, Trainer, Turn};

/// Images of a timed training step and of a timed sampling step.
const TIMED: usize = 16;

/// Steps before the timed one: the first ones wait for memory that later ones use again.
const WARM_UP: usize = 2;

/// What a row costs on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Seconds of one training.
    pub train: f64,
    /// Seconds of one evaluation of the network for one image.
    pub evaluation: f64,
}

impl Cost {
    /// Times a few small steps on blank images, and scales them to the row.
    ///
    /// # Errors
    /// Those of the network and of the loss.
    pub fn of(plan: &Plan) -> Result<Self, RunError> {
        let key = Key::new(0, Purpose::Initialisation);
        let network = plan.network.network(&plan.device.clone().autodiff(), key)?;
        let mut trainer = Trainer::new(network, Optimisation::constant(1e-6))?;
        let [channels, height, width] = plan.data.shape;
        let shape = [TIMED, channels, height, width];
        let blank = Images::new(vec![127; TIMED * plan.pixels()], vec![0; TIMED], plan.data.shape)?;
        let blank = plan.conditioning.of_images(blank)?;
        let (mut objective, mut course) = ((plan.objective)()?, course(plan, 0, &blank, TIMED)?);
        let mut step = || {
            let loss = |turn: Turn<'_, _>| course.loss(&mut *objective, turn);
            trainer.step_in_parts(1, loss).map(|_| ()).map_err(RunError::from)
        };
        for _ in 0..WARM_UP {
            step()?;
        }
        let train = fastest(&mut step)? * plan.training.batch as f64 / TIMED as f64 * plan.training.steps as f64;
        let averaged = trainer.averaged();
        let mut evaluation = || {
            let x = Tensor::zeros(shape, (&plan.device, DType::F32));
            let condition = plan.conditioning.of_samples(0, TIMED);
            let time = Tensor::zeros([1], (&plan.device, DType::F32));
            averaged.forward(x, time, &condition, Mode::Evaluation)?.into_data();
            Ok(())
        };
        evaluation()?;
        Ok(Cost { train, evaluation: fastest(&mut evaluation)? / TIMED as f64 })
    }

    /// Seconds of drawing a row's samples and computing its bits per dimension, for one seed.
    ///
    /// # Errors
    /// The sampler's.
    pub fn sampling(&self, plan: &Plan) -> Result<f64, RunError> {
        let steps = (plan.sampling.sampler)(plan)?.grid().steps();
        let evaluations = plan.sampling.count as f64 * plan.sampling.weights.len() as f64 * steps as f64;
        let of_bound = plan.scoring.bits_per_dim_images as f64 * plan.chain.len() as f64;
        Ok(self.evaluation * (evaluations + of_bound))
    }
}

/// Seconds of the fastest of three: whatever else the machine does can only make a run slower.
fn fastest(run: &mut impl FnMut() -> Result<(), RunError>) -> Result<f64, RunError> {
    let mut least = f64::INFINITY;
    for _ in 0..3 {
        let started = Instant::now();
        run()?;
        least = least.min(started.elapsed().as_secs_f64());
    }
    Ok(least)
}
