//! The sampler of a published process: what the command line says, and the published code's own where it is silent.

use super::process::{Class, Process, Rules, Scheduler, Spacings, Visits, X0Limit, stepping};
use crate::methods::{Method, MethodError, Outputs, Sampler, SamplerSettings, SpacingName, refused};
use crate::recipe::PredictionName;
use crate::registry;
use crate::run::RunError;
use undrift_schedules::Chain;
use undrift_schedules::peers::DiffusersCurve;

/// What is said about the sampler; everything else is the published code's.
#[derive(Clone, Debug, Default)]
pub struct SamplerChoice {
    /// The solver.
    pub solver: Option<Method>,
    /// Steps.
    pub steps: Option<usize>,
    /// How they are chosen.
    pub spacing: Option<SpacingName>,
    /// What stands around the network; an empty list is none.
    pub wrappers: Option<Vec<Method>>,
}

/// A sampler that is ready to draw.
pub struct Plan {
    /// Levels, solver and wrappers.
    pub sampler: Sampler,
    /// The same in the words of a recipe.
    pub settings: SamplerSettings,
    /// What the first noise is multiplied by.
    pub start_scale: f64,
    /// The rule by which steps are placed, in words.
    pub placed: String,
}

impl Plan {
    /// The sampler of a process.
    ///
    /// # Errors
    /// [`RunError::Method`] for a method that does not exist or does not fit; those of the chain.
    pub fn new(process: &Process, choice: &SamplerChoice) -> Result<Self, RunError> {
        let chain = registry::chain(&process.chain)?;
        let parameterisation = registry::parameterisation(process.prediction, &chain);
        let variance = registry::output_variance(process.variance);
        let outputs = Outputs { parameterisation: &*parameterisation, variance };
        match &process.visits {
            Visits::Diffusers(scheduler) => Plan::of_scheduler(process, scheduler, choice, &chain, outputs),
            visits => Plan::own(process, visits, choice, &chain, outputs),
        }
    }

    /// Over levels that are chosen by our own rules, or one by one.
    fn own(
        process: &Process,
        visits: &Visits,
        choice: &SamplerChoice,
        chain: &Chain,
        outputs: Outputs<'_>,
    ) -> Result<Self, RunError> {
        let steps = choice.steps.or(match visits {
            Visits::Chosen(ts) => Some(ts.len()),
            _ => None,
        });
        let worded = SamplerChoice { steps, spacing: choice.spacing.or(Some(process.spacing)), ..choice.clone() };
        let (settings, variance) =
            (settings(process.limit, &process.solver, &worded), registry::variance(process.variance));
        let (sampler, placed) = match (visits, choice.steps, choice.spacing) {
            (Visits::Chosen(ts), None, None) => {
                let grid = chain.grid_at(ts).map_err(refused)?;
                (
                    settings.build_over(grid, None, chain, variance, outputs)?,
                    "the published code's own respacing".to_owned(),
                )
            }
            _ => (settings.build_for(chain, variance, outputs)?, settings.spacing.name().to_owned()),
        };
        Ok(Plan { sampler, settings, start_scale: 1.0, placed })
    }

    /// As the class of diffusers that has this solver would, with the keys of the folder's scheduler.
    fn of_scheduler(
        process: &Process,
        scheduler: &Scheduler,
        choice: &SamplerChoice,
        chain: &Chain,
        outputs: Outputs<'_>,
    ) -> Result<Self, RunError> {
        let refuse = |source: undrift_checkpoints::CheckpointError| MethodError::Refused {
            method: "the scheduler's settings".to_owned(),
            why: source.to_string(),
        };
        let rules = Rules::read(scheduler.class, &scheduler.settings).map_err(refuse)?;
        let solver = choice.solver.clone().unwrap_or_else(|| process.solver.clone());
        let class = match rules.class.takes(&solver, rules.order) {
            true => Some(rules.class),
            false => Class::of_solver(&solver.name),
        };
        let rules = match class {
            Some(class) if class != scheduler.class => Rules::read(class, &scheduler.settings).map_err(refuse)?,
            _ => rules,
        };
        match class.and_then(|_| placed(&rules, choice.spacing)) {
            Some(rules) => Plan::stepped(process, &rules, solver, choice, chain, outputs),
            None => {
                let spacing = choice.spacing.or(Some(rules.layout.into()));
                let choice = SamplerChoice { spacing, ..choice.clone() };
                Plan::own(&Process { limit: rules.limit, ..process.clone() }, &Visits::All, &choice, chain, outputs)
            }
        }
    }

