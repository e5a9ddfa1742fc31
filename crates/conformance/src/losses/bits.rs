//! Golden vectors of losses, bits.

use undrift_losses::{BoundOfBatch, bits_per_dim};
use undrift_noise::Replay;
use undrift_schedules::{Chain, Grid};

use super::model::{denoiser, network};
use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::{compare, compare_each};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::images;
use crate::{setting, tolerances};

/// `calc_bpd_loop`: the whole bound of a batch, term by term.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let evaluation = Evaluation::read(fixture)?;
    for run in Arithmetic::BOTH {
        if fixture.tensors().under(run).next().is_none() {
            continue;
        }
        let bound = evaluation.bound(run)?;
        for (item, published) in fixture.tensors().under(run) {
            let ours = ours(item, &bound);
            cases.add(item, run, ours.map(|ours| evaluation.compared(item, run, &ours, &published.values)));
        }
    }
    Ok(())
}

struct Evaluation<'a> {
    fixture: &'a Fixture,
    chain: Chain,
    grid: Grid,
    clip: bool,
}

impl<'a> Evaluation<'a> {
    fn read(fixture: &'a Fixture) -> Result<Self, FixtureError> {
        let root = fixture.root();
        let chain = setting::chain(&root.get("schedule")?)?;
        let grid = setting::respaced(&chain, root.text_or_empty("respacing"))?;
        Ok(Evaluation { fixture, chain, grid, clip: root.flag("clip_denoised")? })
    }

    fn bound(&self, run: Arithmetic) -> Result<BoundOfBatch, FixtureError> {
        let tensors = self.fixture.tensors();
        let (variance, channels) = setting::variance(self.fixture.root().text("var_type")?)?;
        let model = denoiser(network(self.fixture, &self.chain, channels)?, self.clip);
        let noise = tensors.get("noise")?;
        let rows = noise.rows();
        if rows.len() < self.grid.steps() {
            let expected = format!("{} rows, one for each step", self.grid.steps());
            return Err(noise.wrong_shape("noise", expected));
        }
        let rows = rows.iter().map(|row| images("noise", row, run));
        let mut noise = Replay::new(rows.collect::<Result<_, _>>()?);
        let x0 = tensors.images("x_start", run)?;
        bits_per_dim(&*model, variance, &self.grid, x0, &mut noise).map_err(FixtureError::refused)
    }

    fn compared(&self, item: &str, run: Arithmetic, ours: &[f64], published: &[f64]) -> Outcome {
        match (item, run) {
            ("total_bpd", _) if self.is_open_cosine() => {
                compare(ours, published, tolerances::total_bits_of_open_cosine(run))
            }
            ("total_bpd", _) => compare(ours, published, tolerances::total_bits(run)),
            ("xstart_mse", Arithmetic::F32) => compare_each(ours, published, |index| {
                let column = index % self.grid.steps();
                let signal = self.grid.spans().get(column).map_or(1.0, |span| span.from().signal());
                tolerances::single_x0_mse(published[index], signal)
            }),
            _ => compare(ours, published, tolerances::loss(run)),
        }
    }

    /// No clipping at levels with next to no signal to divide by.
    fn is_open_cosine(&self) -> bool {
        let schedule = self.fixture.root().find("schedule");
        let name = schedule.map(|schedule| schedule.as_text().unwrap_or_else(|| schedule.text_or_empty("name")));
        !self.clip && name.is_some_and(|name| name.contains("cosine"))
    }
}

/// The published columns run from the noisiest step down, ours in order of t; both by sample first.
fn ours(item: &str, bound: &BoundOfBatch) -> Result<Vec<f64>, FixtureError> {
    let columns = |rows: &[Vec<f64>]| {
        let samples = 0..bound.prior.len();
        samples.flat_map(|b| rows.iter().rev().map(move |row| row[b])).collect()
    };
    match item {
        "total_bpd" => Ok(bound.total.clone()),
        "prior_bpd" => Ok(bound.prior.clone()),
        "vb" => Ok(columns(&bound.terms)),
        "xstart_mse" => Ok(columns(&bound.x0_mse)),
        "mse" => Ok(columns(&bound.eps_mse)),
        other => Err(FixtureError::NotCovered(format!("an item called `{other}`"))),
    }
}
