//! The training loop's one step, and the state between two steps.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use undrift_kernels::adam_step;
use undrift_losses::LossError;
use undrift_networks::Trainable;

use crate::adam::Moments;
use crate::clip::{clip_factor, global_norm};
use crate::train_state::{ParameterState, TrainState};
use crate::{Optimisation, TrainError};

/// A network in training: its weights, their moving average, Adam's moments and the number of steps made.
#[derive(Clone, Debug)]
pub struct Trainer<M: Trainable> {
    model: M,
    optimisation: Optimisation,
    /// Moving average of every parameter, in the module's order.
    averages: Vec<Tensor<1>>,
    /// Adam's moments of every parameter, in the module's order.
    moments: Vec<Moments>,
    step: u64,
}

/// What one step of training did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// Number of the step, counted from 0.
    pub step: u64,
    /// Mean loss of the batch, before the update.
    pub loss: f64,
    /// Norm of the gradient over all parameters, before clipping.
    pub gradient_norm: f64,
    /// Learning rate that was used.
    pub learning_rate: f64,
}

impl<M: Trainable> Trainer<M> {
    /// A trainer before its first step; the average starts at the weights of `model`.
    ///
    /// The model is moved to an autodiff device if it is not on one.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for a setting outside its range.
    pub fn new(model: M, optimisation: Optimisation) -> Result<Self, TrainError> {
        optimisation.check()?;
        let model = model.with_autodiff();
        let averages = model.values();
        let zeros = |value: &Tensor<1>| Moments { first: value.zeros_like(), second: value.zeros_like() };
        let moments = averages.iter().map(zeros).collect();
        Ok(Trainer { model, optimisation, averages, moments, step: 0 })
    }

    /// One step: descends the gradient of the mean of what `loss` returns.
    ///
    /// The closure gets the network and the number of the step, from 0. A parameter that the loss does
    /// not depend on keeps its value and its moments; its average goes on.
    ///
    /// # Shapes
    /// The closure returns the loss of each sample, `[B]`, or their mean, `[1]`.
    ///
    /// # Errors
    /// [`TrainError::Loss`] with the closure's error, [`TrainError::NonFinite`] when the loss or the
    /// gradient is NaN or infinite. Nothing has changed then.
    ///
    /// # Panics
    /// When the loss does not depend on any parameter.
    pub fn step(&mut self, loss: impl FnOnce(&M, u64) -> Result<Tensor<1>, LossError>) -> Result<Update, TrainError> {
        let step = self.step;
        let mean = loss(&self.model, step).map_err(|source| TrainError::Loss { step, source })?.mean();
        let loss = finite(step, "loss", mean.clone().inner().into_scalar::<f64>())?;
        let gradients = self.penalised(self.model.gradients(mean.backward()));
        let gradient_norm = finite(step, "gradient norm", global_norm(&gradients))?;
        let factor = clip_factor(gradient_norm, self.optimisation.clip);
        self.update(gradients, factor);
        let learning_rate = self.optimisation.learning_rate(step);
        Ok(Update { step, loss, gradient_norm, learning_rate })
    }

    /// Number of steps made, which is the number of the next one.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The settings.
    pub fn optimisation(&self) -> &Optimisation {
        &self.optimisation
    }

    /// The network in training, on its autodiff device.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The network with its last weights, without autodiff.
    pub fn raw(&self) -> M {
        self.model.without_autodiff()
    }

    /// The network with the moving average of its weights, without autodiff.
    pub fn averaged(&self) -> M {
        self.model.without_autodiff().replaced(self.averages.clone())
    }

    /// All that is needed to go on from here, with `metadata` of the caller's own.
    pub fn state(&self, metadata: BTreeMap<String, String>) -> TrainState {
        let shapes = self.model.shapes();
        let rows = shapes.into_iter().zip(self.model.values()).zip(&self.averages).zip(&self.moments);
        let parameters = rows.map(|((((name, shape), raw), average), moments)| {
            let parts = [&raw, average, &moments.first, &moments.second];
            ParameterState { name, parts: parts.map(|part| reshaped(part.to_data(), &shape)) }
        });
        TrainState::new(self.step, metadata, parameters.collect())
    }

    /// Puts this trainer where the one was from which `state` was taken; the settings stay its own.
    ///
    /// # Errors
    /// [`TrainError::Weights`] lists every missing, unexpected and differently shaped parameter,
    /// [`TrainError::ElementType`] names one of another precision. Nothing has changed then.
    pub fn restore(&mut self, state: &TrainState) -> Result<(), TrainError> {
        let current = self.model.values();
        let saved = state.in_order_of(&self.model)?;
        let (mut weights, mut averages, mut moments) = (Vec::new(), Vec::new(), Vec::new());
        for (saved, current) in saved.iter().zip(&current) {
            saved.check_element_type(current.dtype())?;
            let [raw, average, first, second] = saved.parts.each_ref().map(|part| loaded(part, current));
            weights.push(raw);
            averages.push(average);
            moments.push(Moments { first, second });
        }
        self.model = self.model.clone().replaced(weights);
        (self.averages, self.moments, self.step) = (averages, moments, state.step());
        Ok(())
    }

    /// The gradients with that of `lambda |W|^2` added; untouched where `lambda` is 0.
    fn penalised(&self, gradients: Vec<Option<Tensor<1>>>) -> Vec<Option<Tensor<1>>> {
        let slope = 2.0 * self.optimisation.weight_penalty;
        if slope == 0.0 {
            return gradients;
        }
        let rows = gradients.into_iter().zip(self.model.values());
        rows.map(|(gradient, weight)| gradient.map(|gradient| gradient + weight * slope)).collect()
    }

    fn update(&mut self, gradients: Vec<Option<Tensor<1>>>, factor: f64) {
        let Optimisation { adam, ema, .. } = self.optimisation;
        let count = self.step + 1;
        let update = adam.step(count, self.optimisation.learning_rate(self.step), factor);
        let mut weights = self.model.values();
        let moments = std::mem::take(&mut self.moments).into_iter();
        let rows = weights.iter_mut().zip(moments).zip(gradients);
        let descend = rows.map(|((weight, moments), gradient)| {
            let Some(gradient) = gradient else { return moments };
            let Moments { first, second } = moments;
            let (updated, [first, second]) = adam_step(weight.clone(), [first, second], gradient, update);
            *weight = updated;
            Moments { first, second }
        });
        self.moments = descend.collect();
        let averages = std::mem::take(&mut self.averages).into_iter().zip(&weights);
        self.averages = averages.map(|(average, weight)| ema.averaged(average, weight.clone(), count)).collect();
        self.model = self.model.clone().replaced(weights);
        self.step = count;
    }
}

fn finite(step: u64, quantity: &'static str, value: f64) -> Result<f64, TrainError> {
    if value.is_finite() { Ok(value) } else { Err(TrainError::NonFinite { step, quantity, value }) }
}

fn reshaped(data: TensorData, shape: &[usize]) -> TensorData {
    TensorData::from_bytes(data.bytes().clone(), shape.to_vec(), data.dtype())
}

/// The data as a flat tensor on the device of `like`.
fn loaded(data: &TensorData, like: &Tensor<1>) -> Tensor<1> {
    let flat = reshaped(data.clone(), &like.dims());
    let dtype = flat.dtype();
    Tensor::from_data(flat, (&like.device(), dtype))
}
