//! Objectives are the losses that they are made of, at levels and with noise of the samples' own: bit for bit what is
//! written out here by hand, gradients and dropout masks too.

mod support;

use std::collections::BTreeMap;

use burn::tensor::{DType, Device, Tensor, TensorData};
use support::{grey, values};
use undrift_denoisers::{
    Denoiser, Eps, Levels, Network, OutputVariance, Parameterisation, Preconditioned, Question, SelfConditioned, V,
    Variance, column,
};
use undrift_losses::{
    Ask, Bound, Corruption, Hybrid, HybridBound, Importance, InputPerturbation, LossError, LossSecondMoment, Objective,
    PENALTY_STEP, Penalised, Plain, Simple, Weigh, Weighting, gradient_penalty, hybrid, per_sample, squared_error,
    variational_bound,
};
use undrift_noise::{Key, Noise, Purpose, SampleNoise, index};
use undrift_schedules::{Chain, Span};

const SEED: u64 = 3;
const SIZE: usize = 6;
const STEPS: usize = 4;

fn chain() -> Chain {
    Chain::linear_between(STEPS, 1e-3, 0.3).expect("valid")
}

fn x0(device: &Device) -> Tensor<4> {
    let greys: Vec<f64> = (0..SIZE * 4).map(|i| grey((i * 37 % 256) as f64)).collect();
    Tensor::from_data(TensorData::new(greys, [SIZE, 1, 2, 2]), (device, DType::F32))
}

/// A network of one weight and dropout by address, whose second channel is for a variance.
fn network(weight: Tensor<1>, first: u64, channels: usize) -> impl Fn(Tensor<4>, Tensor<1>) -> Tensor<4> {
    let dropout = SampleNoise::new(Key::new(SEED, Purpose::Dropout), first, SIZE);
    move |x: Tensor<4>, time: Tensor<1>| {
        let time = time.reshape([-1, 1, 1, 1]) * 0.1;
        let kept = dropout.clone().uniform(&x).greater_elem(0.3).float().cast(DType::F32);
        let output = (x * weight.clone().reshape([1, 1, 1, 1]) + time).tanh() * kept;
        if channels == 1 { output } else { Tensor::cat(vec![output.clone(), output * 0.3], 1) }
    }
}

type Model<'a> = Preconditioned<&'a dyn Network<4>, &'a dyn Parameterisation>;

/// The loss of a batch without levels, by its own function.
type Kind = fn(&ByHand, &Model<'_>, Tensor<4>, &[Span], &mut SampleNoise) -> Tensor<1>;

/// An objective written out by hand: the draws of each sample, its level, the penalty, the past losses.
struct ByHand {
    parameterisation: Box<dyn Parameterisation>,
    corruption: InputPerturbation,
    penalty: f64,
    variance: OutputVariance,
    kind: Kind,
}

fn at(spans: &[Span]) -> Levels {
    Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>())
}

impl ByHand {
    fn loss(&self, past: &mut Option<LossSecondMoment>, model: &Model<'_>, x0: Tensor<4>, first: u64) -> Tensor<1> {
        let (key, samples) = (Key::new(SEED, Purpose::Levels), first..first + SIZE as u64);
        let drawn: Vec<(usize, f64)> = match &past {
            None => samples.map(|n| (1 + index(key, n, 0, STEPS), 1.0)).collect(),
            Some(past) => {
                let levels = past.distribution();
                let draw = |n| levels.draw(index(key, n, 0, 1 << 53) as f64 / (1u64 << 53) as f64).expect("in range");
                samples.map(draw).map(|drawn| (drawn.t, drawn.weight)).collect()
            }
        };
        let spans: Vec<Span> = drawn.iter().map(|(t, _)| chain().span(*t).expect("in range")).collect();
        let mut noise = SampleNoise::new(Key::new(SEED, Purpose::Training), first, SIZE);
        let mut again = noise.clone();
        let mut losses = (self.kind)(self, model, x0.clone(), &spans, &mut noise);
        if self.penalty > 0.0 {
            let x = self.corruption.corrupt(model, &x0, &at(&spans), &mut again).expect("fits").x;
            let slope = gradient_penalty(model, x, &at(&spans), PENALTY_STEP, &mut again).expect("fits");
            losses = losses + slope * self.penalty;
        }
        let Some(past) = past else { return losses };
        for ((t, _), loss) in drawn.iter().zip(values(losses.clone().inner())) {
            past.record(*t, loss).expect("finite");
        }
        let weights: Vec<f64> = drawn.iter().map(|(_, weight)| *weight).collect();
        let weights = Tensor::from_data(TensorData::new(weights, [SIZE]), (&losses.device(), losses.dtype()));
        losses * weights
    }

