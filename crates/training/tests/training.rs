//! A tiny network is trained, stopped, saved, loaded and trained on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use undrift_data::{Batches, Flips, Split, fashion_mnist};
use undrift_files::{from_bytes, to_bytes};
use undrift_networks::collect_parameters;
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_training::{BoxError, Ema, Optimisation, TrainError, TrainState, Trainer, Update};

/// Two layers, and a parameter that no loss depends on.
#[derive(Module, Debug)]
struct Tiny {
    first: Param<Tensor<2>>,
    second: Param<Tensor<1>>,
    unused: Param<Tensor<1>>,
}

impl Tiny {
    fn new(dtype: DType) -> Self {
        let device = Device::flex().autodiff();
        let key = Key::new(1, Purpose::Initialisation);
        let first = SampleNoise::new(key, 0, 784).normal(&Tensor::<2>::zeros([784, 4], (&device, dtype)));
        Tiny {
            first: Param::from_tensor(first * 0.02),
            second: Param::from_tensor(Tensor::from_data([0.3, -0.2, 0.1, 0.4], (&device, dtype))),
            unused: Param::from_tensor(Tensor::from_data([7.0], (&device, dtype))),
        }
    }

    /// Squared error against the labels, with dropout of the hidden units.
    fn loss(&self, x: Tensor<2>, labels: Tensor<1>, noise: &mut SampleNoise) -> Tensor<1> {
        let hidden = x.matmul(self.first.val()).tanh();
        let kept = noise.uniform(&hidden.clone().inner()).greater_equal_elem(0.1).float().cast(hidden.dtype());
        let hidden = hidden * Tensor::from_inner(kept);
        let output = (hidden * self.second.val().unsqueeze()).sum_dim(1).squeeze_dim(1);
        (output - labels).square()
    }
}

fn settings() -> Optimisation {
    Optimisation { warm_up: 3, clip: Some(1.0), ema: Ema::ramped(0.99), ..Optimisation::constant(1e-2) }
}

fn trainer() -> Trainer<Tiny> {
    Trainer::new(Tiny::new(DType::F32), settings()).unwrap()
}

/// Steps whose data, flips and dropout are functions of the number of the step.
fn train(trainer: &mut Trainer<Tiny>, steps: usize) -> Vec<Update> {
    let images = fashion_mnist(Split::Test);
    let mut order = Batches::new(Key::new(2, Purpose::Data), images.len(), 16, Flips::Random).unwrap();
    let mut one = |trainer: &mut Trainer<Tiny>| {
        trainer.step(|model, step| {
            let batch = order.batch(step);
            let device = Device::flex().autodiff();
            let x = images.batch(&batch.indices, &batch.flips, &device, DType::F32).reshape([16, 784]);
            let labels: Vec<f32> = batch.indices.iter().map(|&i| images.labels()[i] as f32 / 9.0).collect();
            let mut noise = SampleNoise::new(Key::new(3, Purpose::Dropout), step * 16, 16);
            Ok(model.loss(x, Tensor::from_floats(&labels[..], &device), &mut noise))
        })
    };
    (0..steps).map(|_| one(trainer).unwrap()).collect()
}

fn notes() -> BTreeMap<String, String> {
    BTreeMap::from([("recipe".to_owned(), "rows = 6\n".to_owned()), ("note".to_owned(), String::new())])
}

fn saved(trainer: &Trainer<Tiny>, directory: &Path, name: &str) -> PathBuf {
    let path = directory.join(name);
    trainer.state(notes()).save(&path).unwrap();
    path
}

#[test]
fn a_resumed_run_is_bit_equal_to_an_uninterrupted_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut whole = trainer();
    let updates = train(&mut whole, 10);
    let mut before = trainer();
    train(&mut before, 5);
    let half = saved(&before, directory.path(), "half.safetensors");
    drop(before);
    let mut after = trainer();
    train(&mut after, 2); // whatever the new trainer held is replaced
    after.restore(&TrainState::load(&half).unwrap()).unwrap();
    assert_eq!(after.steps(), 5);
    assert_eq!(train(&mut after, 5), updates[5..]);
    let read = |trainer, name| fs::read(saved(trainer, directory.path(), name)).unwrap();
    assert_eq!(read(&after, "resumed"), read(&whole, "whole"));
    assert!(updates[9].loss < updates[1].loss);
}

