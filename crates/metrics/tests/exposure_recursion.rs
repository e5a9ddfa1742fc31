//! Exposure bias of exact and of artificially biased denoisers against the recursion of their chains.

use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::{DenoiseError, Denoiser, EpsilonScaling, Gaussian, Prediction, Question, Variance};
use undrift_metrics::{DeltaPoint, ExposureBias, ExposureCurves, MetricError, chain_lengths, exposure_curves};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_samplers::{Ancestral, Ddim, Solver, WithoutNoise, sample};
use undrift_schedules::{Chain, Grid, Level, Spacing, Span};

const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };
const SMALL: Ancestral = Ancestral { variance: Variance::FixedSmall };
const DDIM: Ddim = Ddim { eta: 0.0, keep_eps: false };
const IMAGES: usize = 20_000;
const PIXELS: usize = 4;

/// A denoiser whose noise is too large by a factor.
struct Biased<M> {
    inner: M,
    factor: f64,
}

impl<M: Denoiser<2>> Denoiser<2> for Biased<M> {
    fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
        self.inner.predict(x, at)?.map_eps(|eps| eps * self.factor)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Walk {
    Ancestral,
    Deterministic,
}

impl Walk {
    fn solver(self) -> &'static dyn Solver<2> {
        match self {
            Walk::Ancestral => &SMALL,
            Walk::Deterministic => &DDIM,
        }
    }
}

/// Mean and variance of one pixel of `x`, and its covariance with the same pixel of the `x0` it started from.
#[derive(Clone, Copy)]
struct Joint {
    mean: f64,
    variance: f64,
    covariance: f64,
}

impl Joint {
    fn forward(at: Level) -> Joint {
        let (signal, data) = (at.signal(), MODEL.std.powi(2));
        Joint {
            mean: signal * MODEL.mean,
            variance: signal * signal * data + at.noise().powi(2),
            covariance: signal * data,
        }
    }

    /// One step of a chain whose eps is the exact one times `factor`, in VP coordinates.
    fn step(self, span: &Span, walk: Walk, factor: f64) -> Joint {
        let (signal, noise) = (span.from().signal(), span.from().noise());
        let total = (signal * MODEL.std).powi(2) + noise * noise;
        let eps = factor * noise / total;
        let x0 = (1.0 - noise * eps) / signal;
        let (x0_offset, eps_offset) = (noise * eps * MODEL.mean, -eps * signal * MODEL.mean);
        let (slope, offset, added) = match walk {
            Walk::Ancestral => {
                let c = span.posterior();
                (c.x + c.x0 * x0, c.x0 * x0_offset, span.beta_tilde())
            }
            Walk::Deterministic => {
                let (a, b) = (span.to_signal(), span.to_noise());
                (a * x0 + b * eps, a * x0_offset + b * eps_offset, 0.0)
            }
        };
        Joint {
            mean: slope * self.mean + offset,
            variance: slope * slope * self.variance + added,
            covariance: slope * self.covariance,
        }
    }

    /// Standard deviation of `x - sqrt(alpha_bar) x0`.
    fn residual_std(self, at: Level) -> f64 {
        let signal = at.signal();
        (self.variance - 2.0 * signal * self.covariance + (signal * MODEL.std).powi(2)).sqrt()
    }

    /// Second moment of the believed eps.
    fn eps_square(self, at: Level, factor: f64) -> f64 {
        let total = (at.signal() * MODEL.std).powi(2) + at.noise().powi(2);
        (factor * at.noise() / total).powi(2) * (self.variance + (self.mean - at.signal() * MODEL.mean).powi(2))
    }
}

/// The joint law at every level of the grid, and at the data.
fn recursion(grid: &Grid, walk: Walk, factor: f64) -> Vec<Joint> {
    let mut joint = vec![Joint::forward(grid.start())];
    grid.spans().iter().for_each(|span| joint.push(joint[joint.len() - 1].step(span, walk, factor)));
    joint
}