    /// The losses of a batch and the gradient of their mean in the network's weight, as bits.
    fn bits(&self, first: u64, loss: impl FnOnce(&Model<'_>, Tensor<4>) -> Tensor<1>) -> Vec<u64> {
        let device = Device::flex().autodiff();
        let weight = Tensor::<1>::from_data(TensorData::new(vec![0.7f32], [1]), &device).require_grad();
        let channels = if self.variance == OutputVariance::None { 1 } else { 2 };
        let network = network(weight.clone(), first, channels);
        let (network, parameterisation) = (&network as &dyn Network<4>, &*self.parameterisation);
        let losses = loss(&Preconditioned { network, parameterisation, variance: self.variance }, x0(&device));
        let gradient = weight.grad(&losses.clone().mean().backward()).expect("reached");
        values(losses.inner()).into_iter().chain(values(gradient)).map(f64::to_bits).collect()
    }
}

fn ask<'a>(model: &Model<'a>, chain: &'a Chain, x0: Tensor<4>, first: u64) -> Ask<'a, 4> {
    Ask { model: model.clone(), average: None, chain, x0, first, seed: SEED, ts: None }
}

/// Batches enough for importance sampling to warm up, by both.
fn assert_same(mut objective: impl Objective<4>, hand: &ByHand, mut past: Option<LossSecondMoment>) {
    let chain = chain();
    for number in 0..20 {
        let first = number * SIZE as u64;
        let found = hand.bits(first, |model, x0| objective.loss(ask(model, &chain, x0, first)).expect("fits"));
        let expected = hand.bits(first, |model, x0| hand.loss(&mut past, model, x0, first));
        assert_eq!(found, expected, "batch {number}");
    }
    assert!(past.is_none_or(|past| past.is_warm()));
}

fn perturbed() -> InputPerturbation {
    InputPerturbation::new(0.1).expect("valid")
}

const SIMPLE: Kind = |hand, model, x0, spans, noise| {
    let errors = squared_error(model, &hand.corruption, x0, &at(spans), noise).expect("fits");
    Weighting::MinSnr { gamma: 5.0 }.weigh(errors, &hand.parameterisation, &at(spans)).expect("fits")
};

const BOUND: Kind = |hand, model, x0, spans, noise| {
    variational_bound(model, Variance::FixedLarge, &hand.corruption, x0, spans, noise).expect("fits")
};

const HYBRID: Kind = |hand, model, x0, spans, noise| {
    hybrid(model, &hand.corruption, x0, spans, noise).expect("fits").total(Hybrid::LAMBDA, STEPS)
};

fn hand(kind: Kind, penalty: f64, variance: OutputVariance) -> ByHand {
    ByHand { parameterisation: Box::new(V), corruption: perturbed(), penalty, variance, kind }
}

fn simple() -> Simple<InputPerturbation, Weighting> {
    Simple { corruption: perturbed(), weighting: Weighting::MinSnr { gamma: 5.0 } }
}

fn bound() -> Bound<InputPerturbation> {
    Bound { corruption: perturbed(), variance: Variance::FixedLarge }
}

#[test]
fn each_objective_is_its_loss_at_levels_and_noise_of_the_samples() {
    assert_same(simple(), &hand(SIMPLE, 0.0, OutputVariance::None), None);
    assert_same(bound(), &hand(BOUND, 0.0, OutputVariance::None), None);
    let hybrid = HybridBound { corruption: perturbed(), lambda: Hybrid::LAMBDA };
    assert_same(hybrid, &hand(HYBRID, 0.0, OutputVariance::Range), None);
}

#[test]
fn the_penalty_is_taken_at_the_same_inputs_under_the_same_masks() {
    let penalised = Penalised { inner: simple(), corruption: perturbed(), lambda: 0.3 };
    assert_same(penalised, &hand(SIMPLE, 0.3, OutputVariance::None), None);
    let neutral = Penalised { inner: simple(), corruption: perturbed(), lambda: 0.0 };
    assert_same(neutral, &hand(SIMPLE, 0.0, OutputVariance::None), None);
}

#[test]
fn importance_draws_by_all_of_the_loss_inside() {
    let past = || Some(LossSecondMoment::new(STEPS).expect("levels"));
    let importance = Importance::new(bound(), STEPS).expect("levels");
    assert_same(importance, &hand(BOUND, 0.0, OutputVariance::None), past());
    let inner = Penalised { inner: bound(), corruption: perturbed(), lambda: 0.3 };
    let boxed: Box<dyn Objective<4>> = Box::new(Importance::new(inner, STEPS).expect("levels"));
    assert_same(boxed, &hand(BOUND, 0.3, OutputVariance::None), past());
}

/// Importance inside of a penalty, so that a wrapper has to hand the state on.
#[test]
fn a_run_that_goes_on_from_its_state_is_the_same_run() {
    type Stateful = Penalised<Importance<Bound<InputPerturbation>>, InputPerturbation>;
    let fresh = || -> Stateful {
        Penalised { inner: Importance::new(bound(), STEPS).expect("levels"), corruption: perturbed(), lambda: 0.1 }
    };
    let (chain, hand, mut run) = (chain(), hand(BOUND, 0.0, OutputVariance::None), fresh());
    let batch = |run: &mut Stateful, number: u64| {
        let first = number * SIZE as u64;
        hand.bits(first, |model, x0| run.loss(ask(model, &chain, x0, first)).expect("fits"))
    };
    (0..15).for_each(|number| drop(batch(&mut run, number)));
    let (mut resumed, state) = (fresh(), Objective::<4>::state(&run));
    Objective::<4>::restore(&mut resumed, &state).expect("whole");
    assert_eq!(batch(&mut resumed, 15), batch(&mut run, 15));
    assert_ne!(batch(&mut fresh(), 16), batch(&mut run, 16), "the past matters");
    for damaged in [BTreeMap::new(), state.into_iter().map(|(name, text)| (name, text[1..].to_owned())).collect()] {
        let refused = Objective::<4>::restore(&mut fresh(), &damaged).unwrap_err();
        assert!(matches!(refused, LossError::State { entry: "past_losses", .. }), "{refused}");
    }
    assert!(Objective::<4>::restore(&mut simple(), &BTreeMap::new()).is_ok());
}

/// An objective with a state of its own.
struct Counted(u64);

impl Objective<4> for Counted {
    fn loss(&mut self, ask: Ask<'_, 4>) -> Result<Tensor<1>, LossError> {
        self.0 += 1;
        Ok(Tensor::zeros([ask.size()], &ask.x0.device()))
    }

