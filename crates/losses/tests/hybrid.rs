//! The hybrid loss: its two parts, and that the bound teaches nothing but the variance.

mod support;

use burn::tensor::{DType, Device, Tensor, TensorData};
use support::{grey, largest_gap, tensor, values};
use undrift_denoisers::{
    DenoiseError, Denoiser, Eps, Levels, MuTilde, OutputVariance, Parameterisation, Preconditioned, V, Variance,
};
use undrift_losses::{Hybrid, InputPerturbation, LossError, Plain, hybrid, squared_error, variational_bound};
use undrift_noise::{Key, Purpose, SampleNoise};
use undrift_schedules::{Chain, Span};

const DIMS: [usize; 4] = [3, 1, 1, 2];

fn chain() -> Chain {
    Chain::linear_scaled(50).expect("valid")
}

fn spans() -> Vec<Span> {
    [1, 30, 2].map(|t| chain().span(t).expect("in range")).to_vec()
}

fn noise() -> SampleNoise {
    SampleNoise::new(Key::new(3, Purpose::Training), 0, 3)
}

fn images(dtype: DType) -> Tensor<4> {
    tensor(&[0.0, 17.0, 99.0, 128.0, 200.0, 255.0].map(grey), DIMS, dtype)
}

/// `tanh` of `x` for the belief, a multiple of `sin x` for the position of the variance.
fn network(belief: Tensor<1>, spread: Tensor<1>) -> impl Fn(Tensor<4>, Tensor<1>) -> Tensor<4> {
    move |x, _| {
        let one = |of: &Tensor<1>| of.clone().reshape([1, 1, 1, 1]);
        Tensor::cat(vec![(x.clone() * one(&belief)).tanh(), x.sin() * one(&spread)], 1)
    }
}

fn parts<P: Parameterisation>(parameterisation: P, variance: OutputVariance, leaves: [&Tensor<1>; 2]) -> Hybrid {
    let network = network(leaves[0].clone(), leaves[1].clone());
    let model = Preconditioned { network, parameterisation, variance };
    let x0 = images(DType::F64).to_device(&leaves[0].device());
    hybrid(&model, &Plain, x0, &spans(), &mut noise()).expect("fits")
}

fn leaf(value: f64) -> Tensor<1> {
    Tensor::from_data(TensorData::new(vec![value], [1]), (&Device::flex().autodiff(), DType::F64)).require_grad()
}

/// The slope of a loss in the belief's and in the variance's parameter; 0 where no gradient arrives.
fn slopes(loss: Tensor<1>, leaves: [&Tensor<1>; 2]) -> [f64; 2] {
    let gradients = loss.sum().backward();
    leaves.map(|leaf| leaf.grad(&gradients).map_or(0.0, |slope| values(slope)[0]))
}

fn check_gradients<P: Parameterisation + Clone>(parameterisation: P, variance: OutputVariance) {
    let (belief, spread) = (leaf(0.8), leaf(0.6));
    let parts = || parts(parameterisation.clone(), variance, [&belief, &spread]);
    let [of_belief, of_spread] = slopes(parts().bound, [&belief, &spread]);
    assert_eq!(of_belief, 0.0, "the bound reaches the mean");
    assert!(of_spread.abs() > 1e-6, "the bound teaches the variance");
    let [of_belief, of_spread] = slopes(parts().simple, [&belief, &spread]);
    assert!(of_belief.abs() > 1e-6 && of_spread == 0.0, "the squared error teaches the mean alone");
    let model = Preconditioned {
        network: network(belief.clone(), spread.clone()),
        parameterisation: parameterisation.clone(),
        variance,
    };
    let x0 = images(DType::F64).to_device(&belief.device());
    let free = variational_bound(&model, Variance::Learned, &Plain, x0, &spans(), &mut noise()).expect("fits");
    assert!(slopes(free, [&belief, &spread])[0].abs() > 1e-6, "the plain bound does reach the mean");
}

