//! A batch in parts, several averages, decoupled decay, and what a loss may say and see.

use std::collections::BTreeMap;
use std::fs;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use undrift_files::from_bytes;
use undrift_training::{Adam, BoxError, Ema, Optimisation, TrainError, TrainState, Trainer};

/// A line through the origin of three numbers, and a number that no loss sees.
#[derive(Module, Debug)]
struct Line {
    slope: Param<Tensor<1>>,
    unused: Param<Tensor<1>>,
}

fn f64s<const N: usize>(values: [f64; N]) -> Tensor<1> {
    Tensor::from_data(values, (&Device::flex().autodiff(), DType::F64))
}

fn line() -> Line {
    Line { slope: Param::from_tensor(f64s([0.5, -1.0, 2.0])), unused: Param::from_tensor(f64s([7.0])) }
}

/// Squared distance from the line of the samples `first..first + 4` of a step.
fn distances(line: &Line, step: u64, first: u64, count: u64) -> Tensor<1> {
    let at = |i: u64| (0..3).map(move |j| ((step * 31 + i * 7 + j * 3) % 11) as f64 / 11.0 - 0.4);
    let x: Vec<f64> = (first..first + count).flat_map(at).collect();
    let x = TensorData::new(x, [count as usize, 3]);
    let x = Tensor::<2>::from_data(x, (&Device::flex().autodiff(), DType::F64));
    (x * line.slope.val().unsqueeze()).sum_dim(1).squeeze_dim::<1>(1).sub_scalar(0.7).square()
}

fn settings() -> Optimisation {
    Optimisation { clip: Some(0.1), ema: Ema::new(0.9), ..Optimisation::constant(0.05) }
}

fn slope(line: &Line) -> Vec<f64> {
    line.slope.val().into_data().iter::<f64>().collect()
}

fn trained(steps: u64) -> Trainer<Line> {
    let trainer = Trainer::new(line(), settings()).unwrap();
    let mut trainer =
        trainer.with_average("slow", Ema::new(0.99)).unwrap().with_average("fast", Ema::new(0.5)).unwrap();
    for _ in 0..steps {
        trainer.step(|line, step| Ok(distances(line, step, 0, 12))).unwrap();
    }
    trainer
}

/// The numbers of samples are powers of two: the gradient of Burn's mean has its share in single precision.
#[test]
fn a_batch_in_parts_is_the_whole_batch_but_for_rounding() {
    let run = |parts: u64| {
        let mut trainer = Trainer::new(line(), settings()).unwrap();
        let updates: Vec<_> = (0..4)
            .map(|_| {
                let size = 16 / parts;
                let each = |turn: undrift_training::Turn<'_, Line>| {
                    assert_eq!(turn.parts(), parts);
                    Ok(distances(turn.model(), turn.step(), turn.part() * size, size))
                };
                trainer.step_in_parts(parts, each).unwrap()
            })
            .collect();
        (updates, slope(&trainer.raw()))
    };
    let mut whole = Trainer::new(line(), settings()).unwrap();
    let updates: Vec<_> = (0..4).map(|_| whole.step(|line, step| Ok(distances(line, step, 0, 16))).unwrap()).collect();
    assert_eq!(run(1), (updates.clone(), slope(&whole.raw())), "one part is the whole, bit for bit");
    let (in_parts, weights) = run(4);
    for (part, whole) in in_parts.iter().zip(&updates) {
        assert!((part.loss / whole.loss - 1.0).abs() < 1e-10 && part.step == whole.step);
        assert!((part.gradient_norm / whole.gradient_norm - 1.0).abs() < 1e-10);
    }
    assert!(weights.iter().zip(slope(&whole.raw())).all(|(a, b)| (a - b).abs() < 1e-10));
    let none = whole.step_in_parts(0, |turn| Ok(turn.model().slope.val())).unwrap_err();
    assert!(none.to_string().contains("number of parts is 0.0; it must be at least 1"), "{none}");
}

#[test]
fn decoupled_decay_shrinks_what_the_loss_sees_by_the_rate_of_the_step() {
    let run = |weight_decay| {
        let adam = Adam::decoupled(0.1, weight_decay);
        let optimisation = Optimisation { adam, warm_up: 2, ..Optimisation::constant(0.1) };
        let mut trainer = Trainer::new(line(), optimisation).unwrap();
        for _ in 0..3 {
            trainer.step(|line, _| Ok(line.slope.val().sum() * 3.0)).unwrap();
        }
        trainer.raw()
    };
    // Rates 0, 0.05 and 0.1; Adam moves by minus the rate for a gradient that never changes.
    let expected = |x: f64| ((x * (1.0 - 0.05 * 0.5)) - 0.05) * (1.0 - 0.1 * 0.5) - 0.1;
    for (found, start) in slope(&run(0.5)).into_iter().zip([0.5, -1.0, 2.0]) {
        assert!((found - expected(start)).abs() < 1e-8, "{found} is not {}", expected(start));
    }
    assert_eq!(run(0.5).unused.val().into_scalar::<f64>(), 7.0);
    for (found, start) in slope(&run(0.0)).into_iter().zip([0.5, -1.0, 2.0]) {
        assert!((found - (start - 0.15)).abs() < 1e-8, "{found}");
    }
}

#[test]
fn every_average_follows_with_its_own_decay() {
    let mut trainer = trained(0);
    let start = slope(&trainer.raw());
    trainer.step(|line, step| Ok(distances(line, step, 0, 12))).unwrap();
    let moved = slope(&trainer.raw());
    let averages = [trainer.averaged(), trainer.average("slow").unwrap(), trainer.average("fast").unwrap()];
    for (average, share) in averages.iter().zip([0.1, 0.01, 0.5]) {
        for ((average, start), moved) in slope(average).into_iter().zip(&start).zip(&moved) {
            assert!((average - (start + share * (moved - start))).abs() < 1e-15);
        }
    }
    assert!(trainer.average("other").is_none());
}

