//! Golden vectors of losses, training.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Eps, Levels, OutputVariance, Preconditioned, Prediction, Question};
use undrift_losses::{Corruption, Hybrid, InputPerturbation, bound, hybrid, squared_error, variational_bound};
use undrift_noise::Replay;
use undrift_schedules::{Chain, Grid, Span};

use super::model::{candidates, denoiser, network_of};
use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::{compare, compare_each};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::sidecar::Node;
use crate::tensors::values;
use crate::toy::Toy;
use crate::{setting, tolerances};

/// `training_losses`, `_vb_terms_bpd` and `_prior_bpd`, each sample at its own level; with `gamma`, on perturbed
/// inputs.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let batch = Batch::read(fixture)?;
    for run in Arithmetic::BOTH {
        for (item, published) in fixture.tensors().under(run) {
            let compared = batch.compared(item, run, &published.values);
            match compared {
                Err(FixtureError::NotCovered(reason)) => {
                    cases.not_covered(&format!("{}/{item}", run.name()), &reason);
                }
                other => cases.add(item, run, other),
            }
        }
    }
    batch.grey_levels(cases);
    Ok(())
}

struct Batch<'a> {
    fixture: &'a Fixture,
    toy: Node<'a>,
    perturbation: InputPerturbation,
    chain: Chain,
    spans: Vec<Span>,
}

impl<'a> Batch<'a> {
    fn read(fixture: &'a Fixture) -> Result<Self, FixtureError> {
        let chain = setting::chain(&fixture.root().get("schedule")?)?;
        let spans = setting::spans_at(&chain.grid(), &fixture.tensors().indices("t")?)?;
        let gamma = fixture.root().number_or("gamma", 0.0)?;
        let perturbation = InputPerturbation::new(gamma).map_err(FixtureError::refused)?;
        let of_toy = |toy| Batch { fixture, toy, perturbation, chain: chain.clone(), spans: spans.clone() };
        let batches = candidates(fixture)?.into_iter().map(of_toy);
        let best = batches.min_by(|a, b| a.misfit().total_cmp(&b.misfit()));
        best.ok_or_else(|| FixtureError::NoField { field: "toy.formula".to_owned() })
    }

    /// How far the squared errors of this toy are from the published ones, to tell which of several was run.
    fn misfit(&self) -> f64 {
        let run = Arithmetic::F64;
        let Ok(ours) = self.squared_error(&self.spans, run) else { return f64::INFINITY };
        let mut items = self.fixture.tensors().under(run);
        let published = items.find(|(item, _)| item.ends_with("/mse") && !item.starts_with("respaced"));
        let gap = |published: &[f64]| ours.iter().zip(published).map(|(a, b)| (a - b).abs()).sum();
        published.map_or(f64::INFINITY, |(_, array)| gap(&array.values))
    }

    fn compared(&self, item: &str, run: Arithmetic, published: &[f64]) -> Result<Outcome, FixtureError> {
        let parts: Vec<&str> = item.split('/').collect();
        let ours = match parts[..] {
            ["x_t" | "x_t_perturbed"] => values(self.noised(run)?),
            ["prior_bpd"] => self.prior(run)?,
            [of, "mse" | "loss"] | [of, "mse", "mse" | "loss"] if !of.starts_with("learned") => {
                self.squared_error(&self.spans, run)?
            }
            ["respaced", of, "mse", "loss"] if !of.starts_with("learned") => {
                self.squared_error(&self.respaced()?, run)?
            }
            [of, "kl", "loss"] => self.variational_bound(of, run)?,
            [of, "rescaled_kl", "loss"] => return self.rescaled_bound(of, run, published),
            [of, "mse", part] => self.hybrid(of, part, 1.0 / self.chain.len() as f64, run)?,
            [of, "rescaled_mse", part] | [of, part @ ("mse" | "vb" | "loss")] => {
                self.hybrid(of, part, Hybrid::LAMBDA, run)?
            }
            [of, "vb_terms_clip"] => self.terms(of, true, run)?,
            [of, "vb_terms_noclip"] => self.terms(of, false, run)?,
            [of, "vb_pred_xstart_clip"] => return self.pred_x0(of, true, run, published),
            [of, "vb_pred_xstart_noclip"] => return self.pred_x0(of, false, run, published),
            _ => return Err(not_covered(item)),
        };
        Ok(compare(&ours, published, tolerances::loss(run)))
    }

