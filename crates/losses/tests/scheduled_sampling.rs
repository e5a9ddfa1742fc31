//! Inputs that the model has made itself, by the corruption here and by one from outside.

mod support;

use burn::tensor::{DType, Device, Tensor, TensorData};
use support::{doubles, largest_gap, values};
use undrift_denoisers::{DenoiseError, Denoiser, Eps, Gaussian, Levels, OutputVariance, Preconditioned, Question};
use undrift_losses::{Corrupted, Corruption, LossError, Plain, ScheduledSampling, mix, squared_error};
use undrift_noise::{Key, Noise, Purpose, Replay, SampleNoise};
use undrift_schedules::{Chain, Level};

const MODEL: Gaussian = Gaussian { mean: 0.1, std: 0.4 };

/// Refuses every question.
const UNASKED: Gaussian = Gaussian { mean: f64::NAN, std: f64::NAN };

fn chain() -> Chain {
    Chain::linear_scaled(100).expect("valid")
}

fn sampling(share: f64) -> ScheduledSampling {
    ScheduledSampling::new(chain(), share).expect("a share")
}

fn level(t: usize) -> Level {
    chain().level(t).expect("in range")
}

fn noise(first: u64, count: usize) -> SampleNoise {
    SampleNoise::new(Key::new(5, Purpose::Training), first, count)
}

/// Sixteen samples of three values, and levels all over the chain, the last one too.
fn batch() -> (Tensor<2>, Vec<Level>) {
    let values: Vec<f64> = (0..48).map(|i| (i as f64 * 0.7).sin()).collect();
    (doubles(&values, [16, 3]), (0..16).map(|i| level(1 + i * 99 / 15)).collect())
}

fn both(corrupted: Corrupted<2>) -> (Vec<f64>, Vec<f64>) {
    (values(corrupted.x), values(corrupted.eps))
}

#[test]
fn a_sampled_input_is_one_step_of_the_model_by_hand() {
    let (x0, eps) = (doubles(&[0.3, -0.8], [1, 2]), doubles(&[0.9, -1.1], [1, 2]));
    for above in [1, 7] {
        let mut noise = Replay::new(vec![eps.clone()]).with_uniforms(vec![vec![0.4]]);
        let (from, at) = (level(60 + above), level(60));
        let found = sampling(0.5).from_above(above).corrupt(&MODEL, &x0, &at.into(), &mut noise).expect("fits");
        for (i, (x0, eps)) in [(0.3, 0.9), (-0.8, -1.1)].into_iter().enumerate() {
            let x = from.signal() * x0 + from.noise() * eps;
            let gain = 0.16 * from.signal() / (0.16 * from.alpha_bar() + from.one_minus_alpha_bar());
            let belief = 0.1 + gain * (x - from.signal() * 0.1);
            let own = at.signal() * belief + at.noise() * (x - from.signal() * belief) / from.noise();
            assert!((values(found.x.clone())[i] - own).abs() < 1e-13);
            assert!((values(found.eps.clone())[i] - (own - at.signal() * x0) / at.noise()).abs() < 1e-12);
        }
        assert!(largest_gap(&values(mix(x0.clone(), found.eps, &at.into())), &values(found.x)) < 1e-13);
    }
}

#[test]
fn without_a_share_it_is_plain_bit_for_bit_and_asks_and_draws_nothing_more() {
    let (x0, levels) = batch();
    let (at, mut plain, mut neutral) = (Levels::from(levels), noise(0, 16), noise(0, 16));
    let expected = Plain.corrupt(&UNASKED, &x0, &at, &mut plain).expect("fits");
    let found = sampling(0.0).corrupt(&UNASKED, &x0, &at, &mut neutral).expect("asks nothing");
    assert_eq!((plain.draw(), neutral.draw()), (1, 1));
    assert_eq!(both(found), both(expected));
}

#[test]
fn a_sample_does_not_see_its_batch_and_about_the_share_is_sampled() {
    let (x0, levels) = batch();
    let at = Levels::from(levels.clone());
    let all = both(sampling(0.5).corrupt(&MODEL, &x0, &at, &mut noise(0, 16)).expect("fits"));
    let plain = both(Plain.corrupt(&MODEL, &x0, &at, &mut noise(0, 16)).expect("fits"));
    let sampled: Vec<bool> = (0..16).map(|i| all.0[3 * i..3 * i + 3] != plain.0[3 * i..3 * i + 3]).collect();
    let count = sampled.iter().filter(|sampled| **sampled).count();
    assert!((3..=13).contains(&count), "{count} of 16");
    for i in 0..16 {
        let (row, at) = (x0.clone().narrow(0, i, 1), Levels::from(levels[i]));
        let alone = both(sampling(0.5).corrupt(&MODEL, &row, &at, &mut noise(i as u64, 1)).expect("fits"));
        assert_eq!((&alone.0[..], &alone.1[..]), (&all.0[3 * i..3 * i + 3], &all.1[3 * i..3 * i + 3]), "sample {i}");
        if !sampled[i] {
            assert_eq!(alone.1, plain.1[3 * i..3 * i + 3]);
        }
    }
    let every = both(sampling(1.0).corrupt(&MODEL, &x0, &at, &mut noise(0, 16)).expect("fits"));
    let same = |i: usize| every.0[3 * i..3 * i + 3] == plain.0[3 * i..3 * i + 3];
    assert!((0..15).all(|i| !same(i)) && same(15), "the chain's last level has none above");
}