#[test]
fn further_averages_stand_behind_the_rest_in_the_file_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole) = (folder.path().join("state"), trained(6));
    let half = trained(3);
    half.state(BTreeMap::new()).save(&path).unwrap();
    let names: Vec<_> = from_bytes(&fs::read(&path).unwrap()).unwrap().parameters.into_iter().map(|p| p.0).collect();
    let parts = ["raw", "averaged", "first_moment", "second_moment", "averaged-fast", "averaged-slow"];
    let expected: Vec<_> =
        ["slope", "unused"].iter().flat_map(|name| parts.map(|part| format!("{part}.{name}"))).collect();
    assert_eq!(names, expected);
    let state = TrainState::load(&path).unwrap();
    assert_eq!(state, half.state(BTreeMap::new()));
    assert_eq!(state.averages(), ["fast", "slow"]);
    assert!(state.average("slow").is_some() && state.average("other").is_none());
    let mut resumed = trained(1);
    resumed.restore(&state).unwrap();
    for _ in 0..3 {
        resumed.step(|line, step| Ok(distances(line, step, 0, 12))).unwrap();
    }
    assert_eq!(resumed.state(BTreeMap::new()), whole.state(BTreeMap::new()));
}

#[test]
fn other_averages_and_impossible_names_are_refused() {
    let state = trained(1).state(BTreeMap::new());
    let mut fewer = Trainer::new(line(), settings()).unwrap().with_average("slow", Ema::new(0.99)).unwrap();
    let error = fewer.restore(&state).unwrap_err();
    assert!(matches!(&error, TrainError::Averages { found, .. } if found == &["fast", "slow"]), "{error}");
    assert_eq!(fewer.steps(), 0);
    for name in ["", "a.b", "a b", "slow"] {
        let error = trained(0).with_average(name, Ema::new(0.9)).unwrap_err();
        assert!(matches!(error, TrainError::AverageName { .. }), "{error}");
    }
    assert!(matches!(trained(0).with_average("x", Ema::new(2.0)), Err(TrainError::Setting { .. })));
}

#[test]
fn a_loss_sees_the_averages_of_before_its_step() {
    let mut trainer = trained(3);
    let before = [trainer.averaged(), trainer.average("fast").unwrap()].map(|line| slope(&line));
    let update = trainer.step_in_parts(1, |turn| {
        assert_eq!([turn.averaged(), turn.average("fast").unwrap()].map(|line| slope(&line)), before);
        assert!(turn.average("other").is_none() && turn.step() == 3 && turn.part() == 0);
        let teacher = Tensor::from_inner(turn.averaged().slope.val());
        Ok((turn.model().slope.val() - teacher).square().sum())
    });
    assert!(update.unwrap().loss > 0.0);
}

#[test]
fn a_loss_may_fail_with_any_error_and_must_depend_on_the_network() {
    let mut trainer = trained(2);
    let before = trainer.state(BTreeMap::new());
    let number = |text: &str| -> Result<f64, BoxError> { Ok(text.parse::<f64>()?) };
    let failed = trainer.step(|line, _| Ok(line.slope.val() * number("three")?)).unwrap_err();
    assert!(failed.to_string().starts_with("the loss of step 2 could not be computed: invalid float"), "{failed}");
    let detached = trainer.step(|line, _| Ok(line.slope.val().inner())).unwrap_err();
    assert!(matches!(detached, TrainError::Untracked { step: 2 }), "{detached}");
    let constant = trainer.step(|_, _| Ok(f64s([1.0]))).unwrap_err();
    assert!(matches!(constant, TrainError::Untracked { step: 2 }), "{constant}");
    assert_eq!(trainer.state(BTreeMap::new()), before);
}

/// As files were before there were further averages.
#[test]
fn a_file_of_one_average_is_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let notes = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    Trainer::new(line(), settings()).unwrap().state(notes).save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let header = String::from_utf8(bytes[8..bytes.len() - 128].to_vec()).unwrap();
    assert_eq!(header.trim_end(), HEADER);
    let values: Vec<f64> =
        bytes[bytes.len() - 128..].as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let slope = [0.5, -1.0, 2.0];
    assert_eq!(values, [&slope[..], &slope, &[0.0; 6], &[7.0, 7.0, 0.0, 0.0]].concat());
}

const HEADER: &str = concat!(
    r#"{"__metadata__":{"note.k":"v","training_step":"0"},"#,
    r#""averaged.slope":{"data_offsets":[24,48],"dtype":"F64","shape":[3]},"#,
    r#""averaged.unused":{"data_offsets":[104,112],"dtype":"F64","shape":[1]},"#,
    r#""first_moment.slope":{"data_offsets":[48,72],"dtype":"F64","shape":[3]},"#,
    r#""first_moment.unused":{"data_offsets":[112,120],"dtype":"F64","shape":[1]},"#,
    r#""raw.slope":{"data_offsets":[0,24],"dtype":"F64","shape":[3]},"#,
    r#""raw.unused":{"data_offsets":[96,104],"dtype":"F64","shape":[1]},"#,
    r#""second_moment.slope":{"data_offsets":[72,96],"dtype":"F64","shape":[3]},"#,
    r#""second_moment.unused":{"data_offsets":[120,128],"dtype":"F64","shape":[1]}}"#,
);
