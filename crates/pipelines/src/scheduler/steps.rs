//! The steps that a scheduler takes.

use super::class::Class;
use super::rules::{Layout, Rules};
use crate::{PipelineError, Predicted, PublishedSolver};
use undrift_denoisers::Variance;
use undrift_samplers::{DiffusersDdpm, DiffusersPndm, DpmSolverPp2m, FirstOrderEnd, Solver, UniPc, UniPcVariant};
use undrift_schedules::peers::{self, PeerError};
use undrift_schedules::{Chain, Grid, GridError, Level};

/// What a scheduler does in so many steps.
pub(crate) struct Stepping {
    /// The levels that it visits, under the labels that the network is told.
    pub grid: Grid,
    /// Its own solver, where ours of that name takes other steps.
    pub solver: Option<Box<dyn Solver<4>>>,
    /// What the first noise is multiplied by.
    pub start_scale: f64,
}

/// A log(signal / noise) is small enough for second order at the end from so many steps on.
const LONG: usize = 15;

/// The steps of `rules` over a chain: `steps` of them, or all of the chain's.
///
/// # Errors
/// [`PipelineError::Refused`] names what does not fit: more steps than levels, or a list of timesteps that repeats itself
/// or leaves the chain.
pub(crate) fn stepping(
    rules: &Rules,
    chain: &Chain,
    solver: PublishedSolver,
    variance: Variance,
    steps: Option<usize>,
) -> Result<Stepping, PipelineError> {
    let steps = steps.unwrap_or(chain.len());
    let sigmas = table(rules, chain).iter().map(|level| level.sigma()).collect();
    let build = Build { rules, chain, levels: table(rules, chain), sigmas, steps };
    match rules.class {
        Class::Ddim => {
            let (stride, end) = (chain.len() / steps.max(1), build.end());
            let indices = build.indices()?;
            let grid = peers::diffusers_strided_grid(chain, &indices, stride, end).map_err(|e| build.no_grid(e))?;
            Ok(Stepping { grid, solver: None, start_scale: 1.0 })
        }
        Class::Ddpm => {
            let ts: Vec<usize> = build.indices()?.iter().map(|index| index + 1).collect();
            // All levels keep the betas that the chain was built from.
            let all = ts.len() == chain.len();
            let grid = if all { chain.grid() } else { chain.grid_at(&ts).map_err(|e| build.no_grid(e))? };
            let variance = match solver {
                PublishedSolver::DdpmSmall => Variance::FixedSmall,
                PublishedSolver::DdpmLarge => Variance::FixedLarge,
                _ => variance,
            };
            Ok(Stepping { grid, solver: Some(Box::new(DiffusersDdpm { variance })), start_scale: 1.0 })
        }
        Class::Pndm => build.pndm(solver == PublishedSolver::FPndm),
        Class::DpmMultistep | Class::UniPc => build.multistep(solver),
        _ => build.in_sigma(),
    }
}

/// The share of signal that some classes keep where a rescaled chain has none.
const KEPT: f64 = 1.0 / (1 << 24) as f64;

/// The chain's levels as the class has them. The level before a last one that keeps signal may have less.
fn table(rules: &Rules, chain: &Chain) -> Vec<Level> {
    let mut levels = chain.levels().to_vec();
    if let (Some(last), true) = (levels.last_mut(), rules.zero_snr && rules.class.keeps_signal()) {
        *last = Level::vp(KEPT, last.time()).expect("some signal and a finite label");
    }
    levels
}

struct Build<'a> {
    rules: &'a Rules,
    chain: &'a Chain,
    /// The class's own levels and their sigmas, least noisy first.
    levels: Vec<Level>,
    sigmas: Vec<f64>,
    steps: usize,
}

