//! The lazy loop of steps over a grid.

use std::iter::FusedIterator;

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction};
use undrift_noise::Noise;
use undrift_schedules::{Grid, Span};

use crate::reminded::Reminded;
use crate::{SampleError, Solver, Step};

/// Runs `solver` over `grid` lazily: each `next` is one step, and nothing happens before it.
///
/// Whoever wants to watch uses `inspect`, `map` or `take_while`; whoever wants only the result, [`sample`]. The first
/// question of each step carries the belief of the step before, and a question inside a step that first answer
/// ([`Reminded`]).
///
/// # Shapes
/// `x` is `[batch, ..]` at `grid.start()`.
///
/// # Errors
/// An item is a [`SampleError`] when the step fails; there are no items after it.
pub fn steps<'a, const D: usize>(
    model: &'a dyn Denoiser<D>,
    solver: &'a dyn Solver<D>,
    grid: &'a Grid,
    x: Tensor<D>,
    noise: &'a mut dyn Noise<D>,
) -> Steps<'a, D> {
    Steps { model, solver, unchecked: Some(grid), spans: grid.spans(), x, past: Vec::new(), believed: None, noise }
}

/// The last `x` of [`steps`].
///
/// # Shapes
/// As [`steps`]; the result is at the grid's end, which is the data unless the grid ends at a level.
///
/// # Errors
/// The [`SampleError`] of the step that failed.
pub fn sample<const D: usize>(
    model: &dyn Denoiser<D>,
    solver: &dyn Solver<D>,
    grid: &Grid,
    x: Tensor<D>,
    noise: &mut dyn Noise<D>,
) -> Result<Tensor<D>, SampleError> {
    steps(model, solver, grid, x.clone(), noise).try_fold(x, |_, step| Ok(step?.x))
}

/// The lazy iterator that [`steps`] returns.
pub struct Steps<'a, const D: usize> {
    model: &'a dyn Denoiser<D>,
    solver: &'a dyn Solver<D>,
    /// The grid, until the solver has seen it.
    unchecked: Option<&'a Grid>,
    /// What is left of the grid; empty after an error.
    spans: &'a [Span],
    x: Tensor<D>,
    past: Vec<Prediction<D>>,
    /// The belief of the last step.
    believed: Option<Prediction<D>>,
    noise: &'a mut dyn Noise<D>,
}

impl<const D: usize> Iterator for Steps<'_, D> {
    type Item = Result<Step<D>, SampleError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (span, rest) = self.spans.split_first()?;
        self.spans = rest;
        let checked = self.unchecked.take().map_or(Ok(()), |grid| self.solver.check(grid));
        let model = Reminded::new(self.model, self.believed.take());
        let step = checked.and_then(|()| self.solver.step(&model, self.x.clone(), span, &self.past, self.noise));
        match &step {
            Ok(step) => self.remember(step),
            Err(_) => self.spans = &[],
        }
        Some(step)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(!self.spans.is_empty()), Some(self.spans.len()))
    }
}

impl<const D: usize> FusedIterator for Steps<'_, D> {}

