//! 3x3 convolutions with 16 instead of 36 multiplications per 2x2 outputs.
//!
//! F(2x2, 3x3) of Lavin and Gray 2016 (arXiv:1509.09308, section 4.1): an output tile is
//! Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A, summed over input channels, so that the sums are 16 matrix products over
//! channels. The gradient of the weights is Gᵀ [ (Bᵀ d B) ⊙ (A y Aᵀ) ] G, summed over tiles, and that of
//! the input is the same convolution with turned and transposed weights. All entries of Bᵀ, A and G are
//! 0, ±1/2 or ±1, so the error is a small multiple of the direct sum's.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::epilogue::Epilogue;
use crate::lanes::{get, get_part, put, put_part};
use crate::level::Level;
use crate::memory::{with_buffer, written};
use crate::product::{Left, PANEL, Product, Right};

/// Products of a tile.
const POINTS: usize = 16;

/// Channels are padded to this in working memory, so that no vector is cut there.
const PAD: usize = 16;

/// Floats of working memory that a chunk of tiles should stay below, so that it fits into a core's cache.
const CHUNK_FLOATS: usize = 160 * 1024;

/// Partial sums of the weights' gradient; a constant, as the order of summation must not depend on the
/// number of threads.
const SLICES: usize = 4;

/// The size of a convolution; height and width are those of input and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Some rows of tiles of one image, or all of them of several.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    image: usize,
    images: usize,
    row: usize,
    rows: usize,
}

impl Size {
    fn tile_rows(&self) -> usize {
        self.height.div_ceil(2)
    }

    fn tile_columns(&self) -> usize {
        self.width.div_ceil(2)
    }

    fn padded_from(&self) -> usize {
        self.from.next_multiple_of(PAD)
    }

    fn padded_to(&self) -> usize {
        self.to.next_multiple_of(PAD)
    }

    /// Chunks in the order of the batch; each output row lies in one of them.
    fn chunks(&self) -> Vec<Chunk> {
        let tiles = CHUNK_FLOATS / (POINTS * (self.padded_from() + self.padded_to()));
        let (rows, columns) = (self.tile_rows(), self.tile_columns());
        let mut chunks = Vec::new();
        if tiles >= rows * columns {
            let count = self.batch.div_ceil((tiles / (rows * columns)).max(1)).next_power_of_two();
            let images = self.batch.div_ceil(count);
            for image in (0..self.batch).step_by(images) {
                chunks.push(Chunk { image, images: images.min(self.batch - image), row: 0, rows });
            }
        } else {
            let parts = rows.div_ceil((tiles / columns).max(1));
            let part = rows.div_ceil(parts);
            for image in 0..self.batch {
                for row in (0..rows).step_by(part) {
                    chunks.push(Chunk { image, images: 1, row, rows: part.min(rows - row) });
                }
            }
        }
        chunks
    }
}

impl Chunk {
    fn tiles(&self, size: &Size) -> usize {
        self.images * self.rows * size.tile_columns()
    }

    /// Number of pixels of the image that the chunk's tiles cover.
    fn pixels(&self, size: &Size) -> usize {
        let last = (2 * (self.row + self.rows)).min(size.height);
        self.images * (last - 2 * self.row) * size.width
    }

    /// Floats of a framed row of pixels.
    fn framed_row(&self, size: &Size) -> usize {
        (2 * size.tile_columns() + 2) * size.padded_from()
    }

    /// Floats of the framed rows of one image.
    fn framed(&self, size: &Size) -> usize {
        (2 * self.rows + 2) * self.framed_row(size)
    }

    /// Floats between the values of two points; not a multiple of a page, which would put them all into
    /// the same few places of the cache.
    fn point(&self, size: &Size, channels: usize) -> usize {
        self.tiles(size) * channels + PAD
    }
}

/// Weights as the products read them: per panel of outputs, per point, per input, the panel's outputs.
pub(crate) struct Filters {
    values: Vec<f32>,
    from: usize,
    to: usize,
}

