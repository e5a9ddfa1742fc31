//! What a study of exposure bias compares, as serde types.

use crate::methods::{Method, SamplerSettings};
use serde::{Deserialize, Serialize};

/// What a study of exposure bias compares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposureSettings {
    /// Seeds of training and sampling on which constants are searched; none of them is reported.
    pub tuning_seeds: Vec<u64>,
    /// The solvers.
    pub solvers: Vec<Method>,
    /// How levels are chosen.
    pub spacing: Method,
    /// Numbers of steps that are sampled without a cure; the chain's length is all of its levels.
    pub steps: Vec<usize>,
    /// Numbers of steps, of those above, at which the cures are tried as well.
    pub cured_steps: Vec<usize>,
    /// Scales `b` among which epsilon scaling is searched.
    pub scales: Vec<f64>,
    /// Windows `w` (levels of the chain) among which time shift is searched.
    pub windows: Vec<usize>,
    /// Cutoffs `t_c` (levels of the chain) among which time shift is searched.
    pub cutoffs: Vec<usize>,
    /// Steps of the chains along which the bias is measured.
    pub curve_steps: usize,
    /// Real images that those chains start from.
    pub curve_images: usize,
    /// Levels `t0` that real images are noised to before they are sampled back.
    pub chain_lengths: Vec<usize>,
    /// Published effects, to be shown beside ours.
    #[serde(default)]
    pub published: Vec<PublishedEffect>,
}

/// A published effect of a cure (CIFAR-10, FID of 50,000 samples).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedEffect {
    /// What was cured: model and sampler.
    pub what: String,
    /// Steps.
    pub steps: usize,
    /// FID without the cure.
    pub plain: f64,
    /// FID with it.
    pub cured: f64,
    /// Where the numbers are from.
    pub source: String,
}

/// What is done against exposure bias while sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cure {
    /// Nothing.
    Plain,
    /// Epsilon scaling.
    EpsilonScaling,
    /// Time shift.
    TimeShift,
    /// Time shift, and epsilon scaling searched with it.
    Both,
}

impl Cure {
    /// All, in the order in which they are shown.
    pub const ALL: [Cure; 4] = [Cure::Plain, Cure::EpsilonScaling, Cure::TimeShift, Cure::Both];

    /// Its name in tables.
    pub fn label(self) -> &'static str {
        match self {
            Cure::Plain => "plain",
            Cure::EpsilonScaling => "epsilon scaling",
            Cure::TimeShift => "time shift",
            Cure::Both => "time shift with epsilon scaling",
        }
    }
}

impl ExposureSettings {
    /// A sampler of this study: `cures` stand next to the network, clipping behind them.
    pub fn sampler(&self, solver: &Method, steps: usize, cures: &[Method]) -> SamplerSettings {
        let wrappers = cures.iter().cloned().chain([Method::named("clip")]).collect();
        SamplerSettings { solver: solver.clone(), steps: Some(steps), spacing: self.spacing.clone(), wrappers }
    }

    /// How samples are drawn, in words.
    pub fn sampling_text(&self, count: usize) -> String {
        let solvers = self.solvers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        let spacing = &self.spacing;
        format!(
            "{count} samples of each sampler; {solvers} at {:?} steps, spacing {spacing}; x0 clipped to [-1, 1] behind \
             every cure; rounded to 8 bits; all samplers of a seed start from the same noise",
            self.steps
        )
    }

    /// Every sampler that the study builds, each cure with each of its constants, and the key that asks for it.
    pub fn samplers(&self) -> Vec<(&'static str, SamplerSettings)> {
        let (scales, shifts) = (scalings(&self.scales), shifts(&self.windows, &self.cutoffs));
        // Whether they go together does not depend on their constants.
        let both = shifts.first().zip(scales.first()).map(|(shift, scale)| vec![shift.clone(), scale.clone()]);
        let alone = scales.iter().chain(&shifts).map(|cure| vec![cure.clone()]);
        let cures: Vec<Vec<Method>> = alone.chain(both).collect();
        let mut all = Vec::new();
        for solver in &self.solvers {
            let plain = self.steps.iter().map(|&steps| ("exposure.solvers", self.sampler(solver, steps, &[])));
            all.extend(plain);
            all.push(("exposure.curve_steps", self.sampler(solver, self.curve_steps, &[])));
            for &steps in &self.cured_steps {
                all.extend(cures.iter().map(|cure| ("exposure.cured_steps", self.sampler(solver, steps, cure))));
            }
        }
        let back = self.solvers.first().filter(|_| !self.chain_lengths.is_empty());
        all.extend(back.map(|solver| ("exposure.chain_lengths", Self::back(solver))));
        all
    }

    /// The sampler that takes real images back: every level below where they were noised to.
    pub fn back(solver: &Method) -> SamplerSettings {
        SamplerSettings { solver: solver.clone(), ..SamplerSettings::ancestral() }
    }

    /// Evaluations of one row's networks per sample: the searches, the scores of `seeds` seeds and the chain lengths.
    pub fn evaluations(&self, seeds: usize) -> usize {
        let sum = |steps: &[usize]| self.solvers.len() * steps.iter().sum::<usize>();
        let choices = 2 * self.scales.len() + self.windows.len() * self.cutoffs.len();
        let searched = self.tuning_seeds.len() * choices * sum(&self.cured_steps);
        let scored = seeds * (sum(&self.steps) + (Cure::ALL.len() - 1) * sum(&self.cured_steps));
        searched + scored + self.chain_lengths.iter().sum::<usize>()
    }

    /// Whether any constant has to be chosen.
    pub fn has_choices(&self) -> bool {
        self.scales.len() > 1 || self.windows.len() * self.cutoffs.len() > 1
    }
}

/// Epsilon scaling with every constant of a list.
pub fn scalings(scales: &[f64]) -> Vec<Method> {
    scales.iter().map(|b| Method::named("epsilon-scaling").with("b", b)).collect()
}

/// Time shift with every pair of a window and a cutoff.
pub fn shifts(windows: &[usize], cutoffs: &[usize]) -> Vec<Method> {
    let pairs = windows.iter().flat_map(|w| cutoffs.iter().map(move |t_c| (w, t_c)));
    pairs.map(|(w, t_c)| Method::named("time-shift").with("window", w).with("cutoff", t_c)).collect()
}
