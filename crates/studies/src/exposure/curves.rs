//! The bias along chains, of one trained row and seed.

use super::grid::{Cure, NamedSampler, SamplerGrid};
use super::search::Search;
use super::trained::TrainedRow;
use crate::watch::silent;
use crate::{Data, Plan, RunError, Watch};
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
pub struct Curve<W> {
    /// Row.
    pub row: String,
    /// Solver.
    pub solver: String,
    /// Row and cure, for people.
    pub label: String,
    /// Cures with their constants, as the layer above writes them.
    pub wrappers: Vec<W>,
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

/// Where the bias is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    /// Steps of the chains.
    pub(super) steps: usize,
    /// Real images that they start from.
    pub(super) images: usize,
}

/// The curves of every solver, plain and with each cure that was searched at the same number of steps.
pub(super) fn curves<W: Clone>(
    network: &TrainedRow<'_>,
    grid: &dyn SamplerGrid<W>,
    at: At,
    searches: &[Search<W>],
    data: &Data,
    failures: &mut Vec<String>,
) -> Result<Vec<Curve<W>>, RunError> {
    let mut all = Vec::new();
    for (index, solver) in grid.solvers().into_iter().enumerate() {
        let found = searches.iter().filter(|s| s.solver == solver && s.steps == at.steps);
        let cured = found.filter_map(|search| Some((search.cure, search.best()?.to_vec())));
        for (cure, wrappers) in [(Cure::Plain, Vec::new())].into_iter().chain(cured) {
            let sampler = grid.sampler(network.plan, index, at.steps, &wrappers);
            let measured = match measured(network, &sampler, at, &solver, data) {
                Err(RunError::Metric(MetricError::NotFinite { .. })) => {
                    let cure = grid.label(cure);
                    failures.push(format!("{}: the chain of {solver} ({cure}) is not finite", network.name));
                    continue;
                }
                measured => measured?,
            };
            // A legend has no room for more.
            let short = if cure == Cure::Both { "both" } else { grid.label(cure) };
            all.push(Curve {
                row: network.plan.id.clone(),
                solver: solver.clone(),
                label: format!("{}, {short}", network.plan.label),
                wrappers,
                points: points(&measured, &network.plan.chain),
            });
        }
    }
    Ok(all)
}

fn measured(
    network: &TrainedRow<'_>,
    sampler: &NamedSampler<'_>,
    at: At,
    solver: &str,
    data: &Data,
) -> Result<ExposureCurves, RunError> {
    let plan = network.plan;
    let sampler = (sampler.build)()?;
    let model = sampler.denoiser(Box::new(plan.told(&network.network, Condition::None)))?;
    let trained = plan.clipped(&network.network, Condition::None);
    let key = Key::new(network.seed, Purpose::Evaluation);
    let label = format!("{}: bias along {solver}", network.name);
    let images = batches(&data.train, at.images, plan, label, network.watch);
    let curves = exposure_curves(&*model, &trained, sampler.solver(), sampler.grid(), images, 0, key);
    if network.watch.stop_requested() { Err(RunError::Interrupted) } else { Ok(curves?) }
}

/// The first `count` images, batch by batch, until the watcher asks to stop.
fn batches<'a>(
    images: &'a Images,
    count: usize,
    plan: &'a Plan,
    label: String,
    watch: &'a dyn Watch,
) -> Box<dyn Iterator<Item = Tensor<4>> + 'a> {
    let indices: Vec<usize> = (0..count.min(images.len())).collect();
    let size = plan.sampling.batch;
    let parts: Vec<Vec<usize>> = indices.chunks(size).map(<[usize]>::to_vec).collect();
    let mut progress = watch.stage(label, 0, indices.len() as u64);
    let mut done = 0;
    Box::new(parts.into_iter().map_while(move |part| {
        progress.at(done, &silent);
        done += part.len() as u64;
        (!watch.stop_requested()).then(|| images.batch(&part, &[], &plan.device, DType::F32))
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

/// Real images noised to each of these levels and sampled back by the first solver over all levels below, scored.
pub(super) fn chain_lengths<W>(
    network: &mut TrainedRow<'_>,
    grid: &dyn SamplerGrid<W>,
    levels: &[usize],
) -> Result<Vec<ChainLength>, RunError> {
    let mut all = Vec::new();
    for &t0 in levels {
        let plan = network.plan;
        let back = grid.back(plan, 0);
        if let Some(scores) = network.chain_scores(&grid.solvers()[0], &back, t0)?.scores {
            all.push(ChainLength { row: plan.id.clone(), t0, distance: scores.frechet });
        }
    }
    Ok(all)
}