impl Filters {
    /// Those of a convolution with `weight` `[to, from, 3, 3]`.
    pub(crate) fn forward(level: Level, weight: &[f32], from: usize, to: usize) -> Self {
        Self::new(level, weight, [from, to], |k, n, tap| (n * from + k) * 9 + tap)
    }

    /// Those of the gradient with respect to its input, a convolution from `to` to `from` channels.
    pub(crate) fn backward(level: Level, weight: &[f32], from: usize, to: usize) -> Self {
        Self::new(level, weight, [to, from], |k, n, tap| (k * from + n) * 9 + 8 - tap)
    }

    fn new(
        level: Level,
        weight: &[f32],
        [from, to]: [usize; 2],
        index: impl Fn(usize, usize, usize) -> usize + Sync,
    ) -> Self {
        assert_eq!(weight.len(), from * to * 9);
        let panel = POINTS * from * PANEL;
        let fill = |values: &mut [f32]| {
            values.par_chunks_mut(panel).enumerate().for_each(|(number, panel)| {
                let at = number * PANEL;
                level.vectorize(TransformFilters {
                    weight,
                    from,
                    first: at,
                    count: PANEL.min(to - at),
                    index: &index,
                    panel,
                });
            });
        };
        // SAFETY: every panel is written whole and not read.
        let values = unsafe { written(to.div_ceil(PANEL) * panel, fill) };
        Filters { values, from, to }
    }

    fn at(&self, point: usize) -> Right<'_> {
        let depth = self.from;
        Right { data: &self.values[point * depth * PANEL..], row: PANEL, panel: POINTS * depth * PANEL }
    }
}

struct TransformFilters<'a, I> {
    weight: &'a [f32],
    from: usize,
    first: usize,
    count: usize,
    index: &'a I,
    panel: &'a mut [f32],
}

impl<I: Fn(usize, usize, usize) -> usize> WithSimd for TransformFilters<'_, I> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let mut taps = [[0f32; PANEL]; 9];
        for k in 0..self.from {
            for n in 0..self.count {
                for (tap, values) in taps.iter_mut().enumerate() {
                    values[n] = self.weight[(self.index)(k, self.first + n, tap)];
                }
            }
            for lane in 0..PANEL {
                let mut columns = [[0f32; 4]; 3];
                for (c, column) in columns.iter_mut().enumerate() {
                    *column = filter_points([taps[c][lane], taps[3 + c][lane], taps[6 + c][lane]]);
                }
                for i in 0..4 {
                    let row = filter_points([columns[0][i], columns[1][i], columns[2][i]]);
                    for (j, value) in row.into_iter().enumerate() {
                        self.panel[((4 * i + j) * self.from + k) * PANEL + lane] = value;
                    }
                }
            }
        }
    }
}

/// G g.
#[inline(always)]
fn filter_points([a, b, c]: [f32; 3]) -> [f32; 4] {
    let (even, odd) = (0.5 * (a + c), 0.5 * b);
    [a, even + odd, even - odd, c]
}

/// The convolution of `x` `[batch, height, width, from]`: `[batch, height, width, to]`.
pub(crate) fn convolve(level: Level, size: &Size, x: &[f32], filters: &Filters, epilogue: &Epilogue<'_>) -> Vec<f32> {
    assert_eq!((filters.from, filters.to), (size.from, size.to));
    assert_eq!(x.len(), size.batch * size.height * size.width * size.from);
    epilogue.check(size.batch, size.height * size.width, size.to);
    let chunks = size.chunks();
    let alone = chunks.len() < 2 * rayon::current_num_threads();
    let run = |out: &mut [f32]| {
        let mut parts = Vec::with_capacity(chunks.len());
        let mut rest = out;
        for chunk in &chunks {
            let (part, after) = rest.split_at_mut(chunk.pixels(size) * size.to);
            parts.push((*chunk, part));
            rest = after;
        }
        parts.into_par_iter().for_each(|(chunk, out)| {
            convolve_chunk(level, size, chunk, x, filters, epilogue, out, alone);
        });
    };
    // SAFETY: the chunks cover the output, and `Untransform` writes all of its part without reading it.
    unsafe { written(size.batch * size.height * size.width * size.to, run) }
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
    alone: bool,
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
            if alone {
                products.par_chunks_mut(product).enumerate().for_each(multiply);
            } else {
                products.chunks_mut(product).enumerate().for_each(multiply);
            }
            level.vectorize(Untransform { size, chunk, products, epilogue, out });
        });
    });
}

