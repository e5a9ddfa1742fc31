//! The flow of a step: `x / signal` moves by eps per unit of sigma, in any coordinates.
//!
//! One formula in two roundings, which published numbers tell apart: see [`along`] and [`transfer`].

use burn::tensor::Tensor;
use undrift_schedules::Level;

/// `x` moved along a slope in sigma from one level to another, with the weight of the slope written
/// `noise' - signal' sigma` (Karras, Aittala, Aila, Laine 2022, arXiv:2206.00364, algorithm 1).
///
/// On the way to a level it is [`transfer`] but for the last digits of that weight. Euler's, Heun's and DPM-Solver-2's
/// steps are written so.
///
/// # Shapes
/// `x`, `slope` and the result have one shape; `x` is at `from`, which has a signal, and the result at `to`.
pub fn along<const D: usize>(x: &Tensor<D>, from: Level, to: Level, slope: Tensor<D>) -> Tensor<D> {
    moved(x.clone(), slope, to.signal() / from.signal(), to.noise() - to.signal() * from.sigma())
}

/// DDIM's deterministic step with a given eps, with its weight written `signal' (sigma' - sigma)`
/// (Liu et al. 2022, arXiv:2202.09778, eq. 9; Song, Meng, Ermon 2020, arXiv:2010.02502, eq. 13).
///
/// `None` is the data, where the signal is 1 and sigma 0. Multistep methods are written so; on the way to a level it
/// is [`along`] but for last digits.
///
/// # Shapes
/// `x`, `eps` and the result have one shape; `x` is at `from`, which has a signal, and the result at `to`.
pub fn transfer<const D: usize>(x: Tensor<D>, eps: Tensor<D>, from: Level, to: Option<Level>) -> Tensor<D> {
    let (signal, sigma) = to.map_or((1.0, 0.0), |to| (to.signal(), to.sigma()));
    moved(x, eps, signal / from.signal(), signal * (sigma - from.sigma()))
}

fn moved<const D: usize>(x: Tensor<D>, slope: Tensor<D>, kept: f64, weight: f64) -> Tensor<D> {
    x * kept + slope * weight
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{gap, tensor};

    /// From 0.6 and 0.8 to 0.8 and 0.6: `x' = 4 x / 3 + (0.6 - 0.8 * 4 / 3) eps`.
    #[test]
    fn both_forms_are_one_step_by_hand_in_both_coordinates() {
        let [from, to] = [0.36, 0.64].map(|alpha_bar| Level::vp(alpha_bar, 0.0).expect("valid"));
        let (x, eps) = (tensor(vec![3.0, -1.5], [1, 2]), tensor(vec![1.5, 0.3], [1, 2]));
        let expected = tensor(vec![4.0 - 0.7, -2.0 - 0.14], [1, 2]);
        assert!(gap(&along(&x, from, to, eps.clone()), &expected) < 1e-14);
        assert!(gap(&transfer(x.clone(), eps.clone(), from, Some(to)), &expected) < 1e-14);
        let [high, low] = [from, to].map(|level| level.unscaled().expect("has signal"));
        let (x, expected) = (x * (1.0 / 0.6), expected * (1.0 / 0.8));
        assert!(gap(&along(&x, high, low, eps.clone()), &expected) < 1e-14);
        assert!(gap(&transfer(x.clone(), eps.clone(), high, None), &(x - eps * (4.0 / 3.0))) < 1e-14);
    }
}
