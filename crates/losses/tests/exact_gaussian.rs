//! Bits per dimension of the exact denoiser of a Gaussian, on data drawn from that Gaussian, against the bound's
//! expectation computed without a tensor: divergences in closed form, `L_0` by quadrature.

mod support;

use burn::tensor::{DType, Tensor};
use std::f64::consts::{LN_2, PI};
use support::{grey, mean, tensor, values};
use undrift_denoisers::{ClipX0, Gaussian, Variance};
use undrift_losses::{BoundOfBatch, bits_per_dim};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_schedules::{Chain, Grid};

const MEAN: f64 = 0.1;
const STD: f64 = 0.3;
const STEPS: usize = 100;
const BATCH: usize = 256;
const PIXELS: usize = 96;

/// `N(MEAN, STD^2)` rounded to the 256 grey levels, as pairs of value and probability.
fn grey_levels() -> Vec<(f64, f64)> {
    let edge = |g: usize| match g {
        0 => 0.0,
        256 => 1.0,
        g => normal_cdf((grey(g as f64 - 0.5) - MEAN) / STD),
    };
    (0..256).map(|g| (grey(g as f64), edge(g + 1) - edge(g))).collect()
}

/// Half plus the integral of the density from 0, by Simpson's rule.
fn normal_cdf(z: f64) -> f64 {
    let (n, z) = (2000, z.clamp(-12.0, 12.0));
    let density = |i: usize| (-0.5 * (z * i as f64 / n as f64).powi(2)).exp() / (2.0 * PI).sqrt();
    let weight = |i: usize| if i == 0 || i == n { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
    0.5 + (0..=n).map(|i| weight(i) * density(i)).sum::<f64>() * z / (3 * n) as f64
}

/// The bound's terms by the paper's formulas, in its own letters.
struct Expected {
    betas: Vec<f64>,
    alpha_bars: Vec<f64>,
    /// Mean and variance of the rounded data.
    moments: (f64, f64),
    large: bool,
}

impl Expected {
    fn new(large: bool) -> Self {
        let scale = 1000.0 / STEPS as f64;
        let beta = |i: usize| scale * (1e-4 + (0.02 - 1e-4) * i as f64 / (STEPS - 1) as f64);
        let betas: Vec<f64> = (0..STEPS).map(beta).collect();
        let keep = |kept: &mut f64, beta: &f64| {
            *kept *= 1.0 - beta;
            Some(*kept)
        };
        let alpha_bars = betas.iter().scan(1.0, keep).collect();
        let data = grey_levels();
        let mean: f64 = data.iter().map(|(x, p)| p * x).sum();
        let variance = data.iter().map(|(x, p)| p * (x - mean).powi(2)).sum();
        Expected { betas, alpha_bars, moments: (mean, variance), large }
    }

    fn alpha_bar(&self, t: usize) -> f64 {
        if t == 0 { 1.0 } else { self.alpha_bars[t - 1] }
    }

    fn beta_tilde(&self, t: usize) -> f64 {
        (1.0 - self.alpha_bar(t - 1)) / (1.0 - self.alpha_bar(t)) * self.betas[t - 1]
    }

    /// `(a, b)` of `E[x0 | x_t] = a x_t + b`.
    fn denoiser(&self, t: usize) -> (f64, f64) {
        let (signal, noise2) = (self.alpha_bar(t).sqrt(), 1.0 - self.alpha_bar(t));
        let gain = STD * STD * signal / (STD * STD * signal * signal + noise2);
        (gain, MEAN * (1.0 - gain * signal))
    }

    fn x0_mse(&self, t: usize) -> f64 {
        let (signal, noise2) = (self.alpha_bar(t).sqrt(), 1.0 - self.alpha_bar(t));
        let ((gain, offset), (mean, variance)) = (self.denoiser(t), self.moments);
        let slope = 1.0 - gain * signal;
        slope * slope * variance + (slope * mean - offset).powi(2) + gain * gain * noise2
    }

    /// `t >= 2`.
    fn divergence(&self, t: usize) -> f64 {
        let (beta, beta_tilde) = (self.betas[t - 1], self.beta_tilde(t));
        let sigma2 = if self.large { beta } else { beta_tilde };
        let of_x0 = beta * self.alpha_bar(t - 1).sqrt() / (1.0 - self.alpha_bar(t));
        let ratio = beta_tilde / sigma2;
        0.5 * (ratio - ratio.ln() - 1.0 + of_x0 * of_x0 * self.x0_mse(t) / sigma2) / LN_2
    }

    /// `L_0`: a sum over grey levels, and the trapezium rule over the noise.
    fn decoder(&self) -> f64 {
        let (signal, noise) = (self.alpha_bar(1).sqrt(), (1.0 - self.alpha_bar(1)).sqrt());
        let ((gain, offset), sigma) = (self.denoiser(1), self.beta_tilde(2).sqrt());
        let phi = |z: f64| 0.5 * (1.0 + ((2.0 / PI).sqrt() * (z + 0.044715 * z * z * z)).tanh());
        let surprise = |x: f64, eps: f64| {
            let centred = x - gain * (signal * x + noise * eps) - offset;
            let upper = if x > 0.999 { 1.0 } else { phi((centred + 1.0 / 255.0) / sigma) };
            let lower = if x < -0.999 { 0.0 } else { phi((centred - 1.0 / 255.0) / sigma) };
            -(upper - lower).max(1e-12).log2()
        };
        let step = 0.01;
        let over_noise = |x: f64| {
            let at = |i: i32| (f64::from(i) * step, (-0.5 * (f64::from(i) * step).powi(2)).exp() / (2.0 * PI).sqrt());
            (-900..=900).map(at).map(|(eps, density)| density * step * surprise(x, eps)).sum::<f64>()
        };
        grey_levels().iter().map(|&(x, p)| p * over_noise(x)).sum()
    }

    fn term(&self, t: usize) -> f64 {
        if t == 1 { self.decoder() } else { self.divergence(t) }
    }

    fn prior(&self) -> f64 {
        let (alpha_bar, (mean, variance)) = (self.alpha_bar(STEPS), self.moments);
        let noise2 = 1.0 - alpha_bar;
        0.5 * (noise2 + alpha_bar * (mean * mean + variance) - 1.0 - noise2.ln()) / LN_2
    }
}

fn grid() -> Grid {
    Chain::linear_scaled(STEPS).expect("valid").grid()
}

/// Samples `first..first + count` of the data.
fn data(first: u64, count: usize, dtype: DType) -> Tensor<2> {
    let mut noise = SampleNoise::new(Key::new(7, Purpose::Data), first, count);
    let z = values(noise.normal(&tensor(&vec![0.0; count * PIXELS], [count, PIXELS], DType::F64)));
    let level = |z: f64| ((MEAN + STD * z + 1.0) * 127.5).round().clamp(0.0, 255.0);
    tensor(&z.into_iter().map(|z| grey(level(z))).collect::<Vec<_>>(), [count, PIXELS], dtype)
}

fn bound(variance: Variance, first: u64, count: usize, dtype: DType) -> BoundOfBatch {
    let mut noise = SampleNoise::new(Key::new(8, Purpose::Evaluation), first, count);
    let model = Gaussian { mean: MEAN, std: STD };
    bits_per_dim(&model, variance, &grid(), data(first, count, dtype), &mut noise).expect("fits")
}

/// Mean over the samples lies within `sigmas` standard errors of `expected`, and these are not worse than `room`.
fn agrees(what: &str, found: &[f64], expected: f64, sigmas: f64, room: f64) {
    let centre = mean(found);
    let variance = found.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / (found.len() - 1) as f64;
    let error = (variance / found.len() as f64).sqrt();
    assert!(error <= room * (1e-3 + expected), "{what}: a standard error of {error} proves nothing about {expected}");
    assert!((centre - expected).abs() <= sigmas * error, "{what}: {centre} ± {error}, not {expected}");
}

fn check(variance: Variance, dtype: DType) {
    let (expected, found) = (Expected::new(variance == Variance::FixedLarge), bound(variance, 0, BATCH, dtype));
    for t in 1..=STEPS {
        agrees(&format!("{variance:?}, t = {t}"), &found.terms[t - 1], expected.term(t), 4.5, 0.03);
        agrees(&format!("x0 mse, t = {t}"), &found.x0_mse[t - 1], expected.x0_mse(t), 4.5, 0.03);
        let ratio = expected.alpha_bar(t) / (1.0 - expected.alpha_bar(t));
        agrees(&format!("eps mse, t = {t}"), &found.eps_mse[t - 1], expected.x0_mse(t) * ratio, 4.5, 0.03);
    }
    agrees("prior", &found.prior, expected.prior(), 4.0, 0.03);
    let total = (1..=STEPS).map(|t| expected.term(t)).sum::<f64>() + expected.prior();
    agrees("total", &found.total, total, 3.0, 0.004);
}

#[test]
fn every_term_agrees_with_its_expectation_with_the_small_variance() {
    check(Variance::FixedSmall, DType::F64);
}

#[test]
fn every_term_agrees_with_its_expectation_with_the_large_variance() {
    check(Variance::FixedLarge, DType::F32);
}

#[test]
fn a_bound_does_not_depend_on_the_batch() {
    for dtype in [DType::F32, DType::F64] {
        let whole = bound(Variance::FixedLarge, 0, 5, dtype);
        let parts = [bound(Variance::FixedLarge, 0, 4, dtype), bound(Variance::FixedLarge, 4, 1, dtype)];
        assert_eq!(whole.total, [parts[0].total.clone(), parts[1].total.clone()].concat());
        for t in 0..STEPS {
            assert_eq!(whole.terms[t], [parts[0].terms[t].clone(), parts[1].terms[t].clone()].concat());
        }
    }
}

#[test]
fn rate_and_distortion_add_up() {
    let found = bound(Variance::FixedSmall, 0, 3, DType::F64);
    for sample in 0..3 {
        let sum = found.rate()[sample] + found.distortion()[sample];
        assert!((sum - found.total[sample]).abs() < 1e-12);
        assert!(found.rate()[sample] > found.prior[sample] + found.terms[1][sample]);
    }
    assert_eq!(found.distortion(), found.terms[0]);
}

#[test]
fn clipping_reaches_the_reported_errors() {
    let mut noise = SampleNoise::new(Key::new(8, Purpose::Evaluation), 0, 2);
    let far = ClipX0(Gaussian { mean: 4.0, std: 0.1 });
    let found = bits_per_dim(&far, Variance::FixedSmall, &grid(), data(0, 2, DType::F64), &mut noise).expect("fits");
    assert!(found.x0_mse.iter().flatten().all(|&mse| mse <= 4.0), "no pixel is off by more than 2");
    let (ratio, t) = (grid().start().snr(), STEPS - 1);
    assert!((found.eps_mse[t][0] / (found.x0_mse[t][0] * ratio) - 1.0).abs() < 1e-9, "eps follows the clipped x0");
}
