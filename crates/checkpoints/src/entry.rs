//! One tensor of a layout, and which parameter of ours it is.

use std::collections::BTreeMap;

/// Tensors of a file by name, with their shapes.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// One tensor of a published layout, and which parameter of ours it is.
///
/// Both hold the same numbers: in the same order (then at most the shape differs, as in a 1x1 convolution
/// kept as a matrix), or as each other's transpose (PyTorch keeps a dense layer as `[out, in]`, Burn as
/// `[in, out]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tensor's name in the published code's `state_dict`.
    pub theirs: String,
    /// The dotted name of our parameter, as `undrift_networks::collect_parameters` has it.
    pub ours: String,
    /// The shape that the published code keeps it in.
    pub shape: Vec<usize>,
    /// Whether our parameter is the transpose of theirs; both are matrices then.
    pub transposed: bool,
}
