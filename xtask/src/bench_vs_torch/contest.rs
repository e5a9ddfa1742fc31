//! One network and image size: the sides are checked against each other, then visited in turn.

use super::machine::Watch;
use super::statistics::relative_difference;
use super::worker::{Programs, Ready, Worker, output};
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// Steps of training whose losses both sides must share, before anything is timed.
const WARM_UP: usize = 3;

/// Largest relative difference of a loss or of the norm of an output.
const TOLERANCE: f64 = 1e-4;

/// Idle threads of one side may spin for a while after their work.
const PAUSE: Duration = Duration::from_millis(300);

/// A visit is made again when others used more than this share of the cores meanwhile ..
const DISTURBED: f64 = 0.1;

/// .. but not more often than this.
const ATTEMPTS: usize = 5;

/// Repetitions of each matrix product after each round.
const GEMM_REPETITIONS: usize = 3;

/// What is to be measured.
pub(crate) struct Contest {
    /// Name of the network.
    pub(crate) network: &'static str,
    /// Height of the images in pixels.
    pub(crate) size: usize,
    /// Images per batch.
    pub(crate) batch: usize,
    /// Visits of each side.
    pub(crate) rounds: usize,
    /// Steps of each kind in one visit.
    pub(crate) steps: usize,
    /// How PyTorch runs the network.
    pub(crate) modes: Vec<&'static str>,
}

/// What was measured.
#[derive(Serialize)]
pub(crate) struct Outcome {
    /// Network and size, for people.
    pub(crate) name: String,
    /// Images per batch.
    pub(crate) batch: usize,
    /// Trained numbers of the network.
    pub(crate) parameters: u64,
    /// Floating-point operations of one forward pass of the batch.
    pub(crate) forward_flop: f64,
    /// Our side.
    pub(crate) ours: Timings,
    /// PyTorch, one for each mode that works.
    pub(crate) peers: Vec<Timings>,
    /// Modes that do not work, and why.
    pub(crate) left_out: Vec<(String, String)>,
    /// Largest relative difference of a loss or norm between the sides.
    pub(crate) difference: f64,
    /// Fastest matrix product of PyTorch in this contest, in GFLOP/s.
    pub(crate) gemm_gflops: f64,
}

/// Times and memory of one side.
#[derive(Serialize)]
pub(crate) struct Timings {
    /// PyTorch's mode, or our name.
    pub(crate) name: String,
    /// Seconds of each training step, by round.
    pub(crate) training: Vec<Vec<f64>>,
    /// Seconds of each sampling step, by round.
    pub(crate) sampling: Vec<Vec<f64>>,
    /// Share of all cores that other programs used during each visit; empty where the system does not tell.
    pub(crate) others: Vec<f64>,
    /// Most memory before the first step, in bytes.
    pub(crate) start_bytes: Option<u64>,
    /// Most memory in all, in bytes.
    pub(crate) peak_bytes: Option<u64>,
}

/// Size of a network.
#[derive(Debug, Deserialize, PartialEq)]
struct Size {
    parameters: u64,
    flop_per_image: u64,
}

#[derive(Deserialize)]
struct Trained {
    seconds: Vec<f64>,
    losses: Vec<f64>,
}

#[derive(Deserialize)]
struct Sampled {
    seconds: Vec<f64>,
    norm: f64,
    peak_rss_bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Gemm {
    gflops: f64,
}

impl Contest {
    /// Starts both sides, compares what they compute, and times them in turn.
    pub(crate) fn run(&self, programs: &Programs) -> Result<Outcome, Failure> {
        let weights = programs.folder.join(format!("{}-{}.safetensors", self.network, self.size));
        let size = self.write_weights(programs, &weights)?;
        eprintln!("{self}: warming up undrift");
        let (mut ours, expected) = self.ours(programs, &weights).map_err(|e| self.failed(format!("undrift: {e}")))?;
        let mut field = Field { peers: Vec::new(), left_out: Vec::new() };
        let mut difference = 0.0;
        for mode in &self.modes {
            eprintln!("{self}: warming up PyTorch, {mode}");
            match self.peer(programs, &weights, mode) {
                Ok((peer, found)) => {
                    difference = expected.difference(&found, mode).map_err(|e| self.failed(e))?.max(difference);
                    field.peers.push(peer);
                }
                Err(reason) => field.leave_out(mode, reason),
            }
        }
        let mut gemm_gflops = 0.0;
        for round in 0..self.rounds {
            field.check().map_err(|e| self.failed(e))?;
            eprintln!("{self}: round {} of {}", round + 1, self.rounds);
            field.round(&mut ours, round, self.steps).map_err(|e| self.failed(format!("undrift: {e}")))?;
            gemm_gflops = field.gemm().max(gemm_gflops);
        }
        field.check().map_err(|e| self.failed(e))?;
        Ok(Outcome {
            name: self.to_string(),
            batch: self.batch,
            parameters: size.parameters,
            forward_flop: (size.flop_per_image * self.batch as u64) as f64,
            ours: ours.timings,
            peers: field.peers.into_iter().map(|peer| peer.timings).collect(),
            left_out: field.left_out,
            difference,
            gemm_gflops,
        })
    }