impl<const D: usize> Steps<'_, D> {
    fn remember(&mut self, step: &Step<D>) {
        self.x = step.x.clone();
        self.believed = Some(step.prediction.clone());
        if self.solver.memory() > 0 {
            self.past.insert(0, step.prediction.clone());
            self.past.truncate(self.solver.memory());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, start, tensor, values};
    use crate::{Ancestral, Churn, Heun, UniPc};
    use burn::tensor::DType;
    use std::cell::{Cell, RefCell};
    use undrift_denoisers::{
        DenoiseError, Gaussian, OutputVariance, Preconditioned, Question, SelfConditioned, Variance, X0,
    };
    use undrift_noise::Zeros;
    use undrift_schedules::{Chain, Spacing};

    const SOLVER: Ancestral = Ancestral { variance: Variance::FixedSmall };

    /// Counts how often it is asked and fails from `fails_at` on.
    struct Counting {
        asked: Cell<usize>,
        fails_at: usize,
    }

    fn counting(fails_at: usize) -> Counting {
        Counting { asked: Cell::new(0), fails_at }
    }

    impl Denoiser<2> for Counting {
        fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
            self.asked.set(self.asked.get() + 1);
            if self.asked.get() >= self.fails_at {
                return Err(DenoiseError::NoLearnedVariance);
            }
            Gaussian { mean: 0.0, std: 1.0 }.predict(x, at)
        }
    }

    fn grid(steps: usize) -> Grid {
        Chain::linear(100).expect("valid").respace(Spacing::Trailing, steps).expect("valid")
    }

    fn x() -> Tensor<2> {
        tensor(vec![0.5, -0.5], [1, 2])
    }

    #[test]
    fn n_levels_are_n_steps_and_n_evaluations() {
        for n in [1, 2, 7, 100] {
            let (model, grid) = (counting(usize::MAX), grid(n));
            let all: Vec<Step<2>> =
                steps(&model, &SOLVER, &grid, x(), &mut Zeros).map(|step| step.expect("has a belief")).collect();
            assert_eq!((all.len(), model.asked.get(), all.iter().map(|s| s.evals).sum()), (n, n, n));
            assert_eq!(all.iter().map(|step| step.span).collect::<Vec<_>>(), grid.spans());
            assert!(all[n - 1].span.to().is_none(), "ends at the data");
            assert!(all.windows(2).all(|w| bits(&w[0].x) == bits(&w[1].prediction.x())));
        }
    }

    #[test]
    fn nothing_runs_before_it_is_asked_for() {
        let (model, grid) = (counting(usize::MAX), grid(10));
        let mut zeros = Zeros;
        let mut lazy = steps(&model, &SOLVER, &grid, x(), &mut zeros);
        assert_eq!((model.asked.get(), lazy.size_hint()), (0, (1, Some(10))));
        assert!(lazy.next().is_some_and(|step| step.is_ok()));
        assert_eq!((model.asked.get(), lazy.size_hint().1), (1, Some(9)));
        assert_eq!(lazy.take(3).count(), 3);
        assert_eq!(model.asked.get(), 4);
    }

    #[test]
    fn there_is_nothing_after_an_error() {
        let (model, grid) = (counting(4), grid(10));
        let mut zeros = Zeros;
        let mut lazy = steps(&model, &SOLVER, &grid, x(), &mut zeros);
        assert_eq!(lazy.by_ref().take(3).filter(Result::is_ok).count(), 3);
        let time = grid.spans()[3].from().time();
        let error = SampleError::Denoise { time, source: DenoiseError::NoLearnedVariance };
        assert_eq!(lazy.next().expect("an error").unwrap_err(), error);
        assert!(lazy.next().is_none() && lazy.next().is_none());
        assert_eq!((lazy.size_hint(), model.asked.get()), ((0, Some(0)), 4));
        let refused = sample(&counting(1), &SOLVER, &grid, x(), &mut Zeros).unwrap_err();
        assert!(matches!(refused, SampleError::Denoise { time, .. } if time == grid.start().time()));
    }

    #[test]
    fn the_sample_is_the_x_of_the_last_step() {
        let (model, grid) = (Gaussian { mean: 0.2, std: 0.3 }, grid(5));
        let (mut noise, x) = start(0, 3, 2, DType::F64);
        let mut same = noise.clone();
        let last = steps(&model, &SOLVER, &grid, x.clone(), &mut noise).last().expect("five").expect("has a belief");
        let result = sample(&model, &SOLVER, &grid, x, &mut same).expect("has a belief");
        assert_eq!(bits(&result), bits(&last.x));
    }

    /// Heun asks once inside each step but the last; the belief there is the one at the start of the step.
    #[test]
    fn each_question_carries_the_belief_before_it() {
        let heard = RefCell::new(Vec::new());
        let network = |x: Tensor<2>, _: Tensor<1>| {
            let channels = x.dims()[1] / 2;
            heard.borrow_mut().push(x.clone().narrow(1, channels, channels));
            x.narrow(1, 0, channels) * 0.5
        };
        let plain = Preconditioned { network, parameterisation: X0, variance: OutputVariance::None };
        let (model, grid, heun) = (SelfConditioned(plain), grid(4), Heun { churn: Churn::NONE });
        for (solver, stages) in [(&heun as &dyn Solver<2>, true), (&SOLVER, false), (&UniPc::default(), false)] {
            let mut zeros = Zeros;
            let run = steps(&model, solver, &grid, x(), &mut zeros).map(|step| step.expect("has a belief"));
            let beliefs: Vec<Tensor<2>> = run.map(|step| step.prediction.x0()).collect();
            let mut expected = vec![x().zeros_like()];
            for belief in &beliefs[..3] {
                expected.extend(vec![belief.clone(); if stages { 2 } else { 1 }]);
            }
            let found: Vec<_> = heard.take().iter().map(bits).collect();
            assert_eq!(found, expected.iter().map(bits).collect::<Vec<_>>());
        }
    }

    /// Records what it is given to remember.
    struct Remembering {
        memory: usize,
        seen: Cell<Vec<Vec<f64>>>,
    }

    impl Solver<2> for Remembering {
        fn memory(&self) -> usize {
            self.memory
        }

        fn step(
            &self,
            model: &dyn Denoiser<2>,
            x: Tensor<2>,
            span: &Span,
            past: &[Prediction<2>],
            noise: &mut dyn Noise<2>,
        ) -> Result<Step<2>, SampleError> {
            let mut seen = self.seen.take();
            seen.push(past.iter().filter_map(|p| p.at().of(0)).map(|level| level.time()).collect());
            self.seen.set(seen);
            SOLVER.step(model, x, span, &[], noise)
        }
    }

    #[test]
    fn a_multistep_solver_sees_its_past_newest_first() {
        let (grid, model) = (grid(4), Gaussian { mean: 0.0, std: 1.0 });
        let times: Vec<f64> = grid.levels().map(|level| level.time()).collect();
        for memory in [0, 1, 2] {
            let solver = Remembering { memory, seen: Cell::default() };
            let x0 = sample(&model, &solver, &grid, x(), &mut Zeros).expect("has a belief");
            assert!(values(&x0).iter().all(|value| value.is_finite()));
            for (done, seen) in solver.seen.take().into_iter().enumerate() {
                let expected: Vec<f64> = times[..done].iter().rev().take(memory).copied().collect();
                assert_eq!(seen, expected, "memory {memory}, {done} steps done");
            }
        }
    }
}