#[test]
fn no_gradient_reaches_the_mean_through_the_bound() {
    check_gradients(Eps, OutputVariance::Range);
    check_gradients(V, OutputVariance::LogVariance);
    check_gradients(MuTilde { chain: chain() }, OutputVariance::Range);
}

#[test]
fn both_parts_are_the_losses_that_they_are_made_of() {
    let leaves = [tensor(&[0.8], [1], DType::F64), tensor(&[0.6], [1], DType::F64)];
    let corruption = InputPerturbation::new(0.2).expect("valid");
    let whole = network(leaves[0].clone(), leaves[1].clone());
    let model = Preconditioned { network: &whole, parameterisation: Eps, variance: OutputVariance::Range };
    let found = hybrid(&model, &corruption, images(DType::F64), &spans(), &mut noise()).expect("fits");
    let half = |x: Tensor<4>, time: Tensor<1>| whole(x, time).narrow(1, 0, 1);
    let mean = Preconditioned { network: half, parameterisation: Eps, variance: OutputVariance::None };
    let at = Levels::from(spans().iter().map(|span| span.from()).collect::<Vec<_>>());
    let simple = squared_error(&mean, &corruption, images(DType::F64), &at, &mut noise()).expect("fits");
    assert_eq!(values(found.simple), values(simple));
    let learned = Variance::Learned;
    let bound = variational_bound(&model, learned, &corruption, images(DType::F64), &spans(), &mut noise());
    assert_eq!(values(found.bound), values(bound.expect("fits")));
}

#[test]
fn the_total_is_that_of_the_paper_and_of_the_code() {
    let part = |values: [f64; 2]| tensor(&values, [2], DType::F64);
    let parts = Hybrid { simple: part([0.5, 0.25]), bound: part([2.0, -1.0]) };
    assert_eq!(values(parts.clone().total(Hybrid::LAMBDA, 1000)), [2.5, -0.75]);
    assert!(largest_gap(&values(parts.clone().total(Hybrid::LAMBDA, 4000)), &[8.5, -3.75]) < 1e-15);
    assert_eq!(values(parts.clone().total(1.0 / 50.0, 50)), [2.5, -0.75]);
    assert_eq!(values(parts.total(0.0, 1000)), [0.5, 0.25]);
}

#[test]
fn coordinates_batches_and_precision_do_not_matter() {
    let at = |dtype| [tensor(&[0.8], [1], dtype), tensor(&[0.6], [1], dtype)];
    let loss = |rows: std::ops::Range<usize>, spans: &[Span], dtype| {
        let [belief, spread] = at(dtype);
        let model =
            Preconditioned { network: network(belief, spread), parameterisation: Eps, variance: OutputVariance::Range };
        let mut noise = SampleNoise::new(Key::new(3, Purpose::Training), rows.start as u64, rows.len());
        let x0 = images(dtype).narrow(0, rows.start, rows.len());
        values(hybrid(&model, &Plain, x0, &spans[rows], &mut noise).expect("fits").total(0.001, 50))
    };
    let vp = loss(0..3, &spans(), DType::F64);
    let unscaled = chain().grid().unscaled().expect("has signal");
    let edm: Vec<Span> = [49, 20, 48].map(|index| unscaled.spans()[index]).to_vec();
    assert!(largest_gap(&loss(0..3, &edm, DType::F64), &vp) < 1e-12);
    assert_eq!(loss(1..2, &spans(), DType::F64), vp[1..2]);
    assert!(largest_gap(&loss(0..3, &spans(), DType::F32), &vp) < 1e-5);
}

#[test]
fn a_network_without_a_variance_is_refused() {
    let network = |x: Tensor<4>, _: Tensor<1>| x;
    let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
    assert!(model.predict(images(DType::F64), &spans()[0].from().into()).is_ok());
    let error = hybrid(&model, &Plain, images(DType::F64), &spans(), &mut noise()).unwrap_err();
    assert!(matches!(error, LossError::Denoise(DenoiseError::NoLearnedVariance)));
}
