//! Classifier-free guidance (Ho, Salimans 2022, arXiv:2207.12598): a perceptron learns Fashion-MNIST with its classes, a
//! tenth of which it loses, and is guided towards them while sampling. It gives x0, as layers of so few units pass no
//! noise on.
//!
//! `guidance [STEPS] [COLUMNS] [PICTURE]`, by default 400, 8 and `guidance.png`, which has a row for each class.

use undrift::burn::tensor::{DType, Device};
use undrift::data::{Images, Split, fashion_mnist, quantise};
use undrift::denoisers::{ClassifierFree, ClipX0, OutputVariance, Preconditioned, X0};
use undrift::losses::{Plain, Simple, Weighting};
use undrift::metrics::{FashionFeatures, FeatureExtractor};
use undrift::networks::{Condition, Perceptron, PerceptronConfig};
use undrift::noise::{Key, Purpose};
use undrift::samplers::Ddim;
use undrift::schedules::{Chain, Spacing};
use undrift::studies::Draw;
use undrift::training::{BoxError, Conditioned, Course, Ema, Optimisation, Trainer};

const SEED: u64 = 0;
const CLASSES: u32 = 10;
const SHAPE: [usize; 3] = [1, 16, 16];

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let steps: u64 = arguments.next().map_or(Ok(400), |number| number.parse())?;
    let columns: usize = arguments.next().map_or(Ok(8), |number| number.parse())?;
    let picture = arguments.next().unwrap_or("guidance.png".to_owned());

    let (device, chain) = (Device::flex(), Chain::linear_scaled(250)?);
    let network = trained(&chain, steps, &device)?;
    let classes: Vec<u32> = (0..CLASSES).flat_map(|class| vec![class; columns]).collect();
    let mut shown = Vec::new(); // in the end those of the strongest guidance
    for scale in [0.0, 1.0, 3.0] {
        shown = drawn(&network, &classes, scale, &chain, &device)?;
        let images = Images::new(shown.clone(), classes.clone(), SHAPE)?;
        println!("guidance {scale}: {:.1}% of the samples are of their class", 100.0 * hits(&images, &device)?);
    }
    Ok(std::fs::write(&picture, undrift::report::grid_png(&shown, 1, 16, 16, columns, 4)?)?)
}

fn trained(chain: &Chain, steps: u64, device: &Device) -> Result<Perceptron, BoxError> {
    let data = fashion_mnist(Split::Train).reduced()?;
    let classes = Some(CLASSES as usize);
    let shape = PerceptronConfig { input: SHAPE, out_channels: 1, width: 256, classes, ..PerceptronConfig::points(1) };
    let network = shape.init(device, Key::new(SEED, Purpose::Initialisation))?;
    let settings = Optimisation { clip: Some(1.0), ema: Ema::ramped(0.99), ..Optimisation::constant(1e-3) };
    let mut trainer = Trainer::new(network, settings)?;
    let mut course = Course::new(&data, chain, &X0, 64, SEED, device)?.with_label_dropout(0.1);
    let mut objective = Simple { corruption: Plain, weighting: Weighting::Uniform };
    for _ in 0..steps {
        trainer.step_in_parts(1, |turn| course.loss(&mut objective, turn))?;
    }
    Ok(trainer.averaged())
}

/// A sample of each of the classes, as bytes.
fn drawn(
    network: &Perceptron,
    classes: &[u32],
    scale: f64,
    chain: &Chain,
    device: &Device,
) -> Result<Vec<u8>, BoxError> {
    let condition = Condition::classes(classes);
    let asked = |condition| Preconditioned {
        network: Conditioned::new(network, condition),
        parameterisation: X0,
        variance: OutputVariance::None,
    };
    let (conditional, unconditional) = (asked(condition.clone()), asked(condition.unconditional()));
    let model = &ClipX0(ClassifierFree { conditional, unconditional, scale, channels: None });
    let (solver, grid) = (&Ddim::default(), &chain.respace(Spacing::Trailing, 25)?);
    let draw = Draw { model, solver, grid, shape: SHAPE, start_scale: 1.0, device };
    // The condition is that of all samples, so they are one batch.
    Ok(quantise(draw.in_batches(Key::new(SEED, Purpose::Sampling), classes.len(), classes.len())?)?)
}

/// The share of images that the embedded classifier takes for what they should be.
fn hits(images: &Images, device: &Device) -> Result<f64, BoxError> {
    let all: Vec<usize> = (0..images.len()).collect();
    let seen = FashionFeatures::new(device)?.extract(images.batch(&all, &[], device, DType::F32));
    let found = seen.probabilities.argmax(1).into_data();
    let right = found.iter::<i64>().zip(images.labels()).filter(|&(found, &class)| found == i64::from(class));
    Ok(right.count() as f64 / images.len() as f64)
}
