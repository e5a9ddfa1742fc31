//! What every multistep solver must do, on models whose flow is known in closed form.

use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::Gaussian;
use undrift_noise::{Key, Noise, Purpose, SampleNoise, Zeros};
use undrift_samplers::{
    DpmSolverPp2m, Lms, Pndm, Solver, Step, UniPc, UniPcVariant, exact_flow, flow_error, sample, steps,
};
use undrift_schedules::{Chain, Grid, Level, Spacing};

const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };
const B1: UniPc = UniPc::of(UniPcVariant::B1);
const B2: UniPc = UniPc::of(UniPcVariant::B2);
const ALL: [(&str, &dyn Solver<2>); 7] = [
    ("dpm-solver++(2m)", &DpmSolverPp2m),
    ("f-pndm", &Pndm::F),
    ("s-pndm", &Pndm::S),
    ("plms", &Pndm::Plms),
    ("unipc b1", &B1),
    ("unipc b2", &B2),
    ("lms", &Lms),
];

fn start(first: u64, count: usize, dtype: DType) -> Tensor<2> {
    let mut noise = SampleNoise::new(Key::new(5, Purpose::Sampling), first, count);
    noise.normal(&Tensor::<2>::zeros([count, 3], (&Device::flex(), dtype)))
}

fn values(tensor: &Tensor<2>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// Largest absolute difference; NaN anywhere counts as infinite.
fn gap(a: &Tensor<2>, b: &Tensor<2>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let differences = values(a).into_iter().zip(values(b)).map(|(a, b)| (a - b).abs());
    differences.map(|d| if d.is_nan() { f64::INFINITY } else { d }).fold(0.0, f64::max)
}

fn run(solver: &dyn Solver<2>, grid: &Grid, x: Tensor<2>) -> Vec<Step<2>> {
    steps(&MODEL, solver, grid, x, &mut Zeros).map(|step| step.expect("has a belief")).collect()
}

fn respaced(steps: usize) -> Grid {
    Chain::linear(1000).expect("valid").respace(Spacing::Trailing, steps).expect("valid")
}

/// The levels in one grid, the last of them as its end.
fn ending(levels: Vec<Level>) -> Grid {
    let (last, visited) = levels.split_last().expect("at least two");
    Grid::ending_at(visited.to_vec(), *last).expect("valid")
}

/// Evenly spaced labels of a continuous chain of linear beta.
fn even_in_label(steps: usize) -> Grid {
    let beta = |t: f64| 1e-4 + 0.02 * t;
    let sigma = |t: f64| (t * 0.5 * (beta(0.0) + beta(t)) * 700.0).exp_m1().sqrt();
    let times = (0..=steps).map(|i| 1.0 - 0.8 * i as f64 / steps as f64);
    ending(times.map(|t| Level::vp_of_sigma(sigma(t), t).expect("valid")).collect())
}

/// Evenly spaced sigmas from 4 down to 1.
fn even_in_sigma(steps: usize) -> Grid {
    let sigmas = (0..=steps).map(|i| 4.0 - 3.0 * i as f64 / steps as f64);
    ending(sigmas.map(|sigma| Level::edm(sigma, sigma).expect("valid")).collect())
}

/// Sigmas from 20 to 0.05, evenly spaced in `sigma^(1/7)`.
fn karras(steps: usize) -> Grid {
    let levels: Vec<Level> = Grid::karras(steps + 1, 0.05, 20.0, 7.0).expect("valid").levels().collect();
    ending(levels)
}

fn error(solver: &dyn Solver<2>, grid: &Grid) -> f64 {
    let x = start(0, 2, DType::F64) * grid.start().scale();
    flow_error(solver, MODEL, grid, x).expect("has a belief")
}

/// A family of grids by its number of steps, and what it is called.
type NamedGrid = (&'static str, fn(usize) -> Grid);

/// The rate at which the error falls from `steps` to twice as many.
fn order(solver: &dyn Solver<2>, grid: impl Fn(usize) -> Grid, steps: usize) -> f64 {
    (error(solver, &grid(steps)) / error(solver, &grid(2 * steps))).log2()
}

/// Measured from 160 to 320 steps. The corrector of UniPC-2 gives it a third order. PNDM's transfer is linear in
/// sigma and its weights in the step number, so that fourth order is there only where the two go together.
#[test]
fn errors_fall_with_the_order_of_the_method() {
    let about = |expected: f64| expected - 0.1..expected + 0.1;
    let at_least = |expected: f64| expected..4.5;
    let expected = [
        [about(2.0), about(2.0), about(2.0)],
        [about(2.0), about(2.0), about(3.95)],
        [about(2.0), about(2.0), about(2.0)],
        [about(2.0), about(2.0), about(3.9)],
        [about(3.0), about(3.0), at_least(2.9)],
        [about(3.0), at_least(2.9), about(3.0)],
        [about(3.7), about(3.25), about(2.2)],
    ];
    let grids: [NamedGrid; 3] =
        [("Karras", karras), ("even in the label", even_in_label), ("even in sigma", even_in_sigma)];
    for ((name, solver), expected) in ALL.into_iter().zip(expected) {
        for ((of, grid), expected) in grids.into_iter().zip(expected) {
            let order = order(solver, grid, 160);
            assert!(expected.contains(&order), "{name} over a grid {of}: {order:.3}, not in {expected:?}");
        }
    }
}

#[test]
fn n_levels_are_n_steps_and_one_evaluation_each_but_at_the_start() {
    let more = [[0, 0, 0], [6, 9, 9], [1, 1, 1], [1, 1, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]];
    for ((name, solver), more) in ALL.into_iter().zip(more) {
        for (n, more) in [3, 5, 30].into_iter().zip(more) {
            let grid = respaced(n);
            let all = run(solver, &grid, start(0, 2, DType::F64));
            let evals: usize = all.iter().map(|step| step.evals).sum();
            assert_eq!((all.len(), evals), (n, n + more), "{name}");
            assert!(all.iter().zip(grid.spans()).all(|(step, span)| step.span == *span), "{name}");
            assert_eq!(all[n - 1].span.to(), None, "{name} ends at the data");
        }
    }
}

/// The flow ends at `mean + std * score`, and the step to the data at the x0 believed in at the last level, which
/// is a little closer to the mean: `std^2 / (std^2 + sigma^2)` of the way that is left.
#[test]
fn a_fine_grid_ends_at_the_flow_of_the_data() {
    let levels: Vec<Level> = Grid::karras(400, 0.01, 20.0, 7.0).expect("valid").levels().collect();
    let (first, last) = (levels[0], levels[399]);
    let grid = Grid::new(levels).expect("valid");
    for (name, solver) in ALL {
        let x = start(0, 2, DType::F64) * first.scale();
        let ended = sample(&MODEL, solver, &grid, x.clone(), &mut Zeros).expect("has a belief");
        let before = exact_flow(MODEL, &x, first, last) - MODEL.mean;
        let shrunk = before * (MODEL.std.powi(2) / (MODEL.std.powi(2) + last.sigma().powi(2))) + MODEL.mean;
        assert!(gap(&ended, &shrunk) < 2e-4, "{name}: {}", gap(&ended, &shrunk));
    }
}

#[test]
fn coordinates_do_not_matter() {
    for grid in [respaced(12), even_in_label(9)] {
        let (edm, scale) = (grid.unscaled().expect("has signal"), grid.start().signal());
        for (name, solver) in ALL {
            let x = start(0, 2, DType::F64);
            let (vp, edm) = (run(solver, &grid, x.clone()), run(solver, &edm, x / scale));
            for (vp, edm) in vp.iter().zip(&edm) {
                let rescaled = edm.x.clone() * vp.span.to_signal();
                assert!(gap(&vp.x, &rescaled) < 1e-12, "{name}: {}", gap(&vp.x, &rescaled));
                assert!(gap(&vp.prediction.x0(), &edm.prediction.x0()) < 1e-11, "{name}");
            }
        }
    }
}

#[test]
fn a_sample_does_not_depend_on_its_batch() {
    let grid = respaced(10);
    for (name, solver) in ALL {
        let of = |first, count| {
            sample(&MODEL, solver, &grid, start(first, count, DType::F32), &mut Zeros).expect("has a belief")
        };
        let (all, one) = (values(&of(0, 8)), values(&of(5, 1)));
        assert_eq!(all[15..18], one, "{name}");
    }
}

#[test]
fn single_precision_follows_double() {
    for grid in [respaced(12), karras(12)] {
        for (name, solver) in ALL {
            let x = start(0, 2, DType::F32) * grid.start().scale();
            let single = sample(&MODEL, solver, &grid, x.clone(), &mut Zeros).expect("has a belief");
            assert_eq!(single.dtype(), DType::F32, "{name}");
            let double = sample(&MODEL, solver, &grid, x.cast(DType::F64), &mut Zeros).expect("has a belief");
            let off = gap(&single.cast(DType::F64), &double);
            assert!(off > 0.0 && off < 2e-5, "{name}: {off}");
        }
    }
}
