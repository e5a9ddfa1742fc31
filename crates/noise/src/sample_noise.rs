//! The noise of real runs: each row is a function of its own sample.

use burn::tensor::{DType, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::{Key, Noise};

/// Noise of a batch of numbered samples; row i depends on the key, `samples[i]` and the draw alone.
///
/// The same rows come out for any split into batches, any number of threads and any device: they are
/// made on the host and copied. Each row reads its own stream from the start (see [`Key`]), the normals
/// by the ziggurat of Doornik (2005) in f64. A tensor of less precision gets those same numbers rounded
/// to f32, then to its own type. (The ziggurat takes logarithms beyond 3.65 standard deviations, so there
/// the last digit may differ between operating systems.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleNoise {
    key: Key,
    samples: Vec<u64>,
    draw: u64,
}

impl SampleNoise {
    /// Noise of the samples `first .. first + count`, before their first draw.
    pub fn new(key: Key, first: u64, count: usize) -> Self {
        SampleNoise::of(key, (0..count as u64).map(|i| first.wrapping_add(i)).collect())
    }

    /// Noise of the samples with these indices, in any order, before their first draw.
    pub fn of(key: Key, samples: Vec<u64>) -> Self {
        SampleNoise { key, samples, draw: 0 }
    }

    /// The same samples, with `draw` as the number of the next draw: to go on where another run stopped.
    #[must_use]
    pub fn at_draw(self, draw: u64) -> Self {
        SampleNoise { draw, ..self }
    }

    /// The number of the next draw, counted from 0; every call of `normal` or `uniform` adds one.
    pub fn draw(&self) -> u64 {
        self.draw
    }

    /// The index of each row's sample.
    pub fn samples(&self) -> &[u64] {
        &self.samples
    }

    /// The next draw: uniform numbers in `[0, 1)` with the shape, element type and device of `like`.
    ///
    /// They are multiples of 2^-53 for f64 and of 2^-24 for f32 (2^-11 for f16, 2^-8 for bf16): the f64
    /// numbers cut off, not rounded, so that none of them becomes 1.
    ///
    /// # Shapes
    ///
    /// `like` and the result: `[B, ..]`, one row per sample.
    ///
    /// # Panics
    ///
    /// If `like` has another number of rows than this noise has samples.
    pub fn uniform<const D: usize>(&mut self, like: &Tensor<D>) -> Tensor<D> {
        let bits = significand_bits(like.dtype());
        let unit = (-f64::from(bits)).exp2();
        self.fill(like, |rng| (rng.next_u64() >> (64 - bits)) as f64 * unit)
    }

    fn fill<const D: usize>(&mut self, like: &Tensor<D>, number: impl Fn(&mut ChaCha8Rng) -> f64) -> Tensor<D> {
        let dims = like.dims();
        self.check(dims[0]);
        let row = dims[1..].iter().product();
        let data = match like.dtype() {
            DType::F64 => TensorData::new(self.rows(row, number), dims),
            _ => TensorData::new(self.rows(row, |rng| number(rng) as f32), dims),
        };
        self.draw += 1;
        Tensor::from_data(data, (&like.device(), like.dtype()))
    }

    fn check(&self, rows: usize) {
        assert!(
            rows == self.samples.len(),
            "noise of {} samples is asked for {rows} rows; make it with one sample index per row",
            self.samples.len(),
        );
    }

    fn rows<E>(&self, row: usize, number: impl Fn(&mut ChaCha8Rng) -> E) -> Vec<E> {
        let mut numbers = Vec::with_capacity(row * self.samples.len());
        for &sample in &self.samples {
            let mut rng = self.key.stream(sample, self.draw);
            numbers.extend((0..row).map(|_| number(&mut rng)));
        }
        numbers
    }
}

impl<const D: usize> Noise<D> for SampleNoise {
    /// The next draw of every sample.
    ///
    /// # Panics
    ///
    /// If `like` has another number of rows than this noise has samples.
    fn normal(&mut self, like: &Tensor<D>) -> Tensor<D> {
        self.fill(like, |rng| StandardNormal.sample(rng))
    }

    /// The next draw of every sample: multiples of 2^-53.
    ///
    /// # Panics
    ///
    /// As `normal`.
    fn uniforms(&mut self, like: &Tensor<D>) -> Vec<f64> {
        self.check(like.dims()[0]);
        let numbers = self.rows(1, |rng| (rng.next_u64() >> 11) as f64 * (-53f64).exp2());
        self.draw += 1;
        numbers
    }
}

