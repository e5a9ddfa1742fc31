//! The core of self-attention: softmax(q kᵀ / sqrt(d)) v, head by head.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::lanes::{exp, get_part, madd, put_part};
use crate::level::Level;
use crate::memory::{with_buffer, written};
use crate::product::{Left, Product, Right};

/// The size of an attention; q, k, v and the result are `[batch, tokens, channels]`, and head h has the
/// channels from `h * channels / heads`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attention {
    pub(crate) batch: usize,
    pub(crate) tokens: usize,
    pub(crate) channels: usize,
    pub(crate) heads: usize,
}

/// Queries whose scores are held at a time.
const ROWS: usize = 96;

impl Attention {
    fn image(&self) -> usize {
        self.tokens * self.channels
    }

    fn width(&self) -> usize {
        self.channels / self.heads
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width() as f32).sqrt()
    }

    fn check(&self, parts: &[&[f32]]) {
        assert!(self.heads > 0 && self.channels.is_multiple_of(self.heads));
        assert!(parts.iter().all(|part| part.len() == self.batch * self.image()));
    }
}

/// The mixed values.
pub(crate) fn forward(level: Level, a: &Attention, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f32> {
    a.check(&[q, k, v]);
    let run = |out: &mut [f32]| {
        out.par_chunks_mut(a.image()).enumerate().for_each(|(image, out)| {
            let range = image * a.image()..(image + 1) * a.image();
            let (q, k, v) = (&q[range.clone()], &k[range.clone()], &v[range]);
            with_buffer(a.width() * a.tokens, |keys| {
                with_buffer(ROWS.min(a.tokens) * a.tokens, |weights| {
                    for head in 0..a.heads {
                        level.vectorize(ForwardHead { a, head, q, k, v, keys, weights, out });
                    }
                });
            });
        });
    };
    // SAFETY: the heads replace all channels of every token.
    unsafe { written(q.len(), run) }
}

/// The gradients of q, k and v for output gradient `dy`.
pub(crate) fn backward(level: Level, a: &Attention, q: &[f32], k: &[f32], v: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
    a.check(&[q, k, v, dy]);
    let mut gradients = [vec![0.0; q.len()], vec![0.0; q.len()], vec![0.0; q.len()]];
    let [dq, dk, dv] = &mut gradients;
    let outs = dq.par_chunks_mut(a.image()).zip(dk.par_chunks_mut(a.image())).zip(dv.par_chunks_mut(a.image()));
    outs.enumerate().for_each(|(image, ((dq, dk), dv))| {
        let range = image * a.image()..(image + 1) * a.image();
        let (q, k, v, dy) = (&q[range.clone()], &k[range.clone()], &v[range.clone()], &dy[range]);
        with_buffer(a.width() * a.tokens, |columns| {
            with_buffer(2 * ROWS.min(a.tokens) * a.tokens, |work| {
                for head in 0..a.heads {
                    level.vectorize(BackwardHead { a, head, q, k, v, dy, columns, work, dq, dk, dv });
                }
            });
        });
    });
    gradients
}

/// Copies one head's rows `[tokens][width]` as columns `[width][tokens]`.
#[inline(always)]
fn transpose(a: &Attention, head: usize, rows: &[f32], columns: &mut [f32]) {
    for (token, row) in rows.chunks_exact(a.channels).enumerate() {
        for (at, value) in row[head * a.width()..][..a.width()].iter().enumerate() {
            columns[at * a.tokens + token] = *value;
        }
    }
}

/// The attention weights of some queries, `[rows][tokens]`.
#[inline(always)]
fn attend<S: Simd>(
    simd: S,
    a: &Attention,
    [head, first, rows]: [usize; 3],
    q: &[f32],
    keys: &[f32],
    weights: &mut [f32],
) {
    let start = first * a.channels + head * a.width();
    Product {
        rows,
        columns: a.tokens,
        depth: a.width(),
        left: Left { data: &q[start..], row: a.channels, column: 1 },
        right: Right::rows(keys, a.tokens),
        out: weights,
        out_row: a.tokens,
        accumulate: false,
    }
    .run(simd);
    for row in weights.chunks_exact_mut(a.tokens).take(rows) {
        softmax(simd, row, a.scale());
    }
}

/// softmax(scale * row); a NaN anywhere makes all of it NaN.
#[inline(always)]
fn softmax<S: Simd>(simd: S, row: &mut [f32], scale: f32) {
    let scale = simd.splat_f32s(scale);
    let (vectors, tail) = S::as_mut_simd_f32s(row);
    let rest = tail.len();
    let mut largest = simd.splat_f32s(f32::NEG_INFINITY);
    for value in vectors.iter() {
        largest = simd.max_f32s(largest, simd.mul_f32s(*value, scale));
    }
    let mut top = simd.reduce_max_f32s(largest);
    let last = simd.mul_f32s(simd.partial_load_f32s(tail), scale);
    let mut scaled = [0f32; 16];
    put_part(simd, &mut scaled, 0, S::F32_LANES, last);
    for value in &scaled[..rest] {
        top = top.max(*value);
    }
    let shift = simd.splat_f32s(-top);
    let mut sum = simd.splat_f32s(0.0);
    for value in vectors.iter_mut() {
        let score = simd.add_f32s(simd.mul_f32s(*value, scale), shift);
        // Zero, but NaN for a score that is not finite, which the exponential would hide.
        let fault = simd.mul_f32s(score, simd.splat_f32s(0.0));
        *value = simd.add_f32s(exp(simd, score), fault);
        sum = simd.add_f32s(sum, *value);
    }
    let mut total = simd.reduce_sum_f32s(sum);
    let score = simd.add_f32s(last, shift);
    let fault = simd.mul_f32s(score, simd.splat_f32s(0.0));
    put_part(simd, &mut scaled, 0, S::F32_LANES, simd.add_f32s(exp(simd, score), fault));
    for value in &scaled[..rest] {
        total += value;
    }
    tail.copy_from_slice(&scaled[..rest]);
    let inverse = 1.0 / total;
    for value in vectors.iter_mut() {
        *value = simd.mul_f32s(*value, simd.splat_f32s(inverse));
    }
    for value in tail {
        *value *= inverse;
    }
}

struct ForwardHead<'a> {
    a: &'a Attention,
    head: usize,
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    keys: &'a mut [f32],
    weights: &'a mut [f32],
    out: &'a mut [f32],
}

