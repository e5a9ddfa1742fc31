//! Matrix products of small blocks that stay in the cache, the core of every convolution here.

use pulp::{MemMask, Simd, WithSimd};

use crate::lanes::madd;

/// Columns that lie side by side in a packed right factor; a multiple of every level's block.
pub(crate) const PANEL: usize = 32;

/// The left factor: entry (m, k) is at `m * row + k * column`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row: usize,
    pub(crate) column: usize,
}

/// The right factor: entry (k, n) is at `(n / PANEL) * panel + k * row + n % PANEL`.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row: usize,
    pub(crate) panel: usize,
}

impl<'a> Right<'a> {
    /// A matrix stored row after row.
    pub(crate) fn rows(data: &'a [f32], row: usize) -> Self {
        Right { data, row, panel: PANEL }
    }

    /// A matrix of `depth` rows stored in panels of [`PANEL`] columns.
    pub(crate) fn panels(data: &'a [f32], depth: usize) -> Self {
        Right { data, row: PANEL, panel: depth * PANEL }
    }
}

/// `out (+)= left * right`, every sum taken over k in rising order by one multiply-add each, so that an
/// entry does not depend on what else is computed with it.
pub(crate) struct Product<'a> {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) depth: usize,
    pub(crate) left: Left<'a>,
    pub(crate) right: Right<'a>,
    pub(crate) out: &'a mut [f32],
    /// Distance of two rows of `out`.
    pub(crate) out_row: usize,
    /// Whether to add to `out` instead of replacing it.
    pub(crate) accumulate: bool,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.run(simd);
    }
}

/// Pointers to where a block starts; see [`block`] for what must be readable and writable.
#[derive(Clone, Copy)]
struct Corner {
    left: *const f32,
    right: *const f32,
    out: *mut f32,
}

/// What all blocks of a product share.
#[derive(Clone, Copy)]
struct Strides {
    depth: usize,
    left_row: usize,
    left_column: usize,
    right_row: usize,
    out_row: usize,
    accumulate: bool,
}

impl Product<'_> {
    /// Computes the product.
    ///
    /// # Panics
    /// If a factor or `out` is too short.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, simd: S) {
        if self.rows == 0 || self.columns == 0 {
            return;
        }
        self.check();
        if S::REGISTER_COUNT == 32 {
            self.blocks::<S, 12, 2>(simd);
        } else {
            self.blocks::<S, 6, 2>(simd);
        }
    }

    fn check(&self) {
        let (row, column) = (self.rows - 1, self.columns - 1);
        assert!(self.rows == 1 || self.out_row >= self.columns);
        assert!(reaches(self.out.len(), [(row, self.out_row), (column, 1)]));
        if self.depth > 0 {
            let depth = self.depth - 1;
            assert!(reaches(self.left.data.len(), [(row, self.left.row), (depth, self.left.column)]));
            let (panel, rest) = (column / PANEL, column % PANEL);
            let length = self.right.data.len();
            assert!(length > rest && reaches(length - rest, [(panel, self.right.panel), (depth, self.right.row)]));
            // The last panel is cut; the one before it is whole, and may reach further.
            let whole = PANEL - 1;
            let before = || reaches(length - whole, [(panel - 1, self.right.panel), (depth, self.right.row)]);
            assert!(panel == 0 || (length > whole && before()));
        }
    }

    #[inline(always)]
    fn blocks<S: Simd, const ROWS: usize, const VECTORS: usize>(self, simd: S) {
        let strides = Strides {
            depth: self.depth,
            left_row: self.left.row,
            left_column: self.left.column,
            right_row: self.right.row,
            out_row: self.out_row,
            accumulate: self.accumulate,
        };
        let width = VECTORS * S::F32_LANES;
        let mut column = 0;
        while column < self.columns {
            let left = self.columns - column;
            let corner = Corner {
                left: self.left.data.as_ptr(),
                right: self.right.data[column / PANEL * self.right.panel + column % PANEL..].as_ptr(),
                out: self.out[column..].as_mut_ptr(),
            };
            // SAFETY: `check` has shown that the furthest entries of both factors and of `out` are inside.
            unsafe {
                if left >= width {
                    column_of_blocks::<S, ROWS, VECTORS, false>(simd, corner, strides, self.rows, S::F32_LANES);
                    column += width;
                } else if left >= S::F32_LANES {
                    column_of_blocks::<S, ROWS, 1, false>(simd, corner, strides, self.rows, S::F32_LANES);
                    column += S::F32_LANES;
                } else {
                    column_of_blocks::<S, ROWS, 1, true>(simd, corner, strides, self.rows, left);
                    column += left;
                }
            }
        }
    }
}

