//! What training minimises, as values.

use undrift_losses::Weighting;

/// What training minimises.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The loss.
    pub loss: Loss,
    /// How much the squared error of a level counts.
    pub weighting: Weighting,
    /// gamma of input perturbation (Ning et al. 2023, arXiv:2301.11706); 0 for none.
    pub input_perturbation: f64,
    /// lambda of the gradient penalty `|d eps / d x|^2` per image; 0 for none.
    pub gradient_penalty: f64,
}

/// A training loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Mean squared error in the network's own output space, weighted.
    Squared,
    /// The variational bound, one random term per image, in bits per dimension.
    Bound,
    /// The bound at levels drawn in proportion to their last losses (Nichol and Dhariwal 2021, arXiv:2102.09672).
    ImportanceBound,
    /// The squared error and 0.001 of the bound, which teaches the variance alone (the same paper's L_hybrid).
    Hybrid,
}
