//! Golden vectors of chains, ddpm.

use std::collections::BTreeMap;

use undrift_denoisers::{OutputVariance, Variance};
use undrift_noise::Replay;
use undrift_samplers::{Ancestral, Ddim, Solver, steps};
use undrift_schedules::{Chain, Grid};

use super::{model, noise};
use crate::case::{Arithmetic, Cases};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::setting;
use crate::sidecar::Node;
use crate::tensors::{images, values};
use crate::tolerances::{self, Bounded};
use crate::toy::{Toy, ToyEps, Wave};

/// `p_sample_loop_progressive` and `ddim_sample_loop_progressive`: every recorded state `x_after_k` of a chain.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let run = Run::read(fixture)?;
    run.check_labels(&fixture.root(), cases)?;
    for arithmetic in Arithmetic::BOTH {
        if fixture.tensors().under(arithmetic).next().is_some() {
            run.states(cases, arithmetic)?;
        }
    }
    Ok(())
}

struct Run<'a> {
    fixture: &'a Fixture,
    grid: Grid,
    toy: Toy,
    solver: Box<dyn Solver<4>>,
    channels: OutputVariance,
    clip: bool,
}

impl<'a> Run<'a> {
    fn read(fixture: &'a Fixture) -> Result<Self, FixtureError> {
        let root = fixture.root();
        let chain = setting::chain(&root.get("schedule")?)?;
        let (solver, channels) = solver(&root)?;
        let channel = match channels {
            OutputVariance::None => None,
            _ => Some(Wave::read(root.text("variance_channel")?)?),
        };
        Ok(Run {
            fixture,
            grid: setting::respaced(&chain, root.text_or_empty("respacing"))?,
            toy: Toy { eps: ToyEps::read(&root.get("toy")?)?, channel, alpha_bar: alpha_bar(&chain) },
            solver,
            channels,
            // The published loop clips unless it is told not to.
            clip: root.find("clip_denoised").map_or(Ok(true), |clip| clip.as_flag())?,
        })
    }

    /// The number of steps and the labels that the sampler visits, where the sidecar has them.
    fn check_labels(&self, root: &Node<'_>, cases: &mut Cases) -> Result<(), FixtureError> {
        if let Some(steps) = root.find("steps") {
            let compared = compare(&[self.grid.steps() as f64], &[steps.as_number()?], Tolerance::EXACT);
            cases.add("steps", Arithmetic::F64, Ok(compared));
        }
        let Some(listed) = root.find("used_timesteps") else {
            return Ok(());
        };
        let published = match listed.as_text() {
            Some(text) => range(text)?,
            None => listed.as_numbers()?,
        };
        let mut ours: Vec<f64> = self.grid.levels().map(|level| level.time()).collect();
        ours.reverse();
        let compared = compare(&ours, &published, Tolerance::EXACT);
        cases.add("used_timesteps", Arithmetic::F64, Ok(compared));
        Ok(())
    }

    fn states(&self, cases: &mut Cases, run: Arithmetic) -> Result<(), FixtureError> {
        let states = self.run(run)?;
        for (item, published) in self.fixture.tensors().under(run) {
            let after = item.strip_prefix("x_after_").and_then(|k| k.parse().ok());
            let ours = after
                .and_then(|k: usize| states.get(&k))
                .ok_or_else(|| FixtureError::NotCovered(format!("an item called `{item}`")));
            let compared = ours.map(|ours| compare(ours, &published.values, self.tolerance(run)));
            cases.add(item, run, compared);
        }
        Ok(())
    }

    /// The state after every step, by number of steps taken.
    fn run(&self, run: Arithmetic) -> Result<BTreeMap<usize, Vec<f64>>, FixtureError> {
        let x = self.fixture.tensors().images("x_T", run)?;
        let rows = noise(self.fixture, self.grid.steps())?;
        let rows = rows.iter().map(|row| images("noise", row, run));
        let mut noise = Replay::new(rows.collect::<Result<_, _>>()?);
        let model = model(self.toy.clone(), self.channels, self.clip);
        let mut states = BTreeMap::from([(0, values(x.clone()))]);
        for (k, step) in steps(&*model, &*self.solver, &self.grid, x, &mut noise).enumerate() {
            let step = step.map_err(FixtureError::refused)?;
            states.insert(k + 1, values(step.x));
        }
        Ok(states)
    }

    fn tolerance(&self, run: Arithmetic) -> Tolerance {
        let bounded = match (self.clip, self.toy.eps) {
            (true, _) => Bounded::Clipped,
            (false, ToyEps::Gauss { .. }) => Bounded::Exact,
            (false, ToyEps::Tanh { .. }) => Bounded::Grows,
        };
        tolerances::chain(run, bounded)
    }
}

/// DDIM where there is an eta, ancestral otherwise.
fn solver(root: &Node<'_>) -> Result<(Box<dyn Solver<4>>, OutputVariance), FixtureError> {
    match root.find("eta") {
        Some(eta) => Ok((Box::new(Ddim { eta: eta.as_number()?, keep_eps: false }), OutputVariance::None)),
        None => variance(root)
            .map(|(variance, channels)| -> (Box<dyn Solver<4>>, _) { (Box::new(Ancestral { variance }), channels) }),
    }
}

/// By name, or learned range where there is none but a variance channel is described.
fn variance(root: &Node<'_>) -> Result<(Variance, OutputVariance), FixtureError> {
    match root.find("var_type") {
        Some(_) => setting::variance(root.text("var_type")?),
        None if root.text_or_empty("variance_channel").contains("v(x,t)") => setting::variance("learned_range"),
        None => Err(FixtureError::NoField { field: "var_type".to_owned() }),
    }
}

/// alpha_bar of every level, by the label that the toy sees.
pub(super) fn alpha_bar(chain: &Chain) -> Vec<f64> {
    chain.levels().iter().map(|level| level.alpha_bar()).collect()
}

/// `0..999`, both ends included.
fn range(text: &str) -> Result<Vec<f64>, FixtureError> {
    let ends = text
        .split_once("..")
        .and_then(|(first, last)| Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?)));
    let (first, last) = ends.ok_or_else(|| FixtureError::WrongField {
        field: "used_timesteps".to_owned(),
        expected: "a list of labels or a range of them",
    })?;
    Ok((first..=last).map(|label| label as f64).collect())
}
