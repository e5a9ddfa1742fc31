//! What a network is compared with, for each parameterisation.

mod support;

use burn::tensor::{DType, Tensor};
use support::{grey, largest_gap, mean, tensor, values};
use undrift_denoisers::{Edm, Eps, Levels, MuTilde, OutputVariance, Parameterisation, Preconditioned, V, X0};
use undrift_losses::{Plain, squared_error};
use undrift_noise::Replay;
use undrift_schedules::{Chain, Level, Span};

const STEPS: [usize; 4] = [1, 2, 40, 100];

fn chain() -> Chain {
    Chain::linear_scaled(100).expect("valid")
}

fn x0() -> Vec<f64> {
    (0..20).map(|i| grey(f64::from(i * 41 % 256))).collect()
}

fn eps() -> Vec<f64> {
    (0..20).map(|i| 1.3 * (f64::from(i) * 2.3).sin()).collect()
}

/// The loss of a network that answers `scale` times what it is given.
fn loss<P: Parameterisation>(parameterisation: P, scale: f64, dtype: DType) -> Vec<f64> {
    let network = move |x: Tensor<2>, _: Tensor<1>| x * scale;
    let model = Preconditioned { network, parameterisation, variance: OutputVariance::None };
    let levels = STEPS.map(|t| chain().level(t).expect("in range"));
    let mut noise = Replay::new(vec![tensor(&eps(), [4, 5], dtype)]);
    let found = squared_error(&model, &Plain, tensor(&x0(), [4, 5], dtype), &Levels::from(levels.to_vec()), &mut noise);
    values(found.expect("fits"))
}

/// The same by hand: `target(x0, eps, level, span)` of every pixel.
fn expected(scale: f64, target: impl Fn(f64, f64, Level, Span) -> f64) -> Vec<f64> {
    let of_sample = |(sample, t): (usize, usize)| {
        let (level, span) = (chain().level(t).expect("in range"), chain().span(t).expect("in range"));
        let of_pixel = |i: usize| {
            let (x0, eps) = (x0()[5 * sample + i], eps()[5 * sample + i]);
            let x = level.alpha_bar().sqrt() * x0 + (1.0 - level.alpha_bar()).sqrt() * eps;
            (target(x0, eps, level, span) - scale * x).powi(2)
        };
        mean(&(0..5).map(of_pixel).collect::<Vec<_>>())
    };
    STEPS.into_iter().enumerate().map(of_sample).collect()
}

#[test]
fn l_simple_compares_with_the_drawn_noise() {
    let rows: Vec<f64> = eps().chunks(5).map(|row| mean(&row.iter().map(|e| e * e).collect::<Vec<_>>())).collect();
    assert!(largest_gap(&loss(Eps, 0.0, DType::F64), &rows) < 1e-15);
    assert!(largest_gap(&loss(Eps, 0.6, DType::F64), &expected(0.6, |_, eps, _, _| eps)) < 1e-13);
}

#[test]
fn mu_tilde_is_compared_with_the_posterior_mean() {
    let posterior_mean = |x0: f64, eps: f64, level: Level, span: Span| {
        let (alpha_bar, before, beta) = (level.alpha_bar(), span.to_alpha_bar(), span.beta());
        let x = alpha_bar.sqrt() * x0 + (1.0 - alpha_bar).sqrt() * eps;
        let of_x0 = before.sqrt() * beta / (1.0 - alpha_bar);
        of_x0 * x0 + (1.0 - beta).sqrt() * (1.0 - before) / (1.0 - alpha_bar) * x
    };
    for scale in [0.0, 0.9] {
        let found = loss(MuTilde { chain: chain() }, scale, DType::F64);
        assert!(largest_gap(&found, &expected(scale, posterior_mean)) < 1e-12, "{found:?}");
    }
}

#[test]
fn x0_and_v_are_compared_with_themselves() {
    assert!(largest_gap(&loss(X0, 0.6, DType::F64), &expected(0.6, |x0, _, _, _| x0)) < 1e-13);
    let v = |x0: f64, eps: f64, level: Level, _: Span| level.signal() * eps - level.noise() * x0;
    assert!(largest_gap(&loss(V, 0.6, DType::F64), &expected(0.6, v)) < 1e-13);
}

/// EDM's target `(x0 - c_skip x) / c_out` for a network that sees `c_in x`, with the coefficients of its table 1.
#[test]
fn edm_is_compared_with_what_is_left_of_the_data() {
    let sigma_data = 0.5;
    let target = |x0: f64, eps: f64, level: Level, _: Span| {
        let (sigma, signal) = (level.sigma(), level.signal());
        let total = sigma * sigma + 0.25;
        let unscaled = x0 + sigma * eps;
        let answer = 0.6 * unscaled / total.sqrt();
        let left = (x0 - 0.25 / total * unscaled) / (sigma * 0.5 / total.sqrt());
        // `expected` subtracts 0.6 x of the level's own coordinates, so what the network really says goes here.
        left - answer + 0.6 * signal * unscaled
    };
    let found = loss(Edm { sigma_data }, 0.6, DType::F64);
    assert!(largest_gap(&found, &expected(0.6, target)) < 1e-11, "{found:?}");
}

#[test]
fn coordinates_do_not_matter() {
    let of = |parameterisation: &dyn Parameterisation, unscaled: bool| {
        let network = |x: Tensor<2>, _: Tensor<1>| x * 0.6;
        let model = Preconditioned { network, parameterisation, variance: OutputVariance::None };
        let levels = STEPS.map(|t| chain().level(t).expect("in range"));
        let levels = levels.map(|level| if unscaled { level.unscaled().expect("has signal") } else { level });
        let mut noise = Replay::new(vec![tensor(&eps(), [4, 5], DType::F64)]);
        let x0 = tensor(&x0(), [4, 5], DType::F64);
        values(squared_error(&model, &Plain, x0, &Levels::from(levels.to_vec()), &mut noise).expect("fits"))
    };
    let edm = Edm { sigma_data: 0.5 };
    for parameterisation in [&Eps as &dyn Parameterisation, &X0, &V, &edm, &MuTilde { chain: chain() }] {
        assert!(largest_gap(&of(parameterisation, true), &of(parameterisation, false)) < 1e-10);
    }
}

#[test]
fn f32_gives_the_same_numbers() {
    let (wide, narrow) = (loss(Eps, 0.6, DType::F64), loss(Eps, 0.6, DType::F32));
    assert!(largest_gap(&narrow, &wide) < 1e-6);
    let of = |dtype| loss(MuTilde { chain: chain() }, 0.9, dtype);
    assert!(largest_gap(&of(DType::F32), &of(DType::F64)) < 1e-6);
}