impl WithSimd for ForwardHead<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let ForwardHead { a, head, q, k, v, keys, weights, out } = self;
        let offset = head * a.width();
        transpose(a, head, k, keys);
        for first in (0..a.tokens).step_by(ROWS) {
            let rows = ROWS.min(a.tokens - first);
            attend(simd, a, [head, first, rows], q, keys, weights);
            Product {
                rows,
                columns: a.width(),
                depth: a.tokens,
                left: Left { data: weights, row: a.tokens, column: 1 },
                right: Right::rows(&v[offset..], a.channels),
                out: &mut out[first * a.channels + offset..],
                out_row: a.channels,
                accumulate: false,
            }
            .run(simd);
        }
    }
}

struct BackwardHead<'a> {
    a: &'a Attention,
    head: usize,
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    dy: &'a [f32],
    columns: &'a mut [f32],
    work: &'a mut [f32],
    dq: &'a mut [f32],
    dk: &'a mut [f32],
    dv: &'a mut [f32],
}

impl WithSimd for BackwardHead<'_> {
    type Output = ();

    /// With weights p = softmax(s): dv = pᵀ dy, dp = dy vᵀ, ds = p (dp - sum(dp p)), dq = ds k, dk = dsᵀ q,
    /// the last two scaled like the scores.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let BackwardHead { a, head, q, k, v, dy, columns, work, dq, dk, dv } = self;
        let (tokens, channels, width, offset) = (a.tokens, a.channels, a.width(), head * a.width());
        let (weights, scores) = work.split_at_mut(work.len() / 2);
        for first in (0..tokens).step_by(ROWS) {
            let rows = ROWS.min(tokens - first);
            let start = first * channels + offset;
            transpose(a, head, k, columns);
            attend(simd, a, [head, first, rows], q, columns, weights);
            transpose(a, head, v, columns);
            Product {
                rows,
                columns: tokens,
                depth: width,
                left: Left { data: &dy[start..], row: channels, column: 1 },
                right: Right::rows(columns, tokens),
                out: scores,
                out_row: tokens,
                accumulate: false,
            }
            .run(simd);
            for (weights, scores) in weights.chunks_exact(tokens).zip(scores.chunks_exact_mut(tokens)).take(rows) {
                softmax_gradient(simd, weights, scores, a.scale());
            }
            let of_tokens = |left| Left { data: left, row: 1, column: tokens };
            Product {
                rows: tokens,
                columns: width,
                depth: rows,
                left: of_tokens(&*weights),
                right: Right::rows(&dy[start..], channels),
                out: &mut dv[offset..],
                out_row: channels,
                accumulate: true,
            }
            .run(simd);
            Product {
                rows: tokens,
                columns: width,
                depth: rows,
                left: of_tokens(&*scores),
                right: Right::rows(&q[start..], channels),
                out: &mut dk[offset..],
                out_row: channels,
                accumulate: true,
            }
            .run(simd);
            Product {
                rows,
                columns: width,
                depth: tokens,
                left: Left { data: scores, row: tokens, column: 1 },
                right: Right::rows(&k[offset..], channels),
                out: &mut dq[start..],
                out_row: channels,
                accumulate: false,
            }
            .run(simd);
        }
    }
}

