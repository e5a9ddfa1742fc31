//! Convolutions of any size as one matrix product over the pixels' neighbourhoods.
//!
//! A chunk of output pixels has its neighbourhoods written out, row by row, in working memory (for 1x1
//! kernels the image itself is that matrix), and is multiplied by all weights.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::epilogue::Epilogue;
use crate::lanes::{get_part, put_part};
use crate::level::Level;
use crate::memory::{with_buffer, written};
use crate::product::{Left, PANEL, Product, Right};

/// Floats of working memory that a chunk of pixels should stay below, so that it fits into a core's cache.
const CHUNK_FLOATS: usize = 96 * 1024;

/// Partial sums of the weights' gradient; a constant, as the order of summation must not depend on the
/// number of threads.
const SLICES: usize = 4;

/// Rows of the weights' gradient that one thread takes where there are few pixels.
const ROWS: usize = 48;

/// The size of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Height and width of the kernel.
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: usize,
    /// Zeros above, left, below and right.
    pub(crate) padding: [usize; 4],
}

impl Geometry {
    pub(crate) fn out_height(&self) -> usize {
        (self.height + self.padding[0] + self.padding[2] - self.kernel[0]) / self.stride + 1
    }

    pub(crate) fn out_width(&self) -> usize {
        (self.width + self.padding[1] + self.padding[3] - self.kernel[1]) / self.stride + 1
    }

    fn out_pixels(&self) -> usize {
        self.batch * self.out_height() * self.out_width()
    }

    /// Length of a written-out neighbourhood: per tap, all channels.
    fn depth(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.from
    }

    /// Whether a pixel's neighbourhood is the pixel itself.
    fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == 1 && self.padding == [0; 4]
    }

    /// Pixels of a chunk: few enough for the cache, and for a dozen threads to have some.
    fn chunk(&self) -> usize {
        let cached = CHUNK_FLOATS / (self.depth() + self.to);
        cached.min(self.out_pixels().div_ceil(16)).max(1).next_multiple_of(12)
    }
}

/// The weights as a matrix `[depth][to]` in panels of columns.
pub(crate) struct Matrix {
    values: Vec<f32>,
    depth: usize,
}

impl Matrix {
    /// Those of a convolution with `weight` `[to, from, height, width]`.
    pub(crate) fn new(geometry: &Geometry, weight: &[f32]) -> Self {
        let (depth, from, to) = (geometry.depth(), geometry.from, geometry.to);
        assert_eq!(weight.len(), depth * to);
        let taps = depth / from.max(1);
        let mut values = vec![0.0; to.div_ceil(PANEL) * depth * PANEL];
        for (n, weight) in weight.chunks_exact(depth).enumerate() {
            let panel = &mut values[n / PANEL * depth * PANEL + n % PANEL..];
            for (k, weight) in weight.chunks_exact(taps).enumerate() {
                for (tap, weight) in weight.iter().enumerate() {
                    panel[(tap * from + k) * PANEL] = *weight;
                }
            }
        }
        Matrix { values, depth }
    }
}

/// The convolution of `x` `[batch, height, width, from]`: `[batch, out_height, out_width, to]`.
pub(crate) fn convolve(level: Level, g: &Geometry, x: &[f32], matrix: &Matrix, epilogue: &Epilogue<'_>) -> Vec<f32> {
    assert_eq!((x.len(), matrix.depth), (g.batch * g.height * g.width * g.from, g.depth()));
    let image = g.out_height() * g.out_width();
    epilogue.check(g.batch, image, g.to);
    let run = |out: &mut [f32]| {
        out.par_chunks_mut(g.chunk() * g.to).enumerate().for_each(|(number, out)| {
            let (first, rows) = (number * g.chunk(), out.len() / g.to);
            with_neighbourhoods(g, x, first, rows, |left| {
                level.vectorize(Start { image, to: g.to, first, epilogue, out });
                level.vectorize(Product {
                    rows,
                    columns: g.to,
                    depth: g.depth(),
                    left: Left { data: left, row: g.depth(), column: 1 },
                    right: Right::panels(&matrix.values, g.depth()),
                    out,
                    out_row: g.to,
                    accumulate: true,
                });
            });
        });
    };
    // SAFETY: `Start` writes every element of every chunk first.
    unsafe { written(g.out_pixels() * g.to, run) }
}

