//! A training input of one's own: half of each batch is what the model itself makes of a noisier level, after scheduled
//! sampling (Bengio et al. 2015, arXiv:1506.03099). It is trained beside the plain inputs on the same seeds.
//!
//! `scheduled_sampling [STEPS] [SAMPLES]`, by default 150 and 64.

use undrift::burn::tensor::{Device, Tensor};
use undrift::data::{Images, Split, fashion_mnist, quantise};
use undrift::denoisers::{ClipX0, Denoiser, Eps, Levels, OutputVariance, Preconditioned, Question};
use undrift::losses::{Corrupted, Corruption, LossError, Plain, Simple, Weighting, mix};
use undrift::metrics::FashionFeatures;
use undrift::networks::{Condition, DdpmUnet, DdpmUnetConfig};
use undrift::noise::{Key, Noise, Purpose};
use undrift::samplers::Ddim;
use undrift::schedules::{Chain, Level, Spacing};
use undrift::studies::{Draw, Reference};
use undrift::training::{BoxError, Conditioned, Course, Ema, Optimisation, Trainer};

/// The first half of a batch comes from `above` levels further up, by a step of the model in training.
struct OwnSteps {
    chain: Chain,
    above: usize,
}

impl OwnSteps {
    /// Where sample `index` of `count` comes from: a noisier level, or its own where the chain has none.
    fn from(&self, at: Level, index: usize, count: usize) -> Level {
        let t = self.chain.t_of(at).filter(|_| 2 * index < count);
        t.and_then(|t| self.chain.level(t + self.above)).unwrap_or(at)
    }
}

impl Corruption<4> for OwnSteps {
    fn corrupt(
        &self,
        model: &dyn Denoiser<4>,
        x0: &Tensor<4>,
        at: &Levels,
        noise: &mut dyn Noise<4>,
    ) -> Result<Corrupted<4>, LossError> {
        let (count, half) = (x0.dims()[0], x0.dims()[0].div_ceil(2));
        let plain = Plain.corrupt(model, x0, at, noise)?;
        let starts: Vec<Level> = at.iter().enumerate().map(|(index, level)| self.from(level, index, count)).collect();
        let starts = Levels::from(starts);
        // The step is DDIM's, and the target is the noise that leads from where it ends back to x0.
        let belief = model.predict(mix(x0.clone(), plain.eps.clone(), &starts), &Question::from(&starts))?;
        let x = mix(belief.x0().detach(), belief.eps().detach(), at);
        let eps = (x.clone() - x0.clone() * at.column(x0, Level::signal)) / at.column(x0, Level::noise);
        let halves = |own: Tensor<4>, plain: Tensor<4>| {
            Tensor::cat(vec![own.narrow(0, 0, half), plain.narrow(0, half, count - half)], 0)
        };
        Ok(Corrupted { x: halves(x, plain.x), eps: halves(eps, plain.eps) })
    }
}

const SEED: u64 = 0;

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let steps: u64 = arguments.next().map_or(Ok(150), |number| number.parse())?;
    let count: usize = arguments.next().map_or(Ok(64), |number| number.parse())?;

    let (device, chain) = (Device::flex(), Chain::linear_scaled(250)?);
    let data = fashion_mnist(Split::Train).reduced()?;
    let reference = Reference::of(Box::new(FashionFeatures::new(&device)?), &data, 1, &device)?;
    let own: Box<dyn Corruption<4>> = Box::new(OwnSteps { chain: chain.clone(), above: 10 });
    for (name, corruption) in [("plain inputs", Box::new(Plain) as _), ("own steps", own)] {
        let (network, loss) = trained(corruption, &data, &chain, steps, &device)?;
        let samples = drawn(&network, &chain, count, &device)?;
        println!("{name}: loss {loss:.4}, Frechet distance {:.2}", reference.score(&samples)?.frechet);
    }
    Ok(())
}

/// The averaged network, and the mean loss of the last ten steps.
fn trained(
    corruption: Box<dyn Corruption<4>>,
    data: &Images,
    chain: &Chain,
    steps: u64,
    device: &Device,
) -> Result<(DdpmUnet, f64), BoxError> {
    let paper = DdpmUnetConfig { in_channels: 1, out_channels: 1, image_size: 16, ..DdpmUnetConfig::cifar10() };
    let small = DdpmUnetConfig { blocks: 1, attention: vec![], groups: 8, ..paper.with_multiples(16, &[1, 2]) };
    let network = small.init(device, Key::new(SEED, Purpose::Initialisation))?;
    let settings = Optimisation { clip: Some(1.0), ema: Ema::ramped(0.999), ..Optimisation::constant(1e-3) };
    let mut trainer = Trainer::new(network, settings)?;
    let mut course = Course::new(data, chain, &Eps, 32, SEED, device)?;
    let mut objective = Simple { corruption, weighting: Weighting::Uniform };
    let mut losses = Vec::new();
    for _ in 0..steps {
        losses.push(trainer.step_in_parts(1, |turn| course.loss(&mut objective, turn))?.loss);
    }
    let last = &losses[losses.len().saturating_sub(10)..];
    Ok((trainer.averaged(), last.iter().sum::<f64>() / last.len() as f64))
}

/// Samples by ten steps of DDIM, where exposure bias is large.
fn drawn(network: &DdpmUnet, chain: &Chain, count: usize, device: &Device) -> Result<Images, BoxError> {
    let network = Conditioned::new(network, Condition::None);
    let model = &ClipX0(Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None });
    let (solver, grid, shape) = (&Ddim::default(), &chain.respace(Spacing::Trailing, 10)?, [1, 16, 16]);
    let draw = Draw { model, solver, grid, shape, start_scale: 1.0, device };
    let samples = quantise(draw.in_batches(Key::new(SEED, Purpose::Sampling), count, 64)?)?;
    Ok(Images::new(samples, vec![0; count], shape)?)
}
