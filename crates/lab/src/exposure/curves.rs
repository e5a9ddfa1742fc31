//! The bias along chains, of one trained row and seed.

use super::trained::TrainedRow;
use super::{Cure, ExposureSettings, Search};
use crate::methods::Method;
use crate::run::{Data, RunError, Setup, Watch};
use burn::tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};
use undrift_data::Images;
use undrift_metrics::{ExposureCurves, MetricError, exposure_curves};
use undrift_networks::Condition;
use undrift_noise::{Key, Purpose};
use undrift_schedules::Chain;

/// The bias along the chains of one sampler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Row.
    pub row: String,
    /// Solver.
    pub solver: String,
    /// Row and cure, for people.
    pub label: String,
    /// Wrappers with their constants; without the clipping that all have.
    pub wrappers: Vec<Method>,
    /// Level by level, noisiest first.
    pub points: Vec<CurvePoint>,
}

/// The bias at one level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurvePoint {
    /// The level's t, 1..=T.
    pub t: f64,
    /// `(std - sqrt(1 - alpha_bar_t))^2` of the residual against the image that the chain started from.
    pub paired_delta: f64,
    /// Standard deviation of `x_t` along the chain, averaged over pixels.
    pub std: f64,
    /// The same of the forward process.
    pub expected_std: f64,
    /// Mean norm of eps along the chain.
    pub eps_norm: f64,
    /// The same on the forward process.
    pub expected_eps_norm: f64,
    /// Standard deviation of the error of the predicted x0 on the forward process, averaged over pixels.
    pub x0_error: f64,
    /// Share of the pixels whose error is not told from a Gaussian; none with too few images.
    pub x0_error_gaussian: Option<f64>,
}

/// The score of chains that start from real images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainLength {
    /// Row.
    pub row: String,
    /// Level that the images were noised to.
    pub t0: usize,
    /// Distance of what came back.
    pub distance: f64,
}

/// The curves of every solver, plain and with each cure that was searched at the same number of steps.
pub(super) fn curves(
    network: &TrainedRow<'_>,
    settings: &ExposureSettings,
    searches: &[Search],
    data: &Data,
    failures: &mut Vec<String>,
) -> Result<Vec<Curve>, RunError> {
    let mut all = Vec::new();
    for solver in &settings.solvers {
        let found = searches.iter().filter(|s| s.solver == solver.to_string() && s.steps == settings.curve_steps);
        let cured = found.filter_map(|search| Some((search.cure, search.best()?.wrappers.clone())));
        for (cure, wrappers) in [(Cure::Plain, Vec::new())].into_iter().chain(cured) {
            let measured = match measured(network, settings, solver, &wrappers, data) {
                Err(RunError::Metric(MetricError::NotFinite { .. })) => {
                    failures.push(format!("{}: the chain of {solver} ({}) is not finite", network.name, cure.label()));
                    continue;
                }
                measured => measured?,
            };
            // A legend has no room for more.
            let short = if cure == Cure::Both { "both" } else { cure.label() };
            all.push(Curve {
                row: network.row.clone(),
                solver: solver.to_string(),
                label: format!("{}, {short}", network.label),
                wrappers,
                points: points(&measured, &network.setup.chain),
            });
        }
    }
    Ok(all)
}

fn measured(
    network: &TrainedRow<'_>,
    settings: &ExposureSettings,
    solver: &Method,
    wrappers: &[Method],
    data: &Data,
) -> Result<ExposureCurves, RunError> {
    let setup = network.setup;
    let sampler = setup.sampler(&settings.sampler(solver, settings.curve_steps, wrappers))?;
    let model = sampler.denoiser(Box::new(setup.told(&network.network, Condition::None)))?;
    let trained = setup.clipped(&network.network, Condition::None);
    let key = Key::new(network.seed, Purpose::Evaluation);
    let label = format!("{}: bias along {solver}", network.name);
    let images = batches(&data.train, settings.curve_images, setup, label, network.watch);
    let curves = exposure_curves(&*model, &trained, sampler.solver(), sampler.grid(), images, 0, key);
    if network.watch.stop_requested() { Err(RunError::Interrupted) } else { Ok(curves?) }
}

/// The first `count` images, batch by batch, until Ctrl-C.
fn batches<'a>(
    images: &'a Images,
    count: usize,
    setup: &'a Setup,
    label: String,
    watch: &'a dyn Watch,
) -> Box<dyn Iterator<Item = Tensor<4>> + 'a> {
    let indices: Vec<usize> = (0..count.min(images.len())).collect();
    let size = setup.settings.sampling.batch;
    let parts: Vec<Vec<usize>> = indices.chunks(size).map(<[usize]>::to_vec).collect();
    let mut progress = watch.stage(label, 0, indices.len() as u64);
    let mut done = 0;
    Box::new(parts.into_iter().map_while(move |part| {
        progress.at(done, &String::new);
        done += part.len() as u64;
        (!watch.stop_requested()).then(|| images.batch(&part, &[], &setup.device, DType::F32))
    }))
}

fn points(curves: &ExposureCurves, chain: &Chain) -> Vec<CurvePoint> {
    let bias = curves.paired.iter().zip(&curves.marginal);
    let of_network = curves.eps_norm.iter().zip(&curves.x0_error);
    bias.zip(of_network)
        .map(|((paired, marginal), (eps, x0))| CurvePoint {
            t: chain.t_of(paired.level).map_or(paired.level.time() + 1.0, |t| t as f64),
            paired_delta: paired.delta(),
            std: marginal.std,
            expected_std: marginal.expected,
            eps_norm: eps.sampling,
            expected_eps_norm: eps.training,
            x0_error: x0.std,
            x0_error_gaussian: x0.gaussian,
        })
        .collect()
}

/// Real images noised to each `t0` and sampled back by the first solver over all levels below, scored.
pub(super) fn chain_lengths(
    network: &mut TrainedRow<'_>,
    settings: &ExposureSettings,
) -> Result<Vec<ChainLength>, RunError> {
    let mut all = Vec::new();
    for &t0 in &settings.chain_lengths {
        if let Some(scores) = network.chain_scores(&settings.solvers[0], t0)?.scores {
            all.push(ChainLength { row: network.row.clone(), t0, distance: scores.frechet });
        }
    }
    Ok(all)
}
