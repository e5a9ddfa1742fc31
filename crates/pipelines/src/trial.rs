//! The trial run of a sampler over its whole grid, before any network is there.

use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::{Denoiser, OutputVariance, Parameterisation, Preconditioned, Question};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_samplers::{SampleError, Solver, steps};
use undrift_schedules::Grid;

/// What a network's output means: all that decides whether a sampler can ask it.
#[derive(Clone, Copy)]
pub(crate) struct Outputs<'a> {
    pub(crate) parameterisation: &'a dyn Parameterisation,
    pub(crate) variance: OutputVariance,
    /// Where trials are made.
    pub(crate) device: &'a Device,
}

/// The shape of the images that a trial draws.
const TRIED: [usize; 4] = [2, 1, 4, 4];

impl<'a> Outputs<'a> {
    /// A network without weights that depends on image and label, and leaves the range of the data.
    pub(crate) fn untrained(self) -> impl Denoiser<4> + 'a {
        let network = move |x: Tensor<4>, time: Tensor<1>| {
            let labels = time.dims()[0];
            let belief = (x * 1.5).sin() * 1.5 + time.reshape([labels, 1, 1, 1]) * 1e-4;
            match self.variance {
                OutputVariance::None => belief,
                OutputVariance::LogVariance => Tensor::cat(vec![belief.clone(), belief * 0.1 - 6.0], 1),
                OutputVariance::Range => Tensor::cat(vec![belief.clone(), belief * 0.1], 1),
            }
        };
        Preconditioned { network, parameterisation: self.parameterisation, variance: self.variance }
    }

    /// Whether such a network has a belief at every level of a grid.
    pub(crate) fn knows(self, grid: &Grid) -> bool {
        let (_, x) = start(self.device);
        grid.levels().all(|level| self.untrained().predict(x.clone(), &Question::from(level)).is_ok())
    }
}

/// Runs a solver over its whole grid; a released time shift stops where it depends on the very samples.
///
/// # Errors
/// The first step that cannot be made.
pub(crate) fn tried(
    model: &dyn Denoiser<4>,
    solver: &dyn Solver<4>,
    grid: &Grid,
    device: &Device,
) -> Result<(), SampleError> {
    solver.check(grid)?;
    let (mut noise, x) = start(device);
    for step in steps(model, solver, grid, x, &mut noise) {
        match step {
            Ok(_) => {}
            Err(SampleError::ShiftUp { .. } | SampleError::ShiftPastData { .. }) => return Ok(()),
            Err(source) => return Err(source),
        }
    }
    Ok(())
}

fn start(device: &Device) -> (SampleNoise, Tensor<4>) {
    let mut noise = SampleNoise::new(Key::new(0, Purpose::Evaluation), 0, TRIED[0]);
    let x = noise.normal(&Tensor::zeros(TRIED, (device, DType::F64)));
    (noise, x)
}
