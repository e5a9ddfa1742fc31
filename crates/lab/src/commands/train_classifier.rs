//! `undrift train-classifier`.

use super::Outcome;
use crate::destination::Destination;
use crate::devices;
use crate::progress::Progress;
use crate::terminal::say;
use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use miette::{IntoDiagnostic, Result, miette};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use undrift_data::{Batches, Flips, Images, Split, fashion_mnist};
use undrift_files::to_bytes;
use undrift_networks::{FashionClassifier, collect_parameters};
use undrift_noise::{Key, Purpose};
use undrift_studies::memory;
use undrift_training::{Ema, Optimisation, Trainer};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Weights file to write
    #[arg(long, default_value = "fashion-mnist-16x16.safetensors")]
    out: PathBuf,
    /// Optimiser steps
    #[arg(long, default_value_t = 1500)]
    steps: u64,
    /// Images per step
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Learning rate
    #[arg(long, default_value_t = 1e-3)]
    learning_rate: f64,
    /// Seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Device to compute on
    #[arg(long, default_value = devices::DEVICES[0])]
    device: String,
}

pub(crate) fn run(args: Args) -> Result<Outcome> {
    if args.steps == 0 {
        return Err(miette!("--steps is 0, but training needs at least one step"));
    }
    let needed = memory::bytes(args.batch, OF_IMAGE);
    if needed > memory::total() {
        let (needed, total) = (memory::said(needed), memory::said(memory::total()));
        return Err(miette!(
            "--batch {} needs {needed} of memory, and this machine has {total}; give fewer",
            args.batch
        ));
    }
    let device = devices::device(&args.device).into_diagnostic()?;
    let place = Destination::open(&args.out)?;
    let train = fashion_mnist(Split::Train).reduced().into_diagnostic()?;
    let test = fashion_mnist(Split::Test).reduced().into_diagnostic()?;
    let network = trained(&args, &device, &train)?;
    let right = accuracy(&network, &test, &device);
    let about = BTreeMap::from([
        ("data".to_owned(), "Fashion-MNIST, first 10,000 training images, reduced to 16x16".to_owned()),
        ("steps".to_owned(), args.steps.to_string()),
        ("seed".to_owned(), args.seed.to_string()),
        ("test accuracy".to_owned(), format!("{right:.4}")),
    ]);
    let bytes = to_bytes(&collect_parameters(&network), &about).into_diagnostic()?;
    place.write(|out| out.write_all(&bytes))?;
    let count = test.len();
    say(format_args!("{}: {:.1} % of {count} test images right", args.out.display(), 100.0 * right))?;
    Ok(Outcome::Done)
}

/// Bytes that the first layer gives for an image of 16x16: 32 channels in single precision.
const OF_IMAGE: usize = 32 * 16 * 16 * size_of::<f32>();

/// The moving average of a network trained on cross-entropy.
fn trained(args: &Args, device: &Device, images: &Images) -> Result<FashionClassifier> {
    let device = device.clone().autodiff();
    let network = FashionClassifier::init(&device, Key::new(args.seed, Purpose::Initialisation));
    let optimisation =
        Optimisation { clip: Some(1.0), ema: Ema::ramped(0.99), ..Optimisation::constant(args.learning_rate) };
    let mut trainer = Trainer::new(network, optimisation).into_diagnostic()?;
    let key = Key::new(args.seed, Purpose::Data);
    let mut batches = Batches::new(key, images.len(), args.batch, Flips::None).into_diagnostic()?;
    let mut progress = Progress::start("train classifier", 0, args.steps);
    for number in 0..args.steps {
        let batch = batches.batch(number);
        let x = images.batch(&batch.indices, &batch.flips, &device, DType::F32);
        let labels: Vec<u32> = batch.indices.iter().map(|&index| images.labels()[index]).collect();
        let update = trainer.step(|network, _| Ok(cross_entropy(network, x, &labels, &device))).into_diagnostic()?;
        progress.at(number + 1, || format!("loss {:.4}", update.loss));
    }
    progress.finish(String::new);
    Ok(trainer.averaged())
}

/// Cross-entropy of each image, `[B]`.
fn cross_entropy(network: &FashionClassifier, x: Tensor<4>, labels: &[u32], device: &Device) -> Tensor<1> {
    let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
    let count = labels.len();
    let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [count, 1]), device);
    let (_, logits) = network.forward(x);
    log_softmax(logits, 1).gather(1, labels).neg().reshape([count])
}

/// Share of images whose most probable class is the right one.
fn accuracy(network: &FashionClassifier, images: &Images, device: &Device) -> f64 {
    let indices: Vec<usize> = (0..images.len()).collect();
    let right = indices.chunks(250).map(|part| {
        let (_, logits) = network.forward(images.batch(part, &[], device, DType::F32));
        let classes = logits.argmax(1).into_data().iter::<i64>().collect::<Vec<_>>();
        part.iter().zip(classes).filter(|&(&index, class)| i64::from(images.labels()[index]) == class).count()
    });
    right.sum::<usize>() as f64 / images.len() as f64
}
