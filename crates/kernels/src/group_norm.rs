//! Group normalisation, with SiLU where the network has one after it.

#![expect(clippy::needless_range_loop, reason = "the counters index several arrays, which must stay registers")]

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::lanes::{get_part, madd, put_part, sigmoid};
use crate::level::Level;
use crate::memory::{with_buffer, written};

/// The size and kind of a normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Norm {
    pub(crate) batch: usize,
    pub(crate) pixels: usize,
    pub(crate) channels: usize,
    pub(crate) groups: usize,
    pub(crate) epsilon: f32,
    /// Whether SiLU follows.
    pub(crate) silu: bool,
}

/// Gain and bias of each channel, `[channels]`, or of each channel of each image, `[batch, channels]`.
#[derive(Clone, Copy)]
pub(crate) struct Affine<'a> {
    pub(crate) gain: &'a [f32],
    pub(crate) bias: &'a [f32],
}

impl<'a> Affine<'a> {
    fn of_image(&self, image: usize, channels: usize) -> Affine<'a> {
        let part =
            |values: &'a [f32]| if values.len() == channels { values } else { &values[image * channels..][..channels] };
        Affine { gain: part(self.gain), bias: part(self.bias) }
    }
}

/// What the gradient needs besides input and affine: mean and inverse deviation, `[batch, groups, 2]`.
pub(crate) type Statistics = Vec<f32>;

/// Pixels that are summed before the sum is added to the total, which keeps rounding errors small.
pub(crate) const BLOCK: usize = 64;

impl Norm {
    fn image(&self) -> usize {
        self.pixels * self.channels
    }

    fn check(&self, x: &[f32], affine: &Affine<'_>) {
        assert_eq!(x.len(), self.batch * self.image());
        assert!(self.groups > 0 && self.channels.is_multiple_of(self.groups));
        let lengths = [self.channels, self.batch * self.channels];
        assert!(lengths.contains(&affine.gain.len()) && lengths.contains(&affine.bias.len()));
    }
}

/// The normalised `x` `[batch, pixels, channels]` and its statistics.
pub(crate) fn forward(level: Level, norm: &Norm, x: &[f32], affine: &Affine<'_>) -> (Vec<f32>, Statistics) {
    norm.check(x, affine);
    let mut statistics = vec![0.0; norm.batch * norm.groups * 2];
    let run = |y: &mut [f32]| {
        let images = y.par_chunks_mut(norm.image()).zip(x.par_chunks(norm.image()));
        images.zip(statistics.par_chunks_mut(norm.groups * 2)).enumerate().for_each(|(image, ((y, x), statistics))| {
            let affine = affine.of_image(image, norm.channels);
            with_buffer(2 * norm.channels, |work| {
                level.vectorize(Forward { norm, affine, x, y, statistics, work });
            });
        });
    };
    // SAFETY: `Forward` writes all of its part without reading it.
    let y = unsafe { written(x.len(), run) };
    (y, statistics)
}

/// Gradients of the input, `[batch, pixels, channels]`, and of gain and bias image by image,
/// `[batch, channels]`.
pub(crate) struct Gradients {
    pub(crate) x: Vec<f32>,
    pub(crate) gain: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// The gradients for output gradient `dy`.
pub(crate) fn backward(
    level: Level,
    norm: &Norm,
    x: &[f32],
    affine: &Affine<'_>,
    statistics: &[f32],
    dy: &[f32],
) -> Gradients {
    norm.check(x, affine);
    assert_eq!((statistics.len(), dy.len()), (norm.batch * norm.groups * 2, x.len()));
    let (mut gain, mut bias) = (vec![0.0; norm.batch * norm.channels], vec![0.0; norm.batch * norm.channels]);
    let run = |dx: &mut [f32]| {
        let images = dx.par_chunks_mut(norm.image()).zip(x.par_chunks(norm.image()).zip(dy.par_chunks(norm.image())));
        let sums = gain.par_chunks_mut(norm.channels).zip(bias.par_chunks_mut(norm.channels));
        images.zip(sums).enumerate().for_each(|(image, ((dx, (x, dy)), (gain, bias)))| {
            let affine = affine.of_image(image, norm.channels);
            let statistics = &statistics[image * norm.groups * 2..][..norm.groups * 2];
            with_buffer(4 * norm.channels, |work| {
                level.vectorize(Backward { norm, affine, statistics, x, dy, dx, gain, bias, work });
            });
        });
    };
    // SAFETY: `Backward` writes all of its part before reading it.
    let x = unsafe { written(x.len(), run) };
    Gradients { x, gain, bias }
}

struct Forward<'a> {
    norm: &'a Norm,
    affine: Affine<'a>,
    x: &'a [f32],
    y: &'a mut [f32],
    statistics: &'a mut [f32],
    /// Two rows of channels.
    work: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { norm, affine, x, y, statistics, work } = self;
        let (channels, width) = (norm.channels, norm.channels / norm.groups);
        let (sums, squares) = work.split_at_mut(channels);
        channel_sums(simd, x, channels, sums, squares);
        for group in 0..norm.groups {
            let of_group = group * width..(group + 1) * width;
            let (mean, inverse) =
                moments(norm, &x[of_group.clone()], &sums[of_group.clone()], &squares[of_group.clone()]);
            (statistics[2 * group], statistics[2 * group + 1]) = (mean, inverse);
            for channel in of_group {
                (sums[channel], squares[channel]) = (mean, inverse * affine.gain[channel]);
            }
        }
        let (means, slopes) = (&*sums, &*squares);
        let mut channel = 0;
        while channel < channels {
            let constants = constants(simd, [means, slopes, affine.bias], channel);
            for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
                for v in 0..SPAN {
                    let at = channel + v * S::F32_LANES;
                    if at < channels {
                        let [mean, slope, bias] = constants[v];
                        let centred = simd.sub_f32s(get_part(simd, x, at, channels - at), mean);
                        let mut value = madd(simd, centred, slope, bias);
                        if norm.silu {
                            value = simd.mul_f32s(value, sigmoid(simd, value));
                        }
                        put_part(simd, y, at, channels - at, value);
                    }
                }
            }
            channel += SPAN * S::F32_LANES;
        }
    }
}