    /// Writes the weights that both sides read; both must see the same network in them.
    fn write_weights(&self, programs: &Programs, weights: &Path) -> Result<Size, Failure> {
        let size = self.size.to_string();
        let mut write = programs.ours();
        write.args(["write-weights", "--network", self.network, "--size", &size, "--weights"]).arg(weights);
        let ours: Size = output(&mut write)?;
        let theirs: Size = output(programs.torch().arg("--count").arg("--weights").arg(weights))?;
        if ours != theirs {
            return Err(self.failed(format!(
                "undrift counts {ours:?} and PyTorch {theirs:?}: benches/src/flop.rs and benches/peers/unet_torch.py \
                 must describe the same network"
            )));
        }
        Ok(ours)
    }

    fn ours(&self, programs: &Programs, weights: &Path) -> Result<(Side, Fingerprint), String> {
        self.side("undrift", programs.ours().arg("serve"), weights, programs.folder.join("undrift.log"))
    }

    fn peer(&self, programs: &Programs, weights: &Path, mode: &str) -> Result<(Side, Fingerprint), String> {
        let log = programs.folder.join(format!("torch-{mode}.log"));
        self.side(mode, programs.torch().args(["--mode", mode]), weights, log)
    }

    fn side(
        &self,
        name: &str,
        command: &mut Command,
        weights: &Path,
        log: PathBuf,
    ) -> Result<(Side, Fingerprint), String> {
        command.args(["--batch", &self.batch.to_string(), "--weights"]).arg(weights);
        let (worker, Ready { peak_rss_bytes: start_bytes }) = Worker::start(command, log)?;
        let timings = Timings {
            name: name.to_owned(),
            training: Vec::new(),
            sampling: Vec::new(),
            others: Vec::new(),
            start_bytes,
            peak_bytes: start_bytes,
        };
        let mut side = Side { worker, timings };
        let fingerprint = side.warm_up()?;
        Ok((side, fingerprint))
    }

    fn failed(&self, reason: String) -> Failure {
        Failure::Message(format!("{self}: {reason}"))
    }
}

impl fmt::Display for Contest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {size}x{size}, batch {}", self.network, self.batch, size = self.size)
    }
}

/// What PyTorch's modes are doing.
struct Field {
    peers: Vec<Side>,
    left_out: Vec<(String, String)>,
}

impl Field {
    fn leave_out(&mut self, mode: &str, reason: String) {
        eprintln!("PyTorch, {mode}: left out: {reason}");
        self.left_out.push((mode.to_owned(), reason));
    }

    /// One visit of everybody, in the opposite order every other time.
    fn round(&mut self, ours: &mut Side, round: usize, steps: usize) -> Result<(), String> {
        let backwards = round % 2 == 1;
        if !backwards {
            ours.visit(steps)?;
        }
        let peers = std::mem::take(&mut self.peers);
        let order: Vec<Side> = if backwards { peers.into_iter().rev().collect() } else { peers };
        for mut peer in order {
            match peer.visit(steps) {
                Ok(()) => self.peers.push(peer),
                Err(reason) => self.leave_out(&peer.timings.name, reason),
            }
        }
        if backwards {
            self.peers.reverse();
            ours.visit(steps)?;
        }
        Ok(())
    }

    /// The fastest matrix product of this moment in GFLOP/s, 0 if there is nobody to ask.
    fn gemm(&mut self) -> f64 {
        let asked = self.peers.first_mut().map(|peer| peer.worker.ask::<Gemm>(&format!("gemm {GEMM_REPETITIONS}")));
        asked.and_then(Result::ok).map_or(0.0, |answer| answer.gflops)
    }

