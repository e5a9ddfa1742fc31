//! Vectors of classes.

use burn::tensor::{Int, Tensor, TensorData};

/// The rows of a table of vectors that have these numbers: `[K, C]` to `[labels, C]`.
///
/// # Panics
///
/// If a label is not below K.
pub(crate) fn rows(table: Tensor<2>, labels: &[usize]) -> Tensor<2> {
    let [known, _] = table.dims();
    if let Some(label) = labels.iter().find(|label| **label >= known) {
        panic!("label {label} of {known} labels; they count from 0");
    }
    let labels: Vec<i64> = labels.iter().map(|label| *label as i64).collect();
    let count = [labels.len()];
    let indices = Tensor::<1, Int>::from_data(TensorData::new(labels, count), &table.device());
    table.select(0, indices)
}
