//! The operations as their definitions say them, in double precision, for the tests.

use crate::level::Level;
use crate::unfolded::Geometry;

/// The levels that this processor has.
pub(crate) fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| level.is_supported())
}

/// Numbers in [-1, 1) that depend on `seed` alone.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The largest difference, relative to the largest exact value.
pub(crate) fn difference(found: &[f32], exact: &[f64]) -> f64 {
    assert_eq!(found.len(), exact.len());
    let largest = exact.iter().fold(1e-6, |largest: f64, value| largest.max(value.abs()));
    let apart = found.iter().zip(exact).map(|(a, b)| (f64::from(*a) - b).abs());
    // NaN once met stays.
    apart.fold(0.0, |most: f64, value| if value.is_nan() || value > most { value } else { most }) / largest
}

/// A convolution's output and its gradients of input and weight for output gradient `dy`.
pub(crate) struct Convolution {
    pub(crate) y: Vec<f64>,
    pub(crate) dx: Vec<f64>,
    pub(crate) dw: Vec<f64>,
}

/// The convolution by its definition; `x` is `[batch, height, width, from]`.
pub(crate) fn convolution(g: &Geometry, x: &[f32], weight: &[f32], dy: &[f32]) -> Convolution {
    let (out_height, out_width, [kernel_height, kernel_width]) = (g.out_height(), g.out_width(), g.kernel);
    let mut found = Convolution { y: vec![0.0; dy.len()], dx: vec![0.0; x.len()], dw: vec![0.0; weight.len()] };
    let outputs = (0..g.batch * out_height * out_width).flat_map(|pixel| (0..g.to).map(move |n| (pixel, n)));
    for (pixel, n) in outputs {
        let (image, row, column) =
            (pixel / (out_height * out_width), pixel / out_width % out_height, pixel % out_width);
        let at = pixel * g.to + n;
        for tap in 0..kernel_height * kernel_width {
            let y = (row * g.stride + tap / kernel_width).wrapping_sub(g.padding[0]);
            let x_at = (column * g.stride + tap % kernel_width).wrapping_sub(g.padding[1]);
            if y >= g.height || x_at >= g.width {
                continue;
            }
            for k in 0..g.from {
                let source = ((image * g.height + y) * g.width + x_at) * g.from + k;
                let w = (n * g.from + k) * kernel_height * kernel_width + tap;
                found.y[at] += f64::from(x[source]) * f64::from(weight[w]);
                found.dx[source] += f64::from(dy[at]) * f64::from(weight[w]);
                found.dw[w] += f64::from(dy[at]) * f64::from(x[source]);
            }
        }
    }
    found
}

/// Runs `body` with a number of threads.
pub(crate) fn with_threads<R: Send>(threads: usize, body: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started").install(body)
}
