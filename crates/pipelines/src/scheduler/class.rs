//! The schedulers of diffusers by class.

use crate::PublishedSolver;

/// A scheduler whose steps are taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// `DDIMScheduler`.
    Ddim,
    /// `DDPMScheduler`.
    Ddpm,
    /// `PNDMScheduler`.
    Pndm,
    /// `EulerDiscreteScheduler`.
    Euler,
    /// `EulerAncestralDiscreteScheduler`.
    EulerAncestral,
    /// `HeunDiscreteScheduler`.
    Heun,
    /// `KDPM2DiscreteScheduler`.
    Kdpm2,
    /// `LMSDiscreteScheduler`.
    Lms,
    /// `DPMSolverMultistepScheduler`.
    DpmMultistep,
    /// `UniPCMultistepScheduler`.
    UniPc,
}

/// Names of classes; the parallel ones take the same steps.
const NAMES: [(&str, Class); 12] = [
    ("DDIMScheduler", Class::Ddim),
    ("DDPMScheduler", Class::Ddpm),
    ("PNDMScheduler", Class::Pndm),
    ("EulerDiscreteScheduler", Class::Euler),
    ("EulerAncestralDiscreteScheduler", Class::EulerAncestral),
    ("HeunDiscreteScheduler", Class::Heun),
    ("KDPM2DiscreteScheduler", Class::Kdpm2),
    ("LMSDiscreteScheduler", Class::Lms),
    ("DPMSolverMultistepScheduler", Class::DpmMultistep),
    ("UniPCMultistepScheduler", Class::UniPc),
    ("DDIMParallelScheduler", Class::Ddim),
    ("DDPMParallelScheduler", Class::Ddpm),
];

impl Class {
    /// All of them.
    pub(crate) const ALL: [Class; 10] = [
        Class::Ddim,
        Class::Ddpm,
        Class::Pndm,
        Class::Euler,
        Class::EulerAncestral,
        Class::Heun,
        Class::Kdpm2,
        Class::Lms,
        Class::DpmMultistep,
        Class::UniPc,
    ];

    /// The class of this name.
    pub(crate) fn of_name(name: &str) -> Option<Class> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, class)| *class)
    }

    /// Its name in diffusers.
    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, class)| *class == self).map_or("", |(name, _)| *name)
    }

    /// The names that are known, in one line.
    pub(crate) fn known() -> String {
        NAMES.map(|(name, _)| name).join(", ")
    }

    /// The class whose steps a solver takes.
    pub(crate) fn of_solver(solver: PublishedSolver) -> Class {
        match solver {
            PublishedSolver::Ddpm | PublishedSolver::DdpmSmall | PublishedSolver::DdpmLarge => Class::Ddpm,
            PublishedSolver::Ddim { .. } => Class::Ddim,
            PublishedSolver::Plms | PublishedSolver::FPndm => Class::Pndm,
            PublishedSolver::Euler => Class::Euler,
            PublishedSolver::Heun => Class::Heun,
            PublishedSolver::DpmSolver2 => Class::Kdpm2,
            PublishedSolver::Lms => Class::Lms,
            PublishedSolver::DpmSolverPp2m => Class::DpmMultistep,
            PublishedSolver::UniPc | PublishedSolver::UniPcB1 => Class::UniPc,
        }
    }

    /// Whether its steps are those of this solver; `order` is its `solver_order`.
    pub(crate) fn takes(self, solver: PublishedSolver, order: usize) -> bool {
        match self {
            Class::EulerAncestral => solver == PublishedSolver::Ddim { eta: 1.0, keep_eps: false },
            Class::DpmMultistep if order == 1 => solver == PublishedSolver::DDIM,
            _ => Class::of_solver(solver) == self,
        }
    }

    /// Whether it steps in sigma, from noise of that size.
    pub(crate) fn in_sigma(self) -> bool {
        matches!(self, Class::Euler | Class::EulerAncestral | Class::Heun | Class::Kdpm2 | Class::Lms)
    }

    /// Whether it can lay its sigmas along a curve.
    pub(crate) fn has_curves(self) -> bool {
        !matches!(self, Class::Ddim | Class::Ddpm | Class::Pndm | Class::EulerAncestral)
    }

    /// Whether a chain without signal at its end keeps 2^-24 there.
    pub(crate) fn keeps_signal(self) -> bool {
        !matches!(self, Class::Ddim | Class::Ddpm | Class::Pndm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_name_and_knows_it() {
        for class in Class::ALL {
            assert_eq!(Class::of_name(class.name()), Some(class));
        }
        assert_eq!(Class::of_name("DDPMParallelScheduler"), Some(Class::Ddpm));
        assert_eq!(Class::of_name("FlowMatchEulerDiscreteScheduler"), None);
    }

    #[test]
    fn a_class_takes_its_own_solver() {
        let takes = |class: Class, name: &str, eta| class.takes(PublishedSolver::named(name, eta).unwrap(), 2);
        assert!(takes(Class::EulerAncestral, "ddim", 1.0) && !takes(Class::EulerAncestral, "ddim", 0.0));
        assert!(takes(Class::Ddim, "ddim", 0.5) && takes(Class::Ddim, "ddim-keep-eps", 0.0));
        assert!(!takes(Class::DpmMultistep, "ddim", 0.0) && Class::DpmMultistep.takes(PublishedSolver::DDIM, 1));
    }
}
