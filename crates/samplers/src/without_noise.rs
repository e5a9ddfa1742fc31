//! A solver that leaves its noise out.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction};
use undrift_noise::{Noise, Zeros};
use undrift_schedules::{Grid, Span};

use crate::{SampleError, Solver, Step};

/// A solver whose steps are their means: it draws nothing and adds nothing.
///
/// The "deterministic" chains of Ning et al. 2023, arXiv:2301.11706 (their code's study of error accumulation). Not a
/// way to good samples: a stochastic step that loses its noise ends with too little variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithoutNoise<S>(pub S);

impl<const D: usize, S: Solver<D>> Solver<D> for WithoutNoise<S> {
    fn memory(&self) -> usize {
        self.0.memory()
    }

    fn check(&self, grid: &Grid) -> Result<(), SampleError> {
        self.0.check(grid)
    }

    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        past: &[Prediction<D>],
        _noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        self.0.step(model, x, span, past, &mut Zeros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, start};
    use crate::{Ancestral, sample};
    use burn::tensor::DType;
    use undrift_denoisers::{Gaussian, Variance};
    use undrift_noise::Replay;
    use undrift_schedules::{Chain, Spacing};

    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

    struct Multistep;

    impl Solver<2> for Multistep {
        fn memory(&self) -> usize {
            2
        }

        fn step(
            &self,
            model: &dyn Denoiser<2>,
            x: Tensor<2>,
            span: &Span,
            past: &[Prediction<2>],
            noise: &mut dyn Noise<2>,
        ) -> Result<Step<2>, SampleError> {
            let x = past.first().map_or(x.clone(), |newest| x + newest.x0() * 0.1);
            Ancestral { variance: Variance::FixedLarge }.step(model, x, span, &[], noise)
        }
    }

    /// Also for a solver with a memory, which must still see its past.
    #[test]
    fn every_step_is_its_mean_and_nothing_is_drawn() {
        let vp = Chain::linear(100).expect("valid").respace(Spacing::Trailing, 6).expect("valid");
        let ancestral = Ancestral { variance: Variance::FixedLarge };
        for (grid, dtype) in [(vp.clone(), DType::F32), (vp.unscaled().expect("has signal"), DType::F64)] {
            let (_, x) = start(0, 2, 3, dtype);
            let mut none = Replay::new(vec![]);
            let still = sample(&MODEL, &WithoutNoise(ancestral), &grid, x.clone(), &mut none).expect("has a belief");
            let zeros = sample(&MODEL, &ancestral, &grid, x.clone(), &mut Zeros).expect("has a belief");
            assert_eq!((bits(&still), still.dtype()), (bits(&zeros), dtype));
            let still = sample(&MODEL, &WithoutNoise(Multistep), &grid, x.clone(), &mut none).expect("has a belief");
            let zeros = sample(&MODEL, &Multistep, &grid, x, &mut Zeros).expect("has a belief");
            assert_eq!(bits(&still), bits(&zeros));
        }
    }
}
