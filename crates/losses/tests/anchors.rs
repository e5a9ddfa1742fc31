//! Numbers of the paper and of its published code.

mod support;

use burn::tensor::Tensor;
use support::{doubles, grey, largest_gap, mean, values};
use undrift_denoisers::{Levels, Prediction, Variance};
use undrift_losses::{bound, decoder_log_likelihood, mix, normal_kl};
use undrift_schedules::{Chain, Span};

fn ddpm() -> Chain {
    Chain::linear(1000).expect("valid")
}

fn span(t: usize) -> Span {
    ddpm().span(t).expect("in range")
}

/// Two images of six pixels on the grey levels, and noise of their shape.
fn images_and_noise() -> (Tensor<2>, Tensor<2>) {
    let x0: Vec<f64> = (0..12).map(|i| grey(f64::from(i * 23 % 256))).collect();
    let eps: Vec<f64> = (0..12).map(|i| (f64::from(i) * 1.7).sin() * 1.4).collect();
    (doubles(&x0, [2, 6]), doubles(&eps, [2, 6]))
}

fn log_likelihood(x0: f64, mean: f64, log_scale: f64) -> f64 {
    let one = |value: f64| doubles(&[value], [1, 1]);
    values(decoder_log_likelihood(one(x0), one(mean), one(log_scale)))[0]
}

#[test]
fn the_decoder_gives_the_published_log_probabilities() {
    let cases = [
        (0.0, 0.0, -5.541264, -0.382163),
        (0.0, 0.0, -4.908363, -0.905018),
        (1.0, 1.0, -4.908363, -0.353441),
        (-1.0, -1.0, -4.908363, -0.353441),
        (0.5, 0.52, -4.605170, -3.082670),
        (-1.0, 1.0, -4.605170, 1e-12f64.ln()),
    ];
    for (x0, mean, log_scale, expected) in cases {
        let found = log_likelihood(x0, mean, log_scale);
        assert!((found - expected).abs() < 2e-6, "({x0}, {mean}, {log_scale}): {found}, not {expected}");
    }
}

#[test]
fn the_decoder_is_a_distribution_over_the_grey_levels() {
    for (mean, log_scale) in [(0.1, -3.0), (-0.95, -2.0), (1.2, -1.0), (0.0, 1.0)] {
        let total: f64 = (0..256).map(|g| log_likelihood(grey(f64::from(g)), mean, log_scale).exp()).sum();
        assert!((total - 1.0).abs() < 1e-9, "N({mean}, e^(2 * {log_scale})): {total}");
    }
}

#[test]
fn the_prior_term_is_that_of_the_paper() {
    for (mean_square, bits) in [(0.25f64, 7.28e-6), (0.3, 8.73e-6), (1.0, 2.91e-5)] {
        let x0 = doubles(&[mean_square.sqrt(); 4], [2, 2]);
        for x0 in [x0.clone(), x0.cast(burn::tensor::DType::F32)] {
            let prior = values(bound::prior(&x0, ddpm().last()));
            assert!(prior.iter().all(|prior| (prior / bits - 1.0).abs() < 1e-3), "{prior:?}, not {bits}");
        }
    }
}

#[test]
fn a_level_without_signal_has_no_prior_term() {
    let last = ddpm().zero_terminal_snr().expect("valid").last();
    assert_eq!(values(bound::prior(&images_and_noise().0, last)), [0.0, 0.0]);
}

/// One term for a belief that is wrong by `error` in every eps, in nats per dimension.
fn term_with_eps_error(span: Span, variance: Variance, error: f64) -> Vec<f64> {
    let (x0, eps) = images_and_noise();
    let at = Levels::from(span.from());
    let x = mix(x0.clone(), eps.clone(), &at);
    let prediction = Prediction::from_eps(x, eps + error, at).expect("has signal");
    let bits = values(bound::term(&prediction, &x0, &[span], variance).expect("fits"));
    bits.iter().map(|bits| bits * std::f64::consts::LN_2).collect()
}

/// Ho et al. 2020, eq. 12: what a squared error of eps costs.
#[test]
fn the_weight_ties_the_error_of_eps_to_the_divergence() {
    let small = [0.599672, 0.317995, 0.0789765, 0.0101784, 0.00551446, 0.0102045];
    let large = [0.272692, 0.194402, 0.0682240, 0.00999623, 0.00550973, 0.0102045];
    for (variance, table) in [(Variance::FixedSmall, small), (Variance::FixedLarge, large)] {
        for (t, anchor) in [2, 3, 11, 101, 501, 1000].into_iter().zip(table) {
            let span = span(t);
            let (beta, alpha_bar) = (span.beta(), span.from().alpha_bar());
            let sigma2 = if variance == Variance::FixedSmall { span.beta_tilde() } else { beta };
            let weight = beta * beta / (2.0 * sigma2 * (1.0 - beta) * (1.0 - alpha_bar));
            assert!((weight / anchor - 1.0).abs() < 2e-6, "t = {t}: {weight}, not {anchor}");
            let constant = term_with_eps_error(span, variance, 0.0)[0];
            for nats in term_with_eps_error(span, variance, 0.3) {
                let found = (nats - constant) / 0.09;
                assert!((found / weight - 1.0).abs() < 1e-8, "{variance:?}, t = {t}: {found}, not {weight}");
            }
        }
    }
}

#[test]
fn the_large_variance_alone_costs_half_a_bit() {
    let perfect = |t: usize, variance| mean(&term_with_eps_error(span(t), variance, 0.0)) / std::f64::consts::LN_2;
    let large: f64 = (2..=1000).map(|t| perfect(t, Variance::FixedLarge)).sum();
    assert!((large - 0.486).abs() < 5e-4, "{large}");
    let small: f64 = (2..=1000).map(|t| perfect(t, Variance::FixedSmall)).sum();
    assert!(small.abs() < 1e-12, "{small}");
}

#[test]
fn the_divergence_of_two_gaussians() {
    let one = |value: f64| doubles(&[value], [1, 1]);
    let kl = |m1: f64, v1: f64, m2: f64, v2: f64| values(normal_kl(one(m1), one(v1.ln()), one(m2), one(v2.ln())))[0];
    assert!((kl(0.0, 1.0, 0.0, 4.0) - 0.5 * (0.25 - 1.0 + 4f64.ln())).abs() < 1e-15);
    assert!((kl(1.0, 4.0, 0.0, 1.0) - 0.5 * (4.0 - 1.0 - 4f64.ln() + 1.0)).abs() < 1e-15);
    assert!((kl(3.0, 2.0, 1.0, 2.0) - 1.0).abs() < 1e-15);
    assert_eq!(kl(0.7, 0.3, 0.7, 0.3), 0.0);
}

/// The coordinates of a level change nothing about a divergence.
#[test]
fn terms_are_the_same_in_edm_coordinates() {
    let chain = ddpm();
    let unscaled = |t: usize| chain.level(t).and_then(|level| level.unscaled()).expect("has signal");
    let levels = [1000, 700, 300, 2].map(unscaled);
    let edm = undrift_schedules::Grid::new(levels).expect("decreasing");
    let vp = chain.grid_at(&[1000, 700, 300, 2]).expect("decreasing");
    for variance in [Variance::FixedSmall, Variance::FixedLarge] {
        for (edm, vp) in edm.spans().iter().zip(vp.spans()) {
            let terms = [edm, vp].map(|&span| term_with_eps_error(span, variance, 0.2));
            assert!(largest_gap(&terms[0], &terms[1]) < 1e-9, "{variance:?} {terms:?}");
        }
    }
}
