//! Golden vectors of steps guided by a classifier.

use burn::tensor::Tensor;
use undrift_denoisers::{ClassifierGuidance, Denoiser, Levels, OutputVariance, Question, Variance};
use undrift_noise::Replay;
use undrift_samplers::{Ddim, GuidedAncestral, Solver};
use undrift_schedules::Span;

use super::meaning::Meaning;
use super::recorded::Reading;
use crate::case::{Arithmetic, Cases};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{Tensors, images, values};
use crate::{setting, tolerances};

/// `condition_mean` and `condition_score` with a recorded eps and the gradient of a formula, each sample at its own level.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let (root, tensors) = (fixture.root(), fixture.tensors());
    let chain = setting::chain(&root.get("schedule")?)?;
    let spans = setting::spans_at(&chain.grid(), &tensors.indices("t")?)?;
    let pull = Pull::read(root.text("grad")?)
        .ok_or(FixtureError::WrongField { field: "grad".to_owned(), expected: "a formula with `a*(x-b)` in it" })?;
    for run in Arithmetic::BOTH {
        for (item, published) in tensors.under(run) {
            let ours = Asked::named(item).and_then(|asked| {
                let samples = spans.iter().enumerate().map(|(b, span)| Sample::read(tensors, b, *span, run));
                samples.map(|sample| asked.of(&sample?, pull)).collect::<Result<Vec<_>, _>>()
            });
            cases.add(item, run, ours.map(|ours| compare(&ours.concat(), &published.values, tolerance(item, run))));
        }
    }
    Ok(())
}

/// The published `condition_mean` takes mean and gradient in single precision, whatever the rest is in.
fn tolerance(item: &str, run: Arithmetic) -> Tolerance {
    let by_mean = item.ends_with("mean_shifted") || item.ends_with("ddpm/x_prev");
    if by_mean { tolerances::SINGLE_CONDITION_MEAN } else { tolerances::step(run) }
}

/// `scale4.0/clip/ddpm/x_prev`, taken apart.
struct Asked<'a> {
    scale: f64,
    clip: bool,
    what: &'a str,
}

/// The gradient `a (x - b)` that stands in for a classifier's.
#[derive(Clone, Copy)]
struct Pull {
    a: f64,
    b: f64,
}

impl Pull {
    /// From a text with `a*(x-b)` in it.
    fn read(text: &str) -> Option<Self> {
        let (before, after) = text.split_once("*(x-")?;
        let a = before.rsplit(['(', ' ']).next()?.parse().ok()?;
        let b = after.split(')').next()?.parse().ok()?;
        Some(Pull { a, b })
    }
}

/// One sample of the recorded batch.
struct Sample {
    x: Tensor<4>,
    eps: Tensor<4>,
    noise: Tensor<4>,
    span: Span,
}

impl Sample {
    fn read(tensors: &Tensors, b: usize, span: Span, run: Arithmetic) -> Result<Self, FixtureError> {
        let sample = |name: &str| images(name, &tensors.get(name)?.sample(name, b)?, run);
        Ok(Sample { x: sample("x_t")?, eps: sample("eps")?, noise: sample("noise")?, span })
    }

    fn step(
        &self,
        solver: &dyn Solver<4>,
        model: &dyn Denoiser<4>,
        noise: Tensor<4>,
    ) -> Result<Vec<f64>, FixtureError> {
        let mut noise = Replay::new(vec![noise]);
        let step = solver.step(model, self.x.clone(), &self.span, &[], &mut noise);
        step.map(|step| values(step.x)).map_err(FixtureError::refused)
    }
}

impl<'a> Asked<'a> {
    fn named(item: &'a str) -> Result<Self, FixtureError> {
        let unknown = || FixtureError::NotCovered(format!("an item called `{item}`"));
        let mut parts = item.splitn(3, '/');
        let scale = parts.next().and_then(|part| part.strip_prefix("scale")?.parse().ok()).ok_or_else(unknown)?;
        let clip = match parts.next() {
            Some("clip") => true,
            Some("noclip") => false,
            _ => return Err(unknown()),
        };
        let known = ["mean_shifted", "ddpm/x_prev", "score/pred_xstart", "score/mean", "ddim/x_prev"];
        let what = parts.next().filter(|what| known.contains(what)).ok_or_else(unknown)?;
        Ok(Asked { scale, clip, what })
    }

    fn of(&self, sample: &Sample, pull: Pull) -> Result<Vec<f64>, FixtureError> {
        let (scale, variance) = (self.scale, Variance::FixedSmall);
        let reading = Reading { meaning: Meaning::Eps, variance, channels: OutputVariance::None, clip: self.clip };
        let model = reading.model(sample.eps.clone());
        let guide = move |x: &Tensor<4>, _: &Levels| (x.clone() - pull.b) * pull.a;
        let by_mean = GuidedAncestral { variance, guide, scale };
        let by_eps = ClassifierGuidance { inner: &*model, guide, scale };
        let belief = || by_eps.predict(sample.x.clone(), &Question::from(sample.span.from()));
        match self.what {
            "mean_shifted" => sample.step(&by_mean, &*model, sample.noise.zeros_like()),
            "ddpm/x_prev" => sample.step(&by_mean, &*model, sample.noise.clone()),
            "ddim/x_prev" => sample.step(&Ddim { eta: 0.0, keep_eps: false }, &by_eps, sample.noise.clone()),
            "score/pred_xstart" => Ok(values(belief().map_err(FixtureError::refused)?.x0())),
            _ => {
                let mean = belief().and_then(|belief| belief.posterior_mean(&[sample.span]));
                Ok(values(mean.map_err(FixtureError::refused)?))
            }
        }
    }
}
