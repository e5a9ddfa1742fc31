//! Gradients against finite differences, and that an unused branch does not spoil them.

mod support;

use burn::tensor::{DType, Device, Tensor, TensorData};
use support::{grey, largest_gap, values};
use undrift_denoisers::{
    Eps, LearnedVariance, Levels, MuTilde, OutputVariance, Parameterisation, Preconditioned, Prediction, V, Variance,
    X0,
};
use undrift_losses::{Plain, bound, mix, squared_error, variational_bound};
use undrift_noise::{Key, Purpose, SampleNoise};
use undrift_schedules::{Chain, Span};

const DIMS: [usize; 4] = [4, 2, 1, 3];
const PARAMETERS: [f64; 6] = [0.9, -0.2, 0.8, 1.1, 0.3, 0.7];

fn chain() -> Chain {
    Chain::linear_scaled(50).expect("valid")
}

/// Two samples at the last step to the data, two higher up.
fn spans() -> Vec<Span> {
    [1, 30, 1, 2].map(|t| chain().span(t).expect("in range")).to_vec()
}

fn leaf<const D: usize>(values: &[f64], dims: [usize; D], dtype: DType) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), dims), (&Device::flex().autodiff(), dtype))
}

fn images(dtype: DType) -> Tensor<4> {
    let levels: Vec<f64> = (0..24).map(|i| grey(f64::from(i * 37 % 256))).collect();
    leaf(&levels, DIMS, dtype)
}

/// A network of six numbers: three for the belief, three for the variance.
fn network(parameters: Tensor<1>, variance: OutputVariance) -> impl Fn(Tensor<4>, Tensor<1>) -> Tensor<4> {
    let one = move |i: usize| parameters.clone().narrow(0, i, 1).reshape([1, 1, 1, 1]);
    move |x, _| {
        let belief = (x.clone() * one(0) + one(1)).tanh() * one(2);
        let spread = (x * one(3) + one(4)).sin() * one(5);
        match variance {
            OutputVariance::None => belief,
            OutputVariance::Range => Tensor::cat(vec![belief, spread], 1),
            OutputVariance::LogVariance => Tensor::cat(vec![belief, spread - 4.0], 1),
        }
    }
}

/// Which loss: the squared error, or the bound with a variance.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Squared,
    Bound(Variance),
}

/// Weighted sum over the batch, so that no sample's gradient can stand in for another's.
fn loss<P: Parameterisation>(
    parameters: Tensor<1>,
    parameterisation: P,
    variance: OutputVariance,
    loss: Loss,
) -> Tensor<1> {
    let model = Preconditioned { network: network(parameters, variance), parameterisation, variance };
    let mut noise = SampleNoise::new(Key::new(3, Purpose::Training), 0, 4);
    let (x0, spans) = (images(DType::F64), spans());
    let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
    let per_sample = match loss {
        Loss::Squared => squared_error(&model, &Plain, x0, &at, &mut noise),
        Loss::Bound(variance) => variational_bound(&model, variance, &Plain, x0, &spans, &mut noise),
    };
    let weights = leaf(&[1.0, 0.5, 2.0, 0.7], [4], DType::F64);
    (per_sample.expect("fits") * weights).sum()
}

fn check<P: Parameterisation + Clone>(parameterisation: P, variance: OutputVariance, which: Loss) {
    let at = |values: &[f64]| leaf(values, [6], DType::F64);
    let value = |values: &[f64]| support::values(loss(at(values), parameterisation.clone(), variance, which))[0];
    let parameters = at(&PARAMETERS).require_grad();
    let gradients = loss(parameters.clone(), parameterisation.clone(), variance, which).backward();
    let found = values(parameters.grad(&gradients).expect("reached"));
    let difference = |i: usize| {
        let (mut up, mut down, h) = (PARAMETERS, PARAMETERS, 1e-5);
        up[i] += h;
        down[i] -= h;
        (value(&up) - value(&down)) / (2.0 * h)
    };
    let expected: Vec<f64> = (0..6).map(difference).collect();
    let used = if variance == OutputVariance::None { 3 } else { 6 };
    assert!(expected[..used].iter().all(|slope| slope.abs() > 1e-6), "{which:?}: nothing to test in {expected:?}");
    assert!(largest_gap(&found, &expected) < 2e-6, "{which:?} {variance:?}: {found:?}, not {expected:?}");
}

