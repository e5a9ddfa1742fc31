//! Golden vectors of losses, edm.

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Levels, Network, OutputVariance, Parameterisation, Preconditioned};
use undrift_losses::{ContinuousVp, LogNormal, LogUniform, Plain, Weighting, squared_error};
use undrift_noise::Replay;
use undrift_schedules::{Level, LevelError};

use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{tensor, values};
use crate::tolerances;

const RUN: Arithmetic = Arithmetic::F64;

/// `EDMLoss`, `VPLoss` and `VELoss` with a formula for the denoiser, in double precision.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let denoiser = Formula::read(fixture.root().text("denoiser")?)?;
    for name in fixture.tensors().names() {
        if let Some((class, item)) = name.split_once('/') {
            cases.add(name, RUN, compared(fixture, denoiser, class, item));
        }
    }
    Ok(())
}

fn compared(fixture: &Fixture, denoiser: Formula, class: &str, item: &str) -> Result<Outcome, FixtureError> {
    let (objective, tensors) = (Objective::read(fixture, class)?, fixture.tensors());
    let published = &tensors.get(&format!("{class}/{item}"))?.values;
    let draws = &tensors.get(objective.draws())?.values;
    let levels = draws.iter().map(|&draw| objective.level(draw)).collect::<Result<Vec<_>, _>>();
    let levels = levels.map_err(FixtureError::refused)?;
    let pixels = tensors.get("images")?.values.len() / levels.len().max(1);
    let ours = match item {
        "sigma" => levels.iter().map(|level| level.sigma()).collect(),
        "weight" => weights(&objective, &levels)?,
        "loss_mean_per_sample" => per_sample(fixture, denoiser, &objective, &levels, pixels)?,
        "loss_per_pixel" => {
            let each: Vec<Level> = levels.iter().flat_map(|&level| vec![level; pixels]).collect();
            per_sample(fixture, denoiser, &objective, &each, 1)?
        }
        other => return Err(FixtureError::NotCovered(format!("an item called `{other}`"))),
    };
    Ok(compare(&ours, published, tolerances::loss(RUN)))
}

fn weights(objective: &Objective, levels: &[Level]) -> Result<Vec<f64>, FixtureError> {
    let weights = levels.iter().map(|&level| objective.weighting().weight(&Denoised, level));
    weights.collect::<Result<_, _>>().map_err(FixtureError::refused)
}

/// The weighted loss of samples of so many pixels, each at its own level.
fn per_sample(
    fixture: &Fixture,
    denoiser: Formula,
    objective: &Objective,
    levels: &[Level],
    pixels: usize,
) -> Result<Vec<f64>, FixtureError> {
    let rows = |name: &str| Ok(tensor(fixture.tensors().get(name)?.values.clone(), [levels.len(), pixels], RUN));
    let model = Preconditioned { network: denoiser, parameterisation: Denoised, variance: OutputVariance::None };
    let (at, mut noise) = (Levels::from(levels.to_vec()), Replay::<2>::new(vec![rows("noise")?]));
    let errors = squared_error(&model, &Plain, rows("images")?, &at, &mut noise).map_err(FixtureError::refused)?;
    let weighted = objective.weighting().weigh(errors, &model.parameterisation, &at);
    weighted.map(values).map_err(FixtureError::refused)
}

/// Which loss, with its constants.
enum Objective {
    Edm { sigmas: LogNormal, sigma_data: f64 },
    Vp(ContinuousVp),
    Ve(LogUniform),
}

