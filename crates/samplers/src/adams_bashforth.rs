//! The mean of past slopes over steps of one length.

use burn::tensor::Tensor;

/// The mean of as many eps as there are, newest first, with the weights of Adams and Bashforth for steps of one length,
/// up to order 4; written as changes from the newest, so that equal eps stay exact
/// (Liu et al. 2022, arXiv:2202.09778).
///
/// # Shapes
/// `eps` is the newest, `past` the up to three before it; all have one shape, the result too.
pub fn adams_bashforth<const D: usize>(eps: Tensor<D>, past: &[Tensor<D>]) -> Tensor<D> {
    let weights: &[f64] = match past {
        [] => &[],
        [_] => &[-1.0 / 2.0],
        [_, _] => &[-16.0 / 12.0, 5.0 / 12.0],
        _ => &[-59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0],
    };
    let changes = past.iter().zip(weights).map(|(before, weight)| (before.clone() - eps.clone()) * *weight);
    changes.fold(eps.clone(), |mean, change| mean + change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{tensor, values};

    /// The slope of a cubic at 0, -1, -2 and -3, whose integral from 0 to 1 is known.
    #[test]
    fn polynomials_are_integrated_exactly_up_to_the_order() {
        let at = |power: i32, k: i32| tensor(vec![f64::from(-k).powi(power)], [1, 1]);
        for order in 1..=4 {
            for power in 0..order {
                let past: Vec<_> = (1..order).map(|k| at(power, k)).collect();
                let found = values(&adams_bashforth(at(power, 0), &past))[0];
                assert!((found - 1.0 / f64::from(power + 1)).abs() < 1e-14, "order {order}, power {power}: {found}");
            }
        }
    }
}
