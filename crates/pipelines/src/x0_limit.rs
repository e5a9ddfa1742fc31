//! What a published sampler does to x0.

/// What a sampler does to the clean data believed in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum X0Limit {
    /// Nothing.
    None,
    /// Clips it to `[-range, range]`.
    Clip {
        /// Largest absolute value.
        range: f64,
    },
    /// Brings it into range by a quantile of each sample (Saharia et al. 2022, arXiv:2205.11487).
    Threshold {
        /// The quantile.
        ratio: f64,
        /// The largest threshold.
        most: f64,
    },
}
