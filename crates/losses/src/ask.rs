//! One batch of training, as an objective meets it.

use burn::tensor::Tensor;
use undrift_denoisers::{Network, Parameterisation, Preconditioned};
use undrift_noise::{Key, Purpose, SampleNoise, index};
use undrift_schedules::{Chain, Span};

use crate::LossError;

/// A raw network that is borrowed for one batch, and what its output means.
pub type Borrowed<'a, const D: usize> = Preconditioned<&'a dyn Network<D>, &'a dyn Parameterisation>;

/// One batch of training: whom to ask, about what, and where its random numbers come from.
///
/// Levels and noise are functions of the seed and of each sample's running number, so that two runs share them whatever
/// they minimise, and a resumed run needs no generator's state. What a wrapper changes for the objective inside, it
/// changes in a clone.
#[derive(Clone)]
pub struct Ask<'a, const D: usize> {
    /// The network in training, with the conditions of this batch. It may be asked several times; its dropout goes by
    /// address, so that every question about the batch meets the same masks.
    pub model: Borrowed<'a, D>,
    /// The moving average of the network, where training keeps one; no gradient is wanted there.
    pub average: Option<Borrowed<'a, D>>,
    /// The chain that levels are drawn from.
    pub chain: &'a Chain,
    /// The clean batch, `[B, ..]`.
    pub x0: Tensor<D>,
    /// Running number of the first sample over the whole training; the others follow.
    pub first: u64,
    /// The seed of the run.
    pub seed: u64,
    /// The level of each sample, t in 1..=T, where a wrapper has chosen them; uniform ones are drawn otherwise.
    pub ts: Option<Vec<usize>>,
}

impl<const D: usize> Ask<'_, D> {
    /// Number of samples.
    pub fn size(&self) -> usize {
        self.x0.dims()[0]
    }

    /// The running numbers of the samples.
    pub fn samples(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.size() as u64
    }

    /// The noise of the training inputs, before its first draw.
    pub fn noise(&self) -> SampleNoise {
        self.noise_for(Purpose::Training)
    }

    /// Noise of these samples for a purpose of the objective's own, before its first draw.
    pub fn noise_for(&self, purpose: Purpose) -> SampleNoise {
        SampleNoise::new(Key::new(self.seed, purpose), self.first, self.size())
    }

    /// The key that levels are drawn with.
    pub fn levels_key(&self) -> Key {
        Key::new(self.seed, Purpose::Levels)
    }

    /// The chain's own step that starts at each sample's level.
    ///
    /// # Errors
    /// [`LossError::Level`] for a chosen level that the chain does not have.
    pub fn spans(&self) -> Result<Vec<Span>, LossError> {
        let steps = self.chain.len();
        let span = |t: usize| self.chain.span(t).ok_or(LossError::Level { t, steps });
        match &self.ts {
            Some(ts) => ts.iter().map(|&t| span(t)).collect(),
            None => self.samples().map(|n| span(1 + index(self.levels_key(), n, 0, steps))).collect(),
        }
    }
}
