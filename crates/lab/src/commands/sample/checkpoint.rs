//! Samples of a checkpoint.

use super::Args;
use crate::commands::Outcome;
use crate::methods::{Method, SamplerSettings};
use crate::progress::Progress;
use crate::published::{
    ByClassifier, CheckpointArgs, Drawing, Guidance, Opened, Output, Process, PublishedSampling, Setting,
};
use crate::registry;
use crate::run::RunError;
use burn::tensor::Device;
use miette::{IntoDiagnostic, Result, miette};
use std::path::{Path, PathBuf};
use std::time::Instant;
use undrift_checkpoints::{Network, NetworkConfig};
use undrift_data::quantise;

/// What is said about a checkpoint, its classes and its guidance.
#[derive(clap::Args)]
pub(super) struct CheckpointSampling {
    /// Checkpoint to sample: a `.safetensors`, `.pt`, `.pth`, `.ckpt` or `.bin` file, or a folder as diffusers writes it
    #[arg(long, value_name = "PATH")]
    pub(super) checkpoint: Option<PathBuf>,
    #[command(flatten)]
    given: CheckpointArgs,
    /// Classes, as `207` or `207,360,387`: sample i is of the i-th, and so around [default: 0, 1, 2, ..]
    #[arg(long, value_delimiter = ',', value_name = "CLASSES")]
    classes: Vec<usize>,
    /// Strength s of classifier-free guidance, eps_u + s (eps_c - eps_u); 1 is the plain condition
    #[arg(long, value_name = "S")]
    cfg_scale: Option<f64>,
    /// Channels that classifier-free guidance reaches [default: 3 for DiT, as its released code]
    #[arg(long, value_name = "N")]
    cfg_channels: Option<usize>,
    /// Classifier of noised images that guides
    #[arg(long, value_name = "PATH")]
    classifier: Option<PathBuf>,
    /// Strength of the classifier's guidance
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    classifier_scale: f64,
    /// One setting of the classifier, as `num_head_channels=64`; give it again for more
    #[arg(long, value_name = "KEY=VALUE")]
    classifier_set: Vec<Setting>,
}

impl CheckpointSampling {
    /// Refuses what only a checkpoint can have.
    pub(super) fn check_unused(&self) -> Result<()> {
        let guided = self.cfg_scale.is_some() || self.classifier.is_some() || !self.classes.is_empty();
        if guided {
            return Err(miette!("classes and guidance are for a --checkpoint; rows of a recipe have no classes"));
        }
        Ok(())
    }
}

pub(super) fn run(args: &Args, path: &Path) -> Result<Outcome> {
    let device = registry::device(&args.device).into_diagnostic()?;
    let given = args.checkpoint.given.clone().with_group(args.weights.map(|weights| weights.name()));
    let opened = Opened::new(path, &given).into_diagnostic()?;
    if matches!(opened.config, NetworkConfig::Classifier(_)) {
        return Err(miette!("{} is a classifier, which makes no images; give it as --classifier", path.display()));
    }
    let (output, shape) = (Output::of(&args.out), opened.config.image_shape());
    output.check(shape)?;
    let by_classifier = args.checkpoint.classifier.is_some();
    let classes = classes(&args.checkpoint.classes, &opened.config, by_classifier)?;
    let guidance = guidance(&args.checkpoint, &opened.config, &classes, &device)?;
    let settings = args.sampler(&usual(&opened.process));
    let started = Instant::now();
    let network = opened.load(&device).into_diagnostic()?;
    eprintln!("{} parameters read in {:.1} s", network.parameter_count(), started.elapsed().as_secs_f64());
    let sampling = PublishedSampling::new(&network, &opened.process, &settings, guidance, classes, &device, args.seed)
        .into_diagnostic()?;
    crate::interrupt::install().into_diagnostic()?;
    let clipped = opened.process.clip;
    let drawing = match draw(args, &sampling, clipped) {
        Ok(drawing) => drawing,
        Err(RunError::Interrupted) => {
            eprintln!("stopped; nothing was written");
            return Ok(Outcome::Interrupted);
        }
        Err(error) => return Err(error).into_diagnostic(),
    };
    output.write(&drawing, shape, sampling.labels(0, args.count).as_deref())?;
    println!("{}", output.path().display());
    Ok(Outcome::Done)
}

