//! Samples of a published network, with or without guidance.

use crate::classifier::log_probability_gradient;
use crate::{Guidance, PipelineError, Plan, Process, PublishedSolver};
use burn::tensor::{DType, Device, Tensor, TensorData};
use std::ops::ControlFlow;
use undrift_checkpoints::Network;
use undrift_denoisers::{
    ClassifierFree, ClassifierGuidance, Denoiser, Levels, Parameterisation, Preconditioned, Variance,
};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_samplers::{GuidedAncestral, Solver, steps};

/// A network, its process and a sampler, ready to draw.
pub struct Sampling<'a> {
    network: &'a Network,
    plan: &'a Plan,
    ancestral: Option<Variance>,
    parameterisation: Box<dyn Parameterisation>,
    process: Process,
    guidance: Guidance,
    classes: Vec<usize>,
    device: Device,
    seed: u64,
}

impl<'a> Sampling<'a> {
    /// A plan for a network of this process.
    ///
    /// Sample i is of class `classes[i % classes.len()]`, or of none where there are no classes.
    ///
    /// # Errors
    /// [`PipelineError::Refused`] for a wrapper around an ancestral solver whose mean a classifier moves; those of the
    /// chain.
    pub fn new(
        network: &'a Network,
        process: &Process,
        plan: &'a Plan,
        guidance: Guidance,
        classes: Vec<usize>,
        device: &Device,
        seed: u64,
    ) -> Result<Self, PipelineError> {
        let chain = process.chain.chain()?;
        let ancestral = match plan.published() {
            Some(PublishedSolver::Ddpm) => Some(process.variance.of_steps()),
            Some(PublishedSolver::DdpmSmall) => Some(Variance::FixedSmall),
            Some(PublishedSolver::DdpmLarge) => Some(Variance::FixedLarge),
            _ => None,
        };
        if ancestral.is_some() && matches!(guidance, Guidance::Classifier(_)) && plan.has_wrapped_solver() {
            let why =
                "a classifier moves its mean, which leaves no room for a wrapper around the solver; choose `ddim`";
            return Err(PipelineError::refused(plan.solver_text(), why));
        }
        Ok(Sampling {
            network,
            plan,
            ancestral,
            parameterisation: process.prediction.parameterisation(&chain),
            process: process.clone(),
            guidance,
            classes,
            device: device.clone(),
            seed,
        })
    }

    /// Steps that a batch takes.
    pub fn steps(&self) -> usize {
        self.plan.grid().steps()
    }

    /// The class of each of the samples `first .. first + count`; none where there are no classes.
    pub fn labels(&self, first: usize, count: usize) -> Option<Vec<usize>> {
        let class = |index: usize| self.classes[index % self.classes.len()];
        (!self.classes.is_empty()).then(|| (first..first + count).map(class).collect())
    }

    /// Draws the samples `first .. first + count`, each a function of the weights, the seed, its index and its class
    /// alone; none where `on_step`, which is called after every step, asked to stop.
    ///
    /// # Errors
    /// The sampler's.
    pub fn draw(
        &self,
        first: usize,
        count: usize,
        on_step: impl FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Tensor<4>>, PipelineError> {
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
        mut on_step: impl FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Tensor<4>>, PipelineError> {
        let labels = self.labels(first, x.dims()[0]);
        let model = self.plan.denoiser(self.belief(labels.as_deref()))?;
        let (model, solver) = self.guided(model, labels.as_deref());
        let solver: &dyn Solver<4> = solver.as_deref().unwrap_or(self.plan.solver());
        let scale = self.plan.start_scale();
        let mut x = if scale == 1.0 { x } else { x * scale };
        for step in steps(&*model, solver, self.plan.grid(), x.clone(), noise) {
            x = step?.x;
            if on_step().is_break() {
                return Ok(None);
            }
        }
        Ok(Some(x))
    }

    /// The network's belief, away from the null label's where that is asked for.
    fn belief<'b>(&'b self, labels: Option<&'b [usize]>) -> Box<dyn Denoiser<4> + 'b> {
        let of = |labels: Option<Vec<usize>>| Preconditioned {
            network: move |x: Tensor<4>, time: Tensor<1>| {
                let time = if self.process.time_factor == 1.0 { time } else { time * self.process.time_factor };
                self.network.forward(x, time, labels.as_deref())
            },
            parameterisation: &self.parameterisation,
            variance: self.process.variance.of_output(),
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
