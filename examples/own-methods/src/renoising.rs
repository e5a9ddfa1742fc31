//! Sampling that goes to the data in every step, and noises them again.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction, Question};
use undrift_lab::methods::Row;
use undrift_lab::methods::slots::Solvers;
use undrift_noise::Noise;
use undrift_samplers::{SampleError, Solver, Step};
use undrift_schedules::Span;

/// `signal x0 + noise z` with fresh z (Song et al. 2023, arXiv:2303.01469, algorithm 1).
struct Renoising;

impl<const D: usize> Solver<D> for Renoising {
    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        _past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let from = span.from();
        let prediction = model.predict(x, &Question::from(from)).map_err(SampleError::at(from.time()))?;
        let x0 = prediction.x0();
        let x = match span.to() {
            None => x0,
            Some(to) => {
                let z = noise.normal(&x0);
                x0 * to.signal() + z * to.noise()
            }
        };
        Ok(Step { span: *span, prediction, x, evals: 1 })
    }
}

pub(crate) const ROW: Row<Solvers> = Row {
    name: "renoising",
    about: "goes to the data in every step and noises them again (Song et al. 2023, arXiv:2303.01469, algorithm 1)",
    parameters: &[],
    build: |_, _| Ok(Box::new(Renoising)),
};
