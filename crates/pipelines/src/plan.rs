//! The sampler of a published process: what is asked for, and the published code's own where nothing is.

use crate::assembly::Parts;
use crate::placing::{Placing, refused};
use crate::scheduler::{Class, Layout, Rules, Scheduler, stepping};
use crate::wrapper::{Belief, Clip, Threshold};
use crate::{
    AskedSolver, AskedWrapper, Choice, PipelineError, Predicted, Process, PublishedSolver, Visits, Wrapper, X0Limit,
};
use burn::tensor::Device;
use std::rc::Rc;
use undrift_samplers::{Outputs, Solver};
use undrift_schedules::peers::DiffusersCurve;
use undrift_schedules::{Chain, Grid, Spacing};

/// A sampler that is ready to draw.
pub struct Plan {
    parts: Parts,
    solver: Box<dyn Solver<4>>,
    steps: Option<usize>,
    placing: Placing,
    start_scale: f64,
    placed: String,
}

impl Plan {
    /// The sampler of a process, tried on `device`, which must know double precision.
    ///
    /// # Errors
    /// [`PipelineError::Refused`] for a method that does not fit; those of the methods and of the chain.
    pub fn new(process: &Process, choice: &Choice, device: &Device) -> Result<Self, PipelineError> {
        let chain = process.chain.chain()?;
        let parameterisation = process.prediction.parameterisation(&chain);
        let variance = process.variance.of_output();
        let outputs = (Outputs { parameterisation: &*parameterisation, variance }, device);
        match &process.visits {
            Visits::Diffusers(scheduler) => Plan::of_scheduler(process, scheduler, choice, chain, outputs),
            visits => Plan::own(process, visits, choice, chain, outputs),
        }
    }