fn key() -> Key {
    Key::new(3, Purpose::Sampling)
}

fn data(first: u64, count: usize, pixels: usize, dtype: DType) -> Tensor<2> {
    let mut noise = SampleNoise::new(Key::new(3, Purpose::Data), first, count);
    noise.normal(&Tensor::<2>::zeros([count, pixels], (&Device::flex(), dtype))) * MODEL.std + MODEL.mean
}

fn grid(steps: usize) -> Grid {
    Chain::linear(1000).unwrap().respace(Spacing::Trailing, steps).unwrap()
}

fn measured(model: &dyn Denoiser<2>, walk: Walk, grid: &Grid, count: usize) -> ExposureCurves {
    let images = data(0, count, PIXELS, DType::F64);
    exposure_curves(model, &MODEL, walk.solver(), grid, [images], 0, key()).unwrap()
}

/// Four standard errors of a standard deviation that is averaged over pixels.
fn assert_close(found: f64, expected: f64, what: &str) {
    let error = expected / (2.0 * (IMAGES * PIXELS) as f64).sqrt();
    assert!((found - expected).abs() < 4.0 * error, "{what}: {found} is not {expected}");
}

#[test]
fn exact_and_biased_chains_follow_their_recursions() {
    let grid = grid(12);
    for (walk, factor) in
        [(Walk::Ancestral, 1.0), (Walk::Ancestral, 1.06), (Walk::Deterministic, 1.0), (Walk::Deterministic, 1.06)]
    {
        let curves = measured(&Biased { inner: MODEL, factor }, walk, &grid, IMAGES);
        assert_eq!((curves.images, curves.paired.len()), (IMAGES as u64, 12));
        let joint = recursion(&grid, walk, factor);
        for (k, level) in grid.levels().enumerate() {
            let (paired, marginal, closed) = (curves.paired[k], curves.marginal[k], curves.marginal_closed_form[k]);
            assert_eq!((paired.level, marginal.level, closed.level), (level, level, level));
            assert_close(paired.std, joint[k].residual_std(level), "paired");
            assert_close(marginal.std, joint[k].variance.sqrt(), "marginal");
            assert_close(marginal.expected, Joint::forward(level).variance.sqrt(), "forward");
            assert_close(closed.expected, Joint::forward(level).variance.sqrt(), "closed form");
            assert_eq!(paired.expected, level.noise());
            let unknown = MODEL.std * level.noise() / Joint::forward(level).variance.sqrt();
            assert_close(curves.x0_error[k].std, unknown, "error of x0");
            assert_eq!(marginal.std, closed.std);
        }
        assert_close(curves.sample_std, joint[12].variance.sqrt(), "samples");
        assert_close(curves.data_std, MODEL.std, "data");
    }
}

#[test]
fn a_single_step_is_one_step_of_the_recursion() {
    let grid = grid(12);
    for walk in [Walk::Ancestral, Walk::Deterministic] {
        let curves = measured(&Biased { inner: MODEL, factor: 1.06 }, walk, &grid, IMAGES);
        assert_eq!(curves.one_step.len(), 11);
        for (point, span) in curves.one_step.iter().zip(grid.spans()) {
            assert_eq!(Some(point.level), span.to());
            let expected = Joint::forward(span.from()).step(span, walk, 1.0).residual_std(point.level);
            assert_close(point.std, expected, "single step of the trained model");
        }
    }
}