/// What the sums of some pixels start from.
struct Start<'a> {
    /// Pixels of an image.
    image: usize,
    to: usize,
    first: usize,
    epilogue: &'a Epilogue<'a>,
    out: &'a mut [f32],
}

impl WithSimd for Start<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Start { image, to, first, epilogue, out } = self;
        for (number, pixel) in out.chunks_exact_mut(to).enumerate() {
            let at = first + number;
            match epilogue.shift(at / image, to) {
                Some(shift) => pixel.copy_from_slice(shift),
                None => pixel.fill(0.0),
            }
            if let Some(residual) = epilogue.residual {
                let residual = &residual[at * to..][..to];
                for channel in (0..to).step_by(S::F32_LANES) {
                    let lanes = to - channel;
                    let sum =
                        simd.add_f32s(get_part(simd, pixel, channel, lanes), get_part(simd, residual, channel, lanes));
                    put_part(simd, pixel, channel, lanes, sum);
                }
            }
        }
    }
}

/// The gradient of the input, for output gradient `dy`.
pub(crate) fn input_gradient(level: Level, g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let (depth, taps) = (g.depth(), g.kernel[0] * g.kernel[1]);
    assert_eq!((weight.len(), dy.len()), (depth * g.to, g.out_pixels() * g.to));
    // [to][tap][from], so that a pixel's gradient is a row of neighbourhoods.
    let mut turned = vec![0.0; weight.len()];
    for (turned, weight) in turned.chunks_exact_mut(depth).zip(weight.chunks_exact(depth)) {
        for (k, weight) in weight.chunks_exact(taps).enumerate() {
            for (tap, weight) in weight.iter().enumerate() {
                turned[tap * g.from + k] = *weight;
            }
        }
    }
    let multiply = |out: &mut [f32], first: usize, rows: usize| {
        level.vectorize(Product {
            rows,
            columns: depth,
            depth: g.to,
            left: Left { data: &dy[first * g.to..], row: g.to, column: 1 },
            right: Right::rows(&turned, depth),
            out,
            out_row: depth,
            accumulate: false,
        });
    };
    if g.is_pointwise() {
        let run = |dx: &mut [f32]| {
            dx.par_chunks_mut(g.chunk() * depth).enumerate().for_each(|(number, out)| {
                let rows = out.len() / depth;
                multiply(out, number * g.chunk(), rows);
            });
        };
        // SAFETY: the products replace every element.
        return unsafe { written(g.out_pixels() * depth, run) };
    }
    let image = g.out_height() * g.out_width();
    let mut dx = vec![0.0; g.batch * g.height * g.width * g.from];
    dx.par_chunks_mut(g.height * g.width * g.from).enumerate().for_each(|(number, dx)| {
        for first in (0..image).step_by(g.chunk()) {
            let rows = g.chunk().min(image - first);
            with_buffer(rows * depth, |neighbourhoods| {
                multiply(neighbourhoods, number * image + first, rows);
                level.vectorize(Fold { geometry: g, first, neighbourhoods, dx });
            });
        }
    });
    dx
}

/// Adds the gradients of neighbourhoods to the pixels of one image that they were taken from.
struct Fold<'a> {
    geometry: &'a Geometry,
    first: usize,
    neighbourhoods: &'a [f32],
    dx: &'a mut [f32],
}