    fn state(&self) -> BTreeMap<String, String> {
        [("batches".to_owned(), self.0.to_string())].into()
    }

    fn restore(&mut self, state: &BTreeMap<String, String>) -> Result<(), LossError> {
        self.0 = state["batches"].parse().expect("a number");
        Ok(())
    }
}

#[test]
fn drawing_levels_hands_on_the_state_inside() {
    let importance = |batches| Importance::new(Counted(batches), STEPS).expect("levels");
    let (state, mut resumed) = (importance(7).state(), importance(0));
    resumed.restore(&state).expect("whole");
    assert_eq!(resumed.inner.0, 7);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let (chain, device) = (chain(), Device::flex());
    let network = |x: Tensor<4>, _: Tensor<1>| x;
    let model = Model { network: &network, parameterisation: &Eps, variance: OutputVariance::None };
    let ask = || ask(&model, &chain, x0(&device), 0);
    let beyond = Ask { ts: Some(vec![STEPS + 1; SIZE]), ..ask() };
    assert!(matches!(simple().loss(beyond).unwrap_err(), LossError::Level { t: 5, steps: STEPS }));
    for lambda in [-0.1, f64::NAN] {
        let error = Penalised { inner: simple(), corruption: perturbed(), lambda }.loss(ask()).unwrap_err();
        assert!(matches!(error, LossError::Penalty { .. }), "{error}");
    }
}

/// A weighting from outside.
struct Later;

impl Weigh for Later {
    fn weight(&self, _: &dyn Parameterisation, at: undrift_schedules::Level) -> Result<f64, LossError> {
        Ok(at.time() + 1.0)
    }
}

/// Self-conditioning from outside: the network is asked again after its own answer or, where there is one, the averaged
/// network's.
struct Twice;

impl Objective<4> for Twice {
    fn loss(&mut self, ask: Ask<'_, 4>) -> Result<Tensor<1>, LossError> {
        let (at, mut noise) = (at(&ask.spans()?), ask.noise());
        let made = Plain.corrupt(&ask.model, &ask.x0, &at, &mut noise)?;
        let teacher = SelfConditioned(ask.average.clone().unwrap_or_else(|| ask.model.clone()));
        let first = teacher.predict(made.x.clone(), &Question::from(&at))?;
        // Half of the samples are told nothing.
        let coins = ask.noise_for(Purpose::named("twice")).uniforms(&ask.x0);
        let told = column(&coins.iter().map(|coin| coin.round()).collect::<Vec<_>>(), &ask.x0);
        let question = Question::from(&at).after(first.map_x0(|x0| x0.detach() * told)?);
        let output = SelfConditioned(ask.model.clone()).output(made.x, &question)?;
        let target = ask.model.target(ask.x0, made.eps, &at)?;
        Ok(per_sample::mean_over_dims((target - output).square()))
    }
}

#[test]
fn weightings_and_objectives_from_outside_have_all_they_need() {
    let (chain, device) = (chain(), Device::flex());
    let network = |x: Tensor<4>, _: Tensor<1>| x;
    let model = Model { network: &network, parameterisation: &Eps, variance: OutputVariance::None };
    let ask_about = |model: &Model<'_>, of: &mut dyn Objective<4>| {
        values(of.loss(ask(model, &chain, x0(&device), 6)).expect("fits"))
    };
    let plain = ask_about(&model, &mut Simple { corruption: Plain, weighting: Weighting::Uniform });
    let boxed: (Box<dyn Corruption<4>>, Box<dyn Weigh>) = (Box::new(Plain), Box::new(Later));
    let later = ask_about(&model, &mut Simple { corruption: boxed.0, weighting: boxed.1 });
    let spans = ask(&model, &chain, x0(&device), 6).spans().expect("own levels");
    for ((later, plain), span) in later.iter().zip(&plain).zip(spans) {
        assert!((later - plain * (span.from().time() + 1.0)).abs() < 1e-5 * later);
    }
    let halves = |x: Tensor<4>, _: Tensor<1>| x.clone().narrow(1, 0, 1) + x.narrow(1, 1, 1) * 0.5;
    let still = |x: Tensor<4>, _: Tensor<1>| x.narrow(1, 0, 1) * 0.0;
    let told = Model { network: &halves, ..model.clone() };
    let average = Some(Model { network: &still, ..model.clone() });
    let about = |average| Ask { average, ..ask(&told, &chain, x0(&device), 6) };
    let (own, averaged) = (Twice.loss(about(None)), Twice.loss(about(average)));
    let (own, averaged) = (values(own.expect("fits")), values(averaged.expect("fits")));
    let same = own.iter().zip(&averaged).filter(|(own, averaged)| own == averaged).count();
    assert!((1..SIZE).contains(&same), "{same} samples of {SIZE} are told nothing");
}
