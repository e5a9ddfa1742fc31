//! Vector arithmetic that every operation shares.

use pulp::Simd;

/// `a * b + c`, fused where the instructions have it.
///
/// The four lanes of plain Rust multiply and add apart except on aarch64: a fused multiply-add without
/// its instruction is a slow library call.
#[inline(always)]
pub(crate) fn madd<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if S::F32_LANES == 4 && !cfg!(target_arch = "aarch64") {
        simd.add_f32s(simd.mul_f32s(a, b), c)
    } else {
        simd.mul_add_f32s(a, b, c)
    }
}

/// e^x to about 2 units in the last place; e^-87 below -87, infinity from 88.4 on, what NaN becomes is not
/// defined.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by a polynomial of degree 7 (coefficients of Cephes `expf`),
/// 2^n by its bits.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let splat = |value: f32| simd.splat_f32s(value);
    let x = simd.min_f32s(simd.max_f32s(x, splat(-87.0)), splat(89.0));
    // Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the sum.
    let shift = splat(12_582_912.0);
    let shifted = madd(simd, x, splat(std::f32::consts::LOG2_E), shift);
    let n = simd.sub_f32s(shifted, shift);
    let r = madd(simd, n, splat(-0.693_359_4), x);
    let r = madd(simd, n, splat(2.121_944_4e-4), r);
    let mut p = splat(1.987_569_1e-4);
    for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = madd(simd, p, r, splat(c));
    }
    let p = simd.add_f32s(madd(simd, p, simd.mul_f32s(r, r), r), splat(1.0));
    let exponent = simd.add_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(127));
    simd.mul_f32s(p, simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23))))
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    simd.div_f32s(one, simd.add_f32s(one, exp(simd, simd.neg_f32s(x))))
}

/// The vector that starts at `at`.
///
/// # Panics
/// If it does not lie inside `values`.
#[inline(always)]
pub(crate) fn get<S: Simd>(_: S, values: &[f32], at: usize) -> S::f32s {
    let part = &values[at..][..S::F32_LANES];
    // SAFETY: `part` has as many elements as the vector, which has no invalid values and is read unaligned.
    unsafe { part.as_ptr().cast::<S::f32s>().read_unaligned() }
}

/// Writes the vector that starts at `at`.
///
/// # Panics
/// If it does not lie inside `values`.
#[inline(always)]
pub(crate) fn put<S: Simd>(_: S, values: &mut [f32], at: usize, value: S::f32s) {
    let part = &mut values[at..][..S::F32_LANES];
    // SAFETY: `part` has as many elements as the vector, which is written unaligned.
    unsafe { part.as_mut_ptr().cast::<S::f32s>().write_unaligned(value) }
}

/// The vector that starts at `at`, of which only the first `count` elements are read; the rest are 0.
#[inline(always)]
pub(crate) fn get_part<S: Simd>(simd: S, values: &[f32], at: usize, count: usize) -> S::f32s {
    if count >= S::F32_LANES { get(simd, values, at) } else { simd.partial_load_f32s(&values[at..][..count]) }
}

/// Writes the first `count` elements of a vector.
#[inline(always)]
pub(crate) fn put_part<S: Simd>(simd: S, values: &mut [f32], at: usize, count: usize, value: S::f32s) {
    if count >= S::F32_LANES {
        put(simd, values, at, value);
    } else {
        simd.partial_store_f32s(&mut values[at..][..count], value);
    }
}
