//! Dropout whose masks are keyed per sample, so that a resumed run repeats them.

use burn::tensor::Tensor;
use undrift_noise::SampleNoise;

/// Dropout as an explicit action of one forward pass: off, or with a probability and a source of masks.
///
/// Burn's own layer draws from one global generator and is active on every autodiff device, so that a
/// resumed run could not repeat it and an evaluation there would be random. Here the mask of sample i is
/// a function of (key, i, draw), and only a training pass has one.
pub(crate) struct Dropout<'a>(Option<(f64, &'a mut SampleNoise)>);

impl<'a> Dropout<'a> {
    pub(crate) fn off() -> Self {
        Dropout(None)
    }

    /// Drops with `probability` in `[0, 1)`; 0 draws no mask.
    pub(crate) fn new(probability: f64, noise: &'a mut SampleNoise) -> Self {
        Dropout((probability > 0.0).then_some((probability, noise)))
    }

    /// Sets entries of `x` to zero and divides the others by the probability of staying.
    pub(crate) fn apply<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D> {
        let Some((probability, noise)) = &mut self.0 else {
            return x;
        };
        let dropped = noise.uniform(&x).lower_elem(*probability);
        x.mask_fill(dropped, 0.0).mul_scalar(1.0 / (1.0 - *probability))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use undrift_noise::{Key, Purpose};

    fn noise(first: u64, count: usize) -> SampleNoise {
        SampleNoise::new(Key::new(1, Purpose::Dropout), first, count)
    }

    #[test]
    fn keeps_the_mean_and_drops_the_asked_share() {
        let x = Tensor::<2>::ones([4, 5000], &Device::flex());
        let y = Dropout::new(0.25, &mut noise(0, 4)).apply(x).into_data();
        let y = y.as_slice::<f32>().unwrap();
        assert!(y.iter().all(|v| *v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6));
        let zeros = y.iter().filter(|v| **v == 0.0).count() as f64 / y.len() as f64;
        assert!((zeros - 0.25).abs() < 0.01, "{zeros}");
    }

    #[test]
    fn a_row_depends_on_its_sample_alone() {
        let x = Tensor::<2>::ones([3, 40], &Device::flex());
        let all = Dropout::new(0.5, &mut noise(0, 3)).apply(x.clone()).narrow(0, 2, 1);
        let last = Dropout::new(0.5, &mut noise(2, 1)).apply(x.narrow(0, 2, 1));
        assert_eq!(all.into_data(), last.into_data());
    }

    #[test]
    fn probability_zero_changes_and_draws_nothing() {
        let x = Tensor::<1>::from_floats([1.0, -2.0], &Device::flex());
        let mut source = noise(0, 2);
        let y = Dropout::new(0.0, &mut source).apply(x.clone());
        assert_eq!(y.into_data(), x.into_data());
        assert_eq!(source.draw(), 0);
    }
}