/// Digits of an element type's significand, in bits.
fn significand_bits(dtype: DType) -> u32 {
    match dtype {
        DType::F64 => 53,
        DType::F16 => 11,
        DType::BF16 => 8,
        _ => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;
    use burn::tensor::Device;
    use proptest::prelude::*;

    fn like(rows: usize, row: usize, dtype: DType) -> Tensor<2> {
        Tensor::zeros([rows, row], (&Device::flex(), dtype))
    }

    fn f64s(tensor: Tensor<2>) -> Vec<f64> {
        tensor.into_data().convert::<f64>().try_to_vec().unwrap()
    }

    fn noise(samples: &[u64]) -> SampleNoise {
        SampleNoise::of(Key::new(42, Purpose::Sampling), samples.to_vec())
    }

    /// Anchored, and computed by a separate ChaCha8 and ziggurat in Python: another layout changes every
    /// stored result.
    #[test]
    fn the_layout_has_not_changed() {
        let mut noise = SampleNoise::new(Key::new(0, Purpose::Sampling), 1, 2);
        let first = f64s(noise.normal(&like(2, 3, DType::F64)));
        let second = f64s(noise.uniform(&like(2, 2, DType::F64)));
        assert_eq!(first, FIRST);
        assert_eq!(second, SECOND);
    }
    const FIRST: [f64; 6] = [
        0.46675863767639203,
        -0.9742076352625781,
        -0.5135837158286026,
        -1.5108062555842685,
        -1.4259216171043874,
        -2.036218629452885,
    ];
    const SECOND: [f64; 4] = [0.2489334258518351, 0.7223741491443537, 0.6464103288659957, 0.08728062383761703];

    proptest! {
        #[test]
        fn rows_do_not_depend_on_the_batch(split in 1usize..8, draw in 0u64..5) {
            let samples: Vec<u64> = (10..18).collect();
            let whole = f64s(noise(&samples).at_draw(draw).normal(&like(8, 5, DType::F32)));
            let (head, tail) = samples.split_at(split);
            let mut parts = f64s(noise(head).at_draw(draw).normal(&like(split, 5, DType::F32)));
            if !tail.is_empty() {
                parts.extend(f64s(noise(tail).at_draw(draw).normal(&like(8 - split, 5, DType::F32))));
            }
            prop_assert_eq!(whole, parts);
        }
    }

    #[test]
    fn one_uniform_of_each_sample_is_a_draw_of_its_own_whatever_the_batch() {
        let (all, mut one) = (noise(&[3, 4, 5]).uniforms(&like(3, 2, DType::F32)), noise(&[5]));
        assert_eq!(one.uniforms(&like(1, 7, DType::F64)), all[2..]);
        assert_eq!(all, f64s(noise(&[3, 4, 5]).uniform(&like(3, 1, DType::F64))));
        assert_eq!(one.draw(), 1);
        assert_ne!(one.uniforms(&like(1, 7, DType::F64)), all[2..]);
        let mut same = noise(&[5]).at_draw(2);
        assert_eq!(f64s(one.normal(&like(1, 2, DType::F64))), f64s(same.normal(&like(1, 2, DType::F64))));
    }

    #[test]
    fn draws_count_up_and_differ() {
        let mut noise = noise(&[4]);
        let like = like(1, 6, DType::F64);
        let first = f64s(noise.normal(&like));
        let second = f64s(noise.normal(&like));
        assert_ne!(first, second);
        assert_eq!(noise.draw(), 2);
        assert_eq!(second, f64s(self::noise(&[4]).at_draw(1).normal(&like)));
    }

    #[test]
    fn f32_normals_are_the_f64_ones_rounded() {
        let wide = f64s(noise(&[1, 2]).normal(&like(2, 50, DType::F64)));
        let narrow = f64s(noise(&[1, 2]).normal(&like(2, 50, DType::F32)));
        assert!(wide.iter().zip(&narrow).all(|(w, n)| f64::from(*w as f32) == *n));
    }

    #[test]
    fn uniforms_are_the_f64_ones_cut_off() {
        let wide = f64s(noise(&[1, 2]).uniform(&like(2, 50, DType::F64)));
        let narrow = f64s(noise(&[1, 2]).uniform(&like(2, 50, DType::F32)));
        let cut = |w: f64| (w * 16_777_216.0).floor() / 16_777_216.0;
        assert!(wide.iter().zip(&narrow).all(|(w, n)| cut(*w) == *n));
    }

    #[test]
    fn normals_have_the_moments_of_a_standard_normal() {
        let n = 200_000.0;
        let z = f64s(noise(&[0, 1, 2, 3]).normal(&like(4, 50_000, DType::F64)));
        let moment = |k: i32| z.iter().map(|z| z.powi(k)).sum::<f64>() / n;
        assert!(moment(1).abs() < 4.0 * (1.0 / n).sqrt());
        assert!((moment(2) - 1.0).abs() < 4.0 * (2.0 / n).sqrt());
        assert!(moment(3).abs() < 4.0 * (15.0 / n).sqrt());
        assert!((moment(4) - 3.0).abs() < 4.0 * (96.0 / n).sqrt());
        let beyond = z.iter().filter(|z| z.abs() > 1.959_963_984_540_054).count() as f64 / n;
        assert!((beyond - 0.05).abs() < 4.0 * (0.05 * 0.95 / n).sqrt());
    }

    #[test]
    fn samples_and_draws_are_uncorrelated() {
        let n = 50_000;
        let mut noise = noise(&[0, 1]);
        let first = f64s(noise.normal(&like(2, n, DType::F64)));
        let second = f64s(noise.normal(&like(2, n, DType::F64)));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / n as f64;
        let bound = 4.0 / (n as f64).sqrt();
        assert!(dot(&first[..n], &first[n..]).abs() < bound);
        assert!(dot(&first[..n], &second[..n]).abs() < bound);
    }

    #[test]
    fn uniforms_lie_evenly_in_the_unit_interval() {
        let n = 100_000.0;
        let u = f64s(noise(&[9]).uniform(&like(1, 100_000, DType::F32)));
        assert!(u.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = u.iter().sum::<f64>() / n;
        assert!((mean - 0.5).abs() < 4.0 * (1.0 / 12.0 / n).sqrt());
        let low = u.iter().filter(|u| **u < 0.1).count() as f64 / n;
        assert!((low - 0.1).abs() < 4.0 * (0.09 / n).sqrt());
    }

    #[test]
    #[should_panic(expected = "noise of 2 samples is asked for 3 rows")]
    fn another_number_of_rows_is_an_error() {
        noise(&[1, 2]).normal(&like(3, 1, DType::F32));
    }
}
