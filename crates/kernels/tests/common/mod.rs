//! Tensors of random numbers and their comparison.

use burn::tensor::{DType, Device, Tensor, TensorData};

/// Numbers in [-1, 1) that depend on `seed` alone.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| f64::from(next() as f32)).collect()
}

/// The same numbers as a leaf of the graph, in single and in double precision.
pub(crate) fn leaves<const D: usize>(shape: [usize; D], seed: u64) -> [Tensor<D>; 2] {
    let device = Device::flex().autodiff();
    let data = TensorData::new(numbers(shape.iter().product(), seed), shape);
    [DType::F32, DType::F64].map(|dtype| Tensor::from_data(data.clone(), (&device, dtype)).require_grad())
}

/// The largest difference, relative to the largest element of `exact`.
pub(crate) fn difference<const D: usize>(found: Tensor<D>, exact: Tensor<D>) -> f64 {
    assert_eq!(found.dims(), exact.dims());
    assert_eq!((found.dtype(), exact.dtype()), (DType::F32, DType::F64));
    let (found, exact) = (found.into_data(), exact.into_data());
    let largest = exact.iter::<f64>().fold(1e-3, |largest: f64, value| largest.max(value.abs()));
    let apart =
        found.iter::<f64>().zip(exact.iter::<f64>()).map(|(a, b)| if a.is_nan() { f64::NAN } else { (a - b).abs() });
    apart.fold(0.0, |largest: f64, value| if value > largest || value.is_nan() { value } else { largest }) / largest
}

/// Asserts that both outputs agree within 1e-5 and that the gradients of all leaves do within 1e-4.
macro_rules! assert_agree {
    ([$single:expr, $double:expr], $seed:expr, [$($leaf:expr),*]) => {{
        let (single, double) = ($single, $double);
        let apart = $crate::common::difference(single.clone().inner(), double.clone().inner());
        prop_assert!(apart < 1e-5, "outputs differ by {apart}");
        let [weight, exact] = $crate::common::leaves(single.dims(), $seed);
        let gradients = [single.mul(weight.detach()).sum().backward(), double.mul(exact.detach()).sum().backward()];
        let mut number = 0;
        $(
            let [leaf, exact] = $leaf;
            let found = leaf.grad(&gradients[0]).expect("the single leaf has a gradient");
            let exact = exact.grad(&gradients[1]).expect("the double leaf has a gradient");
            let apart = $crate::common::difference(found, exact);
            prop_assert!(apart < 1e-4, "gradients of input {number} differ by {apart}");
            number += 1;
        )*
        let _ = number;
    }};
}
pub(crate) use assert_agree;
