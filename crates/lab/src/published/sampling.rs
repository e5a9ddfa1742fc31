//! Samples of a published network, with or without guidance.

use super::classifier::log_probability_gradient;
use super::{Plan, Process, SamplerChoice};
use crate::interrupt;
use crate::methods::{MethodError, Sampler};
use crate::registry;
use crate::run::RunError;
use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use undrift_checkpoints::Network;
use undrift_denoisers::{
    ClassifierFree, ClassifierGuidance, Denoiser, Levels, Parameterisation, Preconditioned, Variance,
};
use undrift_networks::AdmClassifier;
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_samplers::{GuidedAncestral, Solver, steps};
use undrift_schedules::Chain;

/// A network, its process and a sampler, ready to draw.
pub struct PublishedSampling<'a> {
    network: &'a Network,
    sampler: Sampler,
    start_scale: f64,
    ancestral: Option<Variance>,
    parameterisation: Box<dyn Parameterisation>,
    process: Process,
    guidance: Guidance,
    classes: Vec<usize>,
    device: Device,
    seed: u64,
}

/// How samples are drawn towards their classes.
#[derive(Clone)]
pub enum Guidance {
    /// By the network's own condition, or not at all.
    None,
    /// Away from what the network gives for the null label.
    ClassifierFree {
        /// s; 1 is the plain condition.
        scale: f64,
        /// Channels that are guided; all, if absent.
        channels: Option<usize>,
        /// The label that stands for no class.
        null: usize,
    },
    /// By a classifier of noised images.
    Classifier(Box<ByClassifier>),
}

/// A classifier that guides.
#[derive(Clone)]
pub struct ByClassifier {
    classifier: AdmClassifier,
    scale: f64,
}

impl ByClassifier {
    /// A classifier on an autodiff device, whose own weights get no gradients, and s.
    pub fn new(classifier: AdmClassifier, scale: f64) -> Self {
        ByClassifier { classifier: classifier.no_grad(), scale }
    }
}

impl<'a> PublishedSampling<'a> {
    /// A sampler for a network of this process.
    ///
    /// Sample i is of class `classes[i % classes.len()]`, or of none where there are no classes.
    ///
    /// # Errors
    /// [`RunError::Method`] for a method that does not exist or does not fit; those of the chain.
    pub fn new(
        network: &'a Network,
        process: &Process,
        choice: &SamplerChoice,
        guidance: Guidance,
        classes: Vec<usize>,
        device: &Device,
        seed: u64,
    ) -> Result<Self, RunError> {
        let chain: Chain = registry::chain(&process.chain)?;
        let Plan { sampler, settings, start_scale, .. } = Plan::new(process, choice)?;
        let ancestral = match settings.solver.name.as_str() {
            "ddpm" => Some(registry::variance(process.variance)),
            "ddpm-small" => Some(Variance::FixedSmall),
            "ddpm-large" => Some(Variance::FixedLarge),
            _ => None,
        };
        if ancestral.is_some() && matches!(guidance, Guidance::Classifier(_)) && sampler.has_wrapped_solver() {
            let why =
                "a classifier moves its mean, which leaves no room for a wrapper around the solver; choose `ddim`";
            return Err(MethodError::Refused { method: settings.solver.to_string(), why: why.to_owned() }.into());
        }
        Ok(PublishedSampling {
            network,
            sampler,
            start_scale,
            ancestral,
            parameterisation: registry::parameterisation(process.prediction, &chain),
            process: process.clone(),
            guidance,
            classes,
            device: device.clone(),
            seed,
        })
    }

    /// Steps that a batch takes.
    pub fn steps(&self) -> usize {
        self.sampler.grid().steps()
    }

    /// The class of each of the samples `first .. first + count`; none where there are no classes.
    pub fn labels(&self, first: usize, count: usize) -> Option<Vec<usize>> {
        let class = |index: usize| self.classes[index % self.classes.len()];
        (!self.classes.is_empty()).then(|| (first..first + count).map(class).collect())
    }

