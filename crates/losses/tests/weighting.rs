//! Weights in the output space of every parameterisation.

mod support;

use burn::tensor::{DType, Tensor};
use support::{doubles, largest_gap, values};
use undrift_denoisers::{
    DenoiseError, Edm, Eps, Levels, MuTilde, OutputVariance, Parameterisation, Preconditioned, V, X0,
};
use undrift_losses::{LossError, Plain, Weighting, squared_error};
use undrift_noise::Replay;
use undrift_schedules::{Chain, Level};

const P2: Weighting = Weighting::P2 { k: 1.0, gamma: 0.5 };
const MIN_SNR: Weighting = Weighting::MinSnr { gamma: 5.0 };
const EDM: Weighting = Weighting::Edm { sigma_data: 0.5 };

/// The same signal-to-noise ratio in both coordinates.
fn levels(snr: f64) -> [Level; 2] {
    let vp = Level::vp(snr / (1.0 + snr), 3.0).expect("valid");
    [vp, vp.unscaled().expect("has signal")]
}

fn weight(weighting: Weighting, parameterisation: &dyn Parameterisation, at: Level) -> f64 {
    weighting.weight(parameterisation, at).expect("valid")
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 1e-12 * expected.abs()
}

#[test]
fn the_published_forms() {
    for snr in [0.003, 0.7, 4.9, 5.1, 800.0_f64] {
        for at in levels(snr) {
            assert!(close(weight(MIN_SNR, &Eps, at), snr.min(5.0) / snr));
            assert!(close(weight(MIN_SNR, &X0, at), snr.min(5.0)));
            assert!(close(weight(MIN_SNR, &V, at), snr.min(5.0) / (snr + 1.0)));
            assert!(close(weight(P2, &Eps, at), 1.0 / (1.0 + snr).sqrt()));
            let sigma = at.sigma();
            assert!(close(weight(EDM, &X0, at), (sigma * sigma + 0.25) / (sigma * 0.5).powi(2)));
            assert!(close(weight(EDM, &Edm { sigma_data: 0.5 }, at), 1.0));
            assert!(close(weight(Weighting::Snr, &X0, at), sigma.powi(-2)));
            assert_eq!(weight(Weighting::Snr, &Eps, at), 1.0);
            assert_eq!(weight(Weighting::Uniform, &V, at), 1.0);
        }
    }
}

#[test]
fn p2_of_exponent_0_counts_every_error_of_eps_alike() {
    let flat = Weighting::P2 { k: 1.0, gamma: 0.0 };
    for at in levels(3.0) {
        assert_eq!(weight(flat, &Eps, at), 1.0);
    }
}

/// A network that is wrong by the same belief counts the same, whatever its parameterisation.
#[test]
fn one_belief_has_one_loss() {
    let chain = Chain::linear_scaled(100).expect("valid");
    let level = chain.level(40).expect("in range");
    let all: [&dyn Parameterisation; 5] = [&Eps, &X0, &V, &Edm { sigma_data: 0.3 }, &MuTilde { chain: chain.clone() }];
    let (x0, eps, mistake) = (0.4, -0.7, 0.2);
    for at in [level, level.unscaled().expect("has signal")] {
        let loss = |weighting: Weighting, of: &dyn Parameterisation| {
            let output = |x0: f64| {
                let x = level_mix(at, 0.4, eps);
                let (a, b) = of.x0_of(at).expect("valid");
                (x0 - a * x) / b
            };
            weight(weighting, of, at) * (output(x0 + mistake) - output(x0)).powi(2)
        };
        for weighting in [P2, MIN_SNR, EDM, Weighting::Snr] {
            let expected = loss(weighting, &X0);
            assert!(all.iter().all(|of| (loss(weighting, of) - expected).abs() < 1e-9 * expected), "{weighting:?}");
        }
    }
}

fn level_mix(at: Level, x0: f64, eps: f64) -> f64 {
    at.signal() * x0 + at.noise() * eps
}

fn loss(weighting: Weighting, dtype: DType, rows: std::ops::Range<usize>) -> Vec<f64> {
    let at: Vec<Level> = [0.9, 0.3].map(|alpha_bar| Level::vp(alpha_bar, 0.0).expect("valid")).to_vec();
    let at = Levels::from(at[rows.clone()].to_vec());
    let narrow = |tensor: Tensor<2>| tensor.narrow(0, rows.start, rows.len()).cast(dtype);
    let mut noise = Replay::new(vec![narrow(doubles(&[0.3, -1.0, 2.0, 0.1], [2, 2]))]);
    let network = |x: Tensor<2>, _: Tensor<1>| x * 0.3;
    let model = Preconditioned { network, parameterisation: V, variance: OutputVariance::None };
    let x0 = narrow(doubles(&[0.5, -0.2, 1.0, -1.0], [2, 2]));
    let errors = squared_error(&model, &Plain, x0, &at, &mut noise).expect("fits");
    values(weighting.weigh(errors, &model.parameterisation, &at).expect("fits"))
}

#[test]
fn errors_are_multiplied_sample_by_sample_and_uniform_leaves_them() {
    let plain = loss(Weighting::Uniform, DType::F64, 0..2);
    let weights = [0.9, 0.3].map(|alpha_bar: f64| (alpha_bar / (1.0 - alpha_bar)).min(5.0) * (1.0 - alpha_bar));
    let expected: Vec<f64> = plain.iter().zip(weights).map(|(error, weight)| error * weight).collect();
    assert!(largest_gap(&loss(MIN_SNR, DType::F64, 0..2), &expected) < 1e-14);
    assert_eq!(loss(MIN_SNR, DType::F64, 1..2), loss(MIN_SNR, DType::F64, 0..2)[1..]);
    assert!(largest_gap(&loss(MIN_SNR, DType::F32, 0..2), &expected) < 1e-6);
    let errors = doubles(&[0.1, f64::MIN_POSITIVE], [2]);
    let kept = Weighting::Uniform.weigh(errors, &Eps, &Levels::from(levels(1.0)[0])).expect("fits");
    assert_eq!(values(kept), [0.1, f64::MIN_POSITIVE]);
}

#[test]
fn without_signal_v_has_a_weight_and_eps_has_none() {
    let last = Level::vp(0.0, 9.0).expect("signal 0 is a level");
    assert_eq!((weight(MIN_SNR, &V, last), weight(P2, &V, last)), (0.0, 0.0));
    assert_eq!(weight(EDM, &V, last), 4.0);
    let error = MIN_SNR.weight(&Eps, last).unwrap_err();
    assert!(matches!(error, LossError::Denoise(DenoiseError::NoSignal { .. })));
}

#[test]
fn constants_out_of_range_are_named() {
    for (wrong, name) in [
        (Weighting::P2 { k: 0.0, gamma: 1.0 }, "k of P2"),
        (Weighting::P2 { k: f64::NAN, gamma: 1.0 }, "k of P2"),
        (Weighting::P2 { k: 1.0, gamma: -1.0 }, "gamma of P2"),
        (Weighting::MinSnr { gamma: 0.0 }, "gamma of min-SNR"),
        (Weighting::Edm { sigma_data: f64::INFINITY }, "sigma_data"),
    ] {
        let error = wrong.weight(&Eps, levels(1.0)[0]).unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    }
    let errors = doubles(&[0.1; 3], [3]);
    let miscounted = MIN_SNR.weigh(errors, &Eps, &Levels::from(levels(1.0).to_vec())).unwrap_err();
    assert!(matches!(miscounted, LossError::Denoise(DenoiseError::LevelCount { levels: 2, batch: 3 })));
}