/// Common random numbers: the planted bias stands out of a few hundred images, with its sign.
#[test]
fn a_planted_bias_shows_and_dividing_by_it_takes_it_away() {
    let grid = grid(12);
    for walk in [Walk::Ancestral, Walk::Deterministic] {
        let biased = Biased { inner: MODEL, factor: 1.06 };
        let exact = measured(&MODEL, walk, &grid, 500);
        let planted = measured(&biased, walk, &grid, 500);
        let cured = measured(&EpsilonScaling::constant(&biased, 1.06).unwrap(), walk, &grid, 500);
        let (with, without) = (recursion(&grid, walk, 1.06), recursion(&grid, walk, 1.0));
        for k in 1..12 {
            let expected = with[k].variance.sqrt() - without[k].variance.sqrt();
            let found = planted.marginal[k].signed() - exact.marginal[k].signed();
            assert!((found / expected - 1.0).abs() < 0.1, "level {k}: {found} is not {expected}");
            assert!(found < 0.0 && planted.paired[k].std != exact.paired[k].std);
        }
        assert!(largest_gap(&exact, &cured) < 1e-12, "{}", largest_gap(&exact, &cured));
    }
}

fn stds(curves: &ExposureCurves) -> Vec<f64> {
    let all = [&curves.paired, &curves.one_step, &curves.marginal, &curves.marginal_closed_form];
    let of_points = all.into_iter().flatten().flat_map(|point| [point.std, point.expected]);
    let norms = curves.eps_norm.iter().flat_map(|point| [point.sampling, point.training]);
    let errors = curves.x0_error.iter().map(|point| point.std);
    of_points.chain(norms).chain(errors).chain([curves.sample_std, curves.data_std]).collect()
}