#[test]
fn a_state_survives_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut trainer = trainer();
    train(&mut trainer, 4);
    let state = TrainState::load(&saved(&trainer, directory.path(), "state")).unwrap();
    assert_eq!(state, trainer.state(notes()));
    assert_eq!((state.step(), state.metadata()), (4, &notes()));
    assert_eq!(state.raw(), collect_parameters(&trainer.raw()));
    assert_eq!(state.averaged(), collect_parameters(&trainer.averaged()));
    assert_ne!(state.raw(), state.averaged());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn the_first_update_of_a_warm_up_leaves_the_weights_alone() {
    let mut trainer = trainer();
    let first = train(&mut trainer, 1)[0];
    assert_eq!((first.step, first.learning_rate), (0, 0.0));
    let start = collect_parameters(&Tiny::new(DType::F32));
    assert_eq!(collect_parameters(&trainer.raw()), start);
    assert_eq!(collect_parameters(&trainer.averaged()), start);
    let second = train(&mut trainer, 1)[0];
    assert_eq!((second.step, second.learning_rate), (1, 1e-2 * (1.0 / 3.0)));
    assert_ne!(collect_parameters(&trainer.raw()), start);
}

/// A loss whose gradient is 3 for every number of the second layer and -4 for the first of the first.
fn linear(model: &Tiny) -> Result<Tensor<1>, BoxError> {
    let corner: Tensor<1> = model.first.val().slice([0..1, 0..1]).reshape([1]);
    Ok(model.second.val().sum() * 3.0 - corner * 4.0)
}

fn value(parameters: &[(String, burn::tensor::TensorData)], name: &str) -> f64 {
    let found = parameters.iter().find(|(other, _)| other == name).unwrap();
    found.1.iter::<f64>().next().unwrap()
}

/// Adam does not see a gradient's length in its first step, but in its later ones.
#[test]
fn updates_average_and_clip_over_all_parameters() {
    let optimisation = Optimisation { ema: Ema::new(0.75), clip: Some(1.0), ..Optimisation::constant(0.1) };
    let mut trainer = Trainer::new(Tiny::new(DType::F64), optimisation).unwrap();
    let start = collect_parameters(&trainer.raw());
    let update = trainer.step(|model, _| linear(model)).unwrap();
    assert!((update.gradient_norm - 52f64.sqrt()).abs() < 1e-12);
    let moved = |parameters: &[_], name| value(parameters, name) - value(&start, name);
    let raw = collect_parameters(&trainer.raw());
    assert!((moved(&raw, "first") - 0.1).abs() < 1e-7 && (moved(&raw, "second") + 0.1).abs() < 1e-7);
    assert!((moved(&collect_parameters(&trainer.averaged()), "second") + 0.025).abs() < 1e-7);
    // A gradient ten times as long is clipped to the same one: both moments grow as if it were the same.
    trainer.step(|model, _| Ok(linear(model)? * 10.0)).unwrap();
    assert!((moved(&collect_parameters(&trainer.raw()), "first") - 0.2).abs() < 1e-7);
    assert_eq!(moved(&collect_parameters(&trainer.raw()), "unused"), 0.0);
}

/// The gradient of `lambda |W|^2` is `2 lambda W`, clipped together with that of the loss.
#[test]
fn the_weight_penalty_is_a_part_of_the_clipped_gradient() {
    let start = Tiny::new(DType::F64);
    let squares = |tensor: Tensor<1>| tensor.inner().square().sum().into_scalar::<f64>();
    let second = start.second.val().inner().to_data().iter::<f64>().collect::<Vec<_>>();
    let corner: f64 = start.first.val().inner().slice([0..1, 0..1]).into_scalar();
    let others = squares(start.first.val().reshape([784 * 4])) - corner * corner;
    let lambda = 0.5;
    let of_second: f64 = second.iter().map(|w| (3.0 + 2.0 * lambda * w).powi(2)).sum();
    let expected = (of_second + (2.0 * lambda * corner - 4.0).powi(2) + (2.0 * lambda).powi(2) * others).sqrt();
    let penalised = Optimisation { weight_penalty: lambda, ..Optimisation::constant(0.1) };
    let mut trainer = Trainer::new(start, penalised).unwrap();
    let before = collect_parameters(&trainer.raw());
    let update = trainer.step(|model, _| linear(model)).unwrap();
    assert!((update.gradient_norm - expected).abs() < 1e-12 * expected, "{} {expected}", update.gradient_norm);
    let after = collect_parameters(&trainer.raw());
    assert_eq!(value(&after, "unused"), value(&before, "unused"), "what the loss does not see is not penalised");
}