/// Bᵀ d B of every tile of a chunk: `points[point][tile][from]`.
struct Transform<'a> {
    size: &'a Size,
    chunk: Chunk,
    x: &'a [f32],
    framed: &'a mut [f32],
    points: &'a mut [f32],
}

impl WithSimd for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Transform { size, chunk, x, framed, points } = self;
        let (channels, columns, row) = (size.padded_from(), size.tile_columns(), chunk.framed_row(size));
        let stride = chunk.point(size, channels);
        for image in 0..chunk.images {
            frame(size, chunk, chunk.image + image, x, framed, row);
            for tile_row in 0..chunk.rows {
                let first = (image * chunk.rows + tile_row) * columns;
                for channel in (0..channels).step_by(S::F32_LANES) {
                    let base = 2 * tile_row * row + channel;
                    let mut a = input_column(simd, framed, base, row);
                    let mut b = input_column(simd, framed, base + channels, row);
                    for tile in 0..columns {
                        let c = input_column(simd, framed, base + (2 * tile + 2) * channels, row);
                        let d = input_column(simd, framed, base + (2 * tile + 3) * channels, row);
                        let at = (first + tile) * channels + channel;
                        for i in 0..4 {
                            let points_of_row = input_points(simd, [a[i], b[i], c[i], d[i]]);
                            for j in 0..4 {
                                put(simd, points, (4 * i + j) * stride + at, points_of_row[j]);
                            }
                        }
                        (a, b) = (c, d);
                    }
                }
            }
        }
    }
}

/// Bᵀ d for the four values below each other from `at`.
#[inline(always)]
fn input_column<S: Simd>(simd: S, framed: &[f32], at: usize, row: usize) -> [S::f32s; 4] {
    let mut d = [simd.splat_f32s(0.0); 4];
    for (r, d) in d.iter_mut().enumerate() {
        *d = get(simd, framed, at + r * row);
    }
    input_points(simd, d)
}

/// Bᵀ d.
#[inline(always)]
fn input_points<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
}

/// Copies the rows of an image that a chunk reads, with zeros around the image and as last channels.
fn frame(size: &Size, chunk: Chunk, image: usize, x: &[f32], framed: &mut [f32], row: usize) {
    let (channels, padded) = (size.from, size.padded_from());
    for (number, framed) in framed.chunks_exact_mut(row).enumerate() {
        let y = 2 * chunk.row + number;
        if y == 0 || y > size.height {
            framed.fill(0.0);
            continue;
        }
        let line = &x[(image * size.height + y - 1) * size.width * channels..][..size.width * channels];
        let (before, rest) = framed.split_at_mut(padded);
        let (inside, after) = rest.split_at_mut(size.width * padded);
        before.fill(0.0);
        after.fill(0.0);
        if channels == padded {
            inside.copy_from_slice(line);
        } else {
            for (to, from) in inside.chunks_exact_mut(padded).zip(line.chunks_exact(channels)) {
                to[..channels].copy_from_slice(from);
                to[channels..].fill(0.0);
            }
        }
    }
}

/// Aᵀ m A of every tile, with the epilogue, as pixels.
struct Untransform<'a> {
    size: &'a Size,
    chunk: Chunk,
    products: &'a [f32],
    epilogue: &'a Epilogue<'a>,
    out: &'a mut [f32],
}

