//! Whether two processes give the same samples.

use super::name;
use crate::methods::Method;
use crate::published::process::{Process, Rules, Visits, X0Limit};
use crate::published::{Plan, SamplerChoice};
use crate::recipe::VarianceName;
use crate::registry;
use undrift_schedules::{Chain, Level, Span};

/// Compares what is wanted with what was read.
///
/// # Errors
/// What has become another, in the words of recipes.
pub(super) fn check(wanted: &Process, read: &Process) -> Result<(), String> {
    let learns = |process: &Process| registry::output_variance(process.variance);
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
    let ddim = SamplerChoice { solver: Some(Method::named("ddim")), ..SamplerChoice::default() };
    let own = taken(wanted, &SamplerChoice::default())?;
    own.compare(&taken(read, &SamplerChoice::default())?)?;
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
    registry::chain(&process.chain).map_err(|error| error.to_string())
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
    variance: Option<VarianceName>,
}

fn taken(process: &Process, choice: &SamplerChoice) -> Result<Taken, String> {
    let plan = Plan::new(process, choice).map_err(|error| error.to_string())?;
    let variance = match plan.settings.solver.name.as_str() {
        "ddpm" => Some(process.variance),
        "ddpm-small" => Some(VarianceName::FixedSmall),
        "ddpm-large" => Some(VarianceName::FixedLarge),
        _ => None,
    };
    Ok(Taken { plan, variance })
}

impl Taken {
    fn compare(&self, read: &Taken) -> Result<(), String> {
        let (ours, theirs) = (&self.plan.settings, &read.plan.settings);
        let solver = &ours.solver;
        match (self.variance, read.variance) {
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (None, None) if *solver == theirs.solver => {}
            (Some(variance), _) => {
                return Err(format!("the sampler `{solver}` with the variance `{}`", name(variance)));
            }
            _ => return Err(format!("the sampler `{solver}`")),
        }
        if ours.wrappers != theirs.wrappers {
            let wrappers: Vec<String> = ours.wrappers.iter().map(ToString::to_string).collect();
            return Err(format!("the wrappers `{}` around `{solver}`", wrappers.join(" > ")));
        }
        if self.visited() != read.visited() || self.plan.start_scale != read.plan.start_scale {
            return Err(format!("the {} levels that `{solver}` visits", self.plan.sampler.grid().steps()));
        }
        Ok(())
    }

    /// The levels, and the betas between them where the solver looks at betas.
    fn visited(&self) -> Vec<(Level, Option<Level>, Option<f64>)> {
        let beta = |span: &Span| self.variance.map(|_| span.beta());
        self.plan.sampler.grid().spans().iter().map(|span| (span.from(), span.to(), beta(span))).collect()
    }
}
