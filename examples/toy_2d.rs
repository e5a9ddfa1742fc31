//! A network of one's own on a toy of two dimensions: a perceptron written as a Burn module learns the checkerboard.
//!
//! `toy_2d [STEPS] [SAMPLES]`, by default 1500 and 1000.

use undrift::burn;
use undrift::burn::module::{Module, Param};
use undrift::burn::tensor::activation::silu;
use undrift::burn::tensor::{DType, Device, Tensor};
use undrift::data::{Dataset, Toy};
use undrift::denoisers::{Eps, OutputVariance, Preconditioned};
use undrift::losses::{Plain, Simple, Weighting};
use undrift::metrics::energy_distance;
use undrift::networks::{Backbone, Condition, ConditionKind, Mode, NetworkError, Sinusoids};
use undrift::noise::{Key, Noise, Purpose, SampleNoise};
use undrift::samplers::Ddim;
use undrift::schedules::{Chain, Spacing};
use undrift::studies::Draw;
use undrift::training::{BoxError, Conditioned, Course, Ema, Optimisation, Trainer};

/// Units of every layer.
const WIDTH: usize = 64;

/// A perceptron of three layers; the time is added to the first.
#[derive(Module, Debug)]
struct Perceptron {
    point: Param<Tensor<2>>,
    time: Param<Tensor<2>>,
    hidden: Param<Tensor<2>>,
    out: Param<Tensor<2>>,
}

impl Perceptron {
    /// Weights with the standard deviation `1 / sqrt(inputs)`, a function of the seed alone; the last ones are 0.
    fn new(seed: u64, device: &Device) -> Self {
        let weights = |layer: u64, inputs: usize| {
            let mut noise = SampleNoise::new(Key::new(seed, Purpose::Initialisation), layer << 32, inputs);
            noise.normal(&Tensor::<2>::zeros([inputs, WIDTH], device)) / (inputs as f64).sqrt()
        };
        let [point, time, hidden] =
            [(0, 2), (1, WIDTH), (2, WIDTH)].map(|(layer, inputs)| Param::from_tensor(weights(layer, inputs)));
        Perceptron { point, time, hidden, out: Param::from_tensor(Tensor::zeros([WIDTH, 2], device)) }
    }
}

impl Backbone<4> for Perceptron {
    fn forward(
        &self,
        x: Tensor<4>,
        time: Tensor<1>,
        condition: &Condition,
        _mode: Mode<'_>,
    ) -> Result<Tensor<4>, NetworkError> {
        let [batch, ..] = x.dims();
        self.knows().check(condition, batch)?;
        let time = Sinusoids::DDPM.embed(time, WIDTH).matmul(self.time.val());
        let first = silu(x.reshape([batch, 2]).matmul(self.point.val()) + time);
        let second = silu(first.matmul(self.hidden.val()));
        Ok(second.matmul(self.out.val()).reshape([batch, 2, 1, 1]))
    }

    fn knows(&self) -> ConditionKind {
        ConditionKind::None
    }
}

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let steps: u64 = arguments.next().map_or(Ok(1500), |number| number.parse())?;
    let count: usize = arguments.next().map_or(Ok(1000), |number| number.parse())?;

    let (seed, device, chain) = (0, Device::flex(), Chain::linear_scaled(100)?);
    let data = Toy::Checkerboard.points(20_000, Key::new(seed, Purpose::Data))?;
    let unseen = Toy::Checkerboard.points(count, Key::new(seed + 1, Purpose::Data))?;
    let unseen = unseen.batch(&(0..count).collect::<Vec<_>>(), &[], &device, DType::F32)?;
    let grid = chain.respace(Spacing::Trailing, 25)?;
    let distance = |network: &Perceptron| -> Result<f64, BoxError> {
        let network = Conditioned::new(network, Condition::None);
        let model = &Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let (solver, shape) = (&Ddim::default(), [2, 1, 1]);
        let draw = Draw { model, solver, grid: &grid, shape, start_scale: 1.0, device: &device };
        let samples = draw.in_batches(Key::new(seed, Purpose::Sampling), count, count)?;
        Ok(energy_distance(samples, unseen.clone())?)
    };

    let settings = Optimisation { ema: Ema::ramped(0.995), ..Optimisation::constant(3e-3) };
    let mut trainer = Trainer::new(Perceptron::new(seed, &device), settings)?;
    let mut course = Course::new(&data, &chain, &Eps, 256, seed, &device)?;
    let mut objective = Simple { corruption: Plain, weighting: Weighting::Uniform };
    println!("untrained: energy distance {:.5}", distance(&trainer.raw())?);
    for _ in 0..steps {
        trainer.step_in_parts(1, |turn| course.loss(&mut objective, turn))?;
    }
    println!("trained: energy distance {:.5}", distance(&trainer.averaged())?);
    Ok(())
}
