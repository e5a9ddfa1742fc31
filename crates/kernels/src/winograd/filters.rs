//! Weights as the products read them, and their gradient as the products leave it.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::size::{PAD, Size};
use super::transforms::{POINTS, SIDE, filter, taps};
use crate::lanes::{get, put};
use crate::level::Level;
use crate::memory::written;
use crate::product::{PANEL, Right};

/// G g Gᵀ: per panel of outputs, per point, per input, the panel's outputs.
pub(crate) struct Filters {
    values: Vec<f32>,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Filters {
    /// Those of a convolution with `weight` `[to, from, 3, 3]`.
    pub(crate) fn forward(level: Level, weight: &[f32], from: usize, to: usize) -> Self {
        let order = Order { input: 9, output: from * 9, first: 0, step: 1 };
        Self::new(level, weight, [from, to], order)
    }

    /// Those of the gradient with respect to its input, a convolution from `to` to `from` channels.
    pub(crate) fn backward(level: Level, weight: &[f32], from: usize, to: usize) -> Self {
        let order = Order { input: from * 9, output: 9, first: 8, step: -1 };
        Self::new(level, weight, [to, from], order)
    }

    fn new(level: Level, weight: &[f32], [from, to]: [usize; 2], order: Order) -> Self {
        assert_eq!(weight.len(), from * to * 9);
        let panel = POINTS * point_distance(from);
        let fill = |values: &mut [f32]| {
            let tasks =
                values.chunks_exact_mut(panel).enumerate().flat_map(|(number, panel)| tasks(number, panel, from));
            tasks.collect::<Vec<_>>().into_par_iter().for_each(|Task { first, inputs, points }| {
                let count = PANEL.min(to - first);
                level.vectorize(TransformFilters { weight, order, first, count, inputs, points });
            });
        };
        // SAFETY: `tasks` clears the gaps and divides the rest, and `TransformFilters` writes all of its parts.
        let values = unsafe { written(to.div_ceil(PANEL) * panel, fill) };
        Filters { values, from, to }
    }

    /// The right factor of the products of a point.
    pub(super) fn at(&self, number: usize) -> Right<'_> {
        let distance = point_distance(self.from);
        Right { data: &self.values[number * distance..], row: PANEL, panel: POINTS * distance }
    }
}

/// Floats between the filters of two points of a panel, with [`PAD`] like [`super::size::Chunk::point`].
fn point_distance(from: usize) -> usize {
    from * PANEL + PAD
}

/// Where the taps of a convolution's filters lie in its weights.
#[derive(Clone, Copy)]
struct Order {
    /// Distance of two inputs.
    input: usize,
    /// Distance of two outputs.
    output: usize,
    /// The first tap.
    first: isize,
    /// Distance of two taps.
    step: isize,
}

/// The filters of some inputs and one panel of outputs.
struct Task<'a> {
    /// The panel's first output.
    first: usize,
    inputs: Range<usize>,
    /// Where they go, point by point: `[inputs][PANEL]`.
    points: Vec<&'a mut [f32]>,
}

/// Inputs of one task.
const INPUTS: usize = 16;

/// Divides a panel by its inputs, and clears the gaps between its points.
fn tasks(number: usize, panel: &mut [f32], from: usize) -> Vec<Task<'_>> {
    let starts = (0..from).step_by(INPUTS);
    let range = |start: usize| start..(start + INPUTS).min(from);
    let mut tasks: Vec<Task<'_>> =
        starts.map(|start| Task { first: number * PANEL, inputs: range(start), points: Vec::new() }).collect();
    for point in panel.chunks_exact_mut(point_distance(from)) {
        let (filters, gap) = point.split_at_mut(from * PANEL);
        gap.fill(0.0);
        for (task, part) in tasks.iter_mut().zip(filters.chunks_mut(INPUTS * PANEL)) {
            task.points.push(part);
        }
    }
    tasks
}

struct TransformFilters<'a> {
    weight: &'a [f32],
    order: Order,
    first: usize,
    count: usize,
    inputs: Range<usize>,
    points: Vec<&'a mut [f32]>,
}

impl WithSimd for TransformFilters<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let TransformFilters { weight, order, first, count, inputs, mut points } = self;
        let mut g = [[0f32; PANEL]; 9];
        for (row, k) in inputs.enumerate() {
            for n in 0..count {
                let filter = &weight[k * order.input + (first + n) * order.output..][..9];
                for (tap, g) in g.iter_mut().enumerate() {
                    g[n] = filter[(order.first + order.step * tap as isize) as usize];
                }
            }
            for lane in (0..PANEL).step_by(S::F32_LANES) {
                let mut columns = [[simd.splat_f32s(0.0); SIDE]; 3];
                for (c, column) in columns.iter_mut().enumerate() {
                    let taps = [get(simd, &g[c], lane), get(simd, &g[3 + c], lane), get(simd, &g[6 + c], lane)];
                    *column = filter(simd, taps);
                }
                for i in 0..SIDE {
                    let values = filter(simd, [columns[0][i], columns[1][i], columns[2][i]]);
                    for j in 0..SIDE {
                        put(simd, points[SIDE * i + j], row * PANEL + lane, values[j]);
                    }
                }
            }
        }
    }
}

/// Outputs whose weights' gradients are computed side by side.
pub(super) const GROUP: usize = 16;

/// Gᵀ m G for some outputs: `gradient[output][from][tap]`.
pub(super) struct TapSums<'a> {
    pub(super) sums: &'a [f32],
    pub(super) size: &'a Size,
    pub(super) first: usize,
    pub(super) gradient: &'a mut [f32],
}

impl WithSimd for TapSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let TapSums { sums, size, first, gradient } = self;
        let (to, count) = (size.padded_to(), gradient.len() / (size.from * 9));
        for k in 0..size.from {
            let mut found = [[0f32; GROUP]; 9];
            for lane in (0..GROUP).step_by(S::F32_LANES) {
                let mut rows = [[simd.splat_f32s(0.0); 3]; SIDE];
                for (j, row) in rows.iter_mut().enumerate() {
                    let mut column = [simd.splat_f32s(0.0); SIDE];
                    for (i, value) in column.iter_mut().enumerate() {
                        *value = get(simd, sums, (SIDE * i + j) * size.sums() + k * to + first + lane);
                    }
                    *row = taps(simd, column);
                }
                for r in 0..3 {
                    let row = taps(simd, [rows[0][r], rows[1][r], rows[2][r], rows[3][r], rows[4][r], rows[5][r]]);
                    for c in 0..3 {
                        put(simd, &mut found[3 * r + c], lane, row[c]);
                    }
                }
            }
            for lane in 0..count {
                for (tap, values) in found.iter().enumerate() {
                    gradient[(lane * size.from + k) * 9 + tap] = values[lane];
                }
            }
        }
    }
}