/// Whether a slice of this length has an element at the sum of these counts times distances.
fn reaches(length: usize, [(count, distance), (other, step)]: [(usize, usize); 2]) -> bool {
    let at = count.checked_mul(distance).and_then(|at| at.checked_add(other.checked_mul(step)?));
    at.is_some_and(|at| at < length)
}

/// All blocks of the same columns, from the top.
///
/// # Safety
/// That of [`block`] for every block of `rows` rows.
#[inline(always)]
unsafe fn column_of_blocks<S: Simd, const ROWS: usize, const VECTORS: usize, const PART: bool>(
    simd: S,
    mut corner: Corner,
    strides: Strides,
    rows: usize,
    lanes: usize,
) {
    let mut rest = rows;
    // SAFETY: every block stays inside `rows`, for which the caller vouches.
    unsafe {
        while rest >= ROWS {
            block::<S, ROWS, VECTORS, PART>(simd, corner, strides, lanes);
            corner = corner.below(strides, ROWS);
            rest -= ROWS;
        }
        while rest >= 4 {
            block::<S, 4, VECTORS, PART>(simd, corner, strides, lanes);
            corner = corner.below(strides, 4);
            rest -= 4;
        }
        while rest >= 1 {
            block::<S, 1, VECTORS, PART>(simd, corner, strides, lanes);
            corner = corner.below(strides, 1);
            rest -= 1;
        }
    }
}

impl Corner {
    /// The corner `rows` further down; it may lie outside, where it is not read.
    #[inline(always)]
    fn below(self, strides: Strides, rows: usize) -> Corner {
        Corner {
            left: self.left.wrapping_add(rows * strides.left_row),
            out: self.out.wrapping_add(rows * strides.out_row),
            ..self
        }
    }
}

/// One block of the product, held in registers: `ROWS` rows of `VECTORS` vectors, the last of which has
/// only `lanes` columns if `PART`.
///
/// # Safety
/// From `corner.left`, entries `m * left_row + k * left_column` are readable for m < ROWS, k < depth; from
/// `corner.right`, `k * right_row` and the columns of the block after it; from `corner.out`,
/// `m * out_row` and the columns of the block after it are readable and writable.
#[inline(always)]
unsafe fn block<S: Simd, const ROWS: usize, const VECTORS: usize, const PART: bool>(
    simd: S,
    corner: Corner,
    strides: Strides,
    lanes: usize,
) {
    let mask = simd.mask_between_m32s(0, lanes as u32);
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    // SAFETY: all reads and writes are those that the caller vouches for.
    unsafe {
        if strides.accumulate {
            for (m, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    let at = corner.out.add(m * strides.out_row + v * S::F32_LANES);
                    *sum = load::<S, PART>(simd, mask, at);
                }
            }
        }
        let (mut left, mut right) = (corner.left, corner.right);
        for _ in 0..strides.depth {
            let mut columns = [simd.splat_f32s(0.0); VECTORS];
            for (v, column) in columns.iter_mut().enumerate() {
                *column = load::<S, PART>(simd, mask, right.add(v * S::F32_LANES));
            }
            for (m, sums) in sums.iter_mut().enumerate() {
                let factor = simd.splat_f32s(*left.add(m * strides.left_row));
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = madd(simd, factor, column, *sum);
                }
            }
            left = left.wrapping_add(strides.left_column);
            right = right.wrapping_add(strides.right_row);
        }
        for (m, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                let at = corner.out.add(m * strides.out_row + v * S::F32_LANES);
                store::<S, PART>(simd, mask, at, *sum);
            }
        }
    }
}

/// # Safety
/// The enabled lanes, all of them unless `PART`, are readable.
#[inline(always)]
unsafe fn load<S: Simd, const PART: bool>(simd: S, mask: MemMask<S::m32s>, at: *const f32) -> S::f32s {
    // SAFETY: the caller's.
    unsafe { if PART { simd.mask_load_ptr_f32s(mask, at) } else { at.cast::<S::f32s>().read_unaligned() } }
}

/// # Safety
/// The enabled lanes, all of them unless `PART`, are writable.
#[inline(always)]
unsafe fn store<S: Simd, const PART: bool>(simd: S, mask: MemMask<S::m32s>, at: *mut f32, value: S::f32s) {
    // SAFETY: the caller's.
    unsafe {
        if PART {
            simd.mask_store_ptr_f32s(mask, at, value);
        } else {
            at.cast::<S::f32s>().write_unaligned(value);
        }
    }
}