#[test]
fn no_gradient_flows_through_the_step() {
    let device = Device::flex().autodiff();
    let leaf = || Tensor::<1>::from_data(TensorData::new(vec![0.7], [1]), (&device, DType::F64)).require_grad();
    let slope = |corruption: &dyn Corruption<2>, noise: &mut dyn Noise<2>| {
        let weight = leaf();
        let captured = weight.clone();
        let network = move |x: Tensor<2>, _: Tensor<1>| x * captured.clone().reshape([1, 1]);
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let x0 = doubles(&[0.3, -0.8], [1, 2]).to_device(&device);
        let loss = squared_error(&model, corruption, x0, &level(60).into(), noise).expect("fits");
        values(weight.grad(&loss.sum().backward()).expect("reached"))[0]
    };
    let eps = doubles(&[0.9, -1.1], [1, 2]);
    let mut recorded = Replay::new(vec![eps.clone()]).with_uniforms(vec![vec![0.0]]);
    let model = {
        let network = |x: Tensor<2>, _: Tensor<1>| x * 0.7;
        Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None }
    };
    let mut same = recorded.clone();
    let x0 = doubles(&[0.3, -0.8], [1, 2]);
    let made = sampling(1.0).corrupt(&model, &x0, &level(60).into(), &mut same).expect("fits");
    let fixed = slope(&Given(made), &mut Replay::new(vec![]));
    assert!((slope(&sampling(1.0), &mut recorded) - fixed).abs() < 1e-12 && fixed != 0.0);
}

/// A corruption from outside that is always the same.
struct Given(Corrupted<2>);

impl Corruption<2> for Given {
    fn corrupt(
        &self,
        _model: &dyn Denoiser<2>,
        x0: &Tensor<2>,
        _at: &Levels,
        _noise: &mut dyn Noise<2>,
    ) -> Result<Corrupted<2>, LossError> {
        let onto = |tensor: &Tensor<2>| tensor.clone().to_device(&x0.device());
        Ok(Corrupted { x: onto(&self.0.x), eps: onto(&self.0.eps) })
    }
}

/// A corruption from outside that asks the model where it is sure, and fails where it is not.
struct Confident;

impl Corruption<2> for Confident {
    fn corrupt(
        &self,
        model: &dyn Denoiser<2>,
        x0: &Tensor<2>,
        at: &Levels,
        noise: &mut dyn Noise<2>,
    ) -> Result<Corrupted<2>, LossError> {
        let coins = noise.uniforms(x0);
        let plain = Plain.corrupt(model, x0, at, noise)?;
        if coins.iter().all(|coin| *coin < 0.5) {
            return Err(LossError::foreign("confident", format!("all coins of {} fell", coins.len())));
        }
        Ok(Corrupted { x: model.predict(plain.x, &Question::from(at))?.x0(), eps: plain.eps })
    }
}

#[test]
fn a_corruption_from_outside_may_ask_fail_and_be_boxed() {
    let corruption: Box<dyn Corruption<2>> = Box::new(Confident);
    let (x0, at) = (doubles(&[0.3, -0.8], [1, 2]), Levels::from(level(60)));
    let draw = |uniform| Replay::new(vec![doubles(&[0.9, -1.1], [1, 2])]).with_uniforms(vec![vec![uniform]]);
    let found = corruption.corrupt(&MODEL, &x0, &at, &mut draw(0.9)).expect("one coin stands");
    let x = mix(x0.clone(), doubles(&[0.9, -1.1], [1, 2]), &at);
    assert_eq!(values(found.x), values(MODEL.predict(x, &Question::from(&at)).expect("fits").x0()));
    let error = corruption.corrupt(&MODEL, &x0, &at, &mut draw(0.1)).unwrap_err();
    assert_eq!(error.to_string(), "confident: all coins of 1 fell");
    let refused = corruption.corrupt(&UNASKED, &x0, &at, &mut draw(0.9)).unwrap_err();
    assert!(matches!(refused, LossError::Denoise(DenoiseError::Coordinate { .. })), "{refused}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    for share in [-0.1, 1.1, f64::NAN] {
        let refused = ScheduledSampling::new(chain(), share).unwrap_err();
        assert!(matches!(refused, LossError::SampledShare { .. }), "{refused}");
    }
    let foreign = Levels::from(Level::vp(0.5, 3.5).expect("valid"));
    let (x0, mut noise) = (doubles(&[0.3, -0.8], [1, 2]), noise(0, 1));
    let refused = sampling(0.5).corrupt(&MODEL, &x0, &foreign, &mut noise).unwrap_err();
    assert!(matches!(refused, LossError::OffChain { time: 3.5 }), "{refused}");
}