/// Ancestral over all levels, clipped if the published sampler clips.
fn usual(process: &Process) -> SamplerSettings {
    let wrappers = if process.clip { vec![Method::named("clip")] } else { Vec::new() };
    SamplerSettings { wrappers, ..SamplerSettings::ancestral() }
}

fn classes(given: &[usize], config: &NetworkConfig, by_classifier: bool) -> Result<Vec<usize>> {
    match (config.classes(), given) {
        (None, _) if by_classifier => Ok(if given.is_empty() { vec![0] } else { given.to_vec() }),
        (None, []) => Ok(Vec::new()),
        (None, _) => Err(miette!("this network has no classes; leave --classes away, or guide it with --classifier")),
        (Some(all), []) => Ok((0..all).collect()),
        (Some(all), given) => match given.iter().find(|class| **class >= all) {
            Some(class) => Err(miette!("class {class} does not exist; this network has classes 0 to {}", all - 1)),
            None => Ok(given.to_vec()),
        },
    }
}

fn guidance(args: &CheckpointSampling, config: &NetworkConfig, classes: &[usize], device: &Device) -> Result<Guidance> {
    match (args.cfg_scale, &args.classifier) {
        (Some(_), Some(_)) => Err(miette!("choose one guidance: --cfg-scale or --classifier")),
        (None, None) => Ok(Guidance::None),
        (Some(scale), None) => {
            let Some(null) = config.null_label() else {
                return Err(miette!(
                    "--cfg-scale needs a network with a label for no class, which this {} has not",
                    config.kind()
                ));
            };
            let released = matches!(config, NetworkConfig::Dit(_)).then_some(DIT_CHANNELS);
            Ok(Guidance::ClassifierFree { scale, channels: args.cfg_channels.or(released), null })
        }
        (None, Some(path)) => {
            let given = CheckpointArgs::of_settings(args.classifier_set.clone());
            let opened = Opened::new(path, &given).into_diagnostic()?;
            let (ours, theirs) = (config.image_shape(), opened.config.image_shape());
            let Network::Classifier(classifier) = opened.load(&device.clone().autodiff()).into_diagnostic()? else {
                return Err(miette!("{} is no classifier of noised images", path.display()));
            };
            if ours != theirs {
                return Err(miette!("the classifier is for images of {theirs:?}, the network makes {ours:?}"));
            }
            if let Some(class) = classes.iter().find(|class| **class >= classifier.config().classes) {
                let all = classifier.config().classes;
                return Err(miette!("class {class} does not exist; the classifier has classes 0 to {}", all - 1));
            }
            Ok(Guidance::Classifier(Box::new(ByClassifier::new(classifier, args.classifier_scale))))
        }
    }
}

/// Channels that DiT's released code guides.
const DIT_CHANNELS: usize = 3;

fn draw(args: &Args, sampling: &PublishedSampling<'_>, images: bool) -> Result<Drawing, RunError> {
    let steps = sampling.steps() as u64;
    let batches = args.count.div_ceil(args.batch) as u64;
    let mut progress = Progress::start("sampling steps", 0, batches * steps);
    let started = Instant::now();
    let (mut bytes, mut numbers, mut done) = (Vec::new(), Vec::new(), 0);
    for first in (0..args.count).step_by(args.batch) {
        let size = args.batch.min(args.count - first);
        let x = sampling.draw(first, size, || {
            done += 1;
            progress.at(done, || format!("{first} of {} samples", args.count));
        })?;
        if images {
            bytes.extend(quantise(x)?);
        } else {
            numbers.extend(x.into_data().iter::<f32>());
        }
    }
    let each = started.elapsed().as_secs_f64() / args.count as f64;
    progress.finish(|| format!("{each:.3} s per sample"));
    Ok(if images { Drawing::Images(bytes) } else { Drawing::Latents(numbers) })
}
