//! Tensors of a fixture.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{DType, Device, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::case::Arithmetic;
use super::error::FixtureError;

/// A recorded tensor: row-major values, exact in f64.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
}

impl Array {
    /// Rows `[first, first + 1, ..]` along the first axis, with that axis removed.
    pub(super) fn rows(&self) -> Vec<Array> {
        let shape = self.shape.get(1..).unwrap_or_default().to_vec();
        let each = shape.iter().product::<usize>().max(1);
        let rows = self.values.chunks(each);
        rows.map(|values| Array { shape: shape.clone(), values: values.to_vec() }).collect()
    }

    /// Sample `b` alone, with a batch axis of one.
    pub(super) fn sample(&self, name: &str, b: usize) -> Result<Array, FixtureError> {
        let mut row = self.rows().into_iter().nth(b).ok_or_else(|| {
            let expected = format!("at least {} samples", b + 1);
            self.wrong_shape(name, expected)
        })?;
        row.shape.insert(0, 1);
        Ok(row)
    }

    /// Some of the samples, in the order asked for.
    pub(super) fn samples(&self, name: &str, kept: &[usize]) -> Result<Array, FixtureError> {
        let mut samples = Array { shape: self.shape.clone(), values: Vec::new() };
        for &b in kept {
            samples.values.extend(self.sample(name, b)?.values);
        }
        samples.shape[0] = kept.len();
        Ok(samples)
    }

    /// Two arrays of samples, one behind the other on the channel axis.
    pub(super) fn joined(&self, other: &Array) -> Result<Array, FixtureError> {
        if self.shape != other.shape || self.shape.len() < 2 {
            let expected = format!("{:?}, as its neighbour", other.shape);
            return Err(self.wrong_shape("model_output", expected));
        }
        let samples = self.rows().into_iter().zip(other.rows());
        let values = samples.flat_map(|(a, b)| [a.values, b.values].concat());
        let mut shape = self.shape.clone();
        shape[1] *= 2;
        Ok(Array { shape, values: values.collect() })
    }

    pub(super) fn wrong_shape(&self, name: &str, expected: String) -> FixtureError {
        FixtureError::WrongShape { name: name.to_owned(), found: self.shape.clone(), expected }
    }
}

/// The tensors of one fixture.
#[derive(Clone, Debug, Default)]
pub(super) struct Tensors(BTreeMap<String, Array>);

impl Tensors {
    pub(super) fn read(path: &Path) -> Result<Self, FixtureError> {
        let bytes =
            std::fs::read(path).map_err(|source| FixtureError::MissingTensors { path: path.to_owned(), source })?;
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|source| FixtureError::SafeTensors { path: path.to_owned(), source })?;
        let read = file.tensors().into_iter();
        let read = read.map(|(name, view)| Ok((name.clone(), array(&name, &view)?)));
        read.collect::<Result<_, FixtureError>>().map(Tensors)
    }

    pub(super) fn find(&self, name: &str) -> Option<&Array> {
        self.0.get(name)
    }

    pub(super) fn get(&self, name: &str) -> Result<&Array, FixtureError> {
        self.find(name).ok_or_else(|| FixtureError::NoTensor { name: name.to_owned() })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What the published code gave in one arithmetic: `f64/mean` as `mean`.
    pub(super) fn under(&self, run: Arithmetic) -> impl Iterator<Item = (&str, &Array)> {
        let items = self.0.iter();
        items.filter_map(move |(name, array)| {
            let (prefix, item) = name.split_once('/')?;
            (prefix == run.name()).then_some((item, array))
        })
    }

    /// A tensor of four axes (samples, channels, height, width) for our code.
    pub(super) fn images(&self, name: &str, run: Arithmetic) -> Result<Tensor<4>, FixtureError> {
        images(name, self.get(name)?, run)
    }

    /// A list of indices.
    pub(super) fn indices(&self, name: &str) -> Result<Vec<usize>, FixtureError> {
        let values = self.get(name)?.values.iter();
        let index = |&value: &f64| (value >= 0.0 && value.fract() == 0.0).then_some(value as usize);
        values.map(index).collect::<Option<_>>().ok_or_else(|| {
            let name = name.to_owned();
            let found = "with numbers that are no index".to_owned();
            FixtureError::WrongType { name, found }
        })
    }
}

/// The device on which golden vectors are checked.
pub(super) fn device() -> Device {
    Device::flex()
}

/// The element type of an arithmetic.
pub(super) fn precision(run: Arithmetic) -> DType {
    match run {
        Arithmetic::F32 => DType::F32,
        Arithmetic::F64 => DType::F64,
    }
}

/// `values` as a tensor of the arithmetic of a run.
pub(super) fn tensor<const D: usize>(values: Vec<f64>, dims: [usize; D], run: Arithmetic) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, dims), (&device(), precision(run)))
}

/// An array of four axes as a tensor.
pub(super) fn images(name: &str, array: &Array, run: Arithmetic) -> Result<Tensor<4>, FixtureError> {
    let dims = array.shape.clone().try_into();
    let dims: [usize; 4] = dims.map_err(|_| {
        let expected = "four axes (samples, channels, height, width)".to_owned();
        array.wrong_shape(name, expected)
    })?;
    Ok(tensor(array.values.clone(), dims, run))
}

/// All numbers of a tensor, row-major, in f64.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn array(name: &str, view: &TensorView<'_>) -> Result<Array, FixtureError> {
    let data = view.data();
    let values = match view.dtype() {
        Dtype::F64 => words(data).map(f64::from_le_bytes).collect(),
        Dtype::F32 => words(data).map(|w| f64::from(f32::from_le_bytes(w))).collect(),
        Dtype::I64 => words(data).map(|w| i64::from_le_bytes(w) as f64).collect(),
        Dtype::I32 => words(data).map(|w| f64::from(i32::from_le_bytes(w))).collect(),
        Dtype::U8 => data.iter().map(|&byte| f64::from(byte)).collect(),
        other => {
            return Err(FixtureError::WrongType { name: name.to_owned(), found: format!("{other:?}") });
        }
    };
    Ok(Array { shape: view.shape().to_vec(), values })
}

fn words<const N: usize>(data: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    data.as_chunks::<N>().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_arithmetics_keep_their_type() {
        let third = 1.0 / 3.0;
        let single = values(tensor(vec![third], [1], Arithmetic::F32))[0];
        let double = values(tensor(vec![third], [1], Arithmetic::F64))[0];
        assert_eq!((single, double), (f64::from(third as f32), third));
    }

    #[test]
    fn a_sample_keeps_a_batch_axis() {
        let array = Array { shape: vec![2, 1, 1, 2], values: vec![1.0, 2.0, 3.0, 4.0] };
        let second = array.sample("x", 1).unwrap();
        assert_eq!((second.shape, second.values), (vec![1, 1, 1, 2], vec![3.0, 4.0]));
        assert!(array.sample("x", 2).is_err());
    }

    #[test]
    fn an_absent_file_is_named() {
        let message = Tensors::read(Path::new("no/such.safetensors")).unwrap_err();
        assert!(message.to_string().contains("no/such.safetensors"));
    }
}
