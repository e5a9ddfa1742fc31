//! Every wrapper hands the belief before, and whether a question is inside a step, on to the model inside.

use std::cell::RefCell;

use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::{
    ClassifierFree, ClassifierGuidance, ClipX0, ClipX0Within, DenoiseError, Denoiser, DynamicThreshold, EpsilonScaling,
    Gaussian, Levels, Prediction, Question, SeparateFirst, TimeShift,
};
use undrift_schedules::{Chain, Grid, Level};

/// Keeps the x0 of the belief before each question, and whether it was a stage.
#[derive(Default)]
struct Heard(RefCell<Vec<(Option<Vec<f64>>, bool)>>);

impl Denoiser<2> for Heard {
    fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
        let before = at.before().map(|before| before.x0().to_data().iter::<f64>().collect());
        self.0.borrow_mut().push((before, at.is_stage()));
        Gaussian { mean: 0.1, std: 0.5 }.predict(x, at)
    }
}

fn tensor(value: f64) -> Tensor<2> {
    Tensor::full([2, 3], value, (&Device::flex(), DType::F64))
}

fn chain() -> Chain {
    Chain::linear(100).expect("valid")
}

fn level() -> Level {
    chain().level(50).expect("in range")
}

fn grid() -> Grid {
    chain().grid_at(&[80, 50, 20]).expect("valid")
}

/// What the model inside hears through a wrapper that asks it `questions` times.
fn hears(questions: usize, wrapped: impl Fn(&Heard) -> Box<dyn Denoiser<2> + '_>) {
    let before = Prediction::from_x0(tensor(0.3), tensor(0.7), level()).expect("fits");
    for (question, stage) in [(Question::from(level()), false), (Question::stage(level()), true)] {
        let heard = Heard::default();
        let spread = tensor(0.2) * Tensor::from_data([[1.0, 2.0, -1.0]], (&Device::flex(), DType::F64));
        wrapped(&heard).predict(spread, &question.after(before.clone())).expect("fits");
        assert_eq!(heard.0.take(), vec![(Some(vec![0.7; 6]), stage); questions]);
    }
}

#[test]
fn every_wrapper_hands_the_belief_before_on() {
    hears(1, |model| Box::new(model));
    hears(1, |model| Box::new(Box::new(model)));
    hears(1, |model| Box::new(ClipX0(model)));
    hears(1, |model| Box::new(ClipX0Within::new(model, 2.0).expect("valid")));
    hears(1, |model| Box::new(DynamicThreshold::new(model, 0.9, 2.0).expect("valid")));
    hears(1, |model| Box::new(EpsilonScaling::constant(model, 1.1).expect("positive")));
    hears(1, |model| Box::new(SeparateFirst { first: Gaussian { mean: 0.0, std: 1.0 }, rest: model }));
    hears(2, |model| Box::new(ClassifierFree { conditional: model, unconditional: model, scale: 2.0, channels: None }));
    let guide = |x: &Tensor<2>, _: &Levels| x.ones_like();
    hears(1, |model| Box::new(ClassifierGuidance { inner: model, guide, scale: 2.0 }));
}

#[test]
fn time_shift_hands_it_on_under_another_label_too() {
    hears(1, |model| Box::new(TimeShift::new(model, &chain(), &grid(), 20, 0).expect("own levels")));
    let pure = chain().grid_at(&[80, 50]).expect("valid").from_pure_noise(100.0).expect("valid");
    let first = Heard::default();
    let model = SeparateFirst { first: &first, rest: Gaussian { mean: 0.0, std: 1.0 } };
    let before = Prediction::from_x0(tensor(0.3), tensor(0.7), pure.start()).expect("fits");
    model.predict(tensor(0.2), &Question::from(pure.start()).after(before)).expect("fits");
    assert_eq!(first.0.take(), [(Some(vec![0.7; 6]), false)]);
}