#[test]
fn the_squared_error_has_the_gradient_of_its_value() {
    check(Eps, OutputVariance::None, Loss::Squared);
    check(X0, OutputVariance::None, Loss::Squared);
    check(V, OutputVariance::None, Loss::Squared);
    check(MuTilde { chain: chain() }, OutputVariance::None, Loss::Squared);
}

#[test]
fn the_bound_has_the_gradient_of_its_value() {
    for variance in [Variance::FixedSmall, Variance::FixedLarge] {
        check(Eps, OutputVariance::None, Loss::Bound(variance));
    }
    check(V, OutputVariance::Range, Loss::Bound(Variance::Learned));
    check(Eps, OutputVariance::LogVariance, Loss::Bound(Variance::Learned));
    check(MuTilde { chain: chain() }, OutputVariance::LogVariance, Loss::Bound(Variance::Learned));
}

/// Two samples whose other branch overflows in f32: the divergence of the first, the decoder of the second.
fn overflowing() -> (Tensor<2>, Tensor<2>, Vec<Span>) {
    let belief = leaf(&[grey(10.0), grey(200.0), 9.0, -9.0], [2, 2], DType::F32);
    let log_variance = leaf(&[-98.8, -98.8, -87.0, -87.0], [2, 2], DType::F32);
    (belief, log_variance, [1, 50].map(|t| chain().span(t).expect("in range")).to_vec())
}

#[test]
fn an_unused_branch_does_not_spoil_the_gradient() {
    let (belief, log_variance, spans) = overflowing();
    let (belief, log_variance) = (belief.require_grad(), log_variance.require_grad());
    let x0 = leaf(&[grey(10.0), grey(200.0), 0.0, 0.0], [2, 2], DType::F32);
    let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
    let x = mix(x0.clone(), x0.clone() + 30.0, &at);
    let prediction = Prediction::from_x0(x, belief.clone(), at).expect("fits");
    let prediction = prediction.with_log_variance(LearnedVariance::LogVariance(log_variance.clone()));
    let terms = bound::term(&prediction, &x0, &spans, Variance::Learned).expect("fits");
    assert!(values(terms.clone()).iter().all(|term| term.is_finite()), "{terms}");
    let gradients = terms.sum().backward();
    for leaf in [belief, log_variance] {
        let gradient = values(leaf.grad(&gradients).expect("reached"));
        assert!(gradient.iter().all(|slope| slope.is_finite()), "{gradient:?}");
        assert!(gradient[2] != 0.0, "the divergence still teaches: {gradient:?}");
    }
}

#[test]
fn a_mixed_batch_gives_every_sample_its_own_term() {
    let (x0, spans) = (images(DType::F64), spans());
    let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
    let x = mix(x0.clone(), x0.clone().cos(), &at);
    let term = |from: usize, count: usize, variance| {
        let rows = |tensor: &Tensor<4>| tensor.clone().narrow(0, from, count);
        let spans = &spans[from..from + count];
        let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
        let prediction = Prediction::from_x0(rows(&x), rows(&x0) * 0.98, at).expect("fits");
        values(bound::term(&prediction, &rows(&x0), spans, variance).expect("fits"))
    };
    for variance in [Variance::FixedSmall, Variance::FixedLarge] {
        let alone: Vec<f64> = (0..4).flat_map(|row| term(row, 1, variance)).collect();
        assert!(largest_gap(&term(0, 4, variance), &alone) < 1e-13);
    }
}
