//! What a network is taught: data, levels and meaning of the output, batch by batch.

use std::cell::OnceCell;

use burn::tensor::{DType, Device, Tensor};
use undrift_data::{Batch, Batches, DataError, Dataset, Flips};
use undrift_denoisers::{DenoiseError, Network, OutputVariance, Parameterisation, Preconditioned};
use undrift_losses::{Ask, Objective};
use undrift_networks::{Backbone, Condition, ConditionKind, NetworkError, Trainable};
use undrift_noise::{Key, Purpose, SampleNoise};
use undrift_schedules::Chain;

use crate::{BoxError, Conditioned, Turn};

/// What a network is taught: a data set in batches, the chain that levels are drawn from, and what the output means.
///
/// Batches, levels, noise, dropout and lost labels are functions of the seed and of the number of the batch, so that a
/// stopped run goes on bit for bit, and two runs of one seed share them whatever they minimise.
#[derive(Clone)]
pub struct Course<'a> {
    data: &'a dyn Dataset,
    batches: Batches,
    size: usize,
    device: Device,
    seed: u64,
    chain: &'a Chain,
    parameterisation: &'a dyn Parameterisation,
    variance: OutputVariance,
    label_dropout: f64,
}

impl<'a> Course<'a> {
    /// Batches of `size` samples, never mirrored, on `device`, for an output without variance channels; no label is
    /// lost.
    ///
    /// # Errors
    /// [`DataError::EmptyBatch`] for a size of 0.
    pub fn new(
        data: &'a dyn Dataset,
        chain: &'a Chain,
        parameterisation: &'a dyn Parameterisation,
        size: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self, DataError> {
        let batches = Batches::new(Key::new(seed, Purpose::Data), data.len(), size, Flips::None)?;
        let (device, variance) = (device.clone().autodiff(), OutputVariance::None);
        Ok(Course { data, batches, size, device, seed, chain, parameterisation, variance, label_dropout: 0.0 })
    }

    /// The same with samples mirrored as `flips` says.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_flips(self, flips: Flips) -> Result<Self, DataError> {
        let batches = Batches::new(Key::new(self.seed, Purpose::Data), self.data.len(), self.size, flips)?;
        Ok(Course { batches, ..self })
    }

    /// The same for an output whose second half of channels is this.
    #[must_use]
    pub fn with_variance(self, variance: OutputVariance) -> Self {
        Course { variance, ..self }
    }

    /// The same where a sample of a network with classes loses its own with `probability` in `[0, 1]`, as
    /// classifier-free guidance asks (Ho, Salimans 2022, arXiv:2207.12598, algorithm 1). A DiT loses labels by itself
    /// (`DitConfig::label_dropout`).
    #[must_use]
    pub fn with_label_dropout(self, probability: f64) -> Self {
        Course { label_dropout: probability, ..self }
    }

    /// The loss of each sample of the batch that a turn asks for; every part of a step is a batch of its own.
    ///
    /// A network that knows classes gets those of the data, with their share of lost ones.
    ///
    /// # Shapes
    /// `[size]`.
    ///
    /// # Errors
    /// Whatever the objective, the network and the data set answer.
    pub fn loss<M: Backbone<4> + Trainable>(
        &mut self,
        objective: &mut dyn Objective<4>,
        turn: Turn<'_, M>,
    ) -> Result<Tensor<1>, BoxError> {
        let number = turn.step() * turn.parts() + turn.part();
        let first = number * self.size as u64;
        let drawn = self.batches.batch(number);
        let x0 = self.data.batch(&drawn.indices, &drawn.flips, &self.device, DType::F32)?;
        let condition = self.condition(turn.model().knows(), &drawn, first)?;
        let answering = Teacher { turn, made: OnceCell::new(), condition: condition.clone() };
        let learning = Conditioned::new(turn.model(), condition).in_training(self.noise(Purpose::Dropout, first));
        let (parameterisation, variance) = (self.parameterisation, self.variance);
        let meant = |network| Preconditioned::<&dyn Network<4>, _> { network, parameterisation, variance };
        let (model, average) = (meant(&learning), Some(meant(&answering)));
        Ok(objective.loss(Ask { model, average, chain: self.chain, x0, first, seed: self.seed, ts: None })?)
    }

    /// What the samples of a batch are conditioned on, for a network that knows classes.
    fn condition(&self, knows: ConditionKind, drawn: &Batch, first: u64) -> Result<Condition, NetworkError> {
        let labels = match knows {
            ConditionKind::Classes { .. } => self.data.labels(),
            _ => None,
        };
        let Some(labels) = labels else { return Ok(Condition::None) };
        let classes: Vec<u32> = drawn.indices.iter().map(|&index| labels[index]).collect();
        let mut noise = self.noise(LABEL_DROPOUT, first);
        Condition::classes(&classes).dropped(self.label_dropout, &mut noise, &self.device)
    }

    fn noise(&self, purpose: Purpose, first: u64) -> SampleNoise {
        SampleNoise::new(Key::new(self.seed, purpose), first, self.size)
    }
}

/// The averaged network, which is made when it is first asked.
struct Teacher<'a, M: Trainable> {
    turn: Turn<'a, M>,
    made: OnceCell<M>,
    condition: Condition,
}

impl<M: Backbone<4> + Trainable> Network<4> for Teacher<'_, M> {
    fn forward(&self, x: Tensor<4>, time: Tensor<1>) -> Result<Tensor<4>, DenoiseError> {
        let network = self.made.get_or_init(|| self.turn.averaged());
        Conditioned::new(network, self.condition.clone()).forward(x, time)
    }
}

/// Which samples lose their label.
const LABEL_DROPOUT: Purpose = Purpose::named("label dropout");