impl WithSimd for Untransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Untransform { size, chunk, products, epilogue, out } = self;
        let (channels, padded, columns) = (size.to, size.padded_to(), size.tile_columns());
        let stride = chunk.point(size, padded);
        let height = chunk.pixels(size) / (chunk.images * size.width);
        let origin = (chunk.image * size.height + 2 * chunk.row) * size.width * channels;
        let residual = match epilogue.residual {
            Some(residual) => Some(&residual[origin..][..out.len()]),
            None => None,
        };
        for image in 0..chunk.images {
            let shift = epilogue.shift(chunk.image + image, channels);
            for tile_row in 0..chunk.rows {
                let first = (image * chunk.rows + tile_row) * columns;
                let rows = (height - 2 * tile_row).min(2);
                for channel in (0..channels).step_by(S::F32_LANES) {
                    let lanes = channels - channel;
                    let mut added = simd.splat_f32s(0.0);
                    if let Some(shift) = shift {
                        added = get_part(simd, shift, channel, lanes);
                    }
                    for tile in 0..columns {
                        let at = (first + tile) * padded + channel;
                        let mut half = [[simd.splat_f32s(0.0); 2]; 4];
                        for (j, half) in half.iter_mut().enumerate() {
                            let mut m = [simd.splat_f32s(0.0); 4];
                            for (i, m) in m.iter_mut().enumerate() {
                                *m = get(simd, products, (4 * i + j) * stride + at);
                            }
                            *half = output_points(simd, m);
                        }
                        let cells = (size.width - 2 * tile).min(2);
                        for r in 0..rows {
                            let row = output_points(simd, [half[0][r], half[1][r], half[2][r], half[3][r]]);
                            for c in 0..cells {
                                let pixel = (image * height + 2 * tile_row + r) * size.width + 2 * tile + c;
                                let at = pixel * channels + channel;
                                let mut value = simd.add_f32s(row[c], added);
                                if let Some(residual) = residual {
                                    value = simd.add_f32s(value, get_part(simd, residual, at, lanes));
                                }
                                put_part(simd, out, at, lanes, value);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Aᵀ m.
#[inline(always)]
fn output_points<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
    let (sum, difference) = (simd.add_f32s(b, c), simd.sub_f32s(b, c));
    [simd.add_f32s(a, sum), simd.sub_f32s(difference, d)]
}

/// The gradient of the weights, `[to, from, 3, 3]`, for input `x` and output gradient `dy`.
pub(crate) fn weight_gradient(level: Level, size: &Size, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let pixels = size.batch * size.height * size.width;
    assert_eq!((x.len(), dy.len()), (pixels * size.from, pixels * size.to));
    let chunks = size.chunks();
    let to = size.padded_to();
    let point = size.from * to;
    // Wide layers have small images: few slices there, or the partial sums outweigh all else.
    let slices = (4 * 1024 * 1024 / (POINTS * point)).clamp(1, SLICES);
    let per = chunks.len().div_ceil(slices).max(1);
    let alone = slices < 2 * rayon::current_num_threads();
    let partial: Vec<Vec<f32>> = chunks
        .par_chunks(per)
        .map(|chunks| {
            let mut sums = vec![0.0; POINTS * point];
            for chunk in chunks {
                add_chunk(level, size, *chunk, x, dy, &mut sums, alone);
            }
            sums
        })
        .collect();
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

/// Outputs whose weights' gradients are computed side by side.
const GROUP: usize = 16;

/// Gᵀ m G for some outputs: `gradient[output][from][tap]`.
struct TapSums<'a> {
    sums: &'a [f32],
    size: &'a Size,
    first: usize,
    gradient: &'a mut [f32],
}

impl WithSimd for TapSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let TapSums { sums, size, first, gradient } = self;
        let (to, count) = (size.padded_to(), gradient.len() / (size.from * 9));
        for k in 0..size.from {
            let mut taps = [[0f32; GROUP]; 9];
            for lane in 0..GROUP {
                let mut rows = [[0f32; 3]; 4];
                for (j, row) in rows.iter_mut().enumerate() {
                    let m = |i: usize| ((4 * i + j) * size.from + k) * to + first + lane;
                    *row = tap_sums([sums[m(0)], sums[m(1)], sums[m(2)], sums[m(3)]]);
                }
                for r in 0..3 {
                    let row = tap_sums([rows[0][r], rows[1][r], rows[2][r], rows[3][r]]);
                    for c in 0..3 {
                        taps[3 * r + c][lane] = row[c];
                    }
                }
            }
            for lane in 0..count {
                for (tap, values) in taps.iter().enumerate() {
                    gradient[(lane * size.from + k) * 9 + tap] = values[lane];
                }
            }
        }
    }
}

/// Gᵀ m.
#[inline(always)]
fn tap_sums([a, b, c, d]: [f32; 4]) -> [f32; 3] {
    let (sum, difference) = (0.5 * (b + c), 0.5 * (b - c));
    [a + sum, difference, d + sum]
}

/// Adds what a chunk gives to the 16 sums `[from][to]`.
fn add_chunk(level: Level, size: &Size, chunk: Chunk, x: &[f32], dy: &[f32], sums: &mut [f32], alone: bool) {
    let (from, to) = (size.padded_from(), size.padded_to());
    let (point, product) = (chunk.point(size, from), chunk.point(size, to));
    with_buffer(POINTS * point, |points| {
        with_buffer(chunk.framed(size), |framed| level.vectorize(Transform { size, chunk, x, framed, points }));
        with_buffer(POINTS * product, |outputs| {
            level.vectorize(TransformGradient { size, chunk, dy, outputs });
            let multiply = |(at, out): (usize, &mut [f32])| {
                level.vectorize(Product {
                    rows: size.from,
                    columns: to,
                    depth: chunk.tiles(size),
                    left: Left { data: &points[at * point..], row: 1, column: from },
                    right: Right::rows(&outputs[at * product..], to),
                    out,
                    out_row: to,
                    accumulate: true,
                });
            };
            if alone {
                sums.par_chunks_mut(size.from * to).enumerate().for_each(multiply);
            } else {
                sums.chunks_mut(size.from * to).enumerate().for_each(multiply);
            }
        });
    });
}

/// A y Aᵀ of every tile of a chunk: `outputs[point][tile][to]`.
struct TransformGradient<'a> {
    size: &'a Size,
    chunk: Chunk,
    dy: &'a [f32],
    outputs: &'a mut [f32],
}

impl WithSimd for TransformGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let TransformGradient { size, chunk, dy, outputs } = self;
        let (channels, padded, columns) = (size.to, size.padded_to(), size.tile_columns());
        let stride = chunk.point(size, padded);
        let zero = simd.splat_f32s(0.0);
        for image in 0..chunk.images {
            for tile_row in 0..chunk.rows {
                let first = (image * chunk.rows + tile_row) * columns;
                for channel in (0..padded).step_by(S::F32_LANES) {
                    let lanes = channels.saturating_sub(channel);
                    for tile in 0..columns {
                        let (y, x) = (2 * (chunk.row + tile_row), 2 * tile);
                        let mut values = [[zero; 2]; 2];
                        for (c, values) in values.iter_mut().enumerate() {
                            for (r, value) in values.iter_mut().enumerate() {
                                if y + r < size.height && x + c < size.width && lanes > 0 {
                                    let pixel = ((chunk.image + image) * size.height + y + r) * size.width + x + c;
                                    *value = get_part(simd, dy, pixel * channels + channel, lanes);
                                }
                            }
                        }
                        let (left, right) = (gradient_points(simd, values[0]), gradient_points(simd, values[1]));
                        let at = (first + tile) * padded + channel;
                        for i in 0..4 {
                            let points = gradient_points(simd, [left[i], right[i]]);
                            for j in 0..4 {
                                put(simd, outputs, (4 * i + j) * stride + at, points[j]);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A y.
#[inline(always)]
fn gradient_points<S: Simd>(simd: S, [a, b]: [S::f32s; 2]) -> [S::f32s; 4] {
    [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), simd.neg_f32s(b)]
}
