//! A multistep solver whose last step forgets the past.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction};
use undrift_noise::Noise;
use undrift_schedules::{Grid, Level, Span};

use crate::{SampleError, Solver, Step};

/// A multistep solver that takes the step onto one level without its past, as a step of first order.
///
/// `lower_order_final` and `euler_at_final` of diffusers' DPM-Solver, for grids that end at a level instead of the data
/// (a step to the data is of first order already).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirstOrderEnd<S> {
    /// The solver.
    pub solver: S,
    /// The level that the last step ends at.
    pub end: Level,
}

impl<const D: usize, S: Solver<D>> Solver<D> for FirstOrderEnd<S> {
    fn memory(&self) -> usize {
        self.solver.memory()
    }

    fn check(&self, grid: &Grid) -> Result<(), SampleError> {
        self.solver.check(grid)
    }

    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let past = if span.to() == Some(self.end) { &[] } else { past };
        self.solver.step(model, x, span, past, noise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Half, bits, tensor};
    use crate::{Ddim, DpmSolverPp2m, steps};
    use undrift_noise::Zeros;

    #[test]
    fn only_the_step_onto_the_end_is_lowered() {
        let model = Half::default();
        let levels = [4.0, 2.0, 1.0].map(|sigma| Level::vp_of_sigma(sigma, 0.0).unwrap());
        let end = Level::vp_of_sigma(0.3, 0.0).unwrap();
        let grid = Grid::ending_at(levels, end).unwrap();
        let start = tensor(vec![0.3, -1.2, 2.0, 0.7], [2, 2]);
        let run = |solver: &dyn Solver<2>| -> Vec<Tensor<2>> {
            steps(&model, solver, &grid, start.clone(), &mut Zeros).map(|step| step.unwrap().x).collect()
        };
        let (plain, lowered) = (run(&DpmSolverPp2m), run(&FirstOrderEnd { solver: DpmSolverPp2m, end }));
        assert_eq!(bits(&plain[1]), bits(&lowered[1]));
        assert_ne!(bits(&plain[2]), bits(&lowered[2]));
        let last = grid.spans()[2];
        let alone = DpmSolverPp2m.step(&model, plain[1].clone(), &last, &[], &mut Zeros).unwrap();
        assert_eq!(bits(&alone.x), bits(&lowered[2]));
    }

    #[test]
    fn a_grid_that_does_not_suit_the_solver_is_refused() {
        let end = Level::vp_of_sigma(0.3, 0.0).unwrap();
        let grid = Grid::ending_at([4.0, 2.0, 1.0].map(|sigma| Level::vp_of_sigma(sigma, 0.0).unwrap()), end).unwrap();
        let solver = FirstOrderEnd { solver: Ddim { eta: 9.0, keep_eps: false }, end };
        let refused = Solver::<2>::check(&solver, &grid).unwrap_err();
        assert_eq!(refused, Solver::<2>::check(&solver.solver, &grid).unwrap_err());
    }
}