/// Vectors of a pixel that are handled together: their memory is one stretch.
const SPAN: usize = 2;

/// What several rows of channels hold for the vectors from `channel` on.
#[inline(always)]
fn constants<S: Simd, const N: usize>(simd: S, rows: [&[f32]; N], channel: usize) -> [[S::f32s; N]; SPAN] {
    let mut found = [[simd.splat_f32s(0.0); N]; SPAN];
    for v in 0..SPAN {
        for i in 0..N {
            let at = (channel + v * S::F32_LANES).min(rows[i].len());
            found[v][i] = get_part(simd, rows[i], at, rows[i].len() - at);
        }
    }
    found
}

/// Per channel, the sum over the pixels of x - k and of its square, k being the channel's first pixel.
///
/// Moments about a value of the data lose nothing to a large mean, in one pass; a first pixel that lies d
/// deviations from the mean costs a relative error of d^2 units in the last place.
#[inline(always)]
fn channel_sums<S: Simd>(simd: S, x: &[f32], channels: usize, sums: &mut [f32], squares: &mut [f32]) {
    let zero = simd.splat_f32s(0.0);
    let mut channel = 0;
    while channel < channels {
        let mut starts = [zero; SPAN];
        for v in 0..SPAN {
            let at = (channel + v * S::F32_LANES).min(channels);
            starts[v] = get_part(simd, x, at, channels - at);
        }
        let (mut total, mut total_square) = ([zero; SPAN], [zero; SPAN]);
        for block in x.chunks(BLOCK * channels) {
            let (mut sum, mut square) = ([zero; SPAN], [zero; SPAN]);
            for pixel in block.chunks_exact(channels) {
                for v in 0..SPAN {
                    let at = channel + v * S::F32_LANES;
                    if at < channels {
                        let value = simd.sub_f32s(get_part(simd, pixel, at, channels - at), starts[v]);
                        sum[v] = simd.add_f32s(sum[v], value);
                        square[v] = madd(simd, value, value, square[v]);
                    }
                }
            }
            for v in 0..SPAN {
                total[v] = simd.add_f32s(total[v], sum[v]);
                total_square[v] = simd.add_f32s(total_square[v], square[v]);
            }
        }
        for v in 0..SPAN {
            let at = (channel + v * S::F32_LANES).min(channels);
            put_part(simd, sums, at, channels - at, total[v]);
            put_part(simd, squares, at, channels - at, total_square[v]);
        }
        channel += SPAN * S::F32_LANES;
    }
}

/// Mean and inverse deviation of a group, from the sums of its channels about `starts`.
fn moments(norm: &Norm, starts: &[f32], sums: &[f32], squares: &[f32]) -> (f32, f32) {
    let pixels = norm.pixels as f64;
    let count = pixels * starts.len() as f64;
    let channels =
        || starts.iter().zip(sums).zip(squares).map(|((k, s), q)| (f64::from(*k), f64::from(*s), f64::from(*q)));
    let mean = channels().map(|(start, sum, _)| start * pixels + sum).sum::<f64>() / count;
    let about = |(start, sum, square): (f64, f64, f64)| {
        let distance = mean - start;
        square - 2.0 * distance * sum + pixels * distance * distance
    };
    let variance = channels().map(about).sum::<f64>() / count;
    // Not `max`, which would turn NaN into 0.
    let variance = if variance < 0.0 { 0.0 } else { variance };
    (mean as f32, (1.0 / (variance + f64::from(norm.epsilon)).sqrt()) as f32)
}

