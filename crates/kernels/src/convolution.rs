//! The choice between the two ways to convolve, and the gradient of a bias.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::epilogue::Epilogue;
use crate::group_norm::BLOCK;
use crate::lanes::{get_part, put_part};
use crate::level::Level;
use crate::memory::written;
use crate::unfolded::{self, Geometry, Matrix};
use crate::winograd::{self, Filters};

/// Below this many channels on either side, tiles of channels would be mostly empty.
const FEW_CHANNELS: usize = 6;

/// The size for tiles, if the convolution can and should be done in tiles.
fn tiled(g: &Geometry) -> Option<winograd::Size> {
    let fits = g.kernel == [3, 3] && g.stride == 1 && g.padding == [1; 4];
    let wide = g.from >= FEW_CHANNELS && g.to >= FEW_CHANNELS;
    let Geometry { batch, height, width, from, to, .. } = *g;
    (fits && wide).then_some(winograd::Size { batch, height, width, from, to })
}

/// The convolution of `x` `[batch, height, width, from]` with `weight` `[to, from, height, width]`.
pub(crate) fn forward(level: Level, g: &Geometry, x: &[f32], weight: &[f32], epilogue: &Epilogue<'_>) -> Vec<f32> {
    match tiled(g) {
        Some(size) => winograd::convolve(level, &size, x, &Filters::forward(level, weight, g.from, g.to), epilogue),
        None => unfolded::convolve(level, g, x, &Matrix::new(g, weight), epilogue),
    }
}

/// The gradient of the input.
pub(crate) fn input_gradient(level: Level, g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    match tiled(g) {
        Some(size) => {
            let turned = winograd::Size { from: size.to, to: size.from, ..size };
            let filters = Filters::backward(level, weight, g.from, g.to);
            winograd::convolve(level, &turned, dy, &filters, &Epilogue::default())
        }
        None => unfolded::input_gradient(level, g, weight, dy),
    }
}

/// The gradient of the weights.
pub(crate) fn weight_gradient(level: Level, g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    match tiled(g) {
        Some(size) => winograd::weight_gradient(level, &size, x, dy),
        None => unfolded::weight_gradient(level, g, x, dy),
    }
}

/// The sum over the pixels of each image: `[batch, channels]`.
pub(crate) fn pixel_sums(level: Level, values: &[f32], batch: usize, channels: usize) -> Vec<f32> {
    let image = values.len() / batch.max(1);
    let run = |sums: &mut [f32]| {
        sums.par_chunks_mut(channels).zip(values.par_chunks(image)).with_min_len(4).for_each(|(sums, values)| {
            level.vectorize(PixelSums { values, sums });
        });
    };
    // SAFETY: `PixelSums` writes all of its part without reading it.
    unsafe { written(batch * channels, run) }
}

/// The sum of rows, in their order: `[channels]`.
pub(crate) fn row_sums(rows: &[f32], channels: usize) -> Vec<f32> {
    let mut sums = vec![0.0; channels];
    for row in rows.chunks_exact(channels) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sums
}