    fn levels(spans: &[Span]) -> Levels {
        Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>())
    }

    fn network(&self, channels: OutputVariance) -> Result<Preconditioned<Toy, Eps>, FixtureError> {
        network_of(self.fixture, &self.toy, &self.chain, channels)
    }

    /// The recorded noise, and what perturbs it where there is such.
    fn noise(&self, run: Arithmetic) -> Result<Replay<4>, FixtureError> {
        let tensors = self.fixture.tensors();
        let draws = ["noise", "perturbation_noise"].into_iter().filter(|name| tensors.find(name).is_some());
        Ok(Replay::new(draws.map(|name| tensors.images(name, run)).collect::<Result<_, _>>()?))
    }

    fn noised(&self, run: Arithmetic) -> Result<Tensor<4>, FixtureError> {
        let x0 = self.fixture.tensors().images("x_start", run)?;
        let (model, at) = (self.network(OutputVariance::None)?, Self::levels(&self.spans));
        Ok(self.perturbation.corrupt(&model, &x0, &at, &mut self.noise(run)?).map_err(FixtureError::refused)?.x)
    }

    fn prior(&self, run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
        let x0 = self.fixture.tensors().images("x_start", run)?;
        Ok(values(bound::prior(&x0, self.chain.last())))
    }

    fn squared_error(&self, spans: &[Span], run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
        let model = self.network(OutputVariance::None)?;
        let x0 = self.fixture.tensors().images("x_start", run)?;
        let loss = squared_error(&model, &self.perturbation, x0, &Self::levels(spans), &mut self.noise(run)?);
        loss.map(values).map_err(FixtureError::refused)
    }

    /// Training does not clip.
    fn variational_bound(&self, of: &str, run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
        let (variance, channels) = setting::variance(of)?;
        let model = self.network(channels)?;
        let x0 = self.fixture.tensors().images("x_start", run)?;
        let noise = &mut self.noise(run)?;
        let loss = variational_bound(&model, variance, &self.perturbation, x0, &self.spans, noise);
        loss.map(values).map_err(FixtureError::refused)
    }

    /// The bound itself and not one of its terms: times `T`.
    fn rescaled_bound(&self, of: &str, run: Arithmetic, published: &[f64]) -> Result<Outcome, FixtureError> {
        let terms = self.variational_bound(of, run)?;
        let ours: Vec<f64> = terms.into_iter().map(|term| term * self.chain.len() as f64).collect();
        Ok(compare(&ours, published, tolerances::rescaled_bound(run)))
    }

    /// One part of the hybrid loss; the published `vb` has its factor already.
    fn hybrid(&self, of: &str, part: &str, lambda: f64, run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
        let model = self.network(setting::variance(of)?.1)?;
        let x0 = self.fixture.tensors().images("x_start", run)?;
        let parts = hybrid(&model, &self.perturbation, x0, &self.spans, &mut self.noise(run)?);
        let (parts, steps) = (parts.map_err(FixtureError::refused)?, self.chain.len());
        match part {
            "mse" => Ok(values(parts.simple)),
            "vb" => Ok(values(parts.bound * (lambda * steps as f64))),
            "loss" => Ok(values(parts.total(lambda, steps))),
            other => Err(FixtureError::NotCovered(format!("a part of the hybrid loss called `{other}`"))),
        }
    }

    fn terms(&self, of: &str, clip: bool, run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
        let x0 = self.fixture.tensors().images("x_start", run)?;
        let prediction = self.prediction(of, clip, run)?;
        let terms = bound::term(&prediction, &x0, &self.spans, setting::variance(of)?.0);
        terms.map(values).map_err(FixtureError::refused)
    }

    fn prediction(&self, of: &str, clip: bool, run: Arithmetic) -> Result<Prediction<4>, FixtureError> {
        let (_, channels) = setting::variance(of)?;
        let model = denoiser(self.network(channels)?, clip);
        let prediction = model.predict(self.noised(run)?, &Question::from(&Self::levels(&self.spans)));
        prediction.map_err(FixtureError::refused)
    }

    /// In single precision the room grows as x0 = (x - noise eps) / signal divides by less and less signal.
    fn pred_x0(&self, of: &str, clip: bool, run: Arithmetic, published: &[f64]) -> Result<Outcome, FixtureError> {
        let ours = values(self.prediction(of, clip, run)?.x0());
        if run == Arithmetic::F64 {
            return Ok(compare(&ours, published, tolerances::loss(run)));
        }
        let each = published.len().div_ceil(self.spans.len().max(1));
        let room = |index: usize| {
            let signal = self.spans.get(index / each).map_or(1.0, |span| span.from().signal());
            tolerances::SINGLE_PRED_X0 / signal
        };
        Ok(compare_each(&ours, published, room))
    }

    /// The steps of `respaced/..`. Where the sidecar does not say how many there are, a batch that takes the
    /// last step of the whole schedule takes the last one of these too.
    fn respaced(&self) -> Result<Vec<Span>, FixtureError> {
        let tensors = self.fixture.tensors();
        let index = tensors.indices("respaced_t")?;
        let grid = match self.fixture.root().find("respacing") {
            Some(respacing) => setting::respaced(&self.chain, respacing.as_text().unwrap_or_default())?,
            None => self.guessed(&tensors.indices("t")?, &index)?,
        };
        setting::spans_at(&grid, &index)
    }

    fn guessed(&self, t: &[usize], respaced: &[usize]) -> Result<Grid, FixtureError> {
        let last = t.iter().position(|&t| t + 1 == self.chain.len());
        let steps = last.and_then(|b| Some(respaced.get(b)? + 1));
        let steps = steps.filter(|&steps| respaced.iter().all(|&t| t < steps));
        let steps = steps.ok_or_else(|| {
            let reason = "the sidecar does not say how many steps the respaced process has".to_owned();
            FixtureError::NotCovered(reason)
        })?;
        setting::respaced(&self.chain, &steps.to_string())
    }

    /// The inputs themselves, where their grey levels are recorded too.
    fn grey_levels(&self, cases: &mut Cases) {
        let tensors = self.fixture.tensors();
        let (Some(grey), Some(x0)) = (tensors.find("x_start_u8"), tensors.find("x_start")) else {
            return;
        };
        let scaled: Vec<f64> = grey.values.iter().map(|grey| grey / 127.5 - 1.0).collect();
        let compared = compare(&scaled, &x0.values, tolerances::GREY_LEVEL);
        cases.add("x_start", Arithmetic::F32, Ok(compared));
    }
}

fn not_covered(item: &str) -> FixtureError {
    FixtureError::NotCovered(format!("a loss called `{item}`"))
}