struct Backward<'a> {
    norm: &'a Norm,
    affine: Affine<'a>,
    statistics: &'a [f32],
    x: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
    gain: &'a mut [f32],
    bias: &'a mut [f32],
    /// Four rows of channels.
    work: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    /// With n = (x - mean) / deviation and g the gradient before SiLU: the gain's gradient is sum(g n), the
    /// bias's sum(g), and dx = (gain g - E[gain g] - n E[gain g n]) / deviation, E over a group.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { norm, affine, statistics, x, dy, dx, gain, bias, work } = self;
        let (channels, width) = (norm.channels, norm.channels / norm.groups);
        let (means, work) = work.split_at_mut(channels);
        let (inverses, work) = work.split_at_mut(channels);
        let (firsts, seconds) = work.split_at_mut(channels);
        for group in 0..norm.groups {
            means[group * width..][..width].fill(statistics[2 * group]);
            inverses[group * width..][..width].fill(statistics[2 * group + 1]);
        }
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let mut channel = 0;
        while channel < channels {
            let constants = constants(simd, [means, inverses, affine.gain, affine.bias], channel);
            let (mut first, mut second) = ([zero; SPAN], [zero; SPAN]);
            let blocks = x.chunks(BLOCK * channels).zip(dy.chunks(BLOCK * channels));
            for ((x, dy), dx) in blocks.zip(dx.chunks_mut(BLOCK * channels)) {
                let (mut sum, mut product) = ([zero; SPAN], [zero; SPAN]);
                let pixels = x.chunks_exact(channels).zip(dy.chunks_exact(channels));
                for ((x, dy), dx) in pixels.zip(dx.chunks_exact_mut(channels)) {
                    for v in 0..SPAN {
                        let at = channel + v * S::F32_LANES;
                        if at < channels {
                            let ([mean, inverse, slope, start], lanes) = (constants[v], channels - at);
                            let normal = simd.mul_f32s(simd.sub_f32s(get_part(simd, x, at, lanes), mean), inverse);
                            let mut g = get_part(simd, dy, at, lanes);
                            if norm.silu {
                                let value = madd(simd, normal, slope, start);
                                let s = sigmoid(simd, value);
                                let steepness = simd.mul_f32s(s, madd(simd, value, simd.sub_f32s(one, s), one));
                                g = simd.mul_f32s(g, steepness);
                            }
                            sum[v] = simd.add_f32s(sum[v], g);
                            product[v] = madd(simd, g, normal, product[v]);
                            put_part(simd, dx, at, lanes, g);
                        }
                    }
                }
                for v in 0..SPAN {
                    first[v] = simd.add_f32s(first[v], sum[v]);
                    second[v] = simd.add_f32s(second[v], product[v]);
                }
            }
            for v in 0..SPAN {
                let at = (channel + v * S::F32_LANES).min(channels);
                put_part(simd, bias, at, channels - at, first[v]);
                put_part(simd, gain, at, channels - at, second[v]);
            }
            channel += SPAN * S::F32_LANES;
        }
        let count = (width * norm.pixels) as f32;
        for group in 0..norm.groups {
            let (mut first, mut second) = (0.0, 0.0);
            for channel in group * width..(group + 1) * width {
                first += affine.gain[channel] * bias[channel];
                second += affine.gain[channel] * gain[channel];
            }
            firsts[group * width..][..width].fill(first / count);
            seconds[group * width..][..width].fill(second / count);
        }
        let mut channel = 0;
        while channel < channels {
            let constants = constants(simd, [means, inverses, affine.gain, firsts, seconds], channel);
            for (x, dx) in x.chunks_exact(channels).zip(dx.chunks_exact_mut(channels)) {
                for v in 0..SPAN {
                    let at = channel + v * S::F32_LANES;
                    if at < channels {
                        let ([mean, inverse, slope, first, second], lanes) = (constants[v], channels - at);
                        let normal = simd.mul_f32s(simd.sub_f32s(get_part(simd, x, at, lanes), mean), inverse);
                        let g = simd.mul_f32s(get_part(simd, dx, at, lanes), slope);
                        let rest = simd.sub_f32s(simd.sub_f32s(g, first), simd.mul_f32s(normal, second));
                        put_part(simd, dx, at, lanes, simd.mul_f32s(inverse, rest));
                    }
                }
            }
            channel += SPAN * S::F32_LANES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{difference, levels, numbers};

    /// The output by its definition, and its gradients by central differences.
    fn defined(norm: &Norm, x: &[f64], gain: &[f64], bias: &[f64]) -> Vec<f64> {
        let (channels, width) = (norm.channels, norm.channels / norm.groups);
        let mut y = vec![0.0; x.len()];
        for image in 0..norm.batch {
            for group in 0..norm.groups {
                let at = |p: usize, c: usize| (image * norm.pixels + p) * channels + group * width + c;
                let places = || (0..norm.pixels).flat_map(|p| (0..width).map(move |c| (p, c)));
                let count = (norm.pixels * width) as f64;
                let mean = places().map(|(p, c)| x[at(p, c)]).sum::<f64>() / count;
                let variance = places().map(|(p, c)| (x[at(p, c)] - mean).powi(2)).sum::<f64>() / count;
                for (p, c) in places() {
                    let row = if gain.len() == channels { 0 } else { image * channels };
                    let place = row + group * width + c;
                    let value = (x[at(p, c)] - mean) / (variance + f64::from(norm.epsilon)).sqrt();
                    let value = value * gain[place] + bias[place];
                    y[at(p, c)] = if norm.silu { value / (1.0 + (-value).exp()) } else { value };
                }
            }
        }
        y
    }

    fn wide(values: &[f32]) -> Vec<f64> {
        values.iter().map(|value| f64::from(*value)).collect()
    }

    /// The gradient of the sum of `weights * f(values)` by central differences.
    fn differences(values: &[f64], weights: &[f32], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        let total = |values: &[f64]| f(values).iter().zip(weights).map(|(y, w)| y * f64::from(*w)).sum::<f64>();
        let mut moved = values.to_vec();
        let slope = |at: usize| {
            let [above, below] = [1e-5, -1e-5].map(|step| {
                moved[at] = values[at] + step;
                total(&moved)
            });
            moved[at] = values[at];
            (above - below) / 2e-5
        };
        (0..values.len()).map(slope).collect()
    }

    #[test]
    fn outputs_are_those_of_the_definition_and_gradients_those_of_finite_differences() {
        let base = Norm { batch: 2, pixels: 6, channels: 21, groups: 3, epsilon: 1e-5, silu: true };
        let base = if cfg!(miri) { Norm { pixels: 4, channels: 6, ..base } } else { base };
        let cases = [base, Norm { silu: false, channels: 16, groups: 16, ..base }, Norm { groups: 1, ..base }];
        for (norm, rows) in cases.into_iter().zip([1, 2, 2]) {
            let x = numbers(norm.batch * norm.image(), 1);
            let (gain, bias) = (numbers(rows * norm.channels, 2), numbers(rows * norm.channels, 3));
            let dy = numbers(x.len(), 4);
            let (wide_x, wide_gain, wide_bias) = (wide(&x), wide(&gain), wide(&bias));
            let exact = defined(&norm, &wide_x, &wide_gain, &wide_bias);
            let dx = differences(&wide_x, &dy, |x| defined(&norm, x, &wide_gain, &wide_bias));
            let dgain = differences(&wide_gain, &dy, |gain| defined(&norm, &wide_x, gain, &wide_bias));
            let dbias = differences(&wide_bias, &dy, |bias| defined(&norm, &wide_x, &wide_gain, bias));
            for level in levels() {
                let affine = Affine { gain: &gain, bias: &bias };
                let (y, statistics) = forward(level, &norm, &x, &affine);
                assert!(difference(&y, &exact) < 2e-6, "{level} {norm:?}");
                let found = backward(level, &norm, &x, &affine, &statistics, &dy);
                let rows =
                    |sums: Vec<f32>| if rows == 1 { crate::convolution::row_sums(&sums, norm.channels) } else { sums };
                assert!(difference(&found.x, &dx) < 2e-5, "{level} {norm:?}");
                assert!(difference(&rows(found.gain), &dgain) < 2e-5, "{level} {norm:?}");
                assert!(difference(&rows(found.bias), &dbias) < 2e-5, "{level} {norm:?}");
            }
        }
    }

    #[test]
    fn a_large_mean_does_not_drown_the_deviation() {
        let norm = Norm { batch: 1, pixels: 256, channels: 16, groups: 2, epsilon: 1e-6, silu: false };
        let x: Vec<f32> = numbers(norm.image(), 1).iter().map(|x| 1000.0 + x).collect();
        let (gain, bias) = ([1.0; 16], [0.0; 16]);
        let exact = defined(&norm, &wide(&x), &wide(&gain), &wide(&bias));
        for level in levels() {
            let (y, _) = forward(level, &norm, &x, &Affine { gain: &gain, bias: &bias });
            assert!(difference(&y, &exact) < 2e-4, "{level}: {}", difference(&y, &exact));
        }
    }
}
