//! A sampler tried over its whole grid before any network is there.

use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::{Denoiser, OutputVariance, Parameterisation, Preconditioned, Question};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_schedules::Grid;

use crate::{SampleError, Solver, steps};

/// What a network's output means: all that decides whether a sampler can ask it.
#[derive(Clone, Copy)]
pub struct Outputs<'a> {
    /// What (the first half of) it is.
    pub parameterisation: &'a dyn Parameterisation,
    /// What the second half of its channels is.
    pub variance: OutputVariance,
}

/// The shape of the images that a rehearsal draws.
const TRIED: [usize; 4] = [2, 1, 4, 4];

impl<'a> Outputs<'a> {
    /// A network without weights that depends on image and label, and leaves the range of the data.
    pub fn untrained(self) -> impl Denoiser<4> + 'a {
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
    pub fn know(self, grid: &Grid, device: &Device) -> bool {
        let (_, x) = start(device);
        grid.levels().all(|level| self.untrained().predict(x.clone(), &Question::from(level)).is_ok())
    }
}

/// Runs a solver over its whole grid on a few images of 4x4 in double precision, and gives the values at the end, bit
/// for bit: samplers that agree here are the same one. None where its steps depend on the very samples, as those of the
/// released time shifts do.
///
/// # Errors
/// What the solver finds wrong with the grid, and the first step that cannot be made.
pub fn rehearse(
    model: &dyn Denoiser<4>,
    solver: &dyn Solver<4>,
    grid: &Grid,
    device: &Device,
) -> Result<Option<Vec<u64>>, SampleError> {
    solver.check(grid)?;
    let (mut noise, x) = start(device);
    let mut last = None;
    for step in steps(model, solver, grid, x, &mut noise) {
        match step {
            Ok(step) => last = Some(step.x),
            Err(SampleError::ShiftUp { .. } | SampleError::ShiftPastData { .. }) => return Ok(None),
            Err(source) => return Err(source),
        }
    }
    Ok(last.map(|x| x.into_data().iter::<f64>().map(f64::to_bits).collect()))
}

fn start(device: &Device) -> (SampleNoise, Tensor<4>) {
    let mut noise = SampleNoise::new(Key::new(0, Purpose::Evaluation), 0, TRIED[0]);
    let x = noise.normal(&Tensor::zeros(TRIED, (device, DType::F64)));
    (noise, x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ancestral, Ddim};
    use undrift_denoisers::{Eps, MuTilde, Variance};
    use undrift_schedules::{Chain, Spacing};

    #[test]
    fn what_cannot_be_asked_is_found_without_a_network() {
        let (chain, device) = (Chain::linear(50).expect("valid"), Device::flex());
        let (all, some) = (chain.grid(), chain.respace(Spacing::Trailing, 7).expect("valid"));
        let ddpm = Ancestral { variance: Variance::FixedSmall };
        let mu = MuTilde { chain: chain.clone() };
        let tied = Outputs { parameterisation: &mu, variance: OutputVariance::None };
        assert!(rehearse(&tied.untrained(), &ddpm, &all, &device).is_ok());
        assert!(rehearse(&tied.untrained(), &ddpm, &some, &device).is_err(), "tied to its own chain");
        let learned = Ancestral { variance: Variance::Learned };
        let silent = Outputs { parameterisation: &Eps, variance: OutputVariance::None };
        assert!(rehearse(&silent.untrained(), &learned, &all, &device).is_err(), "says nothing of the variance");
        assert!(silent.know(&all, &device));
    }

    #[test]
    fn samplers_that_agree_are_the_same() {
        let (chain, device) = (Chain::linear(50).expect("valid"), Device::flex());
        let outputs = Outputs { parameterisation: &Eps, variance: OutputVariance::None };
        let end = |eta| {
            let ddim = Ddim { eta, keep_eps: false };
            rehearse(&outputs.untrained(), &ddim, &chain.grid(), &device).expect("can be asked")
        };
        assert!(end(0.0).is_some() && end(0.0) == end(0.0));
        assert_ne!(end(0.0), end(0.5));
    }
}
