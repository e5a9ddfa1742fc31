//! Samples of a checkpoint.

use super::Args;
use crate::commands::Outcome;
use crate::devices;
use crate::interrupt;
use crate::methods::Methods;
use crate::progress::Progress;
use crate::published::{CheckpointArgs, Drawing, Opened, Output, is_picture};
use crate::terminal::{note, say};
use burn::tensor::{DType, Device, Tensor};
use miette::{IntoDiagnostic, Result, miette};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;
use undrift_checkpoints::{Network, NetworkConfig};
use undrift_data::{DataError, quantise};
use undrift_pipelines::{
    ByClassifier, Choice, Guidance, Plan, Said, Sampling, Setting, bears_on_samples, released_channels,
};

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
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    cfg_scale: Option<f64>,
    /// Channels that classifier-free guidance reaches [default: 3 for DiT, as its released code]
    #[arg(long, value_name = "N", requires = "cfg_scale")]
    cfg_channels: Option<usize>,
    /// Classifier of noised images that guides
    #[arg(long, value_name = "PATH")]
    classifier: Option<PathBuf>,
    /// Strength of the classifier's guidance [default: 1]
    #[arg(long, value_name = "S", requires = "classifier", allow_negative_numbers = true)]
    classifier_scale: Option<f64>,
    /// The classifier's configuration, a JSON file
    #[arg(long, value_name = "FILE", requires = "classifier")]
    classifier_config: Option<PathBuf>,
    /// One setting of the classifier, as `num_head_channels=64`; give it again for more
    #[arg(long, value_name = "KEY=VALUE", requires = "classifier")]
    classifier_set: Vec<Setting>,
}

impl CheckpointSampling {
    /// Refuses what only a checkpoint can have.
    pub(super) fn check_unused(&self) -> Result<()> {
        let guided = self.cfg_scale.is_some() || self.classifier.is_some() || !self.classes.is_empty();
        if guided || !self.given.is_empty() {
            return Err(miette!(
                "classes, guidance, --config, --flags, --set and --group are for a --checkpoint, not for a row"
            ));
        }
        Ok(())
    }
}

/// Everything that is known before weights are read.
struct Prepared {
    opened: Opened,
    plan: Plan,
    /// What was assumed, line by line.
    assumed: Vec<String>,
    guidance: Guidance,
    classes: Vec<usize>,
    output: Output,
}

impl Prepared {
    /// Checks all that can be checked before weights are read, and before anything is written.
    fn new(methods: &Methods, args: &Args, path: &Path, device: &Device) -> Result<Self> {
        let said = args.checkpoint.given.said(args.weights.map(|weights| weights.name()));
        let opened = Opened::new(methods, path, &said).into_diagnostic()?;
        if matches!(opened.config, NetworkConfig::Classifier(_)) {
            return Err(miette!("{} is a classifier, which makes no images; give it as --classifier", path.display()));
        }
        let (output, shape) = (Output::of(&args.out)?, opened.config.image_shape());
        output.check(shape, opened.latent())?;
        args.check_size(shape, &output)?;
        let choice = args.choice().values(methods).into_diagnostic()?;
        let plan = Plan::new(&opened.process, &choice, &devices::host()).into_diagnostic()?;
        let (guidance, of_classifier) = guidance(methods, &args.checkpoint, &opened.config, device)?;
        let classes = classes(&args.checkpoint.classes, opened.config.classes(), of_classifier)?;
        let assumed = assumed(&opened, &choice, args.checkpoint.cfg_scale.is_some());
        Ok(Prepared { opened, plan, assumed, guidance, classes, output })
    }

    /// Whether what is drawn is written as numbers, not as pictures or bytes.
    fn writes_numbers(&self) -> bool {
        self.opened.latent().is_some() || !is_picture(self.opened.config.image_shape()[0])
    }
}

/// A line for each assumption that samples depend on.
fn assumed(opened: &Opened, choice: &Choice, guided: bool) -> Vec<String> {
    let all = opened.assumed.iter().chain(&opened.process.assumed);
    all.filter(|one| bears_on_samples(one, &opened.process, choice, guided))
        .map(|one| format!("assumed {} = {} ({})", one.key, one.value, one.why))
        .collect()
}

pub(super) fn run(methods: &Methods, args: &Args, path: &Path) -> Result<Outcome> {
    let device = devices::device(&args.device).into_diagnostic()?;
    let prepared = Prepared::new(methods, args, path, &device)?;
    let shape = prepared.opened.config.image_shape();
    let place = prepared.output.open(shape, args.count)?;
    let started = Instant::now();
    let network = prepared.opened.load(&device, DType::F32).into_diagnostic()?;
    let seconds = started.elapsed().as_secs_f64();
    note(format_args!("{} parameters read in {seconds:.1} s", network.parameter_count()));
    note(prepared.plan.text());
    prepared.assumed.iter().for_each(note);
    let Prepared { opened, plan, guidance, classes, .. } = &prepared;
    let sampling =
        Sampling::new(&network, &opened.process, plan, guidance.clone(), classes.clone(), &device, args.seed);
    let sampling = sampling.into_diagnostic()?;
    interrupt::install().into_diagnostic()?;
    let Some(drawing) = draw(args, &sampling, shape, !prepared.writes_numbers())? else {
        note("stopped; nothing was written");
        return Ok(Outcome::Interrupted);
    };
    place.write(&drawing, shape, sampling.labels(0, args.count).as_deref())?;
    say(prepared.output.path().display())?;
    Ok(Outcome::Done)
}

