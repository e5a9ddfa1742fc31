//! What a network sees and what it is asked for.

mod support;

use burn::tensor::{DType, Tensor};
use support::{doubles, grey, largest_gap, mean, values};
use undrift_denoisers::{Denoiser, Eps, Gaussian, Levels, OutputVariance, Preconditioned, Question, Variance};
use undrift_losses::{
    Corrupted, Corruption, InputPerturbation, LossError, Plain, bound, mix, squared_error, variational_bound,
};
use undrift_noise::{Key, Noise, Purpose, Replay, SampleNoise};
use undrift_schedules::{Chain, Level, Span};

/// A model for corruptions that ask none.
const UNASKED: Gaussian = Gaussian { mean: f64::NAN, std: f64::NAN };

fn perturbed(gamma: f64) -> InputPerturbation {
    InputPerturbation::new(gamma).expect("valid")
}

fn x0() -> Tensor<2> {
    doubles(&[-1.0, grey(50.0), grey(200.0), 1.0], [2, 2])
}

fn eps() -> Tensor<2> {
    doubles(&[0.5, -1.5, 0.25, 2.0], [2, 2])
}

fn xi() -> Tensor<2> {
    doubles(&[-3.0, 1.0, 0.5, -0.75], [2, 2])
}

fn recorded() -> Replay<2> {
    Replay::new(vec![eps(), xi()])
}

fn spans() -> Vec<Span> {
    let chain = Chain::linear_scaled(100).expect("valid");
    [1, 60].map(|t| chain.span(t).expect("in range")).to_vec()
}

fn levels(spans: &[Span]) -> Levels {
    Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>())
}

#[test]
fn the_input_has_the_second_draw_and_the_target_has_not() {
    let vp = Level::vp(0.64, 3.0).expect("valid");
    for (at, signal, noise) in [(vp, 0.8, 0.6), (vp.unscaled().expect("has signal"), 1.0, 0.75)] {
        let Corrupted { x, eps: target } =
            perturbed(0.1).corrupt(&UNASKED, &x0(), &at.into(), &mut recorded()).expect("fits");
        let by_hand = [-signal + noise * (0.5 - 0.3), signal * grey(50.0) + noise * (-1.5 + 0.1)];
        assert!(largest_gap(&values(x)[..2], &by_hand) < 1e-15);
        assert_eq!(values(target), values(eps()));
    }
}

#[test]
fn the_constants_are_those_of_the_paper_and_of_the_released_weights() {
    assert_eq!((InputPerturbation::PAPER_GAMMA, InputPerturbation::RELEASED_CIFAR10_GAMMA), (0.1, 0.15));
    assert_eq!(perturbed(InputPerturbation::PAPER_GAMMA).gamma(), 0.1);
}

#[test]
fn without_strength_it_is_the_plain_loss_bit_for_bit_and_draws_once() {
    let (at, mut plain, mut neutral) = (levels(&spans()), recorded(), recorded());
    let expected = Plain.corrupt(&UNASKED, &x0(), &at, &mut plain).expect("fits");
    let found = perturbed(0.0).corrupt(&UNASKED, &x0(), &at, &mut neutral).expect("fits");
    assert_eq!((plain.remaining(), neutral.remaining()), (1, 1));
    assert_eq!((values(found.x), values(found.eps)), (values(expected.x), values(expected.eps)));
}

#[test]
fn the_squared_error_asks_for_the_original_noise() {
    let network = |x: Tensor<2>, _: Tensor<1>| x;
    let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
    let at = Level::vp(0.64, 3.0).expect("valid");
    let found = squared_error(&model, &perturbed(0.1), x0(), &at.into(), &mut recorded()).expect("fits");
    let error = |x0: f64, eps: f64, xi: f64| (eps - (0.8 * x0 + 0.6 * (eps + 0.1 * xi))).powi(2);
    let first = mean(&[error(-1.0, 0.5, -3.0), error(grey(50.0), -1.5, 1.0)]);
    assert!((values(found)[0] - first).abs() < 1e-15);
}

#[test]
fn the_bound_compares_with_the_posterior_of_the_perturbed_input() {
    let (model, spans) = (Gaussian { mean: 0.1, std: 0.4 }, spans());
    let corruption = perturbed(0.3);
    let found = variational_bound(&model, Variance::FixedLarge, &corruption, x0(), &spans, &mut recorded());
    let at = levels(&spans);
    let seen = mix(x0(), eps() + xi() * 0.3, &at);
    let prediction = model.predict(seen, &Question::from(&at)).expect("fits");
    let term = bound::term(&prediction, &x0(), &spans, Variance::FixedLarge).expect("fits");
    assert!(largest_gap(&values(found.expect("fits")), &values(term)) < 1e-14);
}

#[test]
fn a_sample_does_not_see_its_batch_and_single_precision_gives_the_same() {
    let noise = |first, count| SampleNoise::new(Key::new(5, Purpose::Training), first, count);
    let at = |from: usize, count: usize| levels(&spans()[from..from + count]);
    let both = perturbed(0.1).corrupt(&UNASKED, &x0(), &at(0, 2), &mut noise(0, 2)).expect("fits");
    let second = x0().narrow(0, 1, 1);
    let alone = perturbed(0.1).corrupt(&UNASKED, &second, &at(1, 1), &mut noise(1, 1)).expect("fits");
    assert_eq!(values(alone.x), values(both.x.clone().narrow(0, 1, 1)));
    let single = perturbed(0.1).corrupt(&UNASKED, &x0().cast(DType::F32), &at(0, 2), &mut noise(0, 2)).expect("fits");
    assert_eq!(single.x.dtype(), DType::F32);
    assert!(largest_gap(&values(single.x), &values(both.x)) < 1e-6);
}

/// The network that is best under perturbed inputs shrinks eps by `1 / (1 + gamma^2)`.
#[test]
fn the_best_answer_to_pure_perturbed_noise_is_shrunk() {
    let gamma = 0.5;
    let at = Level::vp(0.0, 1.0).expect("signal 0 is a level");
    let like = doubles(&vec![0.0; 40_000], [1, 40_000]);
    let mut noise = SampleNoise::new(Key::new(1, Purpose::Training), 0, 1);
    let Corrupted { x, eps } =
        Corruption::<2>::corrupt(&perturbed(gamma), &UNASKED, &like, &at.into(), &mut noise as &mut dyn Noise<2>)
            .expect("fits");
    let (x, eps) = (values(x), values(eps));
    let slope = x.iter().zip(&eps).map(|(x, e)| x * e).sum::<f64>() / x.iter().map(|x| x * x).sum::<f64>();
    assert!((slope - 1.0 / (1.0 + gamma * gamma)).abs() < 0.02, "{slope}");
}

#[test]
fn impossible_strengths_are_refused() {
    for gamma in [-0.1, f64::INFINITY, f64::NAN] {
        let error = InputPerturbation::new(gamma).unwrap_err();
        assert!(matches!(error, LossError::Gamma { .. }) && error.to_string().contains("at least 0"));
    }
}
