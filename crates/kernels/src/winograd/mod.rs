//! 3x3 convolutions with 36 instead of 144 multiplications per 4x4 outputs.
//!
//! Winograd's F(4x4, 3x3) as in Lavin and Gray 2016 (arXiv:1509.09308, section 4): an output tile is
//! Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A, summed over input channels, so that the sums are 36 matrix products over
//! channels. The gradient of the weights is Gᵀ [ (Bᵀ d B) ⊙ (A y Aᵀ) ] G, summed over tiles, and that of
//! the input is the same convolution with turned and transposed weights.
//!
//! The points are 0, ±3/4, ±3/2 and infinity instead of the paper's 0, ±1, ±2 and infinity. They make the
//! rounding error of a sum over 64 channels about 1e-6 of the result, four times less, as the powers in
//! the transforms stay near 1 (compare Barabasz, Anderson, Soodhalter, Gregg 2020, arXiv:1803.10986);
//! and they are exact in binary.

mod filters;
mod size;
mod tiles;
mod transforms;

use rayon::prelude::*;

pub(crate) use self::filters::Filters;
use self::filters::{GROUP, TapSums};
use self::size::Chunk;
pub(crate) use self::size::Size;
use self::tiles::{Transform, TransformGradient, Untransform};
use self::transforms::POINTS;
use crate::epilogue::Epilogue;
use crate::level::Level;
use crate::memory::{with_buffer, written};
use crate::product::{Left, Product, Right};

/// Partial sums of the weights' gradient; a constant, as the order of summation must not depend on the
/// number of threads.
const SLICES: usize = 4;

/// Floats that the partial sums should stay below together.
const SLICE_FLOATS: usize = 640 * 1024;

/// The convolution of `x` `[batch, height, width, from]`: `[batch, height, width, to]`.
pub(crate) fn convolve(level: Level, size: &Size, x: &[f32], filters: &Filters, epilogue: &Epilogue<'_>) -> Vec<f32> {
    assert_eq!((filters.from, filters.to), (size.from, size.to));
    assert_eq!(x.len(), size.batch * size.height * size.width * size.from);
    epilogue.check(size.batch, size.height * size.width, size.to);
    let chunks = size.chunks();
    let least = points_per_task(chunks.len() < 2 * rayon::current_num_threads());
    let run = |out: &mut [f32]| {
        let mut parts = Vec::with_capacity(chunks.len());
        let mut rest = out;
        for chunk in &chunks {
            let (part, after) = rest.split_at_mut(chunk.pixels(size) * size.to);
            parts.push((*chunk, part));
            rest = after;
        }
        parts.into_par_iter().for_each(|(chunk, out)| {
            convolve_chunk(level, size, chunk, x, filters, epilogue, out, least);
        });
    };
    // SAFETY: the chunks cover the output, and `Untransform` writes all of its part without reading it.
    unsafe { written(size.batch * size.height * size.width * size.to, run) }
}

/// Points whose products one task takes: all of a chunk's, unless there are too few chunks for the threads.
fn points_per_task(few_chunks: bool) -> usize {
    if few_chunks { 1 } else { POINTS }
}

#[expect(clippy::too_many_arguments, reason = "the body of the loop above, each argument its own thing")]
fn convolve_chunk(
    level: Level,
    size: &Size,
    chunk: Chunk,
    x: &[f32],
    filters: &Filters,
    epilogue: &Epilogue<'_>,
    out: &mut [f32],
    least: usize,
) {
    let (from, to) = (size.padded_from(), size.padded_to());
    let (point, product) = (chunk.point(size, from), chunk.point(size, to));
    with_buffer(POINTS * point, |points| {
        with_buffer(chunk.framed(size), |framed| level.vectorize(Transform { size, chunk, x, framed, points }));
        with_buffer(POINTS * product, |products| {
            let multiply = |(at, out): (usize, &mut [f32])| {
                level.vectorize(Product {
                    rows: chunk.tiles(size),
                    columns: size.to,
                    depth: size.from,
                    left: Left { data: &points[at * point..], row: from, column: 1 },
                    right: filters.at(at),
                    out,
                    out_row: to,
                    accumulate: false,
                });
            };
            products.par_chunks_mut(product).with_min_len(least).enumerate().for_each(multiply);
            level.vectorize(Untransform { size, chunk, products, epilogue, out });
        });
    });
}

/// The gradient of the weights, `[to, from, 3, 3]`, for input `x` and output gradient `dy`.
pub(crate) fn weight_gradient(level: Level, size: &Size, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let pixels = size.batch * size.height * size.width;
    assert_eq!((x.len(), dy.len()), (pixels * size.from, pixels * size.to));
    let chunks = size.chunks();
    let point = size.sums();
    // The sums of wide layers are large: fewer of them, or adding them up outweighs all else.
    let slices = if SLICES * POINTS * point <= SLICE_FLOATS { SLICES } else { SLICES / 2 };
    let per = chunks.len().div_ceil(slices).max(1);
    let least = points_per_task(slices < rayon::current_num_threads());
    let sum = |chunks: &[Chunk]| {
        let run = |sums: &mut [f32]| {
            for (number, chunk) in chunks.iter().enumerate() {
                add_chunk(level, size, *chunk, x, dy, sums, number > 0, least);
            }
        };
        // SAFETY: `par_chunks` gives no empty part, and its first chunk replaces all sums.
        unsafe { written(POINTS * point, run) }
    };
    let partial: Vec<Vec<f32>> = chunks.par_chunks(per).map(sum).collect();
    let mut partial = partial.into_iter();
    let mut sums = partial.next().unwrap_or_else(|| vec![0.0; POINTS * point]);
    for other in partial {
        sums.par_chunks_mut(point).zip(other.par_chunks(point)).for_each(|(sums, other)| {
            sums.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
        });
    }
    let mut gradient = vec![0.0; size.to * size.from * 9];
    gradient.par_chunks_mut(GROUP * size.from * 9).enumerate().for_each(|(number, gradient)| {
        level.vectorize(TapSums { sums: &sums, size, first: number * GROUP, gradient });
    });
    gradient
}

/// Adds what a chunk gives to the sums `[point][from][to]`, or replaces them by it.
#[expect(clippy::too_many_arguments, reason = "the body of the loop above, each argument its own thing")]
fn add_chunk(
    level: Level,
    size: &Size,
    chunk: Chunk,
    x: &[f32],
    dy: &[f32],
    sums: &mut [f32],
    accumulate: bool,
    least: usize,
) {
    let (from, to) = (size.padded_from(), size.padded_to());
    let (point, product) = (chunk.point(size, from), chunk.point(size, to));
    with_buffer(POINTS * point, |points| {
        with_buffer(chunk.framed(size), |framed| level.vectorize(Transform { size, chunk, x, framed, points }));
        with_buffer(POINTS * product, |outputs| {
            level.vectorize(TransformGradient { size, chunk, dy, outputs });
            let multiply = |(at, out): (usize, &mut [f32])| {
                out[size.from * to..].fill(0.0);
                level.vectorize(Product {
                    rows: size.from,
                    columns: to,
                    depth: chunk.tiles(size),
                    left: Left { data: &points[at * point..], row: 1, column: from },
                    right: Right::rows(&outputs[at * product..], to),
                    out,
                    out_row: to,
                    accumulate,
                });
            };
            sums.par_chunks_mut(size.sums()).with_min_len(least).enumerate().for_each(multiply);
        });
    });
}