    fn check(&self) -> Result<(), String> {
        if !self.peers.is_empty() {
            return Ok(());
        }
        let reasons: Vec<String> = self.left_out.iter().map(|(mode, reason)| format!("{mode}: {reason}")).collect();
        Err(format!("no mode of PyTorch works, so there is nothing to compare with\n  {}", reasons.join("\n  ")))
    }
}

/// A worker and what it took.
struct Side {
    worker: Worker,
    timings: Timings,
}

impl Side {
    /// First steps, which are not timed, and what they computed.
    fn warm_up(&mut self) -> Result<Fingerprint, String> {
        let first: Sampled = self.worker.ask("sample 1")?;
        let trained: Trained = self.worker.ask(&format!("train {WARM_UP}"))?;
        let last: Sampled = self.worker.ask("sample 1")?;
        Ok(Fingerprint { norms: [first.norm, last.norm], losses: trained.losses })
    }

    /// Timed steps, again while others disturb them.
    fn visit(&mut self, steps: usize) -> Result<(), String> {
        for attempt in 1..=ATTEMPTS {
            sleep(PAUSE);
            let watch = Watch::start(self.worker.id());
            let trained: Trained = self.worker.ask(&format!("train {steps}"))?;
            let sampled: Sampled = self.worker.ask(&format!("sample {steps}"))?;
            let others = watch.others();
            if attempt < ATTEMPTS && others.is_some_and(|share| share > DISTURBED) {
                continue;
            }
            self.timings.training.push(trained.seconds);
            self.timings.sampling.push(sampled.seconds);
            self.timings.others.extend(others);
            self.timings.peak_bytes = sampled.peak_rss_bytes;
            break;
        }
        Ok(())
    }
}

/// Numbers that both sides must share.
#[derive(Debug)]
struct Fingerprint {
    /// Norm of the network's output before and after the first training steps.
    norms: [f64; 2],
    /// Loss of each of those steps.
    losses: Vec<f64>,
}

impl Fingerprint {
    /// The largest relative difference, or what differs too much.
    fn difference(&self, theirs: &Fingerprint, mode: &str) -> Result<f64, String> {
        let quantity = |index: usize| match index {
            0 => "norm of the untrained network's output".to_owned(),
            1 => format!("norm of the output after {WARM_UP} training steps"),
            step => format!("loss of training step {}", step - 1),
        };
        let (ours, theirs) = (self.numbers(), theirs.numbers());
        if ours.len() != theirs.len() {
            return Err(format!("undrift gave {} losses and PyTorch ({mode}) {}", ours.len() - 2, theirs.len() - 2));
        }
        let mut largest = 0f64;
        for (index, (ours, theirs)) in ours.into_iter().zip(theirs).enumerate() {
            let difference = relative_difference(ours, theirs);
            let close = difference <= TOLERANCE;
            if !close {
                return Err(format!(
                    "the {} is {ours} here and {theirs} in PyTorch ({mode}), a relative difference of {difference:.1e} \
                     (at most {TOLERANCE:.0e}); times of different computations say nothing, so none were taken: \
                     compare crates/networks and crates/training with benches/peers/unet_torch.py",
                    quantity(index)
                ));
            }
            largest = largest.max(difference);
        }
        Ok(largest)
    }

    fn numbers(&self) -> Vec<f64> {
        self.norms.iter().chain(&self.losses).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(norm: f64, loss: f64) -> Fingerprint {
        Fingerprint { norms: [10.0, norm], losses: vec![1.0, loss] }
    }

    #[test]
    fn agreement_is_the_largest_difference_of_all() {
        let found = fingerprint(5.0, 2.0).difference(&fingerprint(5.0, 2.0001), "eager").unwrap();
        assert!((found - 5e-5).abs() < 1e-8);
    }

    #[test]
    fn disagreement_names_the_number_the_mode_and_the_remedy() {
        let ours = fingerprint(5.0, 2.0);
        let error = ours.difference(&fingerprint(5.0, 2.001), "compile").unwrap_err();
        assert!(error.starts_with("the loss of training step 2 is 2 here and 2.001 in PyTorch (compile)"), "{error}");
        assert!(error.contains("benches/peers/unet_torch.py"));
        let error = ours.difference(&fingerprint(5.1, 2.0), "eager").unwrap_err();
        assert!(error.starts_with("the norm of the output after 3 training steps"), "{error}");
        assert!(ours.difference(&fingerprint(5.0, f64::NAN), "eager").is_err());
        assert!(ours.difference(&Fingerprint { norms: [10.0, 5.0], losses: vec![1.0] }, "eager").is_err());
    }
}
