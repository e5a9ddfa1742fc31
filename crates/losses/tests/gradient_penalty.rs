//! The estimated slope of eps in its input.

mod support;

use burn::tensor::{DType, Device, Tensor, TensorData};
use support::{doubles, largest_gap, tensor, values};
use undrift_denoisers::{Denoiser, Eps, Gaussian, Levels, OutputVariance, Preconditioned, X0};
use undrift_losses::{LossError, PENALTY_STEP, gradient_penalty};
use undrift_noise::{Key, Purpose, Replay, SampleNoise};
use undrift_schedules::Level;

fn probe() -> Tensor<2> {
    doubles(&[1.0, -2.0, 0.5, 3.0], [2, 2])
}

fn x() -> Tensor<2> {
    doubles(&[0.3, 0.1, -0.4, 2.0], [2, 2])
}

fn penalty(model: &dyn Denoiser<2>, x: Tensor<2>, at: &Levels) -> Vec<f64> {
    let mut noise = Replay::new(vec![probe().narrow(0, 0, x.dims()[0])]);
    values(gradient_penalty(model, x, at, PENALTY_STEP, &mut noise).expect("fits"))
}

/// eps of a Gaussian is linear in x with slope `noise / (signal^2 std^2 + noise^2)`; the difference is exact.
#[test]
fn a_linear_model_has_its_slope_at_any_step_and_in_both_coordinates() {
    let vp = Level::vp(0.64, 0.0).expect("valid");
    let model = Gaussian { mean: 0.2, std: 0.5 };
    let slope = 0.6 / (0.64 * 0.25 + 0.36_f64);
    let expected = [5.0, 9.25].map(|u: f64| slope * slope * u);
    assert!(largest_gap(&penalty(&model, x(), &vp.into()), &expected) < 1e-10);
    let edm = vp.unscaled().expect("has signal");
    assert!(largest_gap(&penalty(&model, x() / 0.8, &edm.into()), &expected) < 1e-10);
}

/// The slope of `tanh(x)` is `1 - tanh(x)^2` in each pixel and none across pixels.
#[test]
fn its_mean_over_probes_is_the_frobenius_norm() {
    let model = Preconditioned {
        network: |x: Tensor<2>, _: Tensor<1>| x.tanh(),
        parameterisation: Eps,
        variance: OutputVariance::None,
    };
    let at = Levels::from(Level::vp(0.5, 0.0).expect("valid"));
    let rows = 4000;
    let inputs: Vec<f64> = (0..rows).flat_map(|_| [0.3, -0.9]).collect();
    let mut noise = SampleNoise::new(Key::new(2, Purpose::Training), 0, rows);
    let all = gradient_penalty(&model, doubles(&inputs, [rows, 2]), &at, PENALTY_STEP, &mut noise).expect("fits");
    let found = support::mean(&values(all));
    let expected: f64 = [0.3_f64, -0.9].iter().map(|x| (1.0 - x.tanh().powi(2)).powi(2)).sum();
    assert!((found - expected).abs() < 0.06 * expected, "{found} {expected}");
}

#[test]
fn a_plain_backward_pass_gives_its_gradient() {
    let device = Device::flex().autodiff();
    let leaf = Tensor::<1>::from_data(TensorData::new(vec![0.7], [1]), (&device, DType::F64)).require_grad();
    let weight = leaf.clone();
    let network = move |x: Tensor<2>, _: Tensor<1>| x * weight.clone().reshape([1, 1]);
    let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
    let at = Levels::from(Level::vp(0.5, 0.0).expect("valid"));
    let mut noise = Replay::new(vec![probe()]);
    let loss = gradient_penalty(&model, x().to_device(&device), &at, PENALTY_STEP, &mut noise).expect("fits");
    let slope = values(leaf.grad(&loss.sum().backward()).expect("reached"))[0];
    assert!((slope - 2.0 * 0.7 * 14.25).abs() < 1e-9, "{slope}");
}

#[test]
fn a_model_that_ignores_its_input_has_no_penalty() {
    let network = |x: Tensor<2>, _: Tensor<1>| x.zeros_like() + 0.4;
    let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
    let at = Levels::from(Level::vp(0.5, 0.0).expect("valid"));
    assert_eq!(penalty(&model, x(), &at), [0.0, 0.0]);
    let x0_model = Preconditioned { network, parameterisation: X0, variance: OutputVariance::None };
    let expected = [10.0, 18.5];
    assert!(largest_gap(&penalty(&x0_model, x(), &at), &expected) < 1e-9, "eps moves with x when x0 does not");
}

#[test]
fn samples_are_alone_and_single_precision_agrees() {
    let model = Gaussian { mean: 0.2, std: 0.5 };
    let at = Levels::from(Level::vp(0.64, 0.0).expect("valid"));
    let both = penalty(&model, x(), &at);
    assert_eq!(penalty(&model, x().narrow(0, 0, 1), &at), both[..1]);
    let single = penalty(&model, tensor(&values(x()), [2, 2], DType::F32), &at);
    assert!(largest_gap(&single, &both) < 1e-4, "{single:?}");
}

#[test]
fn a_step_of_nothing_is_refused() {
    let at = Levels::from(Level::vp(0.5, 0.0).expect("valid"));
    for step in [0.0, -0.1, f64::NAN] {
        let error = gradient_penalty(&Gaussian { mean: 0.0, std: 1.0 }, x(), &at, step, &mut Replay::new(vec![]));
        assert!(matches!(error.unwrap_err(), LossError::Step { .. }));
    }
}
