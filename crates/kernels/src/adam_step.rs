//! The numbers of one update by Adam.

/// The numbers of one update by Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// What the gradient is multiplied by first, as clipping asks.
    pub factor: f64,
    /// Share of the old first moment.
    pub beta_1: f64,
    /// Share of the old second moment.
    pub beta_2: f64,
    /// Learning rate over 1 - beta_1^n at update n.
    pub rate: f64,
    /// Root of 1 / (1 - beta_2^n).
    pub root: f64,
    /// Added to the corrected root of the second moment.
    pub epsilon: f64,
}