fn largest_gap(a: &ExposureCurves, b: &ExposureCurves) -> f64 {
    let (a, b) = (stds(a), stds(b));
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// For two pixels the mean norm of N(0, v) is `sqrt(pi v / 2)`; their mean is not far from 0 along the chain.
#[test]
fn the_norm_of_eps_is_that_of_the_recursion() {
    let (grid, factor) = (grid(12), 1.06);
    let images = data(0, IMAGES, 2, DType::F64);
    let biased = Biased { inner: MODEL, factor };
    let curves = exposure_curves(&biased, &MODEL, &SMALL, &grid, [images], 0, key()).unwrap();
    let joint = recursion(&grid, Walk::Ancestral, factor);
    for (k, level) in grid.levels().enumerate() {
        let point = curves.eps_norm[k];
        let norm = |square: f64| (std::f64::consts::FRAC_PI_2 * square).sqrt();
        let (sampling, training) = (joint[k].eps_square(level, factor), Joint::forward(level).eps_square(level, 1.0));
        let error = 4.0 * ((4.0 / std::f64::consts::PI - 1.0) / IMAGES as f64).sqrt();
        assert!((point.sampling / norm(sampling) - 1.0).abs() < error, "{k}: {} {}", point.sampling, norm(sampling));
        assert!((point.training / norm(training) - 1.0).abs() < error, "{k}: {} {}", point.training, norm(training));
    }
    assert!((curves.eps_norm[0].ratio() / factor - 1.0).abs() < 1e-12, "one state on both sides at the start");
}

#[test]
fn the_chain_starts_at_the_very_state_of_the_forward_process() {
    let curves = measured(&MODEL, Walk::Ancestral, &grid(7), 50);
    assert_eq!(curves.marginal[0].delta(), 0.0);
    assert_eq!(curves.eps_norm[0].sampling, curves.eps_norm[0].training);
    assert_eq!(curves.paired[1], curves.one_step[0], "the first step is a single step");
}

#[test]
fn coordinates_do_not_matter() {
    let (vp, biased) = (grid(9), Biased { inner: MODEL, factor: 1.06 });
    let edm = vp.unscaled().unwrap();
    for walk in [Walk::Ancestral, Walk::Deterministic] {
        let gap = largest_gap(&measured(&biased, walk, &vp, 40), &measured(&biased, walk, &edm, 40));
        assert!(gap < 1e-11, "{gap}");
    }
}

#[test]
fn a_grid_that_ends_at_a_level_is_measured_there_too() {
    let levels: Vec<Level> = grid(9).levels().collect();
    let short = Grid::ending_at(levels[..5].to_vec(), levels[5]).unwrap();
    for (short, long) in [(short.clone(), grid(9)), (short.unscaled().unwrap(), grid(9).unscaled().unwrap())] {
        let (short, long) =
            (measured(&MODEL, Walk::Deterministic, &short, 40), measured(&MODEL, Walk::Deterministic, &long, 40));
        let first = |points: &[DeltaPoint]| points[..6].iter().map(|point| point.std).collect::<Vec<_>>();
        assert_eq!((short.paired.len(), short.eps_norm.len()), (6, 5));
        assert_eq!(first(&short.paired), first(&long.paired));
        assert_eq!(first(&short.marginal), first(&long.marginal));
        assert_eq!(short.one_step[..], long.one_step[..5]);
        assert_eq!(short.sample_std, long.marginal[5].std);
    }
}

#[test]
fn batches_do_not_matter_and_parts_can_be_merged() {
    let grid = grid(6);
    for dtype in [DType::F32, DType::F64] {
        let run = |parts: &[(u64, usize)], first| {
            let batches = parts.iter().map(|&(from, count)| data(from, count, 3, dtype));
            exposure_curves(&MODEL, &MODEL, &SMALL, &grid, batches, first, key()).unwrap()
        };
        let whole = run(&[(0, 7)], 0);
        assert_eq!(whole, run(&[(0, 2), (2, 1), (3, 4)], 0));
        assert_ne!(whole, run(&[(0, 7)], 1), "other samples have other noise");
        let part = |from: u64, count| {
            let mut bias = ExposureBias::new(&grid);
            bias.add_chain(&MODEL, &SMALL, &data(from, count, 3, dtype), from, key()).unwrap();
            bias.add_forward(&MODEL, &SMALL, &data(from, count, 3, dtype), from, key()).unwrap();
            bias
        };
        let mut merged = part(0, 3);
        merged.merge(&part(3, 4)).unwrap();
        let merged = merged.curves().unwrap();
        assert_eq!(merged.images, 7);
        assert!(largest_gap(&whole, &merged) < 1e-13);
    }
}

/// Refuses all but the first levels.
struct Failing;

impl Denoiser<2> for Failing {
    fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
        match at.of(0) {
            Some(level) if level.time() > 500.0 => MODEL.predict(x * f64::MAX, at),
            _ => Err(DenoiseError::NoLearnedVariance),
        }
    }
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let grid = grid(4);
    let none: [Tensor<2>; 0] = [];
    let error = exposure_curves(&MODEL, &MODEL, &SMALL, &grid, none, 0, key()).unwrap_err();
    assert!(matches!(error, MetricError::NoImages), "{error}");
    let images = data(0, 3, 2, DType::F64);
    let mut bias = ExposureBias::new(&grid);
    let error = bias.add_forward(&Failing, &SMALL, &images, 0, key()).unwrap_err();
    assert!(matches!(error, MetricError::NotFinite { .. }), "{error}");
    let late = Grid::new(grid.levels().skip(2)).unwrap();
    let error = ExposureBias::new(&late).add_chain(&Failing, &SMALL, &images, 0, key()).unwrap_err();
    assert!(matches!(error, MetricError::Sample(_)), "{error}");
    let error = bias.merge(&ExposureBias::new(&late)).unwrap_err();
    assert!(matches!(error, MetricError::OtherLevels), "{error}");
}

