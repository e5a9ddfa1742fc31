//! From numbers in -1..1 back to bytes.

use burn::tensor::Tensor;

use crate::DataError;

/// Images in [-1, 1] as bytes: `(x + 1) * 127.5`, rounded to the nearest integer, numbers beyond
/// [-1, 1] taken as the nearest end.
///
/// It is the inverse of [`Images::batch`](crate::Images::batch). guided-diffusion (Dhariwal and Nichol
/// 2021, arXiv:2105.05233) drops the fraction instead when it writes samples, which makes them half a
/// grey value darker on average and does not give back the bytes that went in; DDPM's code scores
/// unrounded numbers.
///
/// # Shapes
/// `[N, C, H, W]` to `N * C * H * W` bytes, row-major.
///
/// # Errors
/// [`DataError::NotFinite`] names the first NaN or infinity.
pub fn quantise(x: Tensor<4>) -> Result<Vec<u8>, DataError> {
    let [_, channels, height, width] = x.dims();
    let per_image = channels * height * width;
    let data = x.into_data();
    let bytes = data.iter::<f64>().enumerate().map(|(at, value)| {
        nearest_byte(value).ok_or(DataError::NotFinite { image: at / per_image, entry: at % per_image, value })
    });
    bytes.collect()
}

fn nearest_byte(x: f64) -> Option<u8> {
    x.is_finite().then(|| ((x + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Images;
    use burn::tensor::{DType, Device};

    fn bytes_of(values: [f64; 4]) -> Result<Vec<u8>, DataError> {
        let device = Device::flex();
        quantise(Tensor::<1>::from_data(values, (&device, DType::F64)).reshape([2, 1, 1, 2]))
    }

    #[test]
    fn every_byte_survives_the_way_there_and_back() {
        let images = Images::new((0..=255).collect(), vec![0], [1, 16, 16]).unwrap();
        for dtype in [DType::F32, DType::F64] {
            let x = images.batch(&[0], &[], &Device::flex(), dtype);
            assert_eq!(quantise(x).unwrap(), images.pixels());
        }
    }

    #[test]
    fn rounds_to_the_nearest_and_clamps() {
        let grey = |u: f64| u / 127.5 - 1.0;
        assert_eq!(bytes_of([grey(9.4), grey(9.6), -1.7, 3.0]).unwrap(), [9, 10, 0, 255]);
    }

    #[test]
    fn what_is_no_number_is_named() {
        let error = bytes_of([0.0, 0.0, 0.5, f64::NAN]).unwrap_err();
        assert!(matches!(error, DataError::NotFinite { image: 1, entry: 1, .. }), "{error}");
        assert!(bytes_of([0.0, f64::INFINITY, 0.0, 0.0]).is_err());
    }
}