    /// Draws the samples `first .. first + count`, each a function of the weights, the seed, its index and its class
    /// alone; `on_step` is called after every step.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] after Ctrl-C, and the sampler's.
    pub fn draw(&self, first: usize, count: usize, on_step: impl FnMut()) -> Result<Tensor<4>, RunError> {
        let [channels, height, width] = self.network.config().image_shape();
        let like = Tensor::<4>::zeros([count, channels, height, width], (&self.device, DType::F32));
        let mut noise = SampleNoise::new(Key::new(self.seed, Purpose::Sampling), first as u64, count);
        let x = noise.normal(&like);
        self.walk(x, first, &mut noise, on_step)
    }

    /// The samples that begin at the noise `x`, the first of them being number `first`.
    ///
    /// # Shapes
    /// `x`: `[B, C, H, W]`, standard normal, in the network's precision
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    pub fn walk(
        &self,
        x: Tensor<4>,
        first: usize,
        noise: &mut dyn Noise<4>,
        mut on_step: impl FnMut(),
    ) -> Result<Tensor<4>, RunError> {
        let labels = self.labels(first, x.dims()[0]);
        let model = self.sampler.denoiser(self.belief(labels.as_deref()))?;
        let (model, solver) = self.guided(model, labels.as_deref());
        let solver: &dyn Solver<4> = solver.as_deref().unwrap_or(self.sampler.solver());
        let mut x = if self.start_scale == 1.0 { x } else { x * self.start_scale };
        for step in steps(&*model, solver, self.sampler.grid(), x.clone(), noise) {
            x = step?.x;
            on_step();
            if interrupt::requested() {
                return Err(RunError::Interrupted);
            }
        }
        Ok(x)
    }

    /// The network's belief, away from the null label's where that is asked for.
    fn belief<'b>(&'b self, labels: Option<&'b [usize]>) -> Box<dyn Denoiser<4> + 'b> {
        let of = |labels: Option<Vec<usize>>| Preconditioned {
            network: move |x: Tensor<4>, time: Tensor<1>| {
                let time = if self.process.time_factor == 1.0 { time } else { time * self.process.time_factor };
                self.network.forward(x, time, labels.as_deref())
            },
            parameterisation: &self.parameterisation,
            variance: registry::output_variance(self.process.variance),
        };
        match (&self.guidance, labels) {
            (&Guidance::ClassifierFree { scale, channels, null }, Some(labels)) => Box::new(ClassifierFree {
                conditional: of(Some(labels.to_vec())),
                unconditional: of(Some(vec![null; labels.len()])),
                scale,
                channels,
            }),
            _ if self.network.config().classes().is_none() => Box::new(of(None)),
            (_, labels) => Box::new(of(labels.map(<[usize]>::to_vec))),
        }
    }

    /// The model and, if it must be another one, the solver when a classifier guides: its mean is moved in an
    /// ancestral step, eps in any other.
    fn guided<'b>(
        &'b self,
        model: Box<dyn Denoiser<4> + 'b>,
        labels: Option<&'b [usize]>,
    ) -> (Box<dyn Denoiser<4> + 'b>, Option<Box<dyn Solver<4> + 'b>>) {
        let (Guidance::Classifier(by), Some(labels)) = (&self.guidance, labels) else { return (model, None) };
        let scale = by.scale;
        let guide = move |x: &Tensor<4>, at: &Levels| {
            let time: Vec<f64> =
                at.iter().map(|level| self.parameterisation.c_noise(level) * self.process.time_factor).collect();
            let entries = [time.len()];
            let logits = |x: Tensor<4>| {
                let options = (&x.device(), x.dtype());
                by.classifier.forward(x, Tensor::from_data(TensorData::new(time.clone(), entries), options))
            };
            log_probability_gradient(logits, labels, x)
        };
        match self.ancestral {
            Some(variance) => (model, Some(Box::new(GuidedAncestral { variance, guide, scale }))),
            None => (Box::new(ClassifierGuidance { inner: model, guide, scale }), None),
        }
    }
}
