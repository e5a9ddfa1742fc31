//! A course is the loop over batches that everybody would write, and a function of the seed and the step.

use burn::tensor::{DType, Device, Tensor};
use undrift_data::{Batches, Dataset, Flips, Points, Toy};
use undrift_denoisers::{Eps, Network, OutputVariance, Preconditioned};
use undrift_losses::{Ask, LossError, Objective, Plain, Simple, Weighting};
use undrift_networks::{Condition, Perceptron, PerceptronConfig};
use undrift_noise::{Key, Purpose, SampleNoise};
use undrift_schedules::Chain;
use undrift_training::{Conditioned, Course, Ema, Optimisation, Trainer};

const SIZE: usize = 6;
const SEED: u64 = 3;

fn data() -> Points {
    Toy::Moons.points(40, Key::new(1, Purpose::Data)).unwrap()
}

fn trainer(classes: Option<usize>) -> Trainer<Perceptron> {
    let config = PerceptronConfig { classes, dropout: 0.2, width: 16, depth: 2, ..PerceptronConfig::points(2) };
    let network = config.init(&Device::flex(), Key::new(SEED, Purpose::Initialisation)).unwrap();
    Trainer::new(network, Optimisation { ema: Ema::new(0.5), ..Optimisation::constant(1e-2) }).unwrap()
}

fn course<'a>(data: &'a Points, chain: &'a Chain) -> Course<'a> {
    Course::new(data, chain, &Eps, SIZE, SEED, &Device::flex()).unwrap()
}

fn simple() -> Simple<Plain, Weighting> {
    Simple { corruption: Plain, weighting: Weighting::Uniform }
}

/// The losses of some steps.
fn losses(trainer: &mut Trainer<Perceptron>, course: &mut Course<'_>, parts: u64, steps: u64) -> Vec<f64> {
    let mut objective = simple();
    let step = |_| trainer.step_in_parts(parts, |turn| course.loss(&mut objective, turn)).unwrap().loss;
    (0..steps).map(step).collect()
}

#[test]
fn it_is_the_loop_written_out() {
    let (data, chain) = (data(), Chain::linear(20).unwrap());
    let taught = losses(&mut trainer(Some(2)), &mut course(&data, &chain), 1, 5);
    let (mut trainer, mut batches) =
        (trainer(Some(2)), Batches::new(Key::new(SEED, Purpose::Data), 40, SIZE, Flips::None).unwrap());
    for (number, taught) in (0..).zip(taught) {
        let (indices, first) = (batches.batch(number).indices, number * SIZE as u64);
        let x0 = data.batch(&indices, &[], &Device::flex().autodiff(), DType::F32).unwrap();
        let labels: Vec<u32> = indices.iter().map(|&i| data.labels().unwrap()[i]).collect();
        let written_out = |network: &Perceptron, _| {
            let dropout = SampleNoise::new(Key::new(SEED, Purpose::Dropout), first, SIZE);
            let network = Conditioned::new(network, Condition::classes(&labels)).in_training(dropout);
            let model = Preconditioned {
                network: &network as &dyn Network<4>,
                parameterisation: &Eps as _,
                variance: OutputVariance::None,
            };
            Ok(simple().loss(Ask { model, average: None, chain: &chain, x0, first, seed: SEED, ts: None })?)
        };
        assert_eq!(trainer.step(written_out).unwrap().loss.to_bits(), taught.to_bits());
    }
}

#[test]
fn a_part_is_a_batch_of_its_own_and_a_stopped_run_goes_on() {
    let (data, chain) = (data(), Chain::linear(20).unwrap());
    let frozen = |parts, steps| {
        let network = trainer(None);
        let mut still = Trainer::new(network.raw(), Optimisation::constant(f64::MIN_POSITIVE)).unwrap();
        losses(&mut still, &mut course(&data, &chain), parts, steps)
    };
    let (single, halves) = (frozen(1, 4), frozen(2, 2));
    assert!((halves[0] - (single[0] + single[1]) / 2.0).abs() < 1e-6, "{single:?} {halves:?}");
    assert!((halves[1] - (single[2] + single[3]) / 2.0).abs() < 1e-6, "{single:?} {halves:?}");

    let mut whole = trainer(None);
    let losses_of_whole = losses(&mut whole, &mut course(&data, &chain), 1, 6);
    let mut stopped = trainer(None);
    losses(&mut stopped, &mut course(&data, &chain), 1, 4);
    let mut resumed = trainer(None);
    resumed.restore(&stopped.state(Default::default())).unwrap();
    assert_eq!(losses(&mut resumed, &mut course(&data, &chain), 1, 2), losses_of_whole[4..]);
}

/// Keeps what a batch was asked with.
struct Watch {
    /// The learning and the averaged network's outputs for an all-zero input.
    outputs: Vec<[Vec<f32>; 2]>,
}

impl Objective<4> for Watch {
    fn loss(&mut self, ask: Ask<'_, 4>) -> Result<Tensor<1>, LossError> {
        let average = ask.average.clone().expect("the average of the trainer");
        let (x, time) = (ask.x0.zeros_like(), Tensor::from_floats([3.0], &ask.x0.device()));
        let averaged = average.network.forward(x.clone().inner(), time.clone().inner())?;
        let learning = ask.model.network.forward(x, time)?;
        self.outputs.push([learning.clone(), Tensor::from_inner(averaged)].map(|t| t.into_data().iter().collect()));
        Ok(learning.flatten::<2>(1, 3).sum_dim(1).squeeze_dim(1))
    }
}

#[test]
fn labels_are_lost_with_their_probability_and_the_average_is_asked() {
    let (data, chain) = (data(), Chain::linear(20).unwrap());
    let rows = |label_dropout: f64| {
        let mut course = course(&data, &chain).with_label_dropout(label_dropout);
        let (mut trainer, mut watch) = (trainer(Some(2)), Watch { outputs: Vec::new() });
        for _ in 0..2 {
            trainer.step_in_parts(1, |turn| course.loss(&mut watch, turn)).unwrap();
        }
        watch.outputs
    };
    // The averaged network drops no units: its rows differ by their class alone.
    let kinds = |rows: &[f32]| {
        let mut kinds: Vec<_> = rows.chunks_exact(2).map(|row| [row[0].to_bits(), row[1].to_bits()]).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.len()
    };
    let [kept, lost] = [0.0, 1.0].map(rows);
    assert_eq!((kinds(&kept[0][1]), kinds(&lost[0][1])), (2, 1));
    assert!((1..=3).contains(&kinds(&rows(0.5)[0][1])));
    assert_ne!(kept[0][1], kept[1][1], "the average moves");
    assert!(kinds(&kept[0][0]) > 2, "the network in training drops units, each sample its own");
}
