//! What every solver promises, over one list of all of them: a new solver is one more row.

use std::cell::Cell;

use burn::tensor::{DType, Device, Tensor, TensorData};
use undrift_denoisers::{DenoiseError, Denoiser, Gaussian, Prediction, Question, Variance};
use undrift_noise::{Key, Noise, Purpose, SampleNoise, Zeros};
use undrift_samplers::{
    Ancestral, Churn, Ddim, DpmSolver2, DpmSolverPp2s, Euler, Heun, Labelling, Solver, Step, sample, steps,
};
use undrift_schedules::{Chain, Grid, Labels, Level, Spacing};

/// One solver and what it promises.
struct Row {
    name: &'static str,
    /// The solver for a grid of this many steps.
    solver: fn(usize) -> Box<dyn Solver<2>>,
    /// Its order of convergence to the probability flow; `None` for stochastic solvers.
    order: Option<f64>,
    /// Questions that a run of `n` steps to the data asks.
    evals: fn(usize) -> usize,
}

const ROWS: [Row; 11] = [
    Row {
        name: "ancestral, fixed small",
        solver: |_| Box::new(Ancestral { variance: Variance::FixedSmall }),
        order: None,
        evals: |n| n,
    },
    Row {
        name: "ancestral, fixed large",
        solver: |_| Box::new(Ancestral { variance: Variance::FixedLarge }),
        order: None,
        evals: |n| n,
    },
    Row { name: "ddim", solver: |_| Box::new(Ddim::default()), order: Some(1.0), evals: |n| n },
    Row { name: "ddim, eta 0.5", solver: |_| Box::new(Ddim { eta: 0.5, keep_eps: false }), order: None, evals: |n| n },
    Row { name: "euler", solver: |_| Box::new(Euler { churn: Churn::NONE }), order: Some(1.0), evals: |n| n },
    Row { name: "heun", solver: |_| Box::new(Heun { churn: Churn::NONE }), order: Some(2.0), evals: |n| 2 * n - 1 },
    Row { name: "heun, churned", solver: |n| Box::new(Heun { churn: churn(n) }), order: None, evals: |n| 2 * n - 1 },
    Row {
        name: "dpm-solver-2",
        solver: |_| Box::new(DpmSolver2 { labelling: labelling() }),
        order: Some(2.0),
        evals: |n| 2 * n - 1,
    },
    Row {
        name: "dpm-solver++(2s)",
        solver: |_| Box::new(DpmSolverPp2s { eta: 0.0, labelling: labelling() }),
        order: Some(2.0),
        evals: |n| 2 * n - 1,
    },
    Row {
        name: "dpm-solver++(2s), eta 0.5",
        solver: |_| Box::new(DpmSolverPp2s { eta: 0.5, labelling: labelling() }),
        order: None,
        evals: |n| 2 * n - 1,
    },
    Row {
        name: "dpm-solver++(2s), eta 1",
        solver: |_| Box::new(DpmSolverPp2s { eta: 1.0, labelling: labelling() }),
        order: None,
        evals: |n| 2 * n - 1,
    },
];

const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

fn chain() -> Chain {
    Chain::linear(1000).expect("valid")
}

/// By a chain that reaches every sigma of these grids; the models here look at no label.
fn labelling() -> Labelling {
    Labelling::ByChain(Chain::linear_between(1000, 5e-5, 0.04).expect("valid"), Labels::Interpolated)
}

fn churn(steps: usize) -> Churn {
    let churn = Churn::new(2.0, 0.05, 20.0, 1.003, steps).expect("valid");
    churn.labelled_by(chain(), Labels::Interpolated)
}

/// Grids of a chain: a whole one, spaced ones, and one step.
fn grids() -> [Grid; 4] {
    let spaced = |spacing, steps| chain().respace(spacing, steps).expect("valid");
    let whole = Chain::linear_scaled(60).expect("valid").grid();
    [whole, spaced(Spacing::Trailing, 1), spaced(Spacing::Leading, 10), spaced(Spacing::Quadratic, 25)]
}

fn start(first: u64, count: usize, dtype: DType) -> (SampleNoise, Tensor<2>) {
    let mut noise = SampleNoise::new(Key::new(3, Purpose::Sampling), first, count);
    let x = noise.normal(&Tensor::<2>::zeros([count, 3], (&Device::flex(), dtype)));
    (noise, x)
}

fn values(x: &Tensor<2>) -> Vec<f64> {
    x.to_data().iter::<f64>().collect()
}

fn bits(x: &Tensor<2>) -> Vec<u64> {
    values(x).into_iter().map(f64::to_bits).collect()
}

fn gap(a: &Tensor<2>, b: &Tensor<2>) -> f64 {
    let differences = values(a).into_iter().zip(values(b)).map(|(a, b)| (a - b).abs());
    differences.map(|d| if d.is_nan() { f64::INFINITY } else { d }).fold(0.0, f64::max)
}

/// Counts the questions, and those inside a step.
struct Counting {
    asked: Cell<usize>,
    stages: Cell<usize>,
}

impl Denoiser<2> for Counting {
    fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
        self.asked.set(self.asked.get() + 1);
        self.stages.set(self.stages.get() + usize::from(at.is_stage()));
        MODEL.predict(x, at)
    }
}

