//! Step lists and tables of published implementations, as they are.
//!
//! They are here to reproduce published numbers and to be compared with; they do not keep the promises of
//! [`Spacing`](crate::Spacing). Indices are those of the peers, from 0 (one step of noise) to `T - 1`;
//! [`Chain::grid_at`](crate::Chain::grid_at) takes `t`, which is one more.

mod diffusers;
mod diffusers_chain;
mod diffusers_sigmas;
mod edm;
mod ermongroup;
mod guided_diffusion;
mod lucidrains;
mod ts_dpm;

use thiserror::Error;

pub use diffusers::{
    diffusers_ddim_previous, diffusers_ddpm_previous, diffusers_euler_linspace, diffusers_heun_doubled,
    diffusers_laplace_betas, diffusers_leading, diffusers_linspace, diffusers_multistep_leading,
    diffusers_multistep_linspace, diffusers_trailing, diffusers_trailing_from,
};
pub use diffusers_chain::diffusers_chain;
pub use diffusers_sigmas::{
    DiffusersCurve, diffusers_grid, diffusers_index_of, diffusers_sigma_at, diffusers_strided_grid,
};
pub use edm::edm_iddpm_sigmas;
pub use ermongroup::{ermongroup_quadratic, ermongroup_uniform};
pub use guided_diffusion::ddim_stride;
pub use lucidrains::{lucidrains_cosine_betas, lucidrains_sigmoid_betas};
pub use ts_dpm::{ts_dpm_quadratic, ts_dpm_uniform};

/// Why a published rule gives no list.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PeerError {
    /// No steps, or more than the chain has.
    #[error("{steps} steps were asked of {len}; ask for 1 to {len}")]
    Steps {
        /// Steps asked for.
        steps: usize,
        /// Length of the chain.
        len: usize,
    },
    /// No integer stride gives this number of steps.
    #[error("no integer stride through {len} steps gives exactly {steps}; use Spacing::Uniform, which does")]
    NoStride {
        /// Steps asked for.
        steps: usize,
        /// Length of the chain.
        len: usize,
    },
}

fn check(steps: usize, len: usize) -> Result<(), PeerError> {
    if (1..=len).contains(&steps) { Ok(()) } else { Err(PeerError::Steps { steps, len }) }
}
