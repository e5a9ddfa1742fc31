//! One tensor of a layout, and which parameter of ours it is.

use std::collections::BTreeMap;

use burn::tensor::{DType, Element, TensorData};

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

impl Entry {
    /// A tensor of the layout, of its shape there, as our parameter of the shape `ours`.
    ///
    /// # Panics
    ///
    /// If the numbers of elements differ, or a matrix to be transposed is none or is neither f32 nor f64.
    pub fn to_ours(&self, data: TensorData, ours: &[usize]) -> TensorData {
        if self.transposed { transposed(data) } else { reshaped(data, ours) }
    }

    /// Our parameter as the layout has it.
    ///
    /// # Panics
    ///
    /// As [`to_ours`](Self::to_ours).
    pub fn to_theirs(&self, data: TensorData) -> TensorData {
        if self.transposed { transposed(data) } else { reshaped(data, &self.shape) }
    }
}

fn reshaped(data: TensorData, shape: &[usize]) -> TensorData {
    let (bytes, _, dtype) = data.into_parts();
    TensorData::from_bytes(bytes, shape, dtype)
}

fn transposed(data: TensorData) -> TensorData {
    match data.dtype() {
        DType::F32 => transposed_as::<f32>(&data),
        DType::F64 => transposed_as::<f64>(&data),
        other => panic!("a matrix of weights is f32 or f64, not {other:?}"),
    }
}

fn transposed_as<E: Element>(data: &TensorData) -> TensorData {
    let [rows, columns] = data.shape().as_slice() else {
        panic!("only a matrix is transposed, not {:?}", data.shape())
    };
    let values = data.as_slice::<E>().expect("the element type was looked at");
    let across = (0..*columns).flat_map(|column| values[column..].iter().step_by(*columns).take(*rows).copied());
    TensorData::new(across.collect(), [*columns, *rows])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_goes_there_and_back() {
        let entry = Entry { theirs: "w".into(), ours: "w".into(), shape: vec![2, 3], transposed: true };
        let theirs = TensorData::new(vec![1f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]);
        let ours = entry.to_ours(theirs.clone(), &[3, 2]);
        assert_eq!(ours, TensorData::new(vec![1f32, 4.0, 2.0, 5.0, 3.0, 6.0], [3, 2]));
        assert_eq!(entry.to_theirs(ours), theirs);
    }

    #[test]
    fn a_filter_of_one_pixel_may_be_a_matrix_there() {
        let entry = Entry { theirs: "q".into(), ours: "q".into(), shape: vec![2, 2], transposed: false };
        let theirs = TensorData::new(vec![1f64, 2.0, 3.0, 4.0], [2, 2]);
        let ours = entry.to_ours(theirs.clone(), &[2, 2, 1, 1]);
        assert_eq!(ours.shape().as_slice(), [2, 2, 1, 1]);
        assert_eq!(entry.to_theirs(ours), theirs);
    }
}
