//! What a scheduler's settings mean to its class.

use super::class::Class;
use super::{defaults, keys};
use crate::{Betas, Predicted, PublishedSolver, StepVariance, X0Limit};
use serde_json::Value;
use undrift_checkpoints::{CheckpointError, Settings};
use undrift_schedules::Spacing;
use undrift_schedules::peers::DiffusersCurve;

/// How a list of timesteps is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Integer strides from the first level on.
    Leading,
    /// Both ends.
    Linspace,
    /// Strides down from the last level.
    Trailing,
}

impl From<Layout> for Spacing {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Leading => Spacing::Leading,
            Layout::Linspace => Spacing::Linspace,
            Layout::Trailing => Spacing::Trailing,
        }
    }
}

/// What the settings of a scheduler mean to a class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules {
    /// The class.
    pub class: Class,
    /// The chain, before it is rescaled to end without signal.
    pub chain: Betas,
    /// Whether it is.
    pub zero_snr: bool,
    /// What the network gives.
    pub prediction: Predicted,
    /// The variance of DDPM's steps.
    pub variance: StepVariance,
    /// What is done to x0.
    pub limit: X0Limit,
    /// How timesteps are laid out.
    pub layout: Layout,
    /// What is added to leading ones.
    pub offset: usize,
    /// The curve of the sigmas, where they do not follow the timesteps.
    pub curve: Option<DiffusersCurve>,
    /// Ends of the curve that are not the chain's.
    pub sigma_range: (Option<f64>, Option<f64>),
    /// Whether the last step ends at the chain's first level instead of the data.
    pub ends_at_first: bool,
    /// `lower_order_final`.
    pub lower_order_final: bool,
    /// `euler_at_final`.
    pub euler_at_final: bool,
    /// The smallest log(signal / noise) of a timestep.
    pub lambda_min: f64,
    /// Whether labels on a curve are those of the cosine chain, which are cut off, not rounded.
    pub cosine: bool,
    /// `solver_order`.
    pub order: usize,
    /// Whether B(h) of UniPC is h.
    pub b1: bool,
    /// Whether PNDM starts with Runge-Kutta steps.
    pub runge_kutta: bool,
}

impl Rules {
    /// Of settings in the words of diffusers, with the class's own defaults where they say nothing.
    ///
    /// # Errors
    /// [`CheckpointError::Setting`], or several together, for keys and values that are not honoured here.
    pub(crate) fn read(class: Class, settings: &Settings) -> Result<Self, CheckpointError> {
        let faults = |found: Result<_, CheckpointError>| match found {
            Ok(()) => Vec::new(),
            Err(CheckpointError::Several(all)) => all,
            Err(one) => vec![one],
        };
        let mut all = faults(keys::check(class, settings).map(drop));
        let read = Reader { class, all: defaults::laid_under(class, settings) };
        all.extend(faults(read.prediction().map(drop)));
        CheckpointError::all(all)?;
        read.rules()
    }

    /// The solver of ours that takes the class's steps.
    pub(crate) fn solver(&self) -> PublishedSolver {
        match self.class {
            Class::Ddpm => PublishedSolver::Ddpm,
            Class::Ddim if self.limit == X0Limit::None => PublishedSolver::DDIM,
            Class::Ddim => PublishedSolver::Ddim { eta: 0.0, keep_eps: true },
            Class::Pndm if self.runge_kutta => PublishedSolver::FPndm,
            Class::Pndm => PublishedSolver::Plms,
            Class::Euler => PublishedSolver::Euler,
            Class::EulerAncestral => PublishedSolver::Ddim { eta: 1.0, keep_eps: false },
            Class::Heun => PublishedSolver::Heun,
            Class::Kdpm2 => PublishedSolver::DpmSolver2,
            Class::Lms => PublishedSolver::Lms,
            Class::DpmMultistep if self.order == 1 => PublishedSolver::DDIM,
            Class::DpmMultistep => PublishedSolver::DpmSolverPp2m,
            Class::UniPc if self.b1 => PublishedSolver::UniPcB1,
            Class::UniPc => PublishedSolver::UniPc,
        }
    }
}

/// What the class reads, given or by default.
struct Reader {
    class: Class,
    all: Settings,
}

impl Reader {
    /// A switch; off where the class has none.
    fn flag(&self, key: &str) -> Result<bool, CheckpointError> {
        self.all.or(key, false)
    }

    /// A word; none where the class has none.
    fn text(&self, key: &str) -> Result<String, CheckpointError> {
        self.all.or(key, String::new())
    }

