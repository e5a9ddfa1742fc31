//! Rectified flow: its levels, its parameterisation and its grid, sampled by the solvers there are.

use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::{Denoiser, Flow, Gaussian, OutputVariance, Preconditioned, Question, Variance};
use undrift_noise::{Key, Noise, Purpose, SampleNoise, Zeros};
use undrift_samplers::{Ancestral, Churn, Ddim, DpmSolver2, DpmSolverPp2m, Euler, Heun, Labelling, Solver, sample};
use undrift_schedules::{Grid, Level};

const DATA: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

/// The best velocity for a Gaussian as a raw network, which knows its level by the label alone.
fn velocity(x: Tensor<2>, time: Tensor<1>) -> Tensor<2> {
    let t = time.into_data().iter::<f64>().next().expect("one label");
    let (variance, total) = (DATA.std * DATA.std, ((1.0 - t) * DATA.std).powi(2) + t * t);
    // E[eps - x0 | x] of the joint Gaussian.
    let slope = (t - (1.0 - t) * variance) / total;
    (x - DATA.mean * (1.0 - t)) * slope - DATA.mean
}

fn model() -> impl Denoiser<2> {
    Preconditioned { network: velocity, parameterisation: Flow, variance: OutputVariance::None }
}

fn values(x: &Tensor<2>) -> Vec<f64> {
    x.to_data().iter::<f64>().collect()
}

fn gap(a: &Tensor<2>, b: &Tensor<2>) -> f64 {
    let differences = values(a).into_iter().zip(values(b)).map(|(a, b)| (a - b).abs());
    differences.map(|d| if d.is_nan() { f64::INFINITY } else { d }).fold(0.0, f64::max)
}

fn start() -> (SampleNoise, Tensor<2>) {
    let mut noise = SampleNoise::new(Key::new(3, Purpose::Sampling), 0, 4);
    let x = noise.normal(&Tensor::<2>::zeros([4, 3], (&Device::flex(), DType::F64)));
    (noise, x)
}

/// The steps of a grid from 0.9 down to 0.1.
fn inside(grid: &Grid) -> Grid {
    let tenth = grid.steps() / 10;
    let levels: Vec<Level> = grid.levels().collect();
    let to = levels.len() - tenth;
    Grid::ending_at(levels[tenth..to].to_vec(), levels[to]).expect("falling")
}

/// The flow of the exact Gaussian: `x / signal - mean` shrinks as the root of `std^2 + sigma^2`.
fn flown(grid: &Grid, x: &Tensor<2>) -> Tensor<2> {
    let width = |level: Level| DATA.std.hypot(level.sigma());
    let (from, to) = (grid.start(), grid.end().expect("a level"));
    let shrunk = (x.clone() * (1.0 / from.signal()) - DATA.mean) * (width(to) / width(from));
    (shrunk + DATA.mean) * to.signal()
}

#[test]
fn the_velocity_network_is_the_exact_denoiser() {
    let (_, x) = start();
    for t in [1.0, 0.7, 0.01] {
        let at = Question::from(Level::flow(t).expect("valid"));
        let (found, exact) = (model().predict(x.clone(), &at), DATA.predict(x.clone(), &at));
        assert!(gap(&found.expect("fits").x0(), &exact.expect("fits").x0()) < 1e-13, "t = {t}");
    }
}

#[test]
fn over_the_grid_eulers_step_has_order_1_and_heuns_2() {
    let (euler, heun) = (Euler { churn: Churn::NONE }, Heun { churn: Churn::NONE });
    let midpoint = DpmSolver2 { labelling: Labelling::ByFlow };
    let rows: [(&dyn Solver<2>, f64); 4] = [(&euler, 1.0), (&Ddim::default(), 1.0), (&heun, 2.0), (&midpoint, 2.0)];
    for (solver, order) in rows {
        for shift in [1.0, 3.0] {
            let error = |steps: usize| {
                let (grid, (_, x)) = (inside(&Grid::flow(steps, shift).expect("valid")), start());
                gap(&sample(&model(), solver, &grid, x.clone(), &mut Zeros).expect("has a belief"), &flown(&grid, &x))
            };
            let errors = [160, 320, 640].map(error);
            for pair in errors.windows(2) {
                let found = (pair[0] / pair[1]).log2();
                assert!((found - order).abs() < 0.1, "order {found} of {errors:?}, shift {shift}");
            }
        }
    }
}

/// The authors' step is `x + (t' - t) v`, also from pure noise and to the data; over all of the line it has order 1.
#[test]
fn from_noise_to_data_it_is_the_authors_step() {
    let (_, noise) = start();
    let error = |steps: usize| {
        let grid = Grid::flow(steps, 1.0).expect("valid");
        let x0 = sample(&model(), &Ddim::default(), &grid, noise.clone(), &mut Zeros).expect("has a belief");
        let by_hand = (0..steps).fold(noise.clone(), |x, i| {
            let t = 1.0 - i as f64 / steps as f64;
            let label = Tensor::full([1], t, (&Device::flex(), DType::F64));
            x.clone() - velocity(x, label) * (1.0 / steps as f64)
        });
        assert!(gap(&x0, &by_hand) < 1e-12);
        gap(&x0, &(noise.clone() * DATA.std + DATA.mean))
    };
    let (coarse, fine) = (error(100), error(200));
    assert!(((coarse / fine).log2() - 1.0).abs() < 0.1, "{coarse} {fine}");
}

#[test]
fn every_kind_of_solver_gives_the_same_in_edm_coordinates() {
    let flow = inside(&Grid::flow(20, 1.0).expect("valid"));
    let edm = flow.unscaled().expect("has signal");
    let solvers: [&dyn Solver<2>; 4] = [
        &Ancestral { variance: Variance::FixedSmall },
        &Ancestral { variance: Variance::FixedLarge },
        &DpmSolverPp2m,
        &Ddim { eta: 0.5, keep_eps: false },
    ];
    for solver in solvers {
        let (noise, x) = start();
        let scaled = x.clone() * (1.0 / flow.start().signal());
        let one = sample(&model(), solver, &flow, x.clone(), &mut noise.clone()).expect("has a belief");
        let other = sample(&model(), solver, &edm, scaled, &mut noise.clone()).expect("has a belief");
        assert!(gap(&one, &(other * flow.end().expect("a level").signal())) < 1e-11);
    }
}
