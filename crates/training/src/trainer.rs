//! The training loop's one step, and the state between two steps.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use undrift_kernels::adam_step;
use undrift_networks::Trainable;

use crate::adam::Moments;
use crate::average::Average;
use crate::clip::{clip_factor, global_norm};
use crate::error::within;
use crate::train_state::{ParameterState, TrainState};
use crate::{BoxError, Ema, Optimisation, TrainError, Turn};

/// A network in training: its weights, their moving averages, Adam's moments and the number of steps made.
#[derive(Clone, Debug)]
pub struct Trainer<M: Trainable> {
    model: M,
    optimisation: Optimisation,
    average: Average,
    /// Further averages, by name.
    others: BTreeMap<String, Average>,
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
        let average = Average::new(optimisation.ema, model.values());
        let zeros = |value: &Tensor<1>| Moments { first: value.zeros_like(), second: value.zeros_like() };
        let moments = average.values.iter().map(zeros).collect();
        Ok(Trainer { model, optimisation, average, others: BTreeMap::new(), moments, step: 0 })
    }

    /// The same with one more moving average, which starts at the weights of now.
    ///
    /// # Errors
    /// [`TrainError::AverageName`] for a name that no file can hold, or that there is already;
    /// [`TrainError::Setting`] for a decay outside its range.
    pub fn with_average(mut self, name: &str, ema: Ema) -> Result<Self, TrainError> {
        ema.check()?;
        let known = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        if name.is_empty() || !name.chars().all(known) || self.others.contains_key(name) {
            return Err(TrainError::AverageName { name: name.to_owned() });
        }
        self.others.insert(name.to_owned(), Average::new(ema, self.model.values()));
        Ok(self)
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
    /// [`TrainError::Loss`] with the closure's error, [`TrainError::Untracked`] for a loss without a gradient,
    /// [`TrainError::NonFinite`] when the loss or the gradient is NaN or infinite. Nothing has changed then.
    pub fn step(&mut self, loss: impl FnOnce(&M, u64) -> Result<Tensor<1>, BoxError>) -> Result<Update, TrainError> {
        let descent = self.descent(0, 1, |turn| loss(turn.model(), turn.step()))?;
        self.finish(descent)
    }

    /// One step whose batch is seen in `parts` parts of one size, so that no more than a part needs to be in memory:
    /// descends the mean of their gradients, which is that of the whole batch but for rounding.
    ///
    /// The closure gets the network, the averages and the numbers of the step and of the part.
    ///
    /// # Shapes
    /// The closure returns the loss of each sample of a part, `[B]`, or their mean, `[1]`.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for no parts, and those of [`step`](Self::step).
    pub fn step_in_parts(
        &mut self,
        parts: u64,
        mut loss: impl FnMut(Turn<'_, M>) -> Result<Tensor<1>, BoxError>,
    ) -> Result<Update, TrainError> {
        within("number of parts", parts as f64, "at least 1", parts > 0)?;
        let mut whole = self.descent(0, parts, &mut loss)?;
        for part in 1..parts {
            whole = whole.joined(self.descent(part, parts, &mut loss)?);
        }
        self.finish(whole)
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
        self.average.of(&self.model)
    }

    /// The network with the further average of this name, without autodiff; `None` where there is none.
    pub fn average(&self, name: &str) -> Option<M> {
        self.others.get(name).map(|average| average.of(&self.model))
    }

    /// All that is needed to go on from here, with `metadata` of the caller's own.
    pub fn state(&self, metadata: BTreeMap<String, String>) -> TrainState {
        let shapes = self.model.shapes();
        let rows = shapes.into_iter().zip(self.model.values()).zip(&self.average.values).zip(&self.moments);
        let parameters = rows.enumerate().map(|(row, (((named, raw), average), moments))| {
            let (name, shape) = named;
            let data = |tensor: &Tensor<1>| reshaped(tensor.to_data(), &shape);
            let parts = [&raw, average, &moments.first, &moments.second].map(data);
            let others = self.others.iter().map(|(name, average)| (name.clone(), data(&average.values[row])));
            let others = others.collect();
            ParameterState { name, parts, others }
        });
        TrainState::new(self.step, metadata, parameters.collect())
    }

    /// Puts this trainer where the one was from which `state` was taken; the settings stay its own.
    ///
    /// # Errors
    /// [`TrainError::Weights`] lists every missing, unexpected and differently shaped parameter,
    /// [`TrainError::ElementType`] names one of another precision, [`TrainError::Averages`] says which averages
    /// there are and should be. Nothing has changed then.
    pub fn restore(&mut self, state: &TrainState) -> Result<(), TrainError> {
        let current = self.model.values();
        let saved = state.in_order_of(&self.model)?;
        self.check_averages(state)?;
        let (mut weights, mut averages, mut moments) = (Vec::new(), Vec::new(), Vec::new());
        let mut others = self.others.clone();
        others.values_mut().for_each(|average| average.values.clear());
        for (saved, current) in saved.iter().zip(&current) {
            saved.check_element_type(current.dtype())?;
            let [raw, average, first, second] = saved.parts.each_ref().map(|part| loaded(part, current));
            weights.push(raw);
            averages.push(average);
            moments.push(Moments { first, second });
            others.iter_mut().for_each(|(name, average)| average.values.push(loaded(&saved.others[name], current)));
        }
        self.model = self.model.clone().replaced(weights);
        self.average.values = averages;
        (self.others, self.moments, self.step) = (others, moments, state.step());
        Ok(())
    }

    fn check_averages(&self, state: &TrainState) -> Result<(), TrainError> {
        let (expected, found): (Vec<String>, _) = (self.others.keys().cloned().collect(), state.averages());
        if expected == found { Ok(()) } else { Err(TrainError::Averages { expected, found }) }
    }

    /// The loss and the gradient of one part, each divided by the number of parts.
    fn descent(
        &self,
        part: u64,
        parts: u64,
        loss: impl FnOnce(Turn<'_, M>) -> Result<Tensor<1>, BoxError>,
    ) -> Result<Descent, TrainError> {
        let Trainer { model, average, others, step, .. } = self;
        let step = *step;
        let turn = Turn { model, average, others, step, part, parts };
        let mean = loss(turn).map_err(|source| TrainError::Loss { step, source })?.mean();
        let mean = if parts == 1 { mean } else { mean / parts as f64 };
        if !mean.is_tracked() {
            return Err(TrainError::Untracked { step });
        }
        let loss = finite(step, "loss", mean.clone().inner().into_scalar::<f64>())?;
        Ok(Descent { loss, gradients: model.gradients(mean.backward()) })
    }

    fn finish(&mut self, Descent { loss, gradients }: Descent) -> Result<Update, TrainError> {
        let step = self.step;
        let gradients = self.penalised(gradients);
        let gradient_norm = finite(step, "gradient norm", global_norm(&gradients))?;
        let factor = clip_factor(gradient_norm, self.optimisation.clip);
        self.update(gradients, factor);
        let learning_rate = self.optimisation.learning_rate(step);
        Ok(Update { step, loss, gradient_norm, learning_rate })
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
        let (adam, count) = (self.optimisation.adam, self.step + 1);
        let learning_rate = self.optimisation.learning_rate(self.step);
        let update = adam.step(count, learning_rate, factor);
        let mut weights = self.model.values();
        let moments = std::mem::take(&mut self.moments).into_iter();
        let rows = weights.iter_mut().zip(moments).zip(gradients);
        let descend = rows.map(|((weight, moments), gradient)| {
            let Some(gradient) = gradient else { return moments };
            let (Moments { first, second }, start) = (moments, adam.decayed(weight.clone(), learning_rate));
            let (updated, [first, second]) = adam_step(start, [first, second], gradient, update);
            *weight = updated;
            Moments { first, second }
        });
        self.moments = descend.collect();
        self.average.follow(&weights, count);
        self.others.values_mut().for_each(|average| average.follow(&weights, count));
        self.model = self.model.clone().replaced(weights);
        self.step = count;
    }
}

/// The loss of a batch, and its gradient.
struct Descent {
    loss: f64,
    gradients: Vec<Option<Tensor<1>>>,
}

impl Descent {
    /// The sum of two.
    fn joined(self, other: Descent) -> Descent {
        let sum = |(one, other): (Option<Tensor<1>>, Option<Tensor<1>>)| match (one, other) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        let gradients = self.gradients.into_iter().zip(other.gradients).map(sum).collect();
        Descent { loss: self.loss + other.loss, gradients }
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