    fn rules(&self) -> Result<Rules, CheckpointError> {
        let class = self.class;
        let first = self.text("final_sigmas_type")?;
        let ends_at_first = match class {
            Class::Ddim | Class::Pndm => !self.flag("set_alpha_to_one")?,
            _ => match first.as_str() {
                "zero" | "" => false,
                "sigma_min" => true,
                other => return Err(CheckpointError::unknown("final_sigmas_type", other, "zero, sigma_min")),
            },
        };
        let rules = Rules {
            class,
            chain: self.chain()?,
            zero_snr: self.flag("rescale_betas_zero_snr")?,
            prediction: self.prediction()?,
            variance: self.variance()?,
            limit: self.limit()?,
            layout: self.layout()?,
            offset: self.all.or("steps_offset", 0)?,
            curve: self.curve()?,
            sigma_range: (self.all.get("sigma_min")?, self.all.get("sigma_max")?),
            ends_at_first,
            lower_order_final: self.flag("lower_order_final")?,
            euler_at_final: self.flag("euler_at_final")?,
            lambda_min: self.lambda_min()?,
            cosine: self.text("beta_schedule")? == "squaredcos_cap_v2",
            order: self.order()?,
            b1: self.b1()?,
            runge_kutta: !self.flag("skip_prk_steps")?,
        };
        self.labels()?;
        Ok(rules)
    }

    fn chain(&self) -> Result<Betas, CheckpointError> {
        let length = self.all.required("num_train_timesteps")?;
        if let Some(betas) = self.all.get::<Vec<f64>>("trained_betas")? {
            if betas.len() != length {
                let expected = format!("num_train_timesteps is {length}; give as many betas");
                let value = format!("a list of {}", betas.len());
                return Err(CheckpointError::Setting { key: "trained_betas".to_owned(), value, expected });
            }
            return Ok(Betas::Listed { betas });
        }
        let (start, end) = (self.all.required("beta_start")?, self.all.required("beta_end")?);
        Ok(match self.text("beta_schedule")?.as_str() {
            "linear" => Betas::linear(length, start, end),
            "scaled_linear" => Betas::ScaledLinear { length, start, end },
            "squaredcos_cap_v2" => Betas::Cosine { length },
            "sigmoid" if self.class == Class::Ddpm => Betas::Sigmoid { length, start, end },
            other => {
                let sigmoid = if self.class == Class::Ddpm { ", sigmoid" } else { "" };
                let known = format!("linear, scaled_linear, squaredcos_cap_v2{sigmoid} for {}", self.class.name());
                return Err(CheckpointError::unknown("beta_schedule", other, &known));
            }
        })
    }

    fn prediction(&self) -> Result<Predicted, CheckpointError> {
        let of_x0 = !matches!(self.class, Class::Pndm | Class::EulerAncestral | Class::Kdpm2);
        match self.text("prediction_type")?.as_str() {
            "epsilon" => Ok(Predicted::Eps),
            "v_prediction" => Ok(Predicted::V),
            "sample" if of_x0 => Ok(Predicted::X0),
            "original_sample" if self.class == Class::Euler => Ok(Predicted::X0),
            other => {
                let x0 = if of_x0 { ", sample" } else { "" };
                Err(CheckpointError::unknown(
                    "prediction_type",
                    other,
                    &format!("epsilon, v_prediction{x0} for {}", self.class.name()),
                ))
            }
        }
    }

    /// Only DDPM's steps have a variance; DPM-Solver's drop what the network says about it.
    fn variance(&self) -> Result<StepVariance, CheckpointError> {
        let known = "fixed_small, fixed_small_log, fixed_large, learned_range";
        match (self.class, self.all.get::<String>("variance_type")?.as_deref()) {
            (Class::Ddpm, None | Some("fixed_small" | "fixed_small_log")) => Ok(StepVariance::FixedSmall),
            (Class::Ddpm, Some("fixed_large")) => Ok(StepVariance::FixedLarge),
            (Class::Ddpm | Class::DpmMultistep, Some("learned_range")) => Ok(StepVariance::LearnedRange),
            (Class::DpmMultistep, Some("learned")) => Ok(StepVariance::LearnedRange),
            (Class::DpmMultistep, Some(other)) => {
                Err(CheckpointError::unknown("variance_type", other, "null, learned, learned_range"))
            }
            (_, Some("learned")) => Err(CheckpointError::unknown(
                "variance_type",
                "learned",
                &format!("{known}; `learned` of diffusers is a variance, not its logarithm"),
            )),
            (_, Some("fixed_large_log")) => Err(CheckpointError::unknown(
                "variance_type",
                "fixed_large_log",
                &format!("{known}; diffusers' own step of `fixed_large_log` gives NaN"),
            )),
            (_, Some(other)) => Err(CheckpointError::unknown("variance_type", other, known)),
            (_, None) => Ok(StepVariance::FixedSmall),
        }
    }

