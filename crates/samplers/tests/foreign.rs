//! A solver and a wrapper written outside of the crate, of the parts that the solvers here are made of.

use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::affine::affine;
use undrift_denoisers::{Denoiser, Gaussian, Prediction, Question};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_samplers::flow::{along, transfer};
use undrift_samplers::log_step::{LogStep, known};
use undrift_samplers::{
    Churn, Ddim, DpmSolverPp2m, Heun, Pndm, SampleError, Solver, Step, adams_bashforth, begin, begin_with_signal,
    sample,
};
use undrift_schedules::{Chain, Grid, Spacing, Span};

const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

fn bits(x: &Tensor<2>) -> Vec<u64> {
    x.to_data().iter::<f64>().map(f64::to_bits).collect()
}

/// The body of a step, to be written once per test.
type Body = fn(&dyn Denoiser<2>, Tensor<2>, &Span, &[Prediction<2>], &mut dyn Noise<2>) -> Result<Step<2>, SampleError>;

struct Foreign(usize, Body);

impl Solver<2> for Foreign {
    fn memory(&self) -> usize {
        self.0
    }

    fn step(
        &self,
        model: &dyn Denoiser<2>,
        x: Tensor<2>,
        span: &Span,
        past: &[Prediction<2>],
        noise: &mut dyn Noise<2>,
    ) -> Result<Step<2>, SampleError> {
        (self.1)(model, x, span, past, noise)
    }
}

const CHURN: fn() -> Churn = || Churn::new(2.0, 0.05, 50.0, 1.003, 8).expect("valid");

fn heun() -> Foreign {
    Foreign(0, |model, x, span, _, noise| {
        let (x, hat) = CHURN().raise(x, span.from(), noise)?;
        let prediction = begin(model, x.clone(), hat)?;
        let Some(to) = span.to() else {
            return Ok(Step { span: *span, x: prediction.x0(), prediction, evals: 1 });
        };
        let slope = prediction.eps();
        let there = along(&x, hat, to, slope.clone());
        let second = model.predict(there, &Question::stage(to)).map_err(SampleError::at(hat.time()))?;
        let x = along(&x, hat, to, (slope + second.eps()) * 0.5);
        Ok(Step { span: *span, prediction, x, evals: 2 })
    })
}

fn two_m() -> Foreign {
    Foreign(1, |model, x, span, past, _| {
        let prediction = begin(model, x.clone(), span.from())?;
        let x0 = prediction.x0();
        let x = match (span.to(), known(past.first())) {
            (None, _) => x0,
            (Some(to), None) => LogStep::new(span.from(), to).carry(x, x0),
            (Some(to), Some((level, before))) => {
                let step = LogStep::new(span.from(), to);
                let r = LogStep::new(level, span.from()).h() / step.h();
                step.carry(x, x0.clone() + (x0 - before) * (0.5 / r))
            }
        };
        Ok(Step { span: *span, prediction, x, evals: 1 })
    })
}

/// Adams and Bashforth from the first step on, and S-PNDM after its own start.
fn multistep() -> Foreign {
    Foreign(1, |model, x, span, past, noise| {
        if past.is_empty() {
            return Pndm::S.step(model, x, span, past, noise);
        }
        let prediction = begin_with_signal(model, x.clone(), span.from())?;
        let past: Vec<Tensor<2>> = past.iter().map(Prediction::eps).collect();
        let mean = adams_bashforth(prediction.eps(), &past);
        Ok(Step { span: *span, prediction, x: transfer(x, mean, span.from(), span.to()), evals: 1 })
    })
}

fn ddim() -> Foreign {
    Foreign(0, |model, x, span, _, noise| {
        let (down, up) = Ddim { eta: 0.7, keep_eps: false }.shares(span)?;
        let prediction = begin(model, x, span.from())?;
        let Some(to) = span.to() else {
            return Ok(Step { span: *span, x: prediction.x0(), prediction, evals: 1 });
        };
        let pair = (to.signal(), to.noise() * down);
        let mean = affine(&[pair], &prediction.x0(), &prediction.eps());
        let x = mean.clone() + noise.normal(&mean) * (to.noise() * up);
        Ok(Step { span: *span, prediction, x, evals: 1 })
    })
}

#[test]
fn solvers_from_outside_are_those_of_the_crate_bit_for_bit() {
    let sigmas = Grid::karras(8, 0.01, 20.0, 7.0).expect("valid");
    let vp = Chain::linear(1000).expect("valid").respace(Spacing::Trailing, 8).expect("valid");
    let rows: [(Foreign, Box<dyn Solver<2>>, &Grid); 4] = [
        (heun(), Box::new(Heun { churn: CHURN() }), &sigmas),
        (two_m(), Box::new(DpmSolverPp2m), &vp),
        (multistep(), Box::new(Pndm::S), &vp),
        (ddim(), Box::new(Ddim { eta: 0.7, keep_eps: false }), &vp),
    ];
    for (foreign, own, grid) in rows {
        let run = |solver: &dyn Solver<2>| {
            let mut noise = SampleNoise::new(Key::new(3, Purpose::Sampling), 0, 2);
            let x = noise.normal(&Tensor::<2>::zeros([2, 3], (&Device::flex(), DType::F64))) * grid.start().noise();
            bits(&sample(&MODEL, solver, grid, x, &mut noise).expect("has a belief"))
        };
        assert_eq!(run(&foreign), run(&*own));
    }
}
