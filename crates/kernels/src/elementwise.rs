//! Operations on one element at a time: SiLU, and the update of weights.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::AdamStep;
use crate::lanes::{get_part, madd, put_part, sigmoid};
use crate::level::Level;
use crate::memory::written;

/// Elements that one task takes.
const CHUNK: usize = 16 * 1024;

/// x / (1 + e^-x).
pub(crate) fn silu(level: Level, x: &[f32]) -> Vec<f32> {
    let run = |y: &mut [f32]| {
        y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| level.vectorize(Silu { x, dy: None, y }));
    };
    // SAFETY: `Silu` writes all of its part without reading it.
    unsafe { written(x.len(), run) }
}

/// The gradient of [`silu`] at `x`.
pub(crate) fn silu_gradient(level: Level, x: &[f32], dy: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), dy.len());
    let run = |dx: &mut [f32]| {
        let inputs = x.par_chunks(CHUNK).zip(dy.par_chunks(CHUNK));
        dx.par_chunks_mut(CHUNK).zip(inputs).for_each(|(y, (x, dy))| level.vectorize(Silu { x, dy: Some(dy), y }));
    };
    // SAFETY: `Silu` writes all of its part without reading it.
    unsafe { written(x.len(), run) }
}

struct Silu<'a> {
    x: &'a [f32],
    /// Of the gradient.
    dy: Option<&'a [f32]>,
    y: &'a mut [f32],
}

impl WithSimd for Silu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let one = simd.splat_f32s(1.0);
        for at in (0..self.x.len()).step_by(S::F32_LANES) {
            let lanes = self.x.len() - at;
            let x = get_part(simd, self.x, at, lanes);
            let s = sigmoid(simd, x);
            let y = match self.dy {
                None => simd.mul_f32s(x, s),
                Some(dy) => {
                    let slope = simd.mul_f32s(s, madd(simd, x, simd.sub_f32s(one, s), one));
                    simd.mul_f32s(get_part(simd, dy, at, lanes), slope)
                }
            };
            put_part(simd, self.y, at, lanes, y);
        }
    }
}

/// One update of weights and moments in place.
pub(crate) fn adam(level: Level, step: AdamStep, weights: &mut [f32], moments: [&mut [f32]; 2], gradient: &[f32]) {
    let [first, second] = moments;
    assert!([first.len(), second.len(), gradient.len()].iter().all(|length| *length == weights.len()));
    let moments = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK));
    let parts = weights.par_chunks_mut(CHUNK).zip(moments).zip(gradient.par_chunks(CHUNK));
    parts.for_each(|((weights, (first, second)), gradient)| {
        level.vectorize(Update { step, weights, first, second, gradient });
    });
}

struct Update<'a> {
    step: AdamStep,
    weights: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    gradient: &'a [f32],
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Update { step, weights, first, second, gradient } = self;
        let factor = simd.splat_f32s(step.factor as f32);
        let keep = [simd.splat_f32s(step.beta_1 as f32), simd.splat_f32s(step.beta_2 as f32)];
        let take = [simd.splat_f32s((1.0 - step.beta_1) as f32), simd.splat_f32s((1.0 - step.beta_2) as f32)];
        let (rate, root) = (simd.splat_f32s(-step.rate as f32), simd.splat_f32s(step.root as f32));
        let epsilon = simd.splat_f32s(step.epsilon as f32);
        for at in (0..weights.len()).step_by(S::F32_LANES) {
            let lanes = weights.len() - at;
            let g = simd.mul_f32s(get_part(simd, gradient, at, lanes), factor);
            let m = madd(simd, g, take[0], simd.mul_f32s(get_part(simd, first, at, lanes), keep[0]));
            let square = simd.mul_f32s(g, g);
            let v = madd(simd, square, take[1], simd.mul_f32s(get_part(simd, second, at, lanes), keep[1]));
            let scale = madd(simd, simd.sqrt_f32s(v), root, epsilon);
            let step = simd.div_f32s(simd.mul_f32s(m, rate), scale);
            let weight = simd.add_f32s(get_part(simd, weights, at, lanes), step);
            put_part(simd, first, at, lanes, m);
            put_part(simd, second, at, lanes, v);
            put_part(simd, weights, at, lanes, weight);
        }
    }
}

