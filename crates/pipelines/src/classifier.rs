//! What a classifier of noised images says about where samples should go.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Tensor, TensorData};

/// The gradient of `log p(y | x, t)` with respect to `x`, for each sample and its own label.
///
/// The logits of one sample must not depend on the others; then neither does its gradient.
///
/// # Shapes
/// - `x`: `[B, C, H, W]`, on a device without autodiff; the result has its shape
/// - `logits`: of such a tensor with autodiff, `[B, classes]`
/// - `labels`: B of them
///
/// # Panics
/// If a label is no class, or the logits do not depend on the image.
pub fn log_probability_gradient(logits: impl Fn(Tensor<4>) -> Tensor<2>, labels: &[usize], x: &Tensor<4>) -> Tensor<4> {
    let x = x.clone().autodiff().require_grad();
    let log_probabilities = log_softmax(logits(x.clone()), 1);
    let chosen = log_probabilities.clone() * one_hot(&log_probabilities, labels);
    let gradients = chosen.sum().backward();
    x.grad(&gradients).expect("logits depend on the image")
}

fn one_hot(like: &Tensor<2>, labels: &[usize]) -> Tensor<2> {
    let [_, classes] = like.dims();
    let row = |label: &usize| (0..classes).map(|class| if class == *label { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
    assert!(labels.iter().all(|label| *label < classes), "a label is none of {classes} classes");
    let values: Vec<f64> = labels.iter().flat_map(row).collect();
    Tensor::from_data(TensorData::new(values, [labels.len(), classes]), (&like.device(), like.dtype()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    fn logits(x: Tensor<4>) -> Tensor<2> {
        let [batch, ..] = x.dims();
        let flat = x.reshape([batch, 4]);
        let weights = Tensor::<2>::from_data(
            TensorData::new((0..12).map(|i| (f64::from(i) * 0.7).sin()).collect(), [4, 3]),
            (&flat.device(), flat.dtype()),
        );
        flat.sin().matmul(weights)
    }

    fn image(values: &[f64]) -> Tensor<4> {
        let data = TensorData::new(values.to_vec(), [values.len() / 4, 1, 2, 2]);
        Tensor::from_data(data, (&Device::flex(), DType::F64))
    }

    fn log_probability(values: &[f64], label: usize) -> f64 {
        log_softmax(logits(image(values)), 1).into_data().iter::<f64>().nth(label).unwrap()
    }

    #[test]
    fn it_is_the_slope_of_the_log_probability() {
        let values = [0.3, -1.2, 0.8, 2.0, 1.1, 0.2, -0.4, 0.6];
        let found = log_probability_gradient(logits, &[2, 0], &image(&values));
        let found: Vec<f64> = found.into_data().iter::<f64>().collect();
        for (sample, label) in [(0, 2), (1, 0)] {
            for axis in 0..4 {
                let moved = |by: f64| {
                    let mut x = values[4 * sample..4 * sample + 4].to_vec();
                    x[axis] += by;
                    log_probability(&x, label)
                };
                let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((slope - found[4 * sample + axis]).abs() < 1e-9, "{sample} {axis}");
            }
        }
    }
}