/// Turns the gradient of one query's weights into `scale` times that of its scores.
#[inline(always)]
fn softmax_gradient<S: Simd>(simd: S, weights: &[f32], gradient: &mut [f32], scale: f32) {
    let tokens = weights.len();
    let mut total = simd.splat_f32s(0.0);
    for at in (0..tokens).step_by(S::F32_LANES) {
        let lanes = tokens - at;
        let (p, dp) = (get_part(simd, weights, at, lanes), get_part(simd, gradient, at, lanes));
        total = madd(simd, p, dp, total);
    }
    let total = simd.splat_f32s(simd.reduce_sum_f32s(total));
    for at in (0..tokens).step_by(S::F32_LANES) {
        let lanes = tokens - at;
        let (p, dp) = (get_part(simd, weights, at, lanes), get_part(simd, gradient, at, lanes));
        let p = simd.mul_f32s(p, simd.splat_f32s(scale));
        put_part(simd, gradient, at, lanes, simd.mul_f32s(p, simd.sub_f32s(dp, total)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{difference, levels, numbers};

    fn defined(a: &Attention, [q, k, v]: [&[f64]; 3]) -> Vec<f64> {
        let mut y = vec![0.0; q.len()];
        for (image, head) in (0..a.batch).flat_map(|image| (0..a.heads).map(move |head| (image, head))) {
            let at = |token: usize, c: usize| image * a.image() + token * a.channels + head * a.width() + c;
            for query in 0..a.tokens {
                let score = |key: usize| (0..a.width()).map(|c| q[at(query, c)] * k[at(key, c)]).sum::<f64>();
                let powers: Vec<f64> =
                    (0..a.tokens).map(|key| (score(key) / (a.width() as f64).sqrt()).exp()).collect();
                let total: f64 = powers.iter().sum();
                for c in 0..a.width() {
                    y[at(query, c)] = (0..a.tokens).map(|key| powers[key] / total * v[at(key, c)]).sum();
                }
            }
        }
        y
    }

    #[test]
    fn outputs_are_those_of_the_definition_and_gradients_those_of_finite_differences() {
        let base = Attention { batch: 2, tokens: 5, channels: 6, heads: 2 };
        if cfg!(miri) {
            // Finite differences take too long there; the products below have tests of their own.
            let a = Attention { tokens: 5, ..base };
            let x = numbers(a.batch * a.image(), 1);
            assert!(backward(Level::Portable, &a, &x, &x, &x, &x).iter().flatten().all(|value| value.is_finite()));
            return;
        }
        for a in [
            base,
            Attention { tokens: 19, channels: 8, heads: 1, ..base },
            Attention { batch: 1, tokens: 101, channels: 2, heads: 1 },
        ] {
            let parts = [1, 2, 3].map(|seed| numbers(a.batch * a.image(), seed));
            let wide = parts.clone().map(|part| part.iter().map(|x| 3.0 * f64::from(*x)).collect::<Vec<_>>());
            let parts = parts.map(|part| part.iter().map(|x| 3.0 * x).collect::<Vec<_>>());
            let [q, k, v] = &parts;
            let dy = numbers(q.len(), 4);
            let exact = defined(&a, [&wide[0], &wide[1], &wide[2]]);
            let slopes: Vec<Vec<f64>> = (0..3)
                .map(|which| {
                    (0..q.len())
                        .map(|at| {
                            let total = |step: f64| {
                                let mut moved = wide.clone();
                                moved[which][at] += step;
                                let y = defined(&a, [&moved[0], &moved[1], &moved[2]]);
                                y.iter().zip(&dy).map(|(y, w)| y * f64::from(*w)).sum::<f64>()
                            };
                            (total(1e-5) - total(-1e-5)) / 2e-5
                        })
                        .collect()
                })
                .collect();
            for level in levels() {
                assert!(difference(&forward(level, &a, q, k, v), &exact) < 3e-6, "{level} {a:?}");
                for (found, slopes) in backward(level, &a, q, k, v, &dy).iter().zip(&slopes) {
                    assert!(difference(found, slopes) < 2e-5, "{level} {a:?}");
                }
            }
        }
    }

    #[test]
    fn large_scores_do_not_overflow_and_a_nan_is_not_hidden() {
        let a = Attention { batch: 1, tokens: 3, channels: 1, heads: 1 };
        for level in levels() {
            let y = forward(level, &a, &[1e4, -1e4, 0.0], &[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0]);
            assert_eq!(y[..2], [4.0, 1.0]);
            let y = forward(level, &a, &[1.0, f32::NAN, 1.0], &[1.0; 3], &[1.0; 3]);
            assert!(y[1].is_nan() && y[0] == 1.0);
            // Long enough for whole vectors and a rest: equal scores, however large, weigh the same.
            let long = Attention { tokens: 35, ..a };
            let y = forward(level, &long, &[1e7; 35], &[1e7 / 3.0; 35], &numbers(35, 1));
            let mean = numbers(35, 1).iter().map(|v| f64::from(*v)).sum::<f64>() / 35.0;
            assert!(y.iter().all(|y| (f64::from(*y) - mean).abs() < 1e-6), "{level}: {y:?} for {mean}");
            let mut keys = [1.0; 35];
            keys[3] = f32::NAN;
            assert!(forward(level, &long, &[1.0; 35], &keys, &[1.0; 35]).iter().all(|y| y.is_nan()));
        }
    }
}