/// The classes by turns: those given, or all that both the network and the classifier know.
fn classes(given: &[usize], of_network: Option<usize>, of_classifier: Option<usize>) -> Result<Vec<usize>> {
    let known = match (of_network, of_classifier) {
        (Some(network), Some(classifier)) => Some(network.min(classifier)),
        (one, other) => one.or(other),
    };
    match (known, given) {
        (None, []) => Ok(Vec::new()),
        (None, _) => Err(miette!("this network has no classes; leave --classes away, or guide it with --classifier")),
        (Some(all), []) => Ok((0..all).collect()),
        (Some(all), given) => match given.iter().find(|class| **class >= all) {
            Some(class) => Err(miette!("class {class} does not exist; there are classes 0 to {}", all - 1)),
            None => Ok(given.to_vec()),
        },
    }
}

/// The guidance that is asked for, and how many classes its classifier knows.
fn guidance(
    methods: &Methods,
    args: &CheckpointSampling,
    config: &NetworkConfig,
    device: &Device,
) -> Result<(Guidance, Option<usize>)> {
    match (args.cfg_scale, &args.classifier) {
        (Some(_), Some(_)) => Err(miette!("choose one guidance: --cfg-scale or --classifier")),
        (None, None) => Ok((Guidance::None, None)),
        (Some(scale), None) => Ok((classifier_free(args, config, scale)?, None)),
        (None, Some(path)) => {
            let scale = finite("--classifier-scale", args.classifier_scale.unwrap_or(1.0))?;
            let (config_file, set) = (args.classifier_config.clone(), args.classifier_set.clone());
            let said = Said { config: config_file, set, ..Said::default() };
            let opened = Opened::new(methods, path, &said).into_diagnostic()?;
            let (ours, theirs) = (config.image_shape(), opened.config.image_shape());
            let NetworkConfig::Classifier(known) = &opened.config else {
                return Err(miette!("{} is no classifier of noised images", path.display()));
            };
            if ours != theirs {
                return Err(miette!("the classifier is for images of {theirs:?}, the network makes {ours:?}"));
            }
            let classes = known.classes;
            match opened.load(&device.clone().autodiff(), DType::F32).into_diagnostic()? {
                Network::Classifier(net) => {
                    Ok((Guidance::Classifier(Box::new(ByClassifier::new(net, scale))), Some(classes)))
                }
                _ => Err(miette!("{} is no classifier of noised images", path.display())),
            }
        }
    }
}

fn classifier_free(args: &CheckpointSampling, config: &NetworkConfig, scale: f64) -> Result<Guidance> {
    let scale = finite("--cfg-scale", scale)?;
    let Some(null) = config.null_label() else {
        return Err(miette!(
            "--cfg-scale needs a network with a label for no class, which this {} has not",
            config.kind()
        ));
    };
    let [all, _, _] = config.image_shape();
    match args.cfg_channels {
        Some(channels) if channels == 0 || channels > all => {
            Err(miette!("--cfg-channels is {channels}, but these images have channels 1 to {all}"))
        }
        given => Ok(Guidance::ClassifierFree { scale, channels: given.or(released_channels(config)), null }),
    }
}

fn finite(option: &str, scale: f64) -> Result<f64> {
    if scale.is_finite() { Ok(scale) } else { Err(miette!("{option} is {scale}; it must be a finite number")) }
}

/// The samples; none after Ctrl-C.
fn draw(args: &Args, sampling: &Sampling<'_>, shape: [usize; 3], images: bool) -> Result<Option<Drawing>> {
    let steps = sampling.steps() as u64;
    let batches = args.count.div_ceil(args.batch) as u64;
    let mut progress = Progress::start("sampling steps", 0, batches * steps);
    let started = Instant::now();
    let each: usize = shape.iter().product();
    let (of_images, of_latents) = if images { (args.count * each, 0) } else { (0, args.count * each) };
    let (mut bytes, mut numbers, mut done) = (Vec::with_capacity(of_images), Vec::with_capacity(of_latents), 0);
    for first in (0..args.count).step_by(args.batch) {
        let size = args.batch.min(args.count - first);
        let drawn = sampling.draw(first, size, || {
            done += 1;
            progress.at(done, || format!("{first} of {} samples", args.count));
            if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let Some(x) = drawn.into_diagnostic()? else { return Ok(None) };
        if images {
            bytes.extend(quantise(x).into_diagnostic()?);
        } else {
            numbers.extend(finite_numbers(x).into_diagnostic()?);
        }
    }
    let each = started.elapsed().as_secs_f64() / args.count as f64;
    progress.finish(|| format!("{each:.3} s per sample"));
    Ok(Some(if images { Drawing::Images(bytes) } else { Drawing::Latents(numbers) }))
}

/// The numbers of latent images, of which none may be NaN or infinite.
fn finite_numbers(x: Tensor<4>) -> Result<Vec<f32>, DataError> {
    let [_, channels, height, width] = x.dims();
    let each = channels * height * width;
    let numbers: Vec<f32> = x.into_data().iter::<f32>().collect();
    match numbers.iter().position(|number| !number.is_finite()) {
        None => Ok(numbers),
        Some(at) => Err(DataError::NotFinite { image: at / each, entry: at % each, value: f64::from(numbers[at]) }),
    }
}
