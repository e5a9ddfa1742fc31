//! The trial run of a sampler over its whole grid, before any network is there.

use super::{Method, MethodError, Sampler, SamplerSettings};
use crate::registry;
use burn::tensor::{DType, Tensor};
use std::sync::atomic::{AtomicUsize, Ordering};
use undrift_denoisers::{
    DenoiseError, Denoiser, Gaussian, LearnedVariance, OutputVariance, Parameterisation, Preconditioned, Prediction,
    Question, Variance,
};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_samplers::{SampleError, steps};
use undrift_schedules::Chain;

/// What a network's output means: all that decides whether a sampler can ask it.
#[derive(Clone, Copy)]
pub struct Outputs<'a> {
    /// What (the first half of) it is.
    pub parameterisation: &'a dyn Parameterisation,
    /// What the second half of its channels is.
    pub variance: OutputVariance,
}

/// The shape of the images that a trial draws.
const TRIED: [usize; 4] = [2, 1, 4, 4];

/// A network without weights that depends on image and label, and leaves the range of the data.
pub(super) fn untrained(outputs: Outputs<'_>) -> impl Denoiser<4> + '_ {
    let network = move |x: Tensor<4>, time: Tensor<1>| {
        let labels = time.dims()[0];
        let belief = (x * 1.5).sin() * 1.5 + time.reshape([labels, 1, 1, 1]) * 1e-4;
        match outputs.variance {
            OutputVariance::None => belief,
            OutputVariance::LogVariance => Tensor::cat(vec![belief.clone(), belief * 0.1 - 6.0], 1),
            OutputVariance::Range => Tensor::cat(vec![belief.clone(), belief * 0.1], 1),
        }
    };
    Preconditioned { network, parameterisation: outputs.parameterisation, variance: outputs.variance }
}

/// The exact Gaussian, which can be asked anything, with a variance beside its belief.
pub(super) struct Anything;

impl Denoiser<4> for Anything {
    fn predict(&self, x: Tensor<4>, at: &Question<4>) -> Result<Prediction<4>, DenoiseError> {
        let range = LearnedVariance::Range(x.zeros_like());
        Ok(Gaussian { mean: 0.0, std: 0.5 }.predict(x, at)?.with_log_variance(range))
    }
}

/// The values at the end of a sampler's run, bit for bit; none where the run depends on the very samples.
///
/// # Errors
/// The first step that cannot be made.
pub(super) fn tried(sampler: &Sampler, model: &dyn Denoiser<4>) -> Result<Option<Vec<u64>>, MethodError> {
    let model = sampler.denoiser(Box::new(model))?;
    let refused = |source: SampleError| MethodError::Refused { method: "sampler".to_owned(), why: source.to_string() };
    sampler.solver().check(sampler.grid()).map_err(refused)?;
    let (mut noise, x) = start();
    let mut last = None;
    for step in steps(&*model, sampler.solver(), sampler.grid(), x, &mut noise) {
        match step {
            Ok(step) => last = Some(step.x),
            // Where a released time shift lands depends on the very samples.
            Err(SampleError::ShiftUp { .. } | SampleError::ShiftPastData { .. }) => return Ok(None),
            Err(source) => return Err(refused(source)),
        }
    }
    Ok(last.map(|x| x.into_data().iter::<f64>().map(f64::to_bits).collect()))
}

/// A model that counts how often it is asked.
struct Counted(AtomicUsize);

impl Denoiser<4> for Counted {
    fn predict(&self, x: Tensor<4>, at: &Question<4>) -> Result<Prediction<4>, DenoiseError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Anything.predict(x, at)
    }
}

impl Sampler {
    /// How often the network is asked for one sample; none where that depends on the very samples.
    ///
    /// # Errors
    /// The first step that cannot be made.
    pub fn evaluations(&self) -> Result<Option<usize>, MethodError> {
        let model = Counted(AtomicUsize::new(0));
        Ok(tried(self, &model)?.map(|_| model.0.load(Ordering::Relaxed)))
    }
}

fn start() -> (SampleNoise, Tensor<4>) {
    let mut noise = SampleNoise::new(Key::new(0, Purpose::Evaluation), 0, TRIED[0]);
    let x = noise.normal(&Tensor::zeros(TRIED, (&registry::host(), DType::F64)));
    (noise, x)
}

/// The part of a sampler whose fault a refusal is: the network's output, the solver, or the first wrapper with which
/// the run fails.
pub(super) fn to_blame(
    settings: &SamplerSettings,
    chain: &Chain,
    variance: Variance,
    model: &dyn Denoiser<4>,
) -> String {
    let with = |wrappers: &[Method]| {
        let part = SamplerSettings { wrappers: wrappers.to_vec(), ..settings.clone() };
        part.assembled(chain, variance).and_then(|sampler| tried(&sampler, model))
    };
    let knows = |sampler: Sampler| {
        let (_, x) = start();
        sampler.grid().levels().all(|level| model.predict(x.clone(), &Question::from(level)).is_ok())
    };
    if !settings.assembled(chain, variance).is_ok_and(knows) {
        return "model.prediction".to_owned();
    }
    let first = (0..=settings.wrappers.len()).find(|&count| with(&settings.wrappers[..count]).is_err());
    match first.and_then(|count| settings.wrappers.get(count.checked_sub(1)?)) {
        Some(wrapper) => wrapper.to_string(),
        None => settings.solver.to_string(),
    }
}
