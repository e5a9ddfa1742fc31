//! PNDM as huggingface/diffusers steps it.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction, Question};
use undrift_noise::Noise;
use undrift_schedules::{Chain, Level, Span};

use crate::adams_bashforth::adams_bashforth;
use crate::begin::begin_with_signal;
use crate::flow::transfer;
use crate::{SampleError, Solver, Step};

/// `PNDMScheduler` of diffusers (after Liu et al. 2022, arXiv:2202.09778).
///
/// It is [`Pndm`](crate::Pndm) with other levels: a step lands `stride` below where it starts, whatever the next level
/// is; the Runge-Kutta steps ask halfway between integer timesteps, rounded down, about a state that is one timestep
/// away where the stride is odd; the answers that it combines are those of the network, so that for a v model v is
/// combined, and becomes eps at the level where the step begins.
///
/// Its grid is [`peers::diffusers_strided_grid`](undrift_schedules::peers::diffusers_strided_grid).
#[derive(Clone, Debug, PartialEq)]
pub struct DiffusersPndm {
    /// The network's chain.
    pub chain: Chain,
    /// Indices of the levels that are visited, noisiest first.
    pub visited: Vec<usize>,
    /// What a step goes down.
    pub stride: usize,
    /// Where a step below index 0 ends; `None` is the data.
    pub end: Option<Level>,
    /// Three Runge-Kutta steps first (`skip_prk_steps` false); otherwise the start of PLMS.
    pub runge_kutta: bool,
    /// Whether the network gives v.
    pub velocity: bool,
}

/// Steps of Runge and Kutta.
const STARTING: usize = 3;

/// How many answers a step combines at most.
const ORDER: usize = 4;

impl<const D: usize> Solver<D> for DiffusersPndm {
    fn memory(&self) -> usize {
        ORDER - 1
    }

    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        past: &[Prediction<D>],
        _noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let from = span.from();
        let prediction = begin_with_signal(model, x.clone(), from)?;
        let start = Start { solver: self, model, x: &x, answer: self.answer(&prediction), from };
        let (x, more) = match self.starting(from, past.len()) {
            Some((index, next)) if self.runge_kutta => (start.runge_kutta(index, next)?, 3),
            Some((index, next)) if past.is_empty() => (start.improved_euler(index, next)?, 1),
            _ => {
                let past: Vec<Tensor<D>> = past.iter().take(ORDER - 1).map(|before| self.answer(before)).collect();
                (start.moved(adams_bashforth(start.answer.clone(), &past), from, span.to()), 0)
            }
        };
        Ok(Step { span: *span, prediction, x, evals: 1 + more })
    }
}

impl DiffusersPndm {
    /// What the network gave.
    fn answer<const D: usize>(&self, prediction: &Prediction<D>) -> Tensor<D> {
        if self.velocity { prediction.v() } else { prediction.eps() }
    }

    /// The index of a level and of the one visited after it, while there are too few answers for the multistep form.
    fn starting(&self, from: Level, past: usize) -> Option<(usize, usize)> {
        let index = self.chain.t_of(from)? - 1;
        let at = self.visited.iter().position(|visited| *visited == index)?;
        (past < STARTING).then_some((index, *self.visited.get(at + 1)?))
    }

    /// The level so many indices below another, or where the grid ends.
    fn below(&self, index: usize, by: usize) -> Result<Option<Level>, SampleError> {
        index.checked_sub(by).map(|index| self.level(index)).transpose().map(|level| level.or(self.end))
    }

    fn level(&self, index: usize) -> Result<Level, SampleError> {
        let beyond = SampleError::BeyondChain { index, len: self.chain.len() };
        self.chain.level(index + 1).ok_or(beyond)
    }
}

/// The beginning of a step that asks again before it moves.
struct Start<'a, const D: usize> {
    solver: &'a DiffusersPndm,
    model: &'a dyn Denoiser<D>,
    x: &'a Tensor<D>,
    answer: Tensor<D>,
    from: Level,
}

