//! Golden vectors of steps, es_adm.

use burn::tensor::Tensor;
use undrift_denoisers::{ClipX0, Denoiser, Eps, EpsilonScaling, OutputVariance, Preconditioned, Question, Variance};
use undrift_noise::Replay;
use undrift_samplers::{Ancestral, Ddim, Solver};
use undrift_schedules::Span;

use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{images, values};
use crate::{setting, tolerances};

/// Steps of guided-diffusion with the eps of a recorded output divided by `lambda`, each sample at its own level.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let chain = setting::chain(&fixture.root().get("schedule")?)?;
    let scaled = Scaled {
        fixture,
        spans: setting::spans_at(&chain.grid(), &fixture.tensors().indices("t")?)?,
        lambda: fixture.root().number("lambda")?,
        clip: clip(fixture)?,
    };
    for run in Arithmetic::BOTH {
        for (item, published) in fixture.tensors().under(run) {
            let ours = scaled.ours(item, run);
            let compared = ours.map(|ours| compare(&ours, &published.values, tolerances::step(run)));
            cases.add(item, run, compared);
        }
    }
    Ok(())
}

struct Scaled<'a> {
    fixture: &'a Fixture,
    spans: Vec<Span>,
    lambda: f64,
    clip: bool,
}

impl Scaled<'_> {
    fn ours(&self, item: &str, run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
        let solver: Box<dyn Solver<4>> = match item.split_once('/') {
            None if item == "pred_xstart" => return self.of_each(run, |model, x, span, _| predicted(model, x, span)),
            Some((method, "x_prev")) => Scaled::solver(method)?,
            _ => return Err(FixtureError::NotCovered(format!("an item called `{item}`"))),
        };
        self.of_each(run, |model, x, span, noise| {
            let step = solver.step(model, x, &span, &[], noise);
            Ok(values(step.map_err(FixtureError::refused)?.x))
        })
    }

    /// `ddpm_fixed_large` or `ddim_eta0.5`.
    fn solver(method: &str) -> Result<Box<dyn Solver<4>>, FixtureError> {
        let unknown = || FixtureError::NotCovered(format!("a step called `{method}`"));
        if let Some(variance) = method.strip_prefix("ddpm_") {
            let (variance, channels) = setting::variance(variance)?;
            return match (variance, channels) {
                (Variance::Learned, _) => Err(unknown()),
                _ => Ok(Box::new(Ancestral { variance })),
            };
        }
        let eta = method.strip_prefix("ddim_eta").and_then(|eta| eta.parse().ok()).ok_or_else(unknown)?;
        Ok(Box::new(Ddim { eta, keep_eps: false }))
    }

    /// What `f` gives for each sample alone, one after the other.
    fn of_each(
        &self,
        run: Arithmetic,
        f: impl Fn(&dyn Denoiser<4>, Tensor<4>, Span, &mut Replay<4>) -> Result<Vec<f64>, FixtureError>,
    ) -> Result<Vec<f64>, FixtureError> {
        let sample = |name: &str, b: usize| images(name, &self.fixture.tensors().get(name)?.sample(name, b)?, run);
        let mut all = Vec::new();
        for (b, span) in self.spans.iter().enumerate() {
            let model = self.model(sample("eps", b)?)?;
            all.extend(f(&*model, sample("x_t", b)?, *span, &mut Replay::new(vec![sample("noise", b)?]))?);
        }
        Ok(all)
    }

    fn model(&self, output: Tensor<4>) -> Result<Box<dyn Denoiser<4>>, FixtureError> {
        let network = move |_: Tensor<4>, _: Tensor<1>| output.clone();
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let scaled = EpsilonScaling::constant(model, self.lambda).map_err(FixtureError::refused)?;
        match self.clip {
            true => Ok(Box::new(ClipX0(scaled))),
            false => Ok(Box::new(scaled)),
        }
    }
}

fn predicted(model: &dyn Denoiser<4>, x: Tensor<4>, span: Span) -> Result<Vec<f64>, FixtureError> {
    let prediction = model.predict(x, &Question::from(span.from()));
    Ok(values(prediction.map_err(FixtureError::refused)?.x0()))
}

/// The sidecar's flag, or the end of the file's name where there is none.
fn clip(fixture: &Fixture) -> Result<bool, FixtureError> {
    match fixture.root().find("clip_denoised") {
        Some(flag) => flag.as_flag(),
        None if fixture.stem().ends_with("_noclip") => Ok(false),
        None if fixture.stem().ends_with("_clip") => Ok(true),
        None => Err(FixtureError::NoField { field: "clip_denoised".to_owned() }),
    }
}