    fn stepped(
        process: &Process,
        rules: &Rules,
        solver: Method,
        choice: &SamplerChoice,
        chain: &Chain,
        outputs: Outputs<'_>,
    ) -> Result<Self, RunError> {
        if rules.class == Class::Pndm && process.prediction == PredictionName::X0 {
            let why = "diffusers' PNDM takes no model that gives x0; choose another sampler".to_owned();
            return Err(MethodError::Refused { method: solver.to_string(), why }.into());
        }
        let variance = registry::variance(process.variance);
        let stepping = stepping(rules, chain, &solver, variance, choice.steps)?;
        let solver = kept_eps(rules, solver);
        let spacing = match rules.curve {
            Some(DiffusersCurve::Karras) => SpacingName::Karras,
            _ => rules.layout.into(),
        };
        let said = SamplerChoice { solver: None, spacing: Some(spacing), ..choice.clone() };
        let settings = settings(rules.limit, &solver, &said);
        let taken = stepping.grid.steps();
        let placed = match choice.steps {
            Some(asked) if asked != taken => format!("as {} of diffusers, which takes {taken}", rules.class.name()),
            _ => format!("as {} of diffusers", rules.class.name()),
        };
        let sampler = settings.build_over(stepping.grid, stepping.solver, chain, variance, outputs)?;
        Ok(Plan { sampler, settings, start_scale: stepping.start_scale, placed })
    }
}

/// The scheduler's rules with the spacing that is asked for; none where its class has no such spacing.
fn placed(rules: &Rules, spacing: Option<SpacingName>) -> Option<Rules> {
    let layout = match spacing {
        None => return Some(rules.clone()),
        Some(SpacingName::Karras) if rules.class.has_curves() => {
            return Some(Rules { curve: Some(DiffusersCurve::Karras), ..rules.clone() });
        }
        Some(SpacingName::Leading) => Spacings::Leading,
        Some(SpacingName::Linspace) => Spacings::Linspace,
        Some(SpacingName::Trailing) => Spacings::Trailing,
        Some(SpacingName::Uniform | SpacingName::Quadratic | SpacingName::Karras) => return None,
    };
    Some(Rules { layout, curve: None, ..rules.clone() })
}

impl From<Spacings> for SpacingName {
    fn from(layout: Spacings) -> Self {
        match layout {
            Spacings::Leading => SpacingName::Leading,
            Spacings::Linspace => SpacingName::Linspace,
            Spacings::Trailing => SpacingName::Trailing,
        }
    }
}

/// DDIM of diffusers keeps the network's eps beside an x0 that a threshold has brought into range.
fn kept_eps(rules: &Rules, solver: Method) -> Method {
    match (rules.class, rules.limit) {
        (Class::Ddim, X0Limit::Threshold { .. }) if solver.name == "ddim" => {
            Method { name: "ddim-keep-eps".to_owned(), ..solver }
        }
        _ => solver,
    }
}

/// The published code's sampler, with what is said otherwise.
///
/// A threshold is part of the published process and has no word of its own on the command line: it acts after all
/// wrappers whatever they are. `clip` without a range has the published one, and so has DDIM where it clips itself.
fn settings(limit: X0Limit, own: &Method, choice: &SamplerChoice) -> SamplerSettings {
    let solver = choice.solver.clone().unwrap_or_else(|| own.clone());
    let clip = match limit {
        X0Limit::Clip { range } if range != 1.0 => Method::named("clip").with("range", range),
        _ => Method::named("clip"),
    };
    let mut wrappers: Vec<Method> = match (&choice.wrappers, limit) {
        (Some(given), _) => {
            let of = |given: &Method| if *given == Method::named("clip") { clip.clone() } else { given.clone() };
            given.iter().map(of).collect()
        }
        (None, X0Limit::Clip { .. }) => vec![clip.clone()],
        (None, _) => Vec::new(),
    };
    let clips = wrappers.iter().any(|wrapper| wrapper.name == "clip");
    match limit {
        X0Limit::Threshold { ratio, most } => {
            wrappers.push(Method::named("dynamic-threshold").with("ratio", ratio).with("most", most));
        }
        X0Limit::Clip { .. } if solver.name == "ddim-keep-eps" && !clips => wrappers.push(clip),
        _ => {}
    }
    SamplerSettings { solver, steps: choice.steps, spacing: choice.spacing.unwrap_or_default(), wrappers }
}
