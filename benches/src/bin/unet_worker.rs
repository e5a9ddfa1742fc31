//! One side of `cargo xtask bench-vs-torch`: trains or samples the U-Net when told to, and says how long it took.
//!
//! `serve` prints one line of JSON when it is ready, and one for each line that it reads: `train N` and `sample N`
//! make N steps (times in seconds), `quit` ends it. `benches/peers/unet_torch.py` speaks the same way.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use clap::{Args, Parser, ValueEnum};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use undrift_benches::flop::forward_flop;
use undrift_benches::peer::{Batch, cifar10, read_network, small, weights_file};
use undrift_kernels::on_worker_thread;
use undrift_networks::DdpmUnet;
use undrift_training::{Optimisation, Trainer};

/// Training allocates and frees the same large buffers at every step, which this allocator keeps.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The worker of `cargo xtask bench-vs-torch`; RAYON_NUM_THREADS sets its threads
#[derive(Parser)]
enum Cli {
    /// Write a network's weights to a file and print its size
    WriteWeights(WriteWeights),
    /// Train and sample the network of such a file, as told on standard input
    Serve(Serve),
}

#[derive(Args)]
struct WriteWeights {
    /// Which network
    #[arg(long)]
    network: Network,
    /// Height and width of the small network's images, in pixels
    #[arg(long, default_value_t = 32)]
    size: usize,
    /// Where to write them, as safetensors
    #[arg(long)]
    weights: PathBuf,
}

#[derive(Args)]
struct Serve {
    /// The file of `write-weights`
    #[arg(long)]
    weights: PathBuf,
    /// Images per batch
    #[arg(long)]
    batch: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Network {
    /// 1.6 million parameters, grey images of any size
    Small,
    /// The paper's network for CIFAR-10, images of 32 pixels
    Cifar10,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    on_worker_thread(|| {
        let outcome = match cli {
            Cli::WriteWeights(args) => args.run(),
            Cli::Serve(args) => args.run(),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(2)
            }
        }
    })
}

impl WriteWeights {
    fn run(self) -> Outcome<()> {
        let config = match self.network {
            Network::Small => small(self.size),
            Network::Cifar10 if self.size == 32 => cifar10(),
            Network::Cifar10 => return Err("the CIFAR-10 network takes images of 32 pixels: use `--size 32`".into()),
        };
        let bytes = weights_file(&config)?;
        std::fs::write(&self.weights, &bytes).map_err(|e| format!("{}: {e}", self.weights.display()))?;
        let parameters = read_network(&bytes, &Device::flex())?.num_params();
        say(&json!({"parameters": parameters, "flop_per_image": forward_flop(&config)}))
    }
}

impl Serve {
    fn run(self) -> Outcome<()> {
        let bytes = std::fs::read(&self.weights).map_err(|e| format!("{}: {e}", self.weights.display()))?;
        let device = Device::flex().autodiff();
        let mut worker = Worker::new(read_network(&bytes, &device)?, self.batch, &device)?;
        drop(bytes);
        say(&json!({"peak_rss_bytes": peak_memory()}))?;
        for line in std::io::stdin().lock().lines() {
            let line = line?;
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("train", count) => say(&worker.train(count.parse()?)?)?,
                ("sample", count) => say(&worker.sample(count.parse()?)?)?,
                ("quit", _) => break,
                _ => return Err(format!("`{line}` is none of `train N`, `sample N` and `quit`").into()),
            }
        }
        Ok(())
    }
}

/// A network in training and the one batch that it sees.
struct Worker {
    trainer: Trainer<DdpmUnet>,
    batch: Batch,
    /// The noisy images and the first label of time, without autodiff.
    state: (Tensor<4>, Tensor<1>),
}

impl Worker {
    fn new(network: DdpmUnet, images: usize, device: &Device) -> Outcome<Self> {
        let batch = Batch::new(network.config(), images, device);
        let state = (batch.noisy.clone().inner(), batch.time.clone().inner().narrow(0, 0, 1));
        let optimisation = Optimisation { clip: Some(1.0), ..Optimisation::constant(2e-4) };
        Ok(Worker { trainer: Trainer::new(network, optimisation)?, batch, state })
    }

    /// Steps on L_simple with a fixed batch: forward, backward, clip, Adam, average.
    fn train(&mut self, count: usize) -> Outcome<Value> {
        let (mut seconds, mut losses) = (Vec::new(), Vec::new());
        let Batch { noisy, target, time } = &self.batch;
        for _ in 0..count {
            let start = Instant::now();
            let update = self.trainer.step(|network, _| {
                let output = network.forward(noisy.clone(), time.clone());
                Ok((output - target.clone()).square().mean())
            })?;
            seconds.push(start.elapsed().as_secs_f64());
            losses.push(update.loss);
        }
        Ok(json!({"seconds": seconds, "losses": losses, "peak_rss_bytes": peak_memory()}))
    }

    /// Forward passes with the last weights, all images at one time as a sampler has them.
    fn sample(&mut self, count: usize) -> Outcome<Value> {
        let network = self.trainer.raw();
        let (mut seconds, mut norm) = (Vec::new(), 0.0);
        for _ in 0..count {
            let (x, time) = self.state.clone();
            let start = Instant::now();
            let output = network.forward(x, time).into_data();
            seconds.push(start.elapsed().as_secs_f64());
            norm = output.iter::<f64>().map(|value| value * value).sum::<f64>().sqrt();
        }
        Ok(json!({"seconds": seconds, "norm": norm, "peak_rss_bytes": peak_memory()}))
    }
}

fn say(reply: &Value) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{reply}")?;
    Ok(out.flush()?)
}

/// Most memory that this process has held so far, in bytes; only Linux tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
