//! The names of a data set's parts.

/// Which part of a published data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// The images that a network is trained on.
    Train,
    /// The images held out for measurements.
    Test,
}