impl Objective {
    /// The defaults of the class, changed by what the arguments list: `EDMLoss_alt: P_mean=-.4,P_std=1`.
    fn read(fixture: &Fixture, class: &str) -> Result<Self, FixtureError> {
        let listed = fixture.root().text_or_empty("args");
        let own = listed.split(';').find_map(|part| part.trim().strip_prefix(class)?.strip_prefix(':'));
        let argument = |name: &str, default: f64| {
            let mut arguments = own.unwrap_or_default().split(',').filter_map(|argument| argument.split_once('='));
            let found = arguments.find(|(other, _)| other.trim() == name);
            found.map_or(Ok(default), |(_, value)| value.trim().parse()).map_err(|_| unreadable(listed))
        };
        let is = |name: &str| class == name || class.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
        if is("EDMLoss") {
            let LogNormal { p_mean, p_std } = LogNormal::EDM;
            let sigmas = LogNormal { p_mean: argument("P_mean", p_mean)?, p_std: argument("P_std", p_std)? };
            Ok(Objective::Edm { sigmas, sigma_data: argument("sigma_data", 0.5)? })
        } else if is("VPLoss") {
            let ContinuousVp { beta_d, beta_min, epsilon } = ContinuousVp::EDM;
            let (beta_d, beta_min) = (argument("beta_d", beta_d)?, argument("beta_min", beta_min)?);
            Ok(Objective::Vp(ContinuousVp { beta_d, beta_min, epsilon: argument("epsilon_t", epsilon)? }))
        } else if is("VELoss") {
            let LogUniform { sigma_min, sigma_max } = LogUniform::EDM;
            let (sigma_min, sigma_max) = (argument("sigma_min", sigma_min)?, argument("sigma_max", sigma_max)?);
            Ok(Objective::Ve(LogUniform { sigma_min, sigma_max }))
        } else {
            Err(FixtureError::NotCovered(format!("a loss called `{class}`")))
        }
    }

    /// The tensor that levels are made of.
    fn draws(&self) -> &'static str {
        match self {
            Objective::Edm { .. } => "rnd_normal",
            Objective::Vp(_) | Objective::Ve(_) => "rnd_uniform",
        }
    }

    fn level(&self, draw: f64) -> Result<Level, LevelError> {
        match self {
            Objective::Edm { sigmas, .. } => sigmas.level(draw),
            Objective::Vp(sigmas) => sigmas.level(draw),
            Objective::Ve(sigmas) => sigmas.level(draw),
        }
    }

    fn weighting(&self) -> Weighting {
        match *self {
            Objective::Edm { sigma_data, .. } => Weighting::Edm { sigma_data },
            Objective::Vp(_) | Objective::Ve(_) => Weighting::Snr,
        }
    }
}

/// The output is x0 and the network sees `x` and sigma themselves, as the published denoisers do.
struct Denoised;

impl Parameterisation for Denoised {
    fn x0_of(&self, _at: Level) -> Result<(f64, f64), DenoiseError> {
        Ok((0.0, 1.0))
    }

    fn c_in(&self, _at: Level) -> f64 {
        1.0
    }

    fn c_noise(&self, at: Level) -> f64 {
        at.sigma()
    }
}

/// `D(x,sigma)=(m*sigma^2+a*x)/(sigma^2+b)`.
#[derive(Clone, Copy)]
struct Formula {
    m: f64,
    a: f64,
    b: f64,
}

impl Formula {
    fn read(text: &str) -> Result<Self, FixtureError> {
        let parts = || {
            let (_, formula) = text.split_once("=(")?;
            let (m, rest) = formula.split_once("*sigma^2+")?;
            let (a, rest) = rest.split_once("*x)/(sigma^2+")?;
            let b = rest.split_once(')')?.0;
            Some(Formula { m: m.parse().ok()?, a: a.parse().ok()?, b: b.parse().ok()? })
        };
        parts().ok_or_else(|| unreadable(text))
    }
}

impl Network<2> for Formula {
    fn forward(&self, x: Tensor<2>, sigma: Tensor<1>) -> Result<Tensor<2>, DenoiseError> {
        let entries = sigma.dims()[0];
        let variance = sigma.square().reshape([entries, 1]);
        Ok((variance.clone() * self.m + x * self.a) / (variance + self.b))
    }
}

fn unreadable(text: &str) -> FixtureError {
    FixtureError::NotCovered(format!("settings written `{text}`"))
}
