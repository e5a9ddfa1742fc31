//! The solvers that published codes draw with.

use crate::Context;
use std::fmt;
use undrift_denoisers::Variance;
use undrift_samplers::{
    Ancestral, Churn, Ddim, DpmSolver2, DpmSolverPp2m, Euler, Heun, Labelling, Lms, Pndm, SampleError, Solver, UniPc,
    UniPcVariant,
};
use undrift_schedules::Labels;

/// A solver of a published code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PublishedSolver {
    /// Ancestral steps with the model's own variance.
    Ddpm,
    /// Ancestral steps with beta_tilde.
    DdpmSmall,
    /// Ancestral steps with beta.
    DdpmLarge,
    /// DDIM.
    Ddim {
        /// Stochasticity, from 0.
        eta: f64,
        /// Whether it keeps the network's own eps beside a clipped x0.
        keep_eps: bool,
    },
    /// Euler's method in sigma.
    Euler,
    /// Heun's method in sigma.
    Heun,
    /// DPM-Solver-2.
    DpmSolver2,
    /// The linear multistep method of order 4.
    Lms,
    /// DPM-Solver++(2M).
    DpmSolverPp2m,
    /// PNDM with its Runge-Kutta start.
    FPndm,
    /// PNDM without it.
    Plms,
    /// UniPC with B(h) = e^h - 1.
    UniPc,
    /// UniPC with B(h) = h.
    UniPcB1,
}

use PublishedSolver as S;

/// Their names, those of DDIM with `eta` 0.
const NAMES: [(&str, PublishedSolver); 14] = [
    ("ddpm", S::Ddpm),
    ("ddpm-small", S::DdpmSmall),
    ("ddpm-large", S::DdpmLarge),
    ("ddim", S::DDIM),
    ("ddim-keep-eps", S::Ddim { eta: 0.0, keep_eps: true }),
    ("euler", S::Euler),
    ("heun", S::Heun),
    ("dpm-solver-2", S::DpmSolver2),
    ("lms", S::Lms),
    ("dpm-solver-pp-2m", S::DpmSolverPp2m),
    ("f-pndm", S::FPndm),
    ("plms", S::Plms),
    ("unipc", S::UniPc),
    ("unipc-b1", S::UniPcB1),
];

impl PublishedSolver {
    /// DDIM without noise, whose eps follows from a clipped x0.
    pub const DDIM: Self = S::Ddim { eta: 0.0, keep_eps: false };

    /// The solver of this name, with this `eta` where it has one.
    pub fn named(name: &str, eta: f64) -> Option<Self> {
        let (_, solver) = NAMES.iter().find(|(known, _)| *known == name)?;
        Some(match *solver {
            S::Ddim { keep_eps, .. } => S::Ddim { eta, keep_eps },
            other => other,
        })
    }

    /// Its name, without `eta`.
    pub fn name(self) -> &'static str {
        let plain = match self {
            S::Ddim { keep_eps, .. } => S::Ddim { eta: 0.0, keep_eps },
            other => other,
        };
        NAMES.iter().find(|(_, solver)| *solver == plain).map_or("", |(name, _)| name)
    }

    /// The solver itself.
    ///
    /// # Errors
    /// A [`SampleError`] for what does not fit the grid.
    pub fn build(self, over: &Context<'_>) -> Result<Box<dyn Solver<4>>, SampleError> {
        let labelling = || Labelling::ByChain(over.chain.clone(), Labels::Interpolated);
        let churn = || {
            let none = Churn::new(0.0, 0.0, f64::INFINITY, 1.0, over.grid.steps())?;
            Ok::<_, SampleError>(none.labelled_by(over.chain.clone(), Labels::Interpolated))
        };
        Ok(match self {
            S::Ddpm => Box::new(Ancestral { variance: over.variance }),
            S::DdpmSmall => Box::new(Ancestral { variance: Variance::FixedSmall }),
            S::DdpmLarge => Box::new(Ancestral { variance: Variance::FixedLarge }),
            S::Ddim { eta, keep_eps } => Box::new(Ddim { eta, keep_eps }),
            S::Euler => Box::new(Euler { churn: churn()? }),
            S::Heun => Box::new(Heun { churn: churn()? }),
            S::DpmSolver2 => Box::new(DpmSolver2 { labelling: labelling() }),
            S::Lms => Box::new(Lms),
            S::DpmSolverPp2m => Box::new(DpmSolverPp2m),
            S::FPndm => Box::new(Pndm::F),
            S::Plms => Box::new(Pndm::Plms),
            S::UniPc => Box::new(UniPc::of(UniPcVariant::B2)),
            S::UniPcB1 => Box::new(UniPc::of(UniPcVariant::B1)),
        })
    }
}

impl fmt::Display for PublishedSolver {
    /// Its name, and `eta` where it is not 0: `ddim:eta=0.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            S::Ddim { eta, .. } if *eta != 0.0 => write!(f, ":eta={eta}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_its_solver() {
        for (name, solver) in NAMES {
            assert_eq!((solver.name(), solver.to_string()), (name, name.to_owned()));
            assert_eq!(PublishedSolver::named(name, 0.0), Some(solver));
        }
        let half = PublishedSolver::named("ddim", 0.5).unwrap();
        assert_eq!((half.to_string(), half.name()), ("ddim:eta=0.5".to_owned(), "ddim"));
        assert_eq!(PublishedSolver::named("euler-maruyama", 0.0), None);
    }
}