#[test]
fn n_levels_are_n_steps_that_end_at_the_data() {
    for row in &ROWS {
        for grid in grids() {
            let (n, solver) = (grid.steps(), (row.solver)(grid.steps()));
            let model = Counting { asked: Cell::new(0), stages: Cell::new(0) };
            let (mut noise, x) = start(0, 2, DType::F64);
            let all: Vec<Step<2>> = steps(&model, &*solver, &grid, x, &mut noise)
                .map(|step| step.unwrap_or_else(|error| panic!("{}: {error}", row.name)))
                .collect();
            let evals = all.iter().map(|step| step.evals).sum::<usize>();
            assert_eq!((all.len(), evals, model.asked.get()), (n, (row.evals)(n), (row.evals)(n)), "{}", row.name);
            assert_eq!(model.asked.get() - model.stages.get(), n, "{}: one question starts each step", row.name);
            assert_eq!(all.iter().map(|step| step.span).collect::<Vec<_>>(), grid.spans());
            let last = &all[n - 1];
            assert!(last.span.to().is_none() && gap(&last.x, &last.prediction.x0()) < 1e-12, "{}", row.name);
        }
    }
}

/// Levels from sigma 10 to 0.1, evenly spaced in `sigma^(1/7)`, in either coordinates.
fn between(steps: usize, vp: bool) -> Grid {
    let (high, low) = (10f64.powf(1.0 / 7.0), 0.1f64.powf(1.0 / 7.0));
    let sigma = |i: usize| (high + (low - high) * i as f64 / steps as f64).powi(7);
    let level = |i: usize| if vp { Level::vp_of_sigma(sigma(i), sigma(i)) } else { Level::edm(sigma(i), sigma(i)) };
    let mut levels: Vec<Level> = (0..=steps).map(|i| level(i).expect("valid")).collect();
    let end = levels.pop().expect("not empty");
    Grid::ending_at(levels, end).expect("valid")
}

/// The flow of the exact Gaussian: `x / signal - mean` shrinks as the root of `std^2 + sigma^2`.
fn flown(grid: &Grid, x: &Tensor<2>) -> Tensor<2> {
    let width = |level: Level| MODEL.std.hypot(level.sigma());
    let (from, to) = (grid.start(), grid.end().expect("a level"));
    let shrunk = (x.clone() * (1.0 / from.signal()) - MODEL.mean) * (width(to) / width(from));
    (shrunk + MODEL.mean) * to.signal()
}

#[test]
fn deterministic_solvers_converge_to_the_probability_flow_with_their_order() {
    for row in &ROWS {
        let Some(order) = row.order else { continue };
        for vp in [false, true] {
            let error = |steps: usize| {
                let (grid, solver) = (between(steps, vp), (row.solver)(steps));
                let (_, x) = start(0, 4, DType::F64);
                let x = x * grid.start().noise();
                let end = sample(&MODEL, &*solver, &grid, x.clone(), &mut Zeros).expect("has a belief");
                gap(&end, &flown(&grid, &x))
            };
            let errors = [64, 128, 256].map(error);
            for pair in errors.windows(2) {
                let found = (pair[0] / pair[1]).log2();
                assert!((found - order).abs() < 0.1, "{}: order {found} of {errors:?}", row.name);
            }
        }
    }
}

#[test]
fn coordinates_do_not_matter() {
    for row in &ROWS {
        for vp in grids() {
            let (edm, solver) = (vp.unscaled().expect("has signal"), (row.solver)(vp.steps()));
            let (mut noise, x) = start(0, 3, DType::F64);
            let mut same = noise.clone();
            let scaled = x.clone() * edm.start().scale();
            let one = steps(&MODEL, &*solver, &vp, x, &mut noise);
            for (a, b) in one.zip(steps(&MODEL, &*solver, &edm, scaled, &mut same)) {
                let (a, b) = (a.expect("has a belief"), b.expect("has a belief"));
                assert!(gap(&a.x, &(b.x.clone() * (1.0 / b.span.to_scale()))) < 1e-9, "{}", row.name);
            }
        }
    }
}

#[test]
fn a_sample_does_not_depend_on_its_batch_and_has_the_precision_of_its_start() {
    for row in &ROWS {
        for (grid, dtype) in grids().into_iter().flat_map(|grid| [(grid.clone(), DType::F32), (grid, DType::F64)]) {
            let solver = (row.solver)(grid.steps());
            let run = |first, count| {
                let (mut noise, x) = start(first, count, dtype);
                let x0 = sample(&MODEL, &*solver, &grid, x, &mut noise).expect("has a belief");
                assert_eq!(x0.dtype(), dtype, "{}", row.name);
                x0
            };
            let all = run(0, 5);
            for (first, count) in [(0, 2), (2, 1), (3, 2)] {
                let alone = run(first, count);
                assert_eq!(bits(&all.clone().narrow(0, first as usize, count)), bits(&alone), "{}", row.name);
            }
        }
    }
}

#[test]
fn both_precisions_tell_the_same_story() {
    for row in &ROWS {
        let (grid, solver) = (chain().respace(Spacing::Trailing, 20).expect("valid"), (row.solver)(20));
        let run = |dtype| {
            let (mut noise, x) = start(0, 4, dtype);
            sample(&MODEL, &*solver, &grid, x, &mut noise).expect("has a belief")
        };
        assert!(gap(&run(DType::F32), &run(DType::F64)) < 1e-4, "{}", row.name);
    }
}

/// Data that are one point are reached whatever noise is added on the way.
#[test]
fn a_known_point_is_reached() {
    let point = Gaussian { mean: -0.7, std: 0.0 };
    for row in &ROWS {
        for grid in grids() {
            let (mut noise, x) = start(0, 2, DType::F64);
            let x0 = sample(&point, &*(row.solver)(grid.steps()), &grid, x.clone(), &mut noise).expect("has a belief");
            let expected = Tensor::from_data(TensorData::new(vec![-0.7; 6], [2, 3]), (&x.device(), DType::F64));
            assert!(gap(&x0, &expected) < 1e-10, "{}", row.name);
        }
    }
}