impl WithSimd for Fold<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Fold { geometry: g, first, neighbourhoods, dx } = self;
        for (number, gradient) in neighbourhoods.chunks_exact(g.depth()).enumerate() {
            let (y, x) = ((first + number) / g.out_width(), (first + number) % g.out_width());
            for (tap, gradient) in gradient.chunks_exact(g.from).enumerate() {
                if let Some(pixel) = source(g, y, x, tap) {
                    for channel in (0..g.from).step_by(S::F32_LANES) {
                        let (at, lanes) = (pixel * g.from + channel, g.from - channel);
                        let sum =
                            simd.add_f32s(get_part(simd, dx, at, lanes), get_part(simd, gradient, channel, lanes));
                        put_part(simd, dx, at, lanes, sum);
                    }
                }
            }
        }
    }
}

/// The pixel of an image that a tap of an output pixel reads; none in the padding.
#[inline(always)]
fn source(g: &Geometry, y: usize, x: usize, tap: usize) -> Option<usize> {
    let y = (y * g.stride + tap / g.kernel[1]).checked_sub(g.padding[0])?;
    let x = (x * g.stride + tap % g.kernel[1]).checked_sub(g.padding[1])?;
    (y < g.height && x < g.width).then_some(y * g.width + x)
}

/// The gradient of the weights, `[to, from, height, width]`, for input `x` and output gradient `dy`.
pub(crate) fn weight_gradient(level: Level, g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let (pixels, depth) = (g.out_pixels(), g.depth());
    assert_eq!((x.len(), dy.len()), (g.batch * g.height * g.width * g.from, pixels * g.to));
    let starts: Vec<usize> = (0..pixels).step_by(g.chunk()).collect();
    let per = starts.len().div_ceil(SLICES).max(1);
    let partial: Vec<Vec<f32>> = starts
        .par_chunks(per)
        .map(|starts| {
            let mut sums = vec![0.0; depth * g.to];
            for &first in starts {
                let rows = g.chunk().min(pixels - first);
                with_neighbourhoods(g, x, first, rows, |left| {
                    sums.par_chunks_mut(ROWS * g.to).with_min_len(4).enumerate().for_each(|(number, out)| {
                        level.vectorize(Product {
                            rows: out.len() / g.to,
                            columns: g.to,
                            depth: rows,
                            left: Left { data: &left[number * ROWS..], row: 1, column: depth },
                            right: Right::rows(&dy[first * g.to..], g.to),
                            out,
                            out_row: g.to,
                            accumulate: true,
                        });
                    });
                });
            }
            sums
        })
        .collect();
    let taps = g.kernel[0] * g.kernel[1];
    let mut gradient = vec![0.0; depth * g.to];
    for (n, gradient) in gradient.chunks_exact_mut(depth).enumerate() {
        for (at, gradient) in gradient.iter_mut().enumerate() {
            let row = at % taps * g.from + at / taps;
            *gradient = partial.iter().map(|sums| sums[row * g.to + n]).sum();
        }
    }
    gradient
}

/// Lends the neighbourhoods of some output pixels, `[rows][depth]`.
fn with_neighbourhoods(g: &Geometry, x: &[f32], first: usize, rows: usize, body: impl FnOnce(&[f32])) {
    let depth = g.depth();
    if g.is_pointwise() {
        return body(&x[first * depth..][..rows * depth]);
    }
    let image = g.out_height() * g.out_width();
    with_buffer(rows * depth, |neighbourhoods| {
        for (number, neighbourhood) in neighbourhoods.chunks_exact_mut(depth).enumerate() {
            let (at, inside) = ((first + number) / image, (first + number) % image);
            let x = &x[at * g.height * g.width * g.from..][..g.height * g.width * g.from];
            let (row, column) = (inside / g.out_width(), inside % g.out_width());
            for (tap, values) in neighbourhood.chunks_exact_mut(g.from).enumerate() {
                match source(g, row, column, tap) {
                    Some(pixel) => values.copy_from_slice(&x[pixel * g.from..][..g.from]),
                    None => values.fill(0.0),
                }
            }
        }
        body(neighbourhoods);
    });
}
