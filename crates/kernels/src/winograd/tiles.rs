//! Images to points and back, tile by tile.
//!
//! Loops over a tile have constant ends and index arrays by their counters, so that the arrays become
//! registers; closures and iterator adapters would not be compiled for the level's instructions.

#![expect(clippy::manual_map, reason = "closures would not be compiled for the level's instructions")]
#![expect(clippy::needless_range_loop, reason = "the counters index several arrays, which must stay registers")]

use pulp::{Simd, WithSimd};

use super::size::{Chunk, Size};
use super::transforms::{SIDE, TILE, gradient, input, output};
use crate::epilogue::Epilogue;
use crate::lanes::{get, get_part, put, put_part};

/// Bᵀ d B of every tile of a chunk: `points[point][tile][from]`.
pub(super) struct Transform<'a> {
    pub(super) size: &'a Size,
    pub(super) chunk: Chunk,
    pub(super) x: &'a [f32],
    /// Working memory for the rows of an image.
    pub(super) framed: &'a mut [f32],
    pub(super) points: &'a mut [f32],
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
                    let base = TILE * tile_row * row + channel;
                    let mut found = [[simd.splat_f32s(0.0); SIDE]; SIDE];
                    found[TILE] = input_column(simd, framed, base, row);
                    found[TILE + 1] = input_column(simd, framed, base + channels, row);
                    for tile in 0..columns {
                        (found[0], found[1]) = (found[TILE], found[TILE + 1]);
                        for c in 2..SIDE {
                            found[c] = input_column(simd, framed, base + (TILE * tile + c) * channels, row);
                        }
                        let at = (first + tile) * channels + channel;
                        for i in 0..SIDE {
                            let mut d = [simd.splat_f32s(0.0); SIDE];
                            for c in 0..SIDE {
                                d[c] = found[c][i];
                            }
                            let values = input(simd, d);
                            for j in 0..SIDE {
                                put(simd, points, (SIDE * i + j) * stride + at, values[j]);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Bᵀ d for the values below each other from `at`.
#[inline(always)]
fn input_column<S: Simd>(simd: S, framed: &[f32], at: usize, row: usize) -> [S::f32s; SIDE] {
    let framed = &framed[at..][..(SIDE - 1) * row + S::F32_LANES];
    let mut d = [simd.splat_f32s(0.0); SIDE];
    for r in 0..SIDE {
        d[r] = get(simd, framed, r * row);
    }
    input(simd, d)
}

/// Copies the rows of an image that a chunk reads, with zeros around the image and as last channels.
///
/// The copy reads memory in its order, which is faster than reading columns from far away, and its rows
/// are not a power of two apart, which would put a column into the same few places of the cache.
fn frame(size: &Size, chunk: Chunk, image: usize, x: &[f32], framed: &mut [f32], row: usize) {
    let (channels, padded) = (size.from, size.padded_from());
    for (number, framed) in framed.chunks_exact_mut(row).enumerate() {
        let y = TILE * chunk.row + number;
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
pub(super) struct Untransform<'a> {
    pub(super) size: &'a Size,
    pub(super) chunk: Chunk,
    pub(super) products: &'a [f32],
    pub(super) epilogue: &'a Epilogue<'a>,
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Untransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Untransform { size, chunk, products, epilogue, out } = self;
        let (channels, padded, columns) = (size.to, size.padded_to(), size.tile_columns());
        let (stride, height) = (chunk.point(size, padded), chunk.height(size));
        let origin = (chunk.image * size.height + TILE * chunk.row) * size.width * channels;
        let residual = match epilogue.residual {
            Some(residual) => Some(&residual[origin..][..out.len()]),
            None => None,
        };
        for image in 0..chunk.images {
            let shift = epilogue.shift(chunk.image + image, channels);
            for tile_row in 0..chunk.rows {
                let first = (image * chunk.rows + tile_row) * columns;
                let rows = (height - TILE * tile_row).min(TILE);
                for channel in (0..channels).step_by(S::F32_LANES) {
                    let lanes = channels - channel;
                    let mut added = simd.splat_f32s(0.0);
                    if let Some(shift) = shift {
                        added = get_part(simd, shift, channel, lanes);
                    }
                    for tile in 0..columns {
                        let at = (first + tile) * padded + channel;
                        let mut half = [[simd.splat_f32s(0.0); TILE]; SIDE];
                        for j in 0..SIDE {
                            let mut m = [simd.splat_f32s(0.0); SIDE];
                            for i in 0..SIDE {
                                m[i] = get(simd, products, (SIDE * i + j) * stride + at);
                            }
                            half[j] = output(simd, m);
                        }
                        let cells = (size.width - TILE * tile).min(TILE);
                        for r in 0..TILE {
                            let mut m = [simd.splat_f32s(0.0); SIDE];
                            for j in 0..SIDE {
                                m[j] = half[j][r];
                            }
                            let row = output(simd, m);
                            let pixel = (image * height + TILE * tile_row + r) * size.width + TILE * tile;
                            for c in 0..TILE {
                                if r < rows && c < cells {
                                    let at = (pixel + c) * channels + channel;
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
}

/// A y Aᵀ of every tile of a chunk: `outputs[point][tile][to]`.
pub(super) struct TransformGradient<'a> {
    pub(super) size: &'a Size,
    pub(super) chunk: Chunk,
    pub(super) dy: &'a [f32],
    pub(super) outputs: &'a mut [f32],
}

impl WithSimd for TransformGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let TransformGradient { size, chunk, dy, outputs } = self;
        let (channels, padded, columns) = (size.to, size.padded_to(), size.tile_columns());
        let (stride, height) = (chunk.point(size, padded), chunk.height(size));
        let origin = (chunk.image * size.height + TILE * chunk.row) * size.width * channels;
        let dy = &dy[origin..][..chunk.pixels(size) * channels];
        for image in 0..chunk.images {
            for tile_row in 0..chunk.rows {
                let first = (image * chunk.rows + tile_row) * columns;
                let rows = (height - TILE * tile_row).min(TILE);
                for channel in (0..padded).step_by(S::F32_LANES) {
                    let lanes = channels.saturating_sub(channel);
                    for tile in 0..columns {
                        let cells = if lanes > 0 { (size.width - TILE * tile).min(TILE) } else { 0 };
                        let mut half = [[simd.splat_f32s(0.0); SIDE]; TILE];
                        for c in 0..TILE {
                            let mut y = [simd.splat_f32s(0.0); TILE];
                            for r in 0..TILE {
                                if r < rows && c < cells {
                                    let row = image * height + TILE * tile_row + r;
                                    let pixel = row * size.width + TILE * tile + c;
                                    y[r] = get_part(simd, dy, pixel * channels + channel, lanes);
                                }
                            }
                            half[c] = gradient(simd, y);
                        }
                        let at = (first + tile) * padded + channel;
                        for i in 0..SIDE {
                            let values = gradient(simd, [half[0][i], half[1][i], half[2][i], half[3][i]]);
                            for j in 0..SIDE {
                                put(simd, outputs, (SIDE * i + j) * stride + at, values[j]);
                            }
                        }
                    }
                }
            }
        }
    }
}
