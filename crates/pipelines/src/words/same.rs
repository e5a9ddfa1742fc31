//! Whether two processes give the same samples.

use super::name::name;
use crate::scheduler::Rules;
use crate::{Choice, Plan, Process, PublishedSolver, StepVariance, Visits, X0Limit};
use burn::tensor::Device;
use undrift_schedules::{Chain, Level, Span};

/// Compares what is wanted with what was read.
///
/// # Errors
/// What has become another, in the words of recipes.
pub(super) fn check(wanted: &Process, read: &Process, device: &Device) -> Result<(), String> {
    let learns = |process: &Process| process.variance.of_output();
    if wanted.prediction != read.prediction {
        return Err(format!("`{}` as prediction", name(wanted.prediction)));
    }
    if learns(wanted) != learns(read) {
        return Err(format!("the variance `{}`", name(wanted.variance)));
    }
    if wanted.time_factor != read.time_factor {
        return Err(format!("time labels times {}", wanted.time_factor));
    }
    if wanted.limit != read.limit {
        return Err(limit(wanted.limit));
    }
    if chain(wanted)? != chain(read)? {
        return Err(format!("the chain {}", name(&wanted.chain)));
    }
    if same_scheduler(wanted, read) {
        return Ok(());
    }
    let ddim = Choice { solver: Some(PublishedSolver::DDIM.into()), ..Choice::default() };
    let taken = |process: &Process, choice: &Choice| taken(process, choice, device);
    let own = taken(wanted, &Choice::default())?;
    own.compare(&taken(read, &Choice::default())?)?;
    // What cannot be sampled by DDIM here cannot become another by it.
    taken(wanted, &ddim).map_or(Ok(()), |steps| steps.compare(&taken(read, &ddim)?))
}

/// Whether both are one scheduler of diffusers. Its steps are then not taken, as some have no steps over the whole chain:
/// an offset leaves it.
fn same_scheduler(wanted: &Process, read: &Process) -> bool {
    let rules = |process: &Process| match &process.visits {
        Visits::Diffusers(scheduler) => Rules::read(scheduler.class, &scheduler.settings).ok(),
        _ => None,
    };
    rules(wanted).is_some() && rules(wanted) == rules(read)
}

fn chain(process: &Process) -> Result<Chain, String> {
    process.chain.chain().map_err(|error| error.to_string())
}

fn limit(limit: X0Limit) -> String {
    match limit {
        X0Limit::None => "samples whose x0 is not clipped".to_owned(),
        X0Limit::Clip { range } => format!("samples whose x0 is clipped to {range}"),
        X0Limit::Threshold { ratio, .. } => format!("samples whose x0 is brought into range by its quantile {ratio}"),
    }
}

/// The steps of a sampler.
struct Taken {
    plan: Plan,
    /// That of an ancestral solver, which several names have.
    variance: Option<StepVariance>,
}

fn taken(process: &Process, choice: &Choice, device: &Device) -> Result<Taken, String> {
    let plan = Plan::new(process, choice, device).map_err(|error| error.to_string())?;
    let variance = match plan.published() {
        Some(PublishedSolver::Ddpm) => Some(process.variance),
        Some(PublishedSolver::DdpmSmall) => Some(StepVariance::FixedSmall),
        Some(PublishedSolver::DdpmLarge) => Some(StepVariance::FixedLarge),
        _ => None,
    };
    Ok(Taken { plan, variance })
}

impl Taken {
    fn compare(&self, read: &Taken) -> Result<(), String> {
        let (ours, theirs) = (&self.plan, &read.plan);
        let solver = ours.solver_text();
        match (self.variance, read.variance) {
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (None, None) if solver == theirs.solver_text() => {}
            (Some(variance), _) => {
                return Err(format!("the sampler `{solver}` with the variance `{}`", name(variance)));
            }
            _ => return Err(format!("the sampler `{solver}`")),
        }
        if ours.wrapper_texts() != theirs.wrapper_texts() {
            return Err(format!("the wrappers `{}` around `{solver}`", ours.wrapper_texts().join(" > ")));
        }
        if self.visited() != read.visited() || ours.start_scale() != theirs.start_scale() {
            return Err(format!("the {} levels that `{solver}` visits", ours.grid().steps()));
        }
        Ok(())
    }

    /// The levels, and the betas between them where the solver looks at betas.
    fn visited(&self) -> Vec<(Level, Option<Level>, Option<f64>)> {
        let beta = |span: &Span| self.variance.map(|_| span.beta());
        self.plan.grid().spans().iter().map(|span| (span.from(), span.to(), beta(span))).collect()
    }
}