/// Adam's first step is the sign of the gradient: without the loss it shrinks every weight.
#[test]
fn the_penalty_alone_shrinks_weights_and_none_changes_nothing() {
    let run = |weight_penalty: f64| {
        let optimisation = Optimisation { weight_penalty, ..Optimisation::constant(0.01) };
        let mut trainer = Trainer::new(Tiny::new(DType::F64), optimisation).unwrap();
        trainer.step(|model, _| Ok(model.second.val().sum() * 0.0)).unwrap();
        let second = trainer.raw().second.val();
        second.to_data().iter::<f64>().collect::<Vec<_>>()
    };
    assert_eq!(run(0.0), [0.3, -0.2, 0.1, 0.4]);
    let shrunk = run(0.1);
    assert!(shrunk.iter().zip([0.29, -0.19, 0.09, 0.39]).all(|(a, b)| (a - b).abs() < 1e-6), "{shrunk:?}");
}

#[test]
fn a_loss_per_sample_is_averaged() {
    let optimisation = Optimisation::constant(0.1);
    let run = |per_sample: bool| {
        let mut trainer = Trainer::new(Tiny::new(DType::F64), optimisation).unwrap();
        trainer.step(|model, _| {
            let losses = model.second.val().square();
            Ok(if per_sample { losses } else { losses.mean() })
        })
    };
    let update = run(true).unwrap();
    assert!((update.loss - 0.075).abs() < 1e-12);
    assert!((update.gradient_norm - 0.3f64.sqrt() / 2.0).abs() < 1e-12);
    assert_eq!(update, run(false).unwrap());
}

#[test]
fn what_is_not_finite_is_a_value_and_changes_nothing() {
    let mut trainer = trainer();
    train(&mut trainer, 3);
    let before = trainer.state(notes());
    let nan = trainer.step(|model, _| Ok(model.second.val().sum().log() * f32::NAN)).unwrap_err();
    assert!(matches!(nan, TrainError::NonFinite { step: 3, quantity: "loss", value } if value.is_nan()), "{nan}");
    assert!(nan.to_string().starts_with("loss is NaN at step 3"), "{nan}");
    let steep = trainer.step(|model, _| Ok((model.second.val() * 0.0).sqrt())).unwrap_err();
    assert!(matches!(steep, TrainError::NonFinite { quantity: "gradient norm", .. }), "{steep}");
    assert_eq!(trainer.state(notes()), before);
    assert_eq!(train(&mut trainer, 1)[0].step, 3);
}

#[test]
fn a_network_of_a_plain_device_is_trained_too() {
    let mut trainer = Trainer::new(Tiny::new(DType::F32).valid(), settings()).unwrap();
    assert_eq!(train(&mut trainer, 3), train(&mut self::trainer(), 3));
}

#[test]
fn foreign_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = saved(&trainer(), directory.path(), "state");
    let bytes = fs::read(&path).unwrap();
    let error_of = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = TrainState::load(&path).unwrap_err();
        assert!(error.to_string().contains("state"), "{error}");
        error
    };
    for cut in [0, 7, 100, bytes.len() - 1] {
        let error = error_of(&bytes[..cut]);
        assert!(matches!(error, TrainError::Malformed { .. }), "{error}");
    }
    let weights = from_bytes(&bytes).unwrap();
    let raw = to_bytes(&weights.parameters, &BTreeMap::new()).unwrap();
    assert!(error_of(&raw).to_string().contains("training_step"));
    let without_last = to_bytes(&weights.parameters[..11], &weights.metadata).unwrap();
    assert!(error_of(&without_last).to_string().contains("second_moment.unused"));
    let without_raw = to_bytes(&weights.parameters[1..], &weights.metadata).unwrap();
    assert!(matches!(error_of(&without_raw), TrainError::Foreign { name, .. } if name == "averaged.first"));
    let mut reshaped = weights.clone();
    reshaped.parameters[2].1 = reshaped.parameters[4].1.clone();
    let reshaped = to_bytes(&reshaped.parameters, &reshaped.metadata).unwrap();
    assert!(matches!(error_of(&reshaped), TrainError::PartsDiffer { name, .. } if name == "first_moment.first"));
    let absent = TrainState::load(&directory.path().join("absent")).unwrap_err();
    assert!(matches!(absent, TrainError::Read { .. }), "{absent}");
}

/// Another network than [`Tiny`].
#[derive(Module, Debug)]
struct Other {
    first: Param<Tensor<2>>,
}

#[test]
fn states_of_other_networks_are_refused() {
    let tiny = trainer();
    let first = Param::from_tensor(Tensor::<2>::zeros([2, 2], &Device::flex()));
    let mut other = Trainer::new(Other { first }, settings()).unwrap();
    let error = other.restore(&tiny.state(notes())).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("unused") && message.contains("[784, 4]"), "{message}");
    let mut double = Trainer::new(Tiny::new(DType::F64), settings()).unwrap();
    let error = double.restore(&tiny.state(notes())).unwrap_err();
    assert!(matches!(error, TrainError::ElementType { .. }), "{error}");
    assert_eq!(double.steps(), 0);
}
