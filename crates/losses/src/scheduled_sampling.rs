//! Scheduled sampling: training on inputs that the model has sampled itself.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels, Question, column};
use undrift_noise::Noise;
use undrift_schedules::{Chain, Level};

use crate::{Corrupted, Corruption, LossError, mix};

/// Scheduled sampling: a share of the samples is noised to a noisier level and brought back to its own by a step of the
/// model in training, so that it learns from the inputs that its own steps make (Bengio, Vinyals, Jaitly, Shazeer 2015,
/// arXiv:1506.03099, of sequences; here for the levels of a chain).
///
/// The step is DDIM's without noise, with the belief at the noisier level, and no gradient flows through it. Plain and
/// sampled inputs share their draw of eps; which samples are sampled is the second draw, one uniform number of each. The
/// target of a sampled input is the noise that leads from it back to `x0`, `(x - signal x0) / noise`. A sample whose
/// level has none so far above in the chain stays plain. At a share of 0 it is [`Plain`](crate::Plain): nothing more is
/// drawn, nothing asked, and no bit changes.
#[derive(Clone, Debug)]
pub struct ScheduledSampling {
    chain: Chain,
    share: f64,
    above: usize,
}

impl ScheduledSampling {
    /// Sampled inputs for a `share` in 0..=1 of the samples, from the next noisier level of `chain`, which training
    /// draws its levels from.
    ///
    /// # Errors
    /// [`LossError::SampledShare`] for a share out of its range.
    pub fn new(chain: Chain, share: f64) -> Result<Self, LossError> {
        match (0.0..=1.0).contains(&share) {
            true => Ok(ScheduledSampling { chain, share, above: 1 }),
            false => Err(LossError::SampledShare { share }),
        }
    }

    /// The same from so many levels above, as a sampler of fewer steps comes.
    #[must_use]
    pub fn from_above(self, levels: usize) -> Self {
        ScheduledSampling { above: levels, ..self }
    }

    /// Where a sample comes from that is to be at `at`; `None` where the chain ends before.
    fn above(&self, at: Level) -> Result<Option<Level>, LossError> {
        let t = self.chain.t_of(at).ok_or(LossError::OffChain { time: at.time() })?;
        Ok(self.chain.level(t + self.above))
    }

    /// Where each sample comes from: its own level, unless the number drawn for it falls into the share.
    fn starts(&self, at: &Levels, drawn: &[f64]) -> Result<Vec<(Level, bool)>, LossError> {
        let each = drawn.iter().enumerate().filter_map(|(sample, drawn)| at.of(sample).map(|level| (level, *drawn)));
        let start = |(level, drawn): (Level, f64)| match self.above(level)? {
            Some(above) if drawn < self.share => Ok((above, true)),
            _ => Ok((level, false)),
        };
        each.map(start).collect()
    }
}

impl<const D: usize> Corruption<D> for ScheduledSampling {
    fn corrupt(
        &self,
        model: &dyn Denoiser<D>,
        x0: &Tensor<D>,
        at: &Levels,
        noise: &mut dyn Noise<D>,
    ) -> Result<Corrupted<D>, LossError> {
        let eps = noise.normal(x0);
        let x = mix(x0.clone(), eps.clone(), at);
        if self.share == 0.0 {
            return Ok(Corrupted { x, eps });
        }
        let (starts, sampled): (Vec<Level>, Vec<bool>) = self.starts(at, &noise.uniforms(x0))?.into_iter().unzip();
        if !sampled.contains(&true) {
            return Ok(Corrupted { x, eps });
        }
        let from = Levels::from(starts);
        let belief = model.predict(mix(x0.clone(), eps.clone(), &from), &Question::from(&from))?;
        let own = mix(belief.x0().detach(), belief.eps().detach(), at);
        let own_eps = (own.clone() - x0.clone() * at.column(x0, Level::signal)) / at.column(x0, Level::noise);
        let flags: Vec<f64> = sampled.into_iter().map(f64::from).collect();
        let mask = column(&flags, x0).greater_elem(0.5).expand(x0.dims());
        Ok(Corrupted { x: x.mask_where(mask.clone(), own), eps: eps.mask_where(mask, own_eps) })
    }
}
