//! Sampling that begins at pure noise, with a model of its own for the first step.

use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::{Eps, Gaussian, OutputVariance, Preconditioned, Variance};
use undrift_noise::Zeros;
use undrift_samplers::{Ancestral, Ddim, SeparateFirst, Solver, sample};
use undrift_schedules::{Chain, Grid, Spacing};

const DATA: Gaussian = Gaussian { mean: 0.6, std: 0.1 };

/// A chain whose last level keeps 7 percent of the signal, as that of Stable Diffusion does.
fn chain() -> Chain {
    Chain::scaled_linear(1000, 0.00085, 0.012).expect("valid")
}

/// The mean of all samples: each step's mean is affine in `x`, so that it is what `x` = 0 becomes without noise.
fn mean_of_samples(solver: &dyn Solver<2>, grid: &Grid) -> f64 {
    let times: Vec<f64> = chain().levels().iter().map(|level| level.alpha_bar()).collect();
    // eps of the exact model, as an eps network that is asked by its label.
    let network = move |x: Tensor<2>, time: Tensor<1>| {
        let alpha_bar = times[time.into_data().iter::<f64>().next().expect("one label") as usize];
        let total = alpha_bar * DATA.std * DATA.std + 1.0 - alpha_bar;
        (x - alpha_bar.sqrt() * DATA.mean) * ((1.0 - alpha_bar).sqrt() / total)
    };
    let eps = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
    let model = SeparateFirst { first: DATA, rest: eps };
    let x = Tensor::<2>::zeros([1, 1], (&Device::flex(), DType::F64));
    let x0 = sample(&model, solver, grid, x, &mut Zeros).expect("has a belief");
    x0.into_data().iter::<f64>().next().expect("one value")
}

#[test]
fn a_first_step_of_its_own_gives_the_mean_of_the_data() {
    let plain = chain().respace(Spacing::Trailing, 50).expect("valid");
    let pure = plain.from_pure_noise(1000.0).expect("has signal");
    assert_eq!(pure.steps(), 51);
    let small = Ancestral { variance: Variance::FixedSmall };
    let solvers: [&dyn Solver<2>; 2] = [&small, &Ddim::default()];
    for solver in solvers {
        let mean = mean_of_samples(solver, &pure);
        assert!((mean - DATA.mean).abs() < 1e-12, "{mean}");
    }
    let edm = plain.unscaled().expect("has signal").from_pure_noise(1000.0).expect("has signal");
    assert!((mean_of_samples(&small, &edm) - DATA.mean).abs() < 1e-12, "the rest may have EDM coordinates");
    let short = mean_of_samples(&Ddim::default(), &plain);
    assert!((short - DATA.mean).abs() > 1e-3, "the plain chain misses the mean: {short}");
}
