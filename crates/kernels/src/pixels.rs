//! Operations that only move pixels: repetition, and channels side by side.

use rayon::prelude::*;

use crate::memory::written;

/// Rows of pixels that one task should at least take.
const ROWS: usize = 32;

/// Twice the height and width of `[batch, height, width, channels]`, every pixel four times.
pub(crate) fn repeat(x: &[f32], width: usize, channels: usize) -> Vec<f32> {
    let row = width * channels;
    assert!(x.len().is_multiple_of(row));
    let run = |y: &mut [f32]| {
        y.par_chunks_mut(4 * row).zip(x.par_chunks(row)).with_min_len(ROWS).for_each(|(y, x)| {
            let (upper, lower) = y.split_at_mut(2 * row);
            for (pair, pixel) in upper.chunks_exact_mut(2 * channels).zip(x.chunks_exact(channels)) {
                pair[..channels].copy_from_slice(pixel);
                pair[channels..].copy_from_slice(pixel);
            }
            lower.copy_from_slice(upper);
        });
    };
    // SAFETY: both output rows of every input row are written; the lower is a copy of the written upper.
    unsafe { written(4 * x.len(), run) }
}

/// The gradient of [`repeat`]: the sum over the four copies. `width` is that of the input.
pub(crate) fn repeat_gradient(dy: &[f32], width: usize, channels: usize) -> Vec<f32> {
    let row = width * channels;
    assert!(dy.len().is_multiple_of(4 * row));
    let run = |dx: &mut [f32]| {
        dx.par_chunks_mut(row).zip(dy.par_chunks(4 * row)).with_min_len(ROWS).for_each(|(dx, dy)| {
            let (upper, lower) = dy.split_at(2 * row);
            let pairs = upper.chunks_exact(2 * channels).zip(lower.chunks_exact(2 * channels));
            for (pixel, (upper, lower)) in dx.chunks_exact_mut(channels).zip(pairs) {
                let (a, b) = upper.split_at(channels);
                let (c, d) = lower.split_at(channels);
                for (at, value) in pixel.iter_mut().enumerate() {
                    *value = (a[at] + b[at]) + (c[at] + d[at]);
                }
            }
        });
    };
    // SAFETY: every pixel of every row is written.
    unsafe { written(dy.len() / 4, run) }
}

/// The channels of `a`, then those of `b`, for every pixel.
pub(crate) fn join(a: &[f32], b: &[f32], [from_a, from_b]: [usize; 2]) -> Vec<f32> {
    assert!(a.len().is_multiple_of(from_a) && b.len().is_multiple_of(from_b));
    assert_eq!(a.len() / from_a, b.len() / from_b);
    let run = |y: &mut [f32]| {
        let pixels = a.par_chunks_exact(from_a).zip(b.par_chunks_exact(from_b));
        y.par_chunks_exact_mut(from_a + from_b).zip(pixels).with_min_len(1024).for_each(|(y, (a, b))| {
            y[..from_a].copy_from_slice(a);
            y[from_a..].copy_from_slice(b);
        });
    };
    // SAFETY: both parts of every pixel are written.
    unsafe { written(a.len() + b.len(), run) }
}

/// The inverse of [`join`].
pub(crate) fn split(y: &[f32], [to_a, to_b]: [usize; 2]) -> [Vec<f32>; 2] {
    assert!(y.len().is_multiple_of(to_a + to_b));
    let part = |skip: usize, count: usize| {
        let run = |part: &mut [f32]| {
            let pixels = part.par_chunks_exact_mut(count).zip(y.par_chunks_exact(to_a + to_b));
            pixels.with_min_len(1024).for_each(|(part, y)| part.copy_from_slice(&y[skip..][..count]));
        };
        // SAFETY: every pixel is written.
        unsafe { written(y.len() / (to_a + to_b) * count, run) }
    };
    [part(0, to_a), part(to_a, to_b)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_and_its_gradient() {
        let x = [1.0, 2.0, 3.0, 4.0];
        // One row of two pixels with two channels.
        let y = repeat(&x, 2, 2);
        assert_eq!(y, [1., 2., 1., 2., 3., 4., 3., 4., 1., 2., 1., 2., 3., 4., 3., 4.]);
        assert_eq!(repeat_gradient(&y, 2, 2), [4.0, 8.0, 12.0, 16.0]);
    }

    #[test]
    fn split_undoes_join() {
        let (a, b) = ([1.0, 2.0], [3.0, 4.0, 5.0, 6.0]);
        let y = join(&a, &b, [1, 2]);
        assert_eq!(y, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
        assert_eq!(split(&y, [1, 2]), [a.to_vec(), b.to_vec()]);
    }
}
