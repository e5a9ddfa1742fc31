//! The words of sidecars that say which runner proves a file, group by group.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $word:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($(#[$of])* $word,)*
            /// Nothing here is of this method, and that is known.
            Absent,
        }
    };
}

words! {
    /// Of `schedules`.
    Schedules {
        /// A chain's tables.
        Tables,
        /// Levels and betas of `timestep_respacing`.
        Respacing,
        /// Rescaled to no signal at the end.
        ZeroSnr,
        /// Where steps of diffusers end.
        Previous,
        /// lucidrains' betas.
        Lucidrains,
        /// Step lists of DDIM's code.
        Skips,
        /// Betas of diffusers.
        DiffusersBetas,
        /// Lists of timesteps of diffusers.
        DiffusersLists,
        /// Grids of sigmas.
        Sigmas,
    }
}

words! {
    /// Of `losses`.
    Losses {
        /// Whole bounds.
        Bits,
        /// The discretised decoder.
        Decoder,
        /// DDIM's code.
        Ermongroup,
        /// `training_losses` of guided-diffusion, and its inputs.
        Training,
        /// Loss-aware sampling of levels.
        SecondMoment,
        /// EDM's losses.
        Edm,
        /// Signal-to-noise ratios and weights.
        Weights,
    }
}

words! {
    /// Of `steps`.
    Steps {
        /// Steps guided by a classifier.
        ClassifierGuidance,
        /// Classifier-free guidance.
        CfgCombine,
        /// Ancestral steps of guided-diffusion.
        Ddpm,
        /// DDPM's scheduler of diffusers.
        Diffusers,
        /// EDM's preconditioning.
        EdmPrecond,
        /// DDIM's code.
        Ermongroup,
        /// Multistep schedulers of diffusers.
        Multistep,
        /// ADM-ES.
        EsAdm,
        /// Both steps of `PNMSolver`.
        TsPnm,
        /// The choice of times of the time shift.
        TsShift,
        /// DDIM of guided-diffusion.
        Ddim,
        /// DDIM of diffusers.
        DiffusersDdim,
        /// EDM's sampler.
        Edm,
        /// Solvers in sigma of diffusers on prescribed outputs.
        Solver,
    }
}

words! {
    /// Of `chains`.
    Chains {
        /// Loops of guided-diffusion.
        Ddpm,
        /// DDIM's code.
        Ermongroup,
        /// Multistep schedulers of diffusers.
        Multistep,
        /// EDM's sampler and k-diffusion's.
        Edm,
        /// Other schedulers of diffusers.
        Diffusers,
        /// Noise that chains replay.
        Noise,
        /// Constants of the toy models.
        Toys,
        /// ADM-ES.
        EsAdm,
        /// `PNMSolver`.
        TsPnm,
        /// The time shift for ADM.
        TsAdm,
    }
}

words! {
    /// Of `metrics`.
    Metrics {
        /// Frechet distances.
        Frechet,
        /// Inception scores.
        Inception,
        /// Features or logits that other files score.
        Inputs,
    }
}

words! {
    /// Of `networks`.
    Networks {
        /// Numbers of parameters.
        Counts,
        /// Names and shapes of parameters.
        Keys,
        /// Outputs and gradients.
        Recorded,
        /// Classifier-free guidance inside a network.
        Guided,
        /// Tables of positions.
        Positions,
        /// Sines and cosines of time labels.
        Embeddings,
        /// A checkpoint file beside a recorded network.
        Beside,
    }
}