impl Build<'_> {
    fn refused(&self, why: &dyn std::fmt::Display) -> PipelineError {
        PipelineError::refused(format!("{} steps of {}", self.steps, self.rules.class.name()), why)
    }

    /// A list of timesteps that makes no grid.
    fn no_grid(&self, why: GridError) -> PipelineError {
        match why {
            GridError::NotDecreasing { .. } => {
                self.refused(&"its list repeats a timestep, or does not come down; take fewer steps or another spacing")
            }
            other => self.refused(&other),
        }
    }

    fn peer<T>(&self, found: Result<T, PeerError>) -> Result<T, PipelineError> {
        found.map_err(|e| self.refused(&e))
    }

    /// The first level, where the last step ends there.
    fn end(&self) -> Option<Level> {
        if self.rules.ends_at_first { self.chain.level(1) } else { None }
    }

    /// Timesteps of DDIM, DDPM and PNDM, noisiest first.
    fn indices(&self) -> Result<Vec<usize>, PipelineError> {
        let (len, steps) = (self.chain.len(), self.steps);
        let indices = match self.rules.layout {
            Layout::Leading => self.peer(peers::diffusers_leading(len, steps, self.rules.offset))?,
            Layout::Linspace => self.peer(peers::diffusers_linspace(len, steps))?,
            Layout::Trailing => self.trailing(len)?,
        };
        self.within(indices)
    }

    /// A trailing list from `last` down; its stride is that of the whole chain.
    fn trailing(&self, last: usize) -> Result<Vec<usize>, PipelineError> {
        let len = self.chain.len();
        let list = self.peer(peers::diffusers_trailing_from(last, len, self.steps))?;
        let indices: Vec<usize> = list.iter().filter_map(|index| usize::try_from(*index).ok()).collect();
        if indices.len() != list.len() || (last == len && indices.len() != self.steps) {
            let why = "diffusers' trailing list has another number of timesteps; take one step more or less";
            return Err(self.refused(&why));
        }
        Ok(indices)
    }

    /// Refuses timesteps that the chain does not have, as `steps_offset` may ask for.
    fn within(&self, indices: Vec<usize>) -> Result<Vec<usize>, PipelineError> {
        match indices.iter().find(|index| **index >= self.chain.len()) {
            Some(index) => Err(self.refused(&format!(
                "timestep {index} is beyond the chain's last, {}: take fewer steps, another spacing or steps_offset 0",
                self.chain.len() - 1
            ))),
            None => Ok(indices),
        }
    }

    fn pndm(&self, runge_kutta: bool) -> Result<Stepping, PipelineError> {
        const LEAST: usize = 4;
        if runge_kutta && self.steps < LEAST {
            return Err(self.refused(&"its Runge-Kutta start needs 4; take more steps, or `plms`"));
        }
        let (visited, stride) = (self.indices()?, self.chain.len() / self.steps);
        let grid = peers::diffusers_strided_grid(self.chain, &visited, stride, self.end());
        let solver = DiffusersPndm {
            chain: self.chain.clone(),
            visited,
            stride,
            end: self.end(),
            runge_kutta,
            velocity: self.rules.prediction == Predicted::V,
        };
        let grid = grid.map_err(|e| self.no_grid(e))?;
        Ok(Stepping { grid, solver: Some(Box::new(solver)), start_scale: 1.0 })
    }

    /// Euler, Heun, DPM-Solver-2 and LMS, in EDM coordinates.
    fn in_sigma(&self) -> Result<Stepping, PipelineError> {
        let (len, steps) = (self.chain.len(), self.steps);
        let list: Vec<f64> = match self.rules.layout {
            Layout::Leading => {
                let list = self.peer(peers::diffusers_leading(len, steps, self.rules.offset))?;
                list.into_iter().map(|index| index as f64).collect()
            }
            Layout::Linspace => self.peer(peers::diffusers_euler_linspace(len, steps))?,
            Layout::Trailing => self.trailing(len)?.into_iter().map(|index| index as f64).collect(),
        };
        let sigmas: Vec<f64> = list.iter().map(|index| peers::diffusers_sigma_at(&self.sigmas, *index)).collect();
        let ends = (sigmas[sigmas.len() - 1], sigmas[0]);
        let (sigmas, labels) = match self.rules.curve {
            None => (sigmas, list),
            Some(_) => self.curved(ends, self.rules.class == Class::Kdpm2)?,
        };
        let levels = sigmas.iter().zip(labels).map(|(&sigma, label)| Level::edm(sigma, label));
        let grid = self.grid(levels.collect::<Result<Vec<_>, _>>().map_err(GridError::from))?;
        let largest = grid.start().sigma();
        let start_scale = if self.rules.layout == Layout::Leading { largest.hypot(1.0) } else { largest };
        Ok(Stepping { grid, solver: None, start_scale })
    }

    /// DPM-Solver++ and UniPC, in VP coordinates.
    fn multistep(&self, solver: PublishedSolver) -> Result<Stepping, PipelineError> {
        let (first, last) = (self.sigmas[0], self.sigmas[self.sigmas.len() - 1]);
        let levels: Result<Vec<Level>, GridError> = match self.rules.curve {
            None => {
                let level = |index: &usize| self.levels.get(*index).copied().ok_or(GridError::Empty);
                self.multistep_indices()?.iter().map(level).collect()
            }
            Some(_) => {
                let (sigmas, labels) = self.curved((first, last), self.rounds())?;
                let pairs = sigmas.iter().zip(labels);
                pairs.map(|(&sigma, label)| Ok(Level::vp_of_sigma(sigma, label.trunc())?)).collect()
            }
        };
        let grid = self.grid(levels)?;
        let lowers = match self.rules.class {
            Class::UniPc => self.rules.lower_order_final,
            _ => self.rules.euler_at_final || (self.rules.lower_order_final && grid.steps() < LONG),
        };
        let lowered = grid.end().filter(|_| lowers);
        Ok(Stepping { solver: self.lowering(solver, &grid, lowered)?, grid, start_scale: 1.0 })
    }

    /// Our solver, or one that lowers its order on the step onto a level.
    fn lowering(
        &self,
        solver: PublishedSolver,
        grid: &Grid,
        lowered: Option<Level>,
    ) -> Result<Option<Box<dyn Solver<4>>>, PipelineError> {
        let b1 = solver == PublishedSolver::UniPcB1;
        if self.rules.class == Class::UniPc {
            let stands = grid.spans()[grid.steps() - 1].beta() == 0.0;
            let second = !self.rules.lower_order_final;
            if (stands && second) || (grid.end().is_none() && (b1 || second)) {
                return Err(self.refused(
                    &"diffusers' UniPC gives NaN where a last step ends at sigma 0 with bh1 or in second order, or stands \
                      still in second order; set final_sigmas_type, lower_order_final or solver_type otherwise",
                ));
            }
            let variant = if b1 { UniPcVariant::B1 } else { UniPcVariant::B2 };
            return Ok(Some(Box::new(UniPc { variant, lowered })));
        }
        Ok(match lowered {
            Some(end) if solver == PublishedSolver::DpmSolverPp2m => {
                Some(Box::new(FirstOrderEnd { solver: DpmSolverPp2m, end }))
            }
            _ => None,
        })
    }

    /// Timesteps of DPM-Solver++ and UniPC: of one step more the last is dropped.
    fn multistep_indices(&self) -> Result<Vec<usize>, PipelineError> {
        let last = match self.rules.class {
            Class::DpmMultistep => self.chain.len() - self.too_noisy(),
            _ => self.chain.len(),
        };
        let indices = match self.rules.layout {
            Layout::Leading => self.peer(peers::diffusers_multistep_leading(last, self.steps, self.rules.offset))?,
            Layout::Linspace => self.peer(peers::diffusers_multistep_linspace(last, self.steps))?,
            Layout::Trailing => self.trailing(last)?,
        };
        self.within(indices)
    }

    /// Levels whose log(signal / noise) is below `lambda_min_clipped`.
    fn too_noisy(&self) -> usize {
        self.sigmas.iter().filter(|sigma| -sigma.ln() < self.rules.lambda_min).count()
    }

    /// Whether labels on a curve go to the nearest timestep; those that do not are cut off.
    fn rounds(&self) -> bool {
        use peers::DiffusersCurve::{Karras, Lu};
        match (self.rules.class, self.rules.curve) {
            (Class::UniPc, Some(Karras)) => true,
            (Class::DpmMultistep, Some(Karras | Lu)) => !self.rules.cosine,
            _ => false,
        }
    }

    /// Sigmas along the curve between two ends, unless other ends are given, and their labels.
    fn curved(&self, ends: (f64, f64), rounds: bool) -> Result<(Vec<f64>, Vec<f64>), PipelineError> {
        let curve = self.rules.curve.expect("the caller has seen it");
        let along = |(first, last): (f64, f64)| {
            let (low, high) = self.rules.sigma_range;
            let sigmas = curve.sigmas(self.steps, low.unwrap_or(first), high.unwrap_or(last));
            sigmas.map_err(|e| self.refused(&e))
        };
        let sigmas = along(ends)?;
        let rounds = rounds && (self.rules.class != Class::Kdpm2 || curve == peers::DiffusersCurve::Karras);
        let labels = match rounds || self.rules.class.in_sigma() {
            true => {
                let logarithms: Vec<f64> = self.sigmas.iter().map(|sigma| sigma.ln()).collect();
                let index = |sigma: &f64| peers::diffusers_index_of(&logarithms, *sigma);
                sigmas.iter().map(|sigma| if rounds { index(sigma).round_ties_even() } else { index(sigma) }).collect()
            }
            false => {
                let single = self.single()?;
                let logarithms: Vec<f64> = single.iter().map(|sigma| f64::from(sigma.ln() as f32)).collect();
                let sigmas = along((single[0], single[single.len() - 1]))?;
                sigmas.iter().map(|sigma| peers::diffusers_index_of(&logarithms, *sigma)).collect()
            }
        };
        Ok((sigmas, labels))
    }

    /// The sigmas of diffusers' own table, in single precision. Where labels are cut off to whole timesteps, its last
    /// digit and that of its logarithms decide between two of them at the ends of a curve.
    fn single(&self) -> Result<Vec<f64>, PipelineError> {
        let rounded = |sigma: f64| f64::from(sigma as f32);
        if self.rules.zero_snr {
            return Ok(self.sigmas.iter().map(|sigma| rounded(*sigma)).collect());
        }
        let chain = peers::diffusers_chain(self.chain).map_err(|e| self.refused(&e))?;
        Ok(chain.levels().iter().map(|level| rounded(level.sigma())).collect())
    }

    fn grid(&self, levels: Result<Vec<Level>, GridError>) -> Result<Grid, PipelineError> {
        let end = match (self.rules.class, self.rules.curve, &levels) {
            // On a curve UniPC repeats its last sigma.
            (Class::UniPc, Some(_), Ok(levels)) if self.rules.ends_at_first => levels.last().copied(),
            (class, ..) if class.in_sigma() => self.end().and_then(Level::unscaled),
            _ => self.end(),
        };
        levels.and_then(|levels| peers::diffusers_grid(&levels, end)).map_err(|e| self.no_grid(e))
    }
}