    fn limit(&self) -> Result<X0Limit, CheckpointError> {
        if self.flag("thresholding")? {
            let (ratio, most) =
                (self.all.required("dynamic_thresholding_ratio")?, self.all.required("sample_max_value")?);
            return Ok(X0Limit::Threshold { ratio, most });
        }
        let clips = self.flag("clip_sample")?;
        Ok(if clips { X0Limit::Clip { range: self.all.required("clip_sample_range")? } } else { X0Limit::None })
    }

    fn layout(&self) -> Result<Layout, CheckpointError> {
        match self.text("timestep_spacing")?.as_str() {
            "leading" => Ok(Layout::Leading),
            "linspace" => Ok(Layout::Linspace),
            "trailing" => Ok(Layout::Trailing),
            other => Err(CheckpointError::unknown("timestep_spacing", other, "leading, linspace, trailing")),
        }
    }

    /// Where several are asked for: as the class's code, Karras before Lu, exponential and beta; diffusers itself refuses
    /// more than one of three.
    fn curve(&self) -> Result<Option<DiffusersCurve>, CheckpointError> {
        let curves = [
            ("use_karras_sigmas", DiffusersCurve::Karras),
            ("use_exponential_sigmas", DiffusersCurve::Exponential),
            ("use_beta_sigmas", DiffusersCurve::Beta),
            ("use_lu_lambdas", DiffusersCurve::Lu),
        ];
        let mut found = Vec::new();
        for (key, curve) in curves {
            if self.flag(key)? {
                found.push((key, curve));
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [(_, curve)] => Ok(Some(*curve)),
            [(key, _), (other, _), ..] => Err(CheckpointError::Setting {
                key: (*key).to_owned(),
                value: "true".to_owned(),
                expected: format!("so is {other}; only one of them can be"),
            }),
        }
    }

    /// -Infinity, as diffusers writes it, is no number of JSON and comes as text.
    fn lambda_min(&self) -> Result<f64, CheckpointError> {
        const KEY: &str = "lambda_min_clipped";
        match self.all.value(KEY) {
            None => Ok(f64::NEG_INFINITY),
            Some(Value::String(text)) if text.parse::<f64>().is_ok_and(|lambda| lambda == f64::NEG_INFINITY) => {
                Ok(f64::NEG_INFINITY)
            }
            Some(_) => self.all.required(KEY),
        }
    }

    fn order(&self) -> Result<usize, CheckpointError> {
        let order = self.all.or("solver_order", 2)?;
        let known: &[usize] = if self.class == Class::DpmMultistep { &[1, 2] } else { &[2] };
        if known.contains(&order) {
            return Ok(order);
        }
        let known = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Err(CheckpointError::unknown("solver_order", &order.to_string(), &format!("{known} for {}", self.class.name())))
    }

    /// Names of the other multistep schedulers mean the usual type, as in their code.
    fn b1(&self) -> Result<bool, CheckpointError> {
        match (self.class, self.text("solver_type")?.as_str()) {
            (Class::UniPc, "bh1") => Ok(true),
            (Class::UniPc, "bh2" | "midpoint" | "heun" | "logrho") => Ok(false),
            (Class::UniPc, other) => Err(CheckpointError::unknown("solver_type", other, "bh1, bh2")),
            (Class::DpmMultistep, "midpoint" | "logrho" | "bh1" | "bh2") => Ok(false),
            (Class::DpmMultistep, other) => Err(CheckpointError::unknown("solver_type", other, "midpoint")),
            _ => Ok(false),
        }
    }

    /// Continuous labels are for v models alone in the code of Euler's scheduler, which else passes them over.
    fn labels(&self) -> Result<(), CheckpointError> {
        match self.text("timestep_type")?.as_str() {
            "discrete" | "" => Ok(()),
            "continuous" if self.prediction()? != Predicted::V => Ok(()),
            other => Err(CheckpointError::unknown("timestep_type", other, "discrete")),
        }
    }
}