/// `average += share * (weights - average)` in place.
pub(crate) fn average(level: Level, average: &mut [f32], weights: &[f32], share: f64) {
    assert_eq!(average.len(), weights.len());
    average.par_chunks_mut(CHUNK).zip(weights.par_chunks(CHUNK)).for_each(|(average, weights)| {
        level.vectorize(Average { average, weights, share: share as f32 });
    });
}

struct Average<'a> {
    average: &'a mut [f32],
    weights: &'a [f32],
    share: f32,
}

impl WithSimd for Average<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let share = simd.splat_f32s(self.share);
        for at in (0..self.weights.len()).step_by(S::F32_LANES) {
            let lanes = self.weights.len() - at;
            let old = get_part(simd, self.average, at, lanes);
            let difference = simd.sub_f32s(get_part(simd, self.weights, at, lanes), old);
            put_part(simd, self.average, at, lanes, madd(simd, difference, share, old));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{difference, levels, numbers};

    #[test]
    fn silu_and_its_gradient_are_those_of_the_definition() {
        let x: Vec<f32> = (-400..=400).map(|i| i as f32 / 4.0).collect();
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let wide = || x.iter().map(|x| f64::from(*x));
        let exact: Vec<f64> = wide().map(|x| x * sigmoid(x)).collect();
        let slope: Vec<f64> = wide().map(|x| sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x)))).collect();
        for level in levels() {
            for (found, exact) in silu(level, &x).iter().zip(&exact) {
                assert!((f64::from(*found) - exact).abs() < 4e-7 * exact.abs() + 1e-35, "{level}: {found} for {exact}");
            }
            assert!(difference(&silu_gradient(level, &x, &vec![1.0; x.len()]), &slope) < 1e-6, "{level}");
            assert!(silu(level, &[f32::NAN])[0].is_nan() && silu(level, &[f32::INFINITY])[0] == f32::INFINITY);
            assert_eq!(silu(level, &[f32::MIN, f32::MAX]), [0.0, f32::MAX]);
            assert_eq!(silu_gradient(level, &[f32::MIN, 1e30], &[1.0; 2]), [0.0, 1.0]);
        }
    }

    #[test]
    fn updates_are_those_of_adam() {
        let step = AdamStep { factor: 0.5, beta_1: 0.9, beta_2: 0.99, rate: 0.1, root: 2.0, epsilon: 1e-3 };
        let (gradient, start) = (numbers(37, 1), numbers(37, 2));
        let (first, second) = (numbers(37, 3), numbers(37, 4).iter().map(|v| v * v).collect::<Vec<_>>());
        for level in levels() {
            let (mut weights, mut m, mut v) = (start.clone(), first.clone(), second.clone());
            adam(level, step, &mut weights, [&mut m, &mut v], &gradient);
            for at in 0..37 {
                let g = 0.5 * f64::from(gradient[at]);
                let exact_m = 0.9 * f64::from(first[at]) + 0.1 * g;
                let exact_v = 0.99 * f64::from(second[at]) + 0.01 * g * g;
                let exact = f64::from(start[at]) - 0.1 * exact_m / (2.0 * exact_v.sqrt() + 1e-3);
                let apart = [f64::from(m[at]) - exact_m, f64::from(v[at]) - exact_v, f64::from(weights[at]) - exact];
                assert!(apart.iter().all(|apart| apart.abs() < 1e-6), "{level}: {apart:?}");
            }
            let mut mean = start.clone();
            average(level, &mut mean, &gradient, 0.25);
            assert!((mean[5] - (0.75 * start[5] + 0.25 * gradient[5])).abs() < 1e-6);
        }
    }
}