#[test]
fn a_longer_chain_is_further_from_the_data() {
    let (grid, biased) = (grid(20), Biased { inner: MODEL, factor: 1.06 });
    let images = data(0, IMAGES, PIXELS, DType::F64);
    let starts: Vec<Level> = [19, 12, 5, 0].map(|k| grid.spans()[k].from()).to_vec();
    let results = chain_lengths(&biased, &SMALL, &grid, &starts, &images, 0, key());
    let mut shortfalls = vec![0.0];
    for (result, start) in results.zip(&starts) {
        let (level, x0) = result.unwrap();
        assert_eq!(level, *start);
        let rest = grid.starting_at(level).unwrap();
        let expected = recursion(&rest, Walk::Ancestral, 1.06)[rest.steps()].variance.sqrt();
        let values: Vec<f64> = x0.into_data().iter::<f64>().collect();
        let mut stats = undrift_metrics::PixelStats::default();
        stats.push(&values, PIXELS).unwrap();
        assert_close(stats.mean_std().unwrap(), expected, "chain");
        shortfalls.push(MODEL.std - expected);
    }
    assert!(shortfalls.is_sorted() && shortfalls[4] > 0.01, "{shortfalls:?}");
}

#[test]
fn a_chain_of_full_length_is_the_sampler_and_noise_can_be_left_out() {
    let grid = grid(8);
    for dtype in [DType::F32, DType::F64] {
        let bits = |x: Tensor<2>| x.into_data().iter::<f64>().map(f64::to_bits).collect::<Vec<_>>();
        let images = data(5, 4, 3, dtype);
        let run = |solver: &dyn Solver<2>, grid: &Grid, images: &Tensor<2>, first| {
            let start = [grid.start()];
            let (_, x0) = chain_lengths(&MODEL, solver, grid, &start, images, first, key()).next().unwrap().unwrap();
            x0
        };
        let mut noise = SampleNoise::new(key(), 5, 4);
        let eps: Tensor<2> = noise.normal(&images);
        let x = images.clone() * grid.start().signal() + eps * grid.start().noise();
        let expected = sample(&MODEL, &SMALL, &grid, x, &mut noise).unwrap();
        assert_eq!(bits(run(&SMALL, &grid, &images, 5)), bits(expected.clone()));
        let part = run(&SMALL, &grid, &images.clone().narrow(0, 1, 2), 6);
        assert_eq!(bits(part), bits(expected.clone().narrow(0, 1, 2)));
        let edm = run(&SMALL, &grid.unscaled().unwrap(), &images, 5);
        let gap = (edm - expected.clone()).abs().max().into_scalar::<f64>();
        assert!(gap < if dtype == DType::F64 { 1e-12 } else { 1e-5 }, "{gap}");
        let still = run(&WithoutNoise(SMALL), &grid, &images, 5);
        assert_ne!(bits(still), bits(expected));
    }
}

#[test]
fn a_start_off_the_grid_is_an_error_and_the_others_go_on() {
    let (grid, images) = (grid(4), data(0, 2, 2, DType::F64));
    let starts = [Level::vp(0.123, 4.0).unwrap(), grid.start()];
    let results: Vec<_> = chain_lengths(&MODEL, &SMALL, &grid, &starts, &images, 0, key()).collect();
    assert!(matches!(results[0], Err(MetricError::Grid(_))) && results[1].is_ok());
}

#[test]
fn batches_of_no_images_add_nothing_and_no_images_are_an_error() {
    let grid = Chain::linear(40).unwrap().respace(Spacing::Trailing, 5).unwrap();
    let key = Key::new(3, Purpose::Evaluation);
    let images = Tensor::<2>::full([3, PIXELS], 0.2, (&Device::flex(), DType::F64));
    let empty = Tensor::<2>::zeros([0, PIXELS], (&Device::flex(), DType::F64));
    let curves = |batches: Vec<Tensor<2>>| exposure_curves(&MODEL, &MODEL, &DDIM, &grid, batches, 0, key);
    let whole = curves(vec![images.clone()]).unwrap();
    assert_eq!(curves(vec![empty.clone(), images, empty.clone()]).unwrap(), whole);
    assert!(matches!(curves(vec![empty.clone()]), Err(MetricError::NoImages)));
    let starts = [grid.start()];
    let mut chains = chain_lengths(&MODEL, &DDIM, &grid, &starts, &empty, 0, key);
    assert!(matches!(chains.next(), Some(Err(MetricError::NoImages))));
}
