//! Golden vectors of steps, ts_shift.

use std::cell::RefCell;

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Denoiser, Levels, Prediction, Question, TimeShift, spread};
use undrift_schedules::Chain;

use crate::case::{Arithmetic, Cases};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::{setting, tolerances};

/// `apply_time_shift`: which time fits the variance of each image best, against [`TimeShift`].
///
/// The code asks whether the level it arrives at is above the cutoff, the paper whether the one it leaves is; so
/// the question is asked after a step from the next level of the chain.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let chain = setting::chain(&fixture.root().get("schedule")?)?;
    for case in fixture.root().get("cases")?.members() {
        let (window, cutoff) = (case.count("window")?, case.count("cutoff")?);
        let (name, next) = (case.text("x")?, case.count("t_next")?);
        for run in Arithmetic::BOTH {
            let item = |what: &str| format!("{name} window {window} cutoff {cutoff} {what}");
            let variance = variance(fixture, &chain, &case, run);
            cases.add(
                &item("var_unbiased"),
                run,
                variance.map(|ours| {
                    let published = case.numbers("var_unbiased").unwrap_or_default();
                    compare(&ours, &published, tolerances::TABLE)
                }),
            );
            let chosen = chosen(fixture, &chain, name, (next, window, cutoff), run);
            for (what, published) in
                [("own_shifted", case.find("own_shifted")), ("peer_shifted", case.find("peer_shifted"))]
            {
                if let (Ok(ours), Some(published)) = (&chosen, published) {
                    cases.add(&item(what), run, Ok(compare(ours, &published.as_numbers()?, Tolerance::EXACT)));
                }
            }
            if let Err(error) = chosen {
                cases.error(&item("own_shifted"), error);
            }
        }
    }
    Ok(())
}

fn variance(fixture: &Fixture, chain: &Chain, case: &Node<'_>, run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
    let x = fixture.tensors().images(case.text("x")?, run)?;
    spread(&x, &Levels::from(chain.last())).map_err(FixtureError::refused)
}

/// The labels that the network is told.
fn chosen(
    fixture: &Fixture,
    chain: &Chain,
    name: &str,
    (next, window, cutoff): (usize, usize, usize),
    run: Arithmetic,
) -> Result<Vec<f64>, FixtureError> {
    if next + 1 >= chain.len() {
        return Err(FixtureError::NotCovered("a step from beyond the chain's last level".to_owned()));
    }
    let grid = setting::at_indices(chain, &[next, next + 1])?;
    let listening = Listening(RefCell::default());
    let shift = TimeShift::new(&listening, chain, &grid, window, cutoff + 2).map_err(FixtureError::refused)?;
    let x = fixture.tensors().images(name, run)?;
    let [samples, ..] = x.dims();
    let asked = Levels::from(grid.spans()[1].from());
    shift.predict(x, &Question::from(&asked)).map_err(FixtureError::refused)?;
    let told = listening.0.into_inner();
    Ok((0..samples).filter_map(|sample| told.as_ref()?.of(sample)).map(|level| level.time()).collect())
}

/// A model that remembers the levels it was asked about.
struct Listening(RefCell<Option<Levels>>);

impl Denoiser<4> for Listening {
    fn predict(&self, x: Tensor<4>, at: &Question<4>) -> Result<Prediction<4>, DenoiseError> {
        self.0.replace(Some(at.levels().clone()));
        Prediction::from_x0(x.clone(), x, at.levels().clone())
    }
}
