//! How a layout's list of tensors is written down: two names, and the shape there.

use crate::Entry;

/// A list of entries in the published order.
#[derive(Default)]
pub(super) struct List(pub(super) Vec<Entry>);

impl List {
    /// Values in the same order; there in `shape`.
    pub(super) fn same(&mut self, theirs: String, ours: String, shape: &[usize]) {
        self.0.push(Entry { theirs, ours, shape: shape.to_vec(), transposed: false });
    }

    /// A layer with weights of `shape` and one bias for each of its first axis.
    pub(super) fn layer(&mut self, theirs: &str, ours: &str, shape: &[usize]) {
        self.same(format!("{theirs}.weight"), format!("{ours}.weight"), shape);
        self.same(format!("{theirs}.bias"), format!("{ours}.bias"), &shape[..1]);
    }

    /// A dense layer: `[to, from]` there, `[from, to]` here.
    pub(super) fn dense(&mut self, theirs: &str, ours: &str, [from, to]: [usize; 2]) {
        self.0.push(Entry {
            theirs: format!("{theirs}.weight"),
            ours: format!("{ours}.weight"),
            shape: vec![to, from],
            transposed: true,
        });
        self.same(format!("{theirs}.bias"), format!("{ours}.bias"), &[to]);
    }

    /// A normalisation with a gain and a bias.
    pub(super) fn norm(&mut self, theirs: &str, ours: &str, width: usize) {
        self.same(format!("{theirs}.weight"), format!("{ours}.gamma"), &[width]);
        self.same(format!("{theirs}.bias"), format!("{ours}.beta"), &[width]);
    }
}
