//! The orthonormal Haar wavelet of one level, over the last two dimensions.

use burn::tensor::Tensor;

use crate::SampleError;

/// The four bands of images: LL, LH (changes along the width), HL (changes along the height), HH.
///
/// # Shapes
/// `x` is `[.., height, width]`, both even; a band is `[images, height / 2, 1, width / 2, 1]`.
///
/// # Errors
/// [`SampleError::NoHalves`] for other shapes.
pub fn split<const D: usize>(x: Tensor<D>) -> Result<[Tensor<5>; 4], SampleError> {
    let shape = x.dims();
    let whole = |size: usize| size > 0 && size.is_multiple_of(2);
    if D < 3 || !whole(shape[D - 1]) || !whole(shape[D - 2]) {
        return Err(SampleError::NoHalves { shape: shape.to_vec() });
    }
    let [height, width] = [shape[D - 2], shape[D - 1]];
    let images = shape[..D - 2].iter().product();
    let blocks = x.reshape([images, height / 2, 2, width / 2, 2]);
    let corner = |row: usize, column: usize| blocks.clone().narrow(2, row, 1).narrow(4, column, 1);
    Ok(butterfly([corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1)]))
}

/// The images of four bands as [`split`] gives them, of shape `dims`.
///
/// # Shapes
/// `dims` is the shape that was split.
pub fn join<const D: usize>(bands: [Tensor<5>; 4], dims: [usize; D]) -> Tensor<D> {
    let [a, b, c, d] = butterfly(bands);
    let rows = vec![Tensor::cat(vec![a, b], 4), Tensor::cat(vec![c, d], 4)];
    Tensor::cat(rows, 2).reshape(dims)
}

/// Sums and differences of the four corners of each block; its own inverse.
fn butterfly([a, b, c, d]: [Tensor<5>; 4]) -> [Tensor<5>; 4] {
    [
        (a.clone() + b.clone() + c.clone() + d.clone()) * 0.5,
        (a.clone() - b.clone() + c.clone() - d.clone()) * 0.5,
        (a.clone() + b.clone() - c.clone() - d.clone()) * 0.5,
        (a - b - c + d) * 0.5,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device, TensorData};

    fn images() -> Tensor<4> {
        let values: Vec<f64> = (0..2 * 3 * 4 * 6).map(|i| (i as f64 * 1.7).sin()).collect();
        Tensor::from_data(TensorData::new(values, [2, 3, 4, 6]), (&Device::flex(), DType::F64))
    }

    fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
        tensor.to_data().iter::<f64>().collect()
    }

    fn energy<const D: usize>(tensor: &Tensor<D>) -> f64 {
        values(tensor).iter().map(|value| value * value).sum()
    }

    #[test]
    fn the_inverse_is_the_identity_and_energy_stays() {
        let bands = split(images()).expect("even");
        assert!((bands.iter().map(energy).sum::<f64>() - energy(&images())).abs() < 1e-12);
        let back = join(bands, images().dims());
        assert!(values(&back).iter().zip(values(&images())).all(|(a, b)| (a - b).abs() < 1e-15));
    }

    #[test]
    fn each_band_sees_its_own_changes() {
        let of = |f: fn(usize, usize) -> f64| {
            let values: Vec<f64> = (0..16).map(|i| f(i / 4, i % 4)).collect();
            let x = Tensor::<3>::from_data(TensorData::new(values, [1, 4, 4]), (&Device::flex(), DType::F64));
            split(x).expect("even").map(|band| energy(&band))
        };
        assert_eq!(of(|_, _| 3.0), [16.0 * 9.0, 0.0, 0.0, 0.0]);
        assert_eq!(of(|_, column| [1.0, -1.0][column % 2]), [0.0, 16.0, 0.0, 0.0]);
        assert_eq!(of(|row, _| [1.0, -1.0][row % 2]), [0.0, 0.0, 16.0, 0.0]);
        assert_eq!(of(|row, column| [1.0, -1.0][(row + column) % 2]), [0.0, 0.0, 0.0, 16.0]);
    }

    #[test]
    fn odd_and_flat_shapes_are_refused() {
        let device = Device::flex();
        let odd = split(Tensor::<4>::zeros([1, 1, 3, 4], &device)).unwrap_err();
        assert_eq!(odd, SampleError::NoHalves { shape: vec![1, 1, 3, 4] });
        assert!(split(Tensor::<3>::zeros([1, 4, 5], &device)).is_err());
        assert!(split(Tensor::<2>::zeros([4, 4], &device)).is_err());
    }
}
