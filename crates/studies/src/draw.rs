//! The one loop that draws samples, whatever the model.

use crate::{Quiet, RunError, Watch};
use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::Denoiser;
use undrift_noise::{Key, Noise, SampleNoise};
use undrift_samplers::{Solver, steps};
use undrift_schedules::Grid;

/// What samples are drawn with.
#[derive(Clone, Copy)]
pub struct Draw<'a> {
    /// What the model believes, inside all wrappers; of the classes of the samples, if it has any.
    pub model: &'a dyn Denoiser<4>,
    /// The solver.
    pub solver: &'a dyn Solver<4>,
    /// The levels that it visits.
    pub grid: &'a Grid,
    /// Channels, height and width of a sample.
    pub shape: [usize; 3],
    /// Standard deviation of the noise that samples start from; 1 on a variance-preserving grid.
    pub start_scale: f64,
    /// Where tensors live; without autodiff.
    pub device: &'a Device,
}

impl Draw<'_> {
    /// Draws the samples `first .. first + count` in single precision, each a function of the model, the key and its
    /// index alone; `on_step` is called after every step.
    ///
    /// # Shapes
    /// `[count, C, H, W]`
    ///
    /// # Errors
    /// [`RunError::Interrupted`] when the watcher asks to stop, and the sampler's.
    pub fn samples(
        &self,
        key: Key,
        first: u64,
        count: usize,
        watch: &dyn Watch,
        on_step: &mut dyn FnMut(),
    ) -> Result<Tensor<4>, RunError> {
        let [channels, height, width] = self.shape;
        let like = Tensor::<4>::zeros([count, channels, height, width], (self.device, DType::F32));
        let mut noise = SampleNoise::new(key, first, count);
        let x = noise.normal(&like);
        self.walk(x, &mut noise, watch, on_step)
    }

    /// Draws the samples `0 .. count`, at most `batch` at a time and without a watcher.
    ///
    /// # Shapes
    /// `[count, C, H, W]`
    ///
    /// # Errors
    /// The sampler's.
    ///
    /// # Panics
    /// If `batch` is 0 and there is something to draw.
    pub fn in_batches(&self, key: Key, count: usize, batch: usize) -> Result<Tensor<4>, RunError> {
        if count == 0 {
            let [channels, height, width] = self.shape;
            return Ok(Tensor::zeros([0, channels, height, width], (self.device, DType::F32)));
        }
        let part = |first| self.samples(key, first as u64, batch.min(count - first), &Quiet, &mut || {});
        let parts = (0..count).step_by(batch).map(part).collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::cat(parts, 0))
    }

    /// The samples that begin at the noise `x`.
    ///
    /// # Shapes
    /// `x`: `[B, C, H, W]`, standard normal, in the precision to compute in
    ///
    /// # Errors
    /// As [`samples`](Self::samples).
    pub fn walk(
        &self,
        x: Tensor<4>,
        noise: &mut dyn Noise<4>,
        watch: &dyn Watch,
        on_step: &mut dyn FnMut(),
    ) -> Result<Tensor<4>, RunError> {
        let mut x = if self.start_scale == 1.0 { x } else { x * self.start_scale };
        for step in steps(self.model, self.solver, self.grid, x.clone(), noise) {
            x = step?.x;
            on_step();
            if watch.stop_requested() {
                return Err(RunError::Interrupted);
            }
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use undrift_denoisers::Gaussian;
    use undrift_noise::Purpose;
    use undrift_samplers::Ddim;
    use undrift_schedules::{Chain, Spacing};

    #[test]
    fn samples_do_not_depend_on_where_batches_end() {
        let grid = Chain::linear(100).unwrap().respace(Spacing::Trailing, 4).unwrap();
        let (model, solver, device) =
            (Gaussian { mean: 0.2, std: 0.5 }, Ddim { eta: 1.0, keep_eps: false }, Device::flex());
        let (model, solver) = (&model, &solver);
        let draw = Draw { model, solver, grid: &grid, shape: [1, 2, 2], start_scale: 1.0, device: &device };
        let of = |batch| draw.in_batches(Key::new(1, Purpose::Sampling), 5, batch).unwrap().into_data();
        assert_eq!(of(2), of(5));
        assert_eq!(of(9).shape()[..], [5, 1, 2, 2]);
        assert_eq!(draw.in_batches(Key::new(1, Purpose::Sampling), 0, 2).unwrap().dims(), [0, 1, 2, 2]);
    }
}
