//! One tensor of a file, and where its elements are.

use burn::tensor::{DType, Element, TensorData};
use half::{bf16, f16};

use super::fault::Fault;
use super::source::Source;

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the file, without the words of wrappers, as a `module.` that all names of its group start with.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its element type in the file.
    pub dtype: DType,
}

/// Axes that a tensor may have.
pub(super) const MOST_AXES: usize = 8;

/// Bytes that a name may have.
pub(super) const LONGEST_NAME: usize = 1024;

/// Where a tensor's elements are in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The number of its file among those of the checkpoint.
    pub(super) part: usize,
    /// The byte of the first element.
    pub(super) start: u64,
    /// Elements from one index to the next, by axis; all of them lie within the file.
    pub(super) strides: Vec<usize>,
}

/// The strides of a tensor whose elements follow each other in the order of the indices.
pub(super) fn contiguous(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1);
    }
    strides
}

/// Elements of a shape, or nothing where they are more than 64 bits count.
///
/// Empty axes do not hide others: the strides of such a shape have to fit as well.
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    let spread = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1)))?;
    Some(if shape.contains(&0) { 0 } else { spread })
}

/// Refuses a name or a number of axes that no network has.
pub(super) fn check_size(name: &str, rank: usize) -> Result<(), Fault> {
    if name.len() > LONGEST_NAME {
        let start = name.chars().take(40).collect();
        return Err(Fault::NameLength { start, length: name.len(), most: LONGEST_NAME });
    }
    if rank > MOST_AXES {
        return Err(Fault::Rank { tensor: name.into(), rank, most: MOST_AXES });
    }
    Ok(())
}

/// Reads a tensor: f16 and bf16 widened to f32, everything else as it is.
///
/// # Errors
///
/// [`Fault::Io`]; [`Fault::ElementType`] for a type that has no reader here.
pub(super) fn read(source: &Source, info: &TensorInfo, place: &Place) -> Result<TensorData, Fault> {
    let reading = Reading { source, shape: &info.shape, place };
    match info.dtype {
        DType::F64 => reading.data(f64::from_le_bytes),
        DType::F32 => reading.data(f32::from_le_bytes),
        DType::F16 => reading.data(|bytes| f16::from_le_bytes(bytes).to_f32()),
        DType::BF16 => reading.data(|bytes| bf16::from_le_bytes(bytes).to_f32()),
        DType::I64 => reading.data(i64::from_le_bytes),
        DType::I32 => reading.data(i32::from_le_bytes),
        DType::I16 => reading.data(i16::from_le_bytes),
        DType::I8 => reading.data(i8::from_le_bytes),
        DType::U64 => reading.data(u64::from_le_bytes),
        DType::U32 => reading.data(u32::from_le_bytes),
        DType::U16 => reading.data(u16::from_le_bytes),
        DType::U8 => reading.data(u8::from_le_bytes),
        DType::Bool(_) => reading.data(|[byte]: [u8; 1]| byte != 0),
        other => Err(Fault::ElementType { tensor: info.name.clone(), dtype: format!("{other:?}") }),
    }
}

/// A tensor that is being read.
struct Reading<'a> {
    source: &'a Source,
    shape: &'a [usize],
    place: &'a Place,
}

/// Bytes read at once where elements follow each other; a multiple of every element's size.
const BLOCK: usize = 1 << 16;

impl Reading<'_> {
    fn data<const N: usize, E: Element>(&self, decode: impl Fn([u8; N]) -> E) -> Result<TensorData, Fault> {
        let values = if count(self.shape) == Some(0) {
            Vec::new()
        } else if self.place.strides == contiguous(self.shape) {
            self.sequence(decode)?
        } else {
            self.gathered(decode)?
        };
        Ok(TensorData::new(values, self.shape.to_vec()))
    }

    fn sequence<const N: usize, E>(&self, decode: impl Fn([u8; N]) -> E) -> Result<Vec<E>, Fault> {
        let bytes: usize = N * self.shape.iter().product::<usize>();
        let mut values = Vec::with_capacity(bytes / N);
        let mut buffer = vec![0; BLOCK.min(bytes)];
        for offset in (0..bytes).step_by(BLOCK) {
            let block = &mut buffer[..BLOCK.min(bytes - offset)];
            self.source.fill(self.place.start + offset as u64, block)?;
            values.extend(block.as_chunks::<N>().0.iter().map(|bytes| decode(*bytes)));
        }
        Ok(values)
    }

    fn gathered<const N: usize, E>(&self, decode: impl Fn([u8; N]) -> E) -> Result<Vec<E>, Fault> {
        let axes = || self.shape.iter().zip(&self.place.strides);
        let extent = 1 + axes().map(|(size, stride)| (size - 1) * stride).sum::<usize>();
        let bytes = self.source.bytes(self.place.start, N * extent)?;
        let elements = bytes.as_chunks::<N>().0;
        let at = |flat: usize| {
            let inwards = axes().rev().scan(flat, |rest, (size, stride)| {
                let index = *rest % size;
                *rest /= size;
                Some(index * stride)
            });
            inwards.sum::<usize>()
        };
        Ok((0..self.shape.iter().product()).map(|flat| decode(elements[at(flat)])).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_counted_with_care() {
        assert_eq!(count(&[]), Some(1));
        assert_eq!(count(&[2, 3]), Some(6));
        assert_eq!(count(&[0, 3]), Some(0));
        assert_eq!(count(&[usize::MAX, 2]), None);
        assert_eq!(count(&[0, usize::MAX, 2]), None);
        assert_eq!(contiguous(&[2, 3, 4]), [12, 4, 1]);
    }
}
