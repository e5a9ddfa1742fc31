//! The choice between the two ways to convolve, and the gradient of a bias.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::epilogue::Epilogue;
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
            for at in (channel..self.values.len()).step_by(channels) {
                total = simd.add_f32s(total, get_part(simd, self.values, at, lanes));
            }
            put_part(simd, self.sums, channel, lanes, total);
        }
    }
}
