//! The four one-dimensional transforms; each is applied to columns, then to rows.

use pulp::Simd;

use crate::lanes::madd;

/// Height and width of an output tile.
pub(super) const TILE: usize = 4;

/// Points of one dimension.
pub(super) const SIDE: usize = 6;

/// Products of a tile.
pub(super) const POINTS: usize = SIDE * SIDE;

/// The positive points; the others are their negatives, 0 and infinity.
const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// What the rows of G are divided by: the products of a point's distances to the others.
const F_0: f32 = A2 * B2;
const F_A: f32 = 2.0 * A2 * (A2 - B2);
const F_B: f32 = 2.0 * B2 * (B2 - A2);

/// Bᵀ d.
#[inline(always)]
pub(super) fn input<S: Simd>(simd: S, d: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
    let (minus_a2, minus_b2) = (simd.splat_f32s(-A2), simd.splat_f32s(-B2));
    let (product, sum) = (simd.splat_f32s(A2 * B2), simd.splat_f32s(-(A2 + B2)));
    let first = madd(simd, product, d[0], madd(simd, sum, d[2], d[4]));
    let last = madd(simd, product, d[1], madd(simd, sum, d[3], d[5]));
    let (even_a, odd_a) = (madd(simd, minus_b2, d[2], d[4]), madd(simd, minus_b2, d[1], d[3]));
    let (even_b, odd_b) = (madd(simd, minus_a2, d[2], d[4]), madd(simd, minus_a2, d[1], d[3]));
    [
        first,
        madd(simd, simd.splat_f32s(A), odd_a, even_a),
        madd(simd, simd.splat_f32s(-A), odd_a, even_a),
        madd(simd, simd.splat_f32s(B), odd_b, even_b),
        madd(simd, simd.splat_f32s(-B), odd_b, even_b),
        last,
    ]
}

/// Aᵀ m.
#[inline(always)]
pub(super) fn output<S: Simd>(simd: S, m: [S::f32s; SIDE]) -> [S::f32s; TILE] {
    let (sum_a, difference_a) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (sum_b, difference_b) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    let (a, b) = (simd.splat_f32s(A), simd.splat_f32s(B));
    let (a2, b2) = (simd.splat_f32s(A2), simd.splat_f32s(B2));
    let (a3, b3) = (simd.splat_f32s(A * A2), simd.splat_f32s(B * B2));
    [
        simd.add_f32s(m[0], simd.add_f32s(sum_a, sum_b)),
        madd(simd, a, difference_a, simd.mul_f32s(b, difference_b)),
        madd(simd, a2, sum_a, simd.mul_f32s(b2, sum_b)),
        madd(simd, a3, difference_a, madd(simd, b3, difference_b, m[5])),
    ]
}

/// A y.
#[inline(always)]
pub(super) fn gradient<S: Simd>(simd: S, y: [S::f32s; TILE]) -> [S::f32s; SIDE] {
    let (a, b) = (simd.splat_f32s(A), simd.splat_f32s(B));
    let (a2, b2) = (simd.splat_f32s(A2), simd.splat_f32s(B2));
    let (even_a, odd_a) = (madd(simd, a2, y[2], y[0]), simd.mul_f32s(a, madd(simd, a2, y[3], y[1])));
    let (even_b, odd_b) = (madd(simd, b2, y[2], y[0]), simd.mul_f32s(b, madd(simd, b2, y[3], y[1])));
    [
        y[0],
        simd.add_f32s(even_a, odd_a),
        simd.sub_f32s(even_a, odd_a),
        simd.add_f32s(even_b, odd_b),
        simd.sub_f32s(even_b, odd_b),
        y[3],
    ]
}

/// G g.
#[inline(always)]
pub(super) fn filter<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; SIDE] {
    let even_a = madd(simd, simd.splat_f32s(A2 / F_A), c, simd.mul_f32s(a, simd.splat_f32s(1.0 / F_A)));
    let even_b = madd(simd, simd.splat_f32s(B2 / F_B), c, simd.mul_f32s(a, simd.splat_f32s(1.0 / F_B)));
    let odd_a = simd.mul_f32s(b, simd.splat_f32s(A / F_A));
    let odd_b = simd.mul_f32s(b, simd.splat_f32s(B / F_B));
    [
        simd.mul_f32s(a, simd.splat_f32s(1.0 / F_0)),
        simd.add_f32s(even_a, odd_a),
        simd.sub_f32s(even_a, odd_a),
        simd.add_f32s(even_b, odd_b),
        simd.sub_f32s(even_b, odd_b),
        c,
    ]
}

/// Gᵀ m.
#[inline(always)]
pub(super) fn taps<S: Simd>(simd: S, m: [S::f32s; SIDE]) -> [S::f32s; 3] {
    let (sum_a, difference_a) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (sum_b, difference_b) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    let first = madd(simd, simd.splat_f32s(1.0 / F_B), sum_b, simd.mul_f32s(m[0], simd.splat_f32s(1.0 / F_0)));
    [
        madd(simd, simd.splat_f32s(1.0 / F_A), sum_a, first),
        madd(simd, simd.splat_f32s(A / F_A), difference_a, simd.mul_f32s(difference_b, simd.splat_f32s(B / F_B))),
        madd(simd, simd.splat_f32s(A2 / F_A), sum_a, madd(simd, simd.splat_f32s(B2 / F_B), sum_b, m[5])),
    ]
}
