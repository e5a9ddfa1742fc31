//! What follows a normalisation.

/// What follows a normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// SiLU, x / (1 + e^-x).
    Silu,
}