struct PixelSums<'a> {
    values: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for PixelSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.sums.len();
        for channel in (0..channels).step_by(S::F32_LANES) {
            let lanes = channels - channel;
            let mut total = simd.splat_f32s(0.0);
            for block in self.values.chunks(BLOCK * channels) {
                let mut sum = simd.splat_f32s(0.0);
                for pixel in block.chunks_exact(channels) {
                    sum = simd.add_f32s(sum, get_part(simd, pixel, channel, lanes));
                }
                total = simd.add_f32s(total, sum);
            }
            put_part(simd, self.sums, channel, lanes, total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{self, difference, levels, numbers, with_threads};

    const SAME: Geometry = if cfg!(miri) {
        Geometry { batch: 1, height: 3, width: 3, from: 6, to: 6, kernel: [3, 3], stride: 1, padding: [1; 4] }
    } else {
        Geometry { batch: 2, height: 6, width: 5, from: 7, to: 9, kernel: [3, 3], stride: 1, padding: [1; 4] }
    };

    /// Sizes that reach every branch: whole and cut tiles, vectors and panels, many chunks and one.
    fn geometries() -> Vec<Geometry> {
        let small = vec![
            SAME,
            Geometry { stride: 2, padding: [0, 0, 1, 1], ..SAME },
            Geometry { kernel: [1, 1], padding: [0; 4], ..SAME },
            Geometry { kernel: [2, 3], padding: [1, 0, 2, 1], from: 1, ..SAME },
            Geometry { to: 1, ..SAME },
            Geometry { height: 1, width: 1, ..SAME },
        ];
        if cfg!(miri) {
            return small;
        }
        let large = vec![
            Geometry { batch: 3, height: 19, width: 33, from: 18, to: 35, ..SAME },
            Geometry { height: 19, width: 33, from: 70, to: 60, ..SAME },
            Geometry { height: 9, width: 9, from: 96, to: 64, ..SAME },
            Geometry { kernel: [64, 64], padding: [32; 4], from: 24, to: 2, batch: 1, ..SAME },
            Geometry { batch: 9, height: 4, width: 4, from: 64, to: 32, ..SAME },
            Geometry { batch: 5, height: 28, width: 28, from: 33, to: 40, kernel: [1, 1], padding: [0; 4], ..SAME },
            Geometry { height: 16, width: 14, from: 17, to: 48, stride: 2, padding: [0, 0, 1, 1], ..SAME },
        ];
        small.into_iter().chain(large).collect()
    }

    #[test]
    fn outputs_and_gradients_are_those_of_the_definition() {
        for (level, g) in levels().flat_map(|level| geometries().into_iter().map(move |g| (level, g))) {
            let outputs = g.batch * g.out_height() * g.out_width() * g.to;
            let x = numbers(g.batch * g.height * g.width * g.from, 1);
            let weight = numbers(g.to * g.from * g.kernel[0] * g.kernel[1], 2);
            let (dy, shift) = (numbers(outputs, 3), numbers(g.batch * g.to, 4));
            let mut exact = reference::convolution(&g, &x, &weight, &dy);
            let image = outputs / g.batch;
            for (at, y) in exact.y.iter_mut().enumerate() {
                *y += f64::from(shift[at / image * g.to + at % g.to]) + f64::from(dy[at]);
            }
            let epilogue = Epilogue { shift: Some(&shift), residual: Some(&dy) };
            let y = difference(&forward(level, &g, &x, &weight, &epilogue), &exact.y);
            let dx = difference(&input_gradient(level, &g, &weight, &dy), &exact.dx);
            let dw = difference(&weight_gradient(level, &g, &x, &dy), &exact.dw);
            assert!(y < 4e-6 && dx < 4e-6 && dw < 4e-6, "{level} {g:?}: {y:.1e}, {dx:.1e}, {dw:.1e}");
        }
    }

    #[test]
    fn results_are_the_same_bits_for_any_number_of_threads() {
        let wide = Geometry { batch: 40, height: 8, width: 8, from: 40, to: 24, ..SAME };
        let wide = if cfg!(miri) { SAME } else { wide };
        for g in [wide, Geometry { stride: 2, ..wide }, Geometry { kernel: [1, 1], padding: [0; 4], ..wide }] {
            let x = numbers(g.batch * g.height * g.width * g.from, 1);
            let weight = numbers(g.to * g.from * g.kernel[0] * g.kernel[1], 2);
            let dy = numbers(g.batch * g.out_height() * g.out_width() * g.to, 3);
            let run = || {
                let level = Level::best();
                [
                    forward(level, &g, &x, &weight, &Epilogue::default()),
                    input_gradient(level, &g, &weight, &dy),
                    weight_gradient(level, &g, &x, &dy),
                    pixel_sums(level, &dy, g.batch, g.to),
                ]
            };
            let one = with_threads(1, run);
            let several = if cfg!(miri) { &[2][..] } else { &[2, 3, 7] };
            assert!(several.iter().all(|threads| with_threads(*threads, run) == one), "{g:?}");
        }
    }

    #[test]
    fn an_image_does_not_depend_on_its_batch() {
        let (batch, side, from, to) = if cfg!(miri) { (2, 3, 6, 6) } else { (6, 8, 20, 24) };
        let g = Geometry { batch, height: side, width: side, from, to, ..SAME };
        let before = (batch - 1) * side * side;
        let (x, weight) = (numbers(batch * side * side * from, 1), numbers(to * from * 9, 2));
        for level in levels() {
            let all = forward(level, &g, &x, &weight, &Epilogue::default());
            let alone = Geometry { batch: 1, ..g };
            let last = forward(level, &alone, &x[before * from..], &weight, &Epilogue::default());
            assert_eq!(all[before * to..], last, "{level}");
        }
    }

    #[test]
    fn sums_over_pixels_and_images() {
        let values = numbers(2 * 5 * 19, 1);
        for level in levels() {
            let sums = pixel_sums(level, &values, 2, 19);
            let exact: Vec<f64> =
                (0..38).map(|at| (0..5).map(|p| f64::from(values[(at / 19 * 5 + p) * 19 + at % 19])).sum()).collect();
            assert!(difference(&sums, &exact) < 1e-6);
            let total: Vec<f64> = (0..19).map(|c| exact[c] + exact[19 + c]).collect();
            assert!(difference(&row_sums(&sums, 19), &total) < 1e-6);
        }
    }
}