impl<const D: usize> Start<'_, D> {
    /// `x` moved from one level to another by an answer, which is read at the first of them.
    fn moved(&self, answer: Tensor<D>, from: Level, to: Option<Level>) -> Tensor<D> {
        let eps = match self.solver.velocity {
            true => answer * from.signal() + self.x.clone() * from.noise(),
            false => answer,
        };
        transfer(self.x.clone(), eps, from, to)
    }

    fn asked(&self, x: Tensor<D>, at: Level) -> Result<Tensor<D>, SampleError> {
        let prediction = self.model.predict(x, &Question::stage(at)).map_err(SampleError::at(at.time()))?;
        Ok(self.solver.answer(&prediction))
    }

    /// The four stages of Runge and Kutta; the halfway ones are asked at `next` and half a stride.
    fn runge_kutta(&self, index: usize, next: usize) -> Result<Tensor<D>, SampleError> {
        let half = self.solver.stride / 2;
        let (below, halfway) = (self.solver.below(index, half)?, self.solver.level(next + half)?);
        let next = self.solver.level(next)?;
        let first = self.answer.clone();
        let second = self.asked(self.moved(first.clone(), self.from, below), halfway)?;
        let third = self.asked(self.moved(second.clone(), self.from, Some(halfway)), halfway)?;
        let fourth = self.asked(self.moved(third.clone(), self.from, Some(next)), next)?;
        let mean = (first + fourth) * (1.0 / 6.0) + (second + third) * (1.0 / 3.0);
        Ok(self.moved(mean, self.from, Some(next)))
    }

    /// The mean of two answers, taken from a stride above the next level down to it.
    fn improved_euler(&self, index: usize, next: usize) -> Result<Tensor<D>, SampleError> {
        let stride = self.solver.stride;
        let (below, above) = (self.solver.below(index, stride)?, self.solver.level(next + stride)?);
        let next = self.solver.level(next)?;
        let there = self.moved(self.answer.clone(), self.from, below);
        let second = self.asked(there, next)?;
        Ok(self.moved((self.answer.clone() + second) * 0.5, above, Some(next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Half, gap, tensor};
    use crate::{Pndm, sample};
    use undrift_denoisers::GaussianMixture;
    use undrift_noise::Zeros;
    use undrift_schedules::peers::diffusers_strided_grid;

    fn solver(visited: Vec<usize>, stride: usize, runge_kutta: bool) -> DiffusersPndm {
        let chain = Chain::linear(1000).unwrap();
        DiffusersPndm { chain, visited, stride, end: None, runge_kutta, velocity: false }
    }

    /// Where the stride is that of the list, PLMS of diffusers is the published one.
    #[test]
    fn over_an_even_list_it_is_plms() {
        let visited: Vec<usize> = (0..10).rev().map(|i| i * 100).collect();
        let theirs = solver(visited.clone(), 100, false);
        let grid = diffusers_strided_grid(&theirs.chain, &visited, 100, None).unwrap();
        let component = |mean, std| undrift_denoisers::Component { weight: 1.0, mean: vec![mean; 2], std };
        let model = GaussianMixture::new(vec![component(-0.5, 0.2), component(0.7, 0.3)]).unwrap();
        let x = tensor(vec![0.3, -1.2, 2.0, 0.7], [2, 2]);
        let ours = sample(&model, &Pndm::Plms, &grid, x.clone(), &mut Zeros).unwrap();
        let theirs = sample(&model, &theirs, &grid, x, &mut Zeros).unwrap();
        assert!(gap(&ours, &theirs) < 1e-12);
    }

    /// 1000 in 9 steps: a stride of 111, half of it 55; labels as diffusers lists them.
    #[test]
    fn runge_kutta_asks_at_whole_timesteps() {
        let visited: Vec<usize> = (0..9).rev().map(|i| i * 111).collect();
        let theirs = solver(visited.clone(), 111, true);
        let grid = diffusers_strided_grid(&theirs.chain, &visited, 111, None).unwrap();
        let model = Half::default();
        sample(&model, &theirs, &grid, tensor(vec![0.3, -1.2], [1, 2]), &mut Zeros).unwrap();
        let labels: Vec<f64> = model.asked.borrow().iter().map(|(_, label, _)| *label).collect();
        let starting = [888.0, 832.0, 832.0, 777.0, 777.0, 721.0, 721.0, 666.0, 666.0, 610.0, 610.0, 555.0];
        assert_eq!(labels[..12], starting);
        assert_eq!(labels[12..], [555.0, 444.0, 333.0, 222.0, 111.0, 0.0]);
    }
}
