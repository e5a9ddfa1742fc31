//! The U-Net against the same network in PyTorch, on one machine and in turn.
//!
//! Timings of a shared machine drift, so both sides stay alive, only one works at any moment, and what counts is
//! the ratio of two visits of one round.

mod contest;
mod machine;
mod statistics;
mod table;
mod worker;

use crate::failure::Failure;
use crate::program::{cargo, root};
use clap::{Args, ValueEnum};
use contest::{Contest, Outcome};
use machine::Report;
use serde_json::Value;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use worker::Programs;

/// Options of `cargo xtask bench-vs-torch`.
#[derive(Args)]
pub(crate) struct BenchVsTorch {
    /// A Python with torch and numpy (benches/peers/README.md says how to get one)
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Which network
    #[arg(long, default_value = "small")]
    network: Networks,
    /// Heights of the small network's images in pixels, separated by commas; multiples of 4
    #[arg(long, value_delimiter = ',', default_values_t = [16, 28, 32])]
    sizes: Vec<usize>,
    /// Images per batch [default: 64 for small, 16 for cifar10]
    #[arg(long)]
    batch: Option<NonZeroUsize>,
    /// Threads of either side
    #[arg(long, default_value = "2")]
    threads: NonZeroUsize,
    /// How often each side is visited
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
    /// Training steps, then sampling steps, of one visit
    #[arg(long, default_value = "3")]
    steps: NonZeroUsize,
    /// How PyTorch runs the network, separated by commas; the fastest is compared with
    #[arg(long, value_delimiter = ',', default_values = ["eager", "channels_last", "compile"])]
    modes: Vec<Mode>,
    /// Also write the table (FILE.md) or every timing (FILE.json); a bare name lies in benches/record
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Networks {
    /// 1.6 million parameters, grey images
    Small,
    /// The paper's network for CIFAR-10, 35.7 million parameters; minutes per visit where it is slow
    Cifar10,
    /// Both
    All,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// As PyTorch comes
    Eager,
    /// Channels last in memory
    #[value(name = "channels_last")]
    ChannelsLast,
    /// torch.compile, which needs a C++ compiler and some minutes
    Compile,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Eager => "eager",
            Mode::ChannelsLast => "channels_last",
            Mode::Compile => "compile",
        }
    }
}

impl BenchVsTorch {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let record = self.record.as_deref().map(record_path).transpose()?;
        let python = machine::describe_python(&self.python)?;
        let folder = root().join("target/bench-vs-torch");
        create(&folder)?;
        let programs = Programs { ours: build_worker()?, python: self.python.clone(), folder, threads: self.threads };
        let outcomes = self.contests().iter().map(|contest| contest.run(&programs)).collect::<Result<Vec<_>, _>>()?;
        let table = table::markdown(&outcomes);
        println!("{table}");
        match record {
            Some(path) => write_record(&path, &Report::new(&python), &table, &outcomes),
            None => Ok(()),
        }
    }

    fn contests(&self) -> Vec<Contest> {
        let contest = |network, size, batch| Contest {
            network,
            size,
            batch: self.batch.map_or(batch, NonZeroUsize::get),
            rounds: self.rounds.get(),
            steps: self.steps.get(),
            modes: self.modes.iter().map(|mode| mode.name()).collect(),
        };
        let mut contests = Vec::new();
        if self.network != Networks::Cifar10 {
            contests.extend(self.sizes.iter().map(|size| contest("small", *size, 64)));
        }
        if self.network != Networks::Small {
            contests.push(contest("cifar10", 32, 16));
        }
        contests
    }
}

/// Builds our side and says where it is.
fn build_worker() -> Result<PathBuf, Failure> {
    let mut command = cargo(&["build", "--release", "--package", "undrift-benches", "--bin", "unet_worker"]);
    command.arg("--message-format=json-render-diagnostics").current_dir(root()).stderr(Stdio::inherit());
    let built = command.output().map_err(|e| Failure::Message(format!("cannot start cargo: {e}")))?;
    if !built.status.success() {
        return Err(Failure::Exit(1));
    }
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    executables.next_back().ok_or_else(|| Failure::Message("cargo built no unet_worker".to_owned()))
}

fn record_path(given: &Path) -> Result<PathBuf, Failure> {
    let ending = given.extension().and_then(|ending| ending.to_str());
    if !matches!(ending, Some("md" | "json")) {
        return Err(Failure::Message(format!("--record {}: the name must end in .md or .json", given.display())));
    }
    let bare = given.parent().is_some_and(|parent| parent.as_os_str().is_empty());
    Ok(if bare { root().join("benches/record").join(given) } else { given.to_owned() })
}

fn write_record(path: &Path, report: &Report, table: &str, outcomes: &[Outcome]) -> Result<(), Failure> {
    let text = match path.extension().is_some_and(|ending| ending == "json") {
        true => serde_json::json!({"report": report, "contests": outcomes}).to_string() + "\n",
        false => format!("# Training and sampling steps against PyTorch\n\n{}\n{table}", report.markdown()),
    };
    if let Some(folder) = path.parent() {
        create(folder)?;
    }
    fs::write(path, text).map_err(|e| Failure::Message(format!("{}: {e}", path.display())))?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

fn create(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| Failure::Message(format!("{}: {e}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_record_lies_with_the_benchmarks_and_its_ending_is_checked() {
        let path = |name: &str| record_path(Path::new(name)).ok();
        assert_eq!(path("cpu.md"), Some(root().join("benches/record/cpu.md")));
        assert_eq!(path("out/cpu.json"), Some(PathBuf::from("out/cpu.json")));
        assert_eq!(path("cpu.txt"), None);
        assert_eq!(path("cpu"), None);
    }
}
