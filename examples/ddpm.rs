//! DDPM (Ho et al. 2020, arXiv:2006.11239) on the embedded sample of Fashion-MNIST: trains a small U-Net with L_simple,
//! draws samples with DDIM before and after, and scores them.
//!
//! `ddpm [STEPS] [SAMPLES] [PICTURE]`, by default 300, 64 and `ddpm.png`.

use undrift::burn::tensor::Device;
use undrift::data::{Images, Split, fashion_mnist, quantise};
use undrift::denoisers::{ClipX0, Eps, OutputVariance, Preconditioned};
use undrift::losses::{Plain, Simple, Weighting};
use undrift::metrics::FashionFeatures;
use undrift::networks::{Condition, DdpmUnet, DdpmUnetConfig};
use undrift::noise::{Key, Purpose};
use undrift::samplers::Ddim;
use undrift::schedules::{Chain, Spacing};
use undrift::studies::{Draw, Reference};
use undrift::training::{BoxError, Conditioned, Course, Ema, Optimisation, Trainer};

fn main() -> Result<(), BoxError> {
    undrift::kernels::on_worker_thread(run) // saves a small network some milliseconds per step
}

fn run() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let steps: u64 = arguments.next().map_or(Ok(300), |number| number.parse())?;
    let count: usize = arguments.next().map_or(Ok(64), |number| number.parse())?;
    let picture = arguments.next().unwrap_or("ddpm.png".to_owned());

    let (seed, device) = (0, Device::flex());
    let (data, chain) = (fashion_mnist(Split::Train).reduced()?, Chain::linear_scaled(250)?);
    let paper = DdpmUnetConfig { in_channels: 1, out_channels: 1, image_size: 16, ..DdpmUnetConfig::cifar10() };
    let small = DdpmUnetConfig { blocks: 1, attention: vec![], groups: 8, ..paper.with_multiples(16, &[1, 2]) };
    let network = small.init(&device, Key::new(seed, Purpose::Initialisation))?;

    let reference = Reference::of(Box::new(FashionFeatures::new(&device)?), &data, 1, &device)?;
    let grid = chain.respace(Spacing::Trailing, 25)?;
    let draw = |network: &DdpmUnet| -> Result<Images, BoxError> {
        let network = Conditioned::new(network, Condition::None);
        let model = &ClipX0(Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None });
        let (solver, grid, shape, device) = (&Ddim::default(), &grid, [1, 16, 16], &device);
        let draw = Draw { model, solver, grid, shape, start_scale: 1.0, device };
        let samples = quantise(draw.in_batches(Key::new(seed, Purpose::Sampling), count, 64)?)?;
        Ok(Images::new(samples, vec![0; count], shape)?)
    };

    let settings = Optimisation { clip: Some(1.0), ema: Ema::ramped(0.999), ..Optimisation::constant(1e-3) };
    let mut trainer = Trainer::new(network, settings)?;
    let mut course = Course::new(&data, &chain, &Eps, 32, seed, &device)?;
    let mut objective = Simple { corruption: Plain, weighting: Weighting::Uniform };
    println!("untrained: Frechet distance {:.2}", reference.score(&draw(&trainer.raw())?)?.frechet);
    for step in 1..=steps {
        let update = trainer.step_in_parts(1, |turn| course.loss(&mut objective, turn))?;
        if step % 100 == 0 || step == steps {
            println!("step {step}: loss {:.4}", update.loss);
        }
    }
    let samples = draw(&trainer.averaged())?;
    println!("trained: Frechet distance {:.2}", reference.score(&samples)?.frechet);
    std::fs::write(&picture, undrift::report::grid_png(samples.pixels(), 1, 16, 16, 8, 4)?)?;
    Ok(())
}
