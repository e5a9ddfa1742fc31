//! The f64 mathematics of the forward process of a diffusion model, on the host and without tensors.
//!
//! This crate decides what a noisy [`Level`] is, which levels a model is trained on ([`Chain`], DDPM's
//! `t = 1 ..= T`), which of them a sampler visits ([`Grid`], [`Spacing`]) and what belongs to one step
//! between two of them ([`Span`]: beta, beta_tilde, posterior). It knows no tensor, no network, no name.
//! Step lists that published code uses although they do not keep these promises are in [`peers`].
//!
//! ```
//! use undrift_schedules::{Chain, Spacing};
//!
//! let chain = Chain::linear(1000)?; // Ho et al. 2020: beta from 1e-4 to 0.02
//! let grid = chain.respace(Spacing::Quadratic, 30)?;
//! assert_eq!(grid.steps(), 30);
//! for span in grid.spans() {
//!     assert!(0.0 <= span.beta_tilde() && span.beta_tilde() <= span.beta());
//! }
//! assert!(grid.spans()[29].to().is_none()); // the last step reaches the data
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chain;
mod grid;
mod level;
mod spacing;
mod span;

pub mod peers;

pub use chain::{Chain, ChainError, Labels};
pub use grid::{Grid, GridError};
pub use level::{Level, LevelError};
pub use spacing::Spacing;
pub use span::{Ancestry, Posterior, Span};