    /// Over levels that are chosen by our own rules, or one by one.
    fn own(
        process: &Process,
        visits: &Visits,
        choice: &Choice,
        chain: Chain,
        (outputs, device): (Outputs<'_>, &Device),
    ) -> Result<Self, PipelineError> {
        let solver = asked(process, choice);
        let placing = choice.placing.unwrap_or(Placing::Spaced(process.spacing));
        let chosen = match visits {
            Visits::Chosen(ts) => Some(ts),
            _ => None,
        };
        let steps = choice.steps.or(chosen.map(Vec::len));
        let by_hand = chosen.filter(|_| choice.steps.is_none() && choice.placing.is_none());
        let grid = match by_hand {
            Some(ts) => chain.grid_at(ts).map_err(refused)?,
            None => placing.grid(&chain, steps)?,
        };
        let parts = parts(process, process.limit, solver, choice, chain, grid);
        let (solver, placed) = match by_hand {
            Some(_) => (parts.tried(None, outputs, device)?, "the published code's own respacing".to_owned()),
            None => (parts.tried_by_part(outputs, device)?, placing.to_string()),
        };
        Ok(Plan { parts, solver, steps, placing, start_scale: 1.0, placed })
    }

    /// As the class of diffusers that has this solver would, with the keys of the folder's scheduler.
    fn of_scheduler(
        process: &Process,
        scheduler: &Scheduler,
        choice: &Choice,
        chain: Chain,
        (outputs, device): (Outputs<'_>, &Device),
    ) -> Result<Self, PipelineError> {
        let read = |class| {
            Rules::read(class, &scheduler.settings)
                .map_err(|why| PipelineError::refused("the scheduler's settings", why))
        };
        let rules = read(scheduler.class)?;
        let published = asked(process, choice).published;
        let class = published.map(|solver| match rules.class.takes(solver, rules.order) {
            true => rules.class,
            false => Class::of_solver(solver),
        });
        let rules = match class {
            Some(class) if class != scheduler.class => read(class)?,
            _ => rules,
        };
        match published.and_then(|solver| Some((solver, placed(&rules, choice.placing)?))) {
            Some((solver, rules)) => Plan::stepped(process, &rules, solver, choice, chain, (outputs, device)),
            None => {
                let placing = choice.placing.or(Some(Placing::Spaced(rules.layout.into())));
                let choice = Choice { placing, ..choice.clone() };
                Plan::own(
                    &Process { limit: rules.limit, ..process.clone() },
                    &Visits::All,
                    &choice,
                    chain,
                    (outputs, device),
                )
            }
        }
    }

    fn stepped(
        process: &Process,
        rules: &Rules,
        published: PublishedSolver,
        choice: &Choice,
        chain: Chain,
        (outputs, device): (Outputs<'_>, &Device),
    ) -> Result<Self, PipelineError> {
        let asked = asked(process, choice);
        if rules.class == Class::Pndm && process.prediction == Predicted::X0 {
            let why = "diffusers' PNDM takes no model that gives x0; choose another sampler";
            return Err(PipelineError::refused(asked.text, why));
        }
        let stepping = stepping(rules, &chain, published, process.variance.of_steps(), choice.steps)?;
        let placing = match rules.curve {
            Some(DiffusersCurve::Karras) => Placing::Karras,
            _ => Placing::Spaced(rules.layout.into()),
        };
        let taken = stepping.grid.steps();
        let placed = match choice.steps {
            Some(asked) if asked != taken => format!("as {} of diffusers, which takes {taken}", rules.class.name()),
            _ => format!("as {} of diffusers", rules.class.name()),
        };
        let parts = parts(process, rules.limit, kept_eps(rules, asked), choice, chain, stepping.grid);
        let solver = parts.tried(stepping.solver, outputs, device)?;
        let start_scale = stepping.start_scale;
        Ok(Plan { parts, solver, steps: choice.steps, placing, start_scale, placed })
    }

    /// The levels that it visits.
    pub fn grid(&self) -> &Grid {
        &self.parts.grid
    }

    /// The solver, inside all wrappers of solvers.
    pub fn solver(&self) -> &dyn Solver<4> {
        &*self.solver
    }

    /// The published solver that it is, if it is one.
    pub fn published(&self) -> Option<PublishedSolver> {
        self.parts.solver.published
    }

    /// Name and parameters of the solver.
    pub fn solver_text(&self) -> &str {
        &self.parts.solver.text
    }

    /// Names and parameters of the wrappers, the one next to the network first.
    pub fn wrapper_texts(&self) -> Vec<String> {
        self.parts.wrappers.iter().map(|wrapper| wrapper.text()).collect()
    }

    /// Whether a wrapper has taken the place of the solver.
    pub fn has_wrapped_solver(&self) -> bool {
        self.parts.wrappers.iter().any(|wrapper| wrapper.is_around_solver())
    }

    /// What the first noise is multiplied by.
    pub fn start_scale(&self) -> f64 {
        self.start_scale
    }

    /// A network's belief inside all wrappers.
    ///
    /// # Errors
    /// Never for a belief of images: the wrappers have seen this grid and chain.
    pub fn denoiser<'a>(&self, network: Belief<'a>) -> Result<Belief<'a>, PipelineError> {
        self.parts.denoiser(network)
    }

    /// The sampler in one line: `ddim, 20 steps (trailing), clip, steps placed as DDIMScheduler of diffusers`.
    pub fn text(&self) -> String {
        let steps = self.steps.map_or("all steps".to_owned(), |steps| format!("{steps} steps ({})", self.placing));
        let wrappers = self.wrapper_texts();
        let wrappers = if wrappers.is_empty() { "no wrappers".to_owned() } else { wrappers.join(" > ") };
        format!("{}, {steps}, {wrappers}, steps placed {}", self.solver_text(), self.placed)
    }
}

/// The solver that is asked for, or the published code's own.
fn asked(process: &Process, choice: &Choice) -> AskedSolver {
    choice.solver.clone().unwrap_or_else(|| process.solver.into())
}

/// The scheduler's rules with the placing that is asked for; none where its class has no such placing.
fn placed(rules: &Rules, placing: Option<Placing>) -> Option<Rules> {
    let layout = match placing {
        None => return Some(rules.clone()),
        Some(Placing::Karras) if rules.class.has_curves() => {
            return Some(Rules { curve: Some(DiffusersCurve::Karras), ..rules.clone() });
        }
        Some(Placing::Spaced(Spacing::Leading)) => Layout::Leading,
        Some(Placing::Spaced(Spacing::Linspace)) => Layout::Linspace,
        Some(Placing::Spaced(Spacing::Trailing)) => Layout::Trailing,
        Some(Placing::Spaced(Spacing::Uniform | Spacing::Quadratic) | Placing::Karras) => return None,
    };
    Some(Rules { layout, curve: None, ..rules.clone() })
}

/// DDIM of diffusers keeps the network's eps beside an x0 that a threshold has brought into range.
fn kept_eps(rules: &Rules, solver: AskedSolver) -> AskedSolver {
    match (rules.class, rules.limit, solver.published) {
        (Class::Ddim, X0Limit::Threshold { .. }, Some(PublishedSolver::Ddim { eta, keep_eps: false })) => {
            PublishedSolver::Ddim { eta, keep_eps: true }.into()
        }
        _ => solver,
    }
}

fn parts(process: &Process, limit: X0Limit, solver: AskedSolver, choice: &Choice, chain: Chain, grid: Grid) -> Parts {
    let wrappers = wrappers(limit, &solver, choice);
    Parts { chain, grid, variance: process.variance.of_steps(), solver, wrappers }
}

/// The published code's limit, with what is said otherwise.
///
/// A threshold is part of the published process and cannot be asked for otherwise: it acts after all
/// wrappers whatever they are. A clip without a range has the published one, and so has DDIM where it clips itself.
fn wrappers(limit: X0Limit, solver: &AskedSolver, choice: &Choice) -> Vec<Rc<dyn Wrapper>> {
    let range = match limit {
        X0Limit::Clip { range } => range,
        _ => 1.0,
    };
    let clip = || Rc::new(Clip { range });
    let mut wrappers: Vec<Rc<dyn Wrapper>> = match (&choice.wrappers, limit) {
        (Some(asked), _) => {
            let of = |asked: &AskedWrapper| match asked {
                AskedWrapper::Clip => clip(),
                AskedWrapper::Other(other) => other.clone(),
            };
            asked.iter().map(of).collect()
        }
        (None, X0Limit::Clip { .. }) => vec![clip()],
        (None, _) => Vec::new(),
    };
    let clips = wrappers.iter().any(|wrapper| wrapper.clips());
    let keeps_eps = matches!(solver.published, Some(PublishedSolver::Ddim { keep_eps: true, .. }));
    match limit {
        X0Limit::Threshold { ratio, most } => wrappers.push(Rc::new(Threshold { ratio, most })),
        X0Limit::Clip { .. } if keeps_eps && !clips => wrappers.push(clip()),
        _ => {}
    }
    wrappers
}
