//! Where and with what was measured.

use super::worker::output;
use crate::failure::Failure;
use crate::program::root;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;
use toml::Table;

/// What PyTorch's side says about itself.
#[derive(Deserialize)]
pub(crate) struct Python {
    python: String,
    torch: String,
    numpy: String,
    os: String,
    date: String,
}

/// All that a reader needs to measure again.
#[derive(Serialize)]
pub(crate) struct Report {
    command: String,
    date: String,
    commit: String,
    cpu: String,
    cores: usize,
    memory: String,
    os: String,
    rustc: String,
    burn: String,
    python: String,
    torch: String,
    numpy: String,
}

/// Versions of PyTorch's side, which also shows that it can be run.
pub(crate) fn describe_python(python: &Path) -> Result<Python, Failure> {
    let mut command = Command::new(python);
    command.arg(root().join("benches/peers/unet_torch.py")).arg("--describe");
    output(&mut command).map_err(|failure| match failure {
        Failure::Message(reason) => {
            Failure::Message(format!("{reason}\n(`--python PATH` chooses another Python; see benches/peers/README.md)"))
        }
        other => other,
    })
}

/// What the cores have been doing since a moment; only Linux tells.
pub(crate) struct Watch {
    process: u32,
    /// Ticks at that moment: of all cores, busy and in all, and of the process.
    start: Option<[f64; 3]>,
}

impl Watch {
    /// Begins to watch what others do beside a process.
    pub(crate) fn start(process: u32) -> Self {
        Watch { process, start: ticks_with(process) }
    }

    /// The share of all cores that others used since the start.
    pub(crate) fn others(&self) -> Option<f64> {
        let ([busy, all, own], now) = (self.start?, ticks_with(self.process)?);
        let others = (now[0] - busy) - (now[2] - own);
        Some((others / (now[1] - all).max(1.0)).max(0.0))
    }
}

fn ticks_with(process: u32) -> Option<[f64; 3]> {
    let [busy, all] = ticks(&fs::read_to_string("/proc/stat").ok()?)?;
    let own = own_ticks(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)?;
    Some([busy, all, own])
}

/// Ticks that a process has used, of its /proc/PID/stat: in user mode and in the kernel.
fn own_ticks(stat: &str) -> Option<f64> {
    // The name in brackets may hold spaces; utime and stime are the 12th and 13th field behind it.
    let (_, fields) = stat.rsplit_once(')')?;
    let spent = fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<Vec<f64>, _>>().ok()?;
    (spent.len() == 2).then(|| spent.iter().sum())
}

/// Ticks of /proc/stat that all cores together spent, not idle and in all.
fn ticks(stat: &str) -> Option<[f64; 2]> {
    // user, nice, system, idle, waiting for devices, two kinds of interrupts, taken by the hypervisor
    let spent: Vec<f64> =
        stat.lines().next()?.split_whitespace().skip(1).take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let all = spent.iter().sum::<f64>();
    Some([all - spent.get(3)? - spent.get(4)?, all])
}

impl Report {
    /// Describes this machine and this checkout.
    pub(crate) fn new(python: &Python) -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        Report {
            command: format!("cargo xtask {}", arguments.join(" ")),
            date: python.date.clone(),
            commit: commit(),
            cpu: fs::read_to_string("/proc/cpuinfo")
                .ok()
                .and_then(|text| field(&text, "model name"))
                .unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory: fs::read_to_string("/proc/meminfo").ok().and_then(|text| gibibytes(&text)).unwrap_or_else(unknown),
            os: python.os.clone(),
            rustc: first_line("rustc", &["--version"]),
            burn: fs::read_to_string(root().join("Cargo.lock"))
                .ok()
                .and_then(|lock| locked(&lock, "burn"))
                .unwrap_or_else(unknown),
            python: python.python.clone(),
            torch: python.torch.clone(),
            numpy: python.numpy.clone(),
        }
    }

    /// The same as a list.
    pub(crate) fn markdown(&self) -> String {
        let Report { command, date, commit, cpu, cores, memory, os, rustc, burn, python, torch, numpy } = self;
        format!(
            "- command: `{command}`\n- date: {date}\n- commit: {commit}\n- machine: {cpu}, {cores} cores, {memory}, {os}\n\
             - versions: {rustc}, burn {burn}, torch {torch}, numpy {numpy}, Python {python}\n"
        )
    }
}

/// The commit, and whether the files are not quite those of it.
fn commit() -> String {
    let commit = first_line("git", &["rev-parse", "--short", "HEAD"]);
    let changed = first_line("git", &["status", "--porcelain", "--untracked-files=no"]);
    if changed == unknown() { commit } else { format!("{commit} with changes") }
}

/// The first line that a program prints, unknown if there is none.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().map_or_else(unknown, |line| line.trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// The value behind the first `name:` of a file in /proc.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// The whole memory that /proc/meminfo tells.
fn gibibytes(text: &str) -> Option<String> {
    let kibibytes: f64 = field(text, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(format!("{:.0} GiB", kibibytes / f64::from(1 << 20)))
}

/// Version of a package in Cargo.lock.
fn locked(lock: &str, name: &str) -> Option<String> {
    let lock: Table = lock.parse().ok()?;
    let package = lock.get("package")?.as_array()?.iter().find(|package| package["name"].as_str() == Some(name))?;
    package["version"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_and_memory_are_read_from_proc() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 2.0: fast\nflags\t: fma\n";
        assert_eq!(field(cpuinfo, "model name"), Some("Some CPU @ 2.0: fast".to_owned()));
        assert_eq!(gibibytes("MemTotal:       25165824 kB\nMemFree: 1 kB\n"), Some("24 GiB".to_owned()));
        assert_eq!(gibibytes("nothing"), None);
    }

    #[test]
    fn all_but_idling_and_waiting_is_work() {
        assert_eq!(ticks("cpu  10 1 5 70 4 2 3 5 9 9\ncpu0 1 2 3 4\n"), Some([26.0, 100.0]));
        assert_eq!(ticks("cpu  10 1\n"), None);
        assert_eq!(ticks(""), None);
        let stat = "7 (a name) with) R 1 2 3 4 5 6 7 8 9 10 400 50 1 1 20 0\n";
        assert_eq!(own_ticks(stat), Some(450.0));
        assert_eq!(own_ticks("7 (name) R 1"), None);
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = "[[package]]\nname = \"burn-core\"\nversion = \"1.0.0\"\n[[package]]\nname = \"burn\"\nversion = \"0.2.1\"\n";
        assert_eq!(locked(lock, "burn"), Some("0.2.1".to_owned()));
        assert_eq!(locked(lock, "other"), None);
    }
}
