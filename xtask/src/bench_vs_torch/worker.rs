//! A process that trains or samples when told to.

use crate::failure::Failure;
use crate::program::root;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How long a worker may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// What both sides are started from.
pub(crate) struct Programs {
    /// Our worker.
    pub(crate) ours: PathBuf,
    /// The Python that runs theirs.
    pub(crate) python: PathBuf,
    /// Where weights and logs go.
    pub(crate) folder: PathBuf,
    /// Threads of each worker.
    pub(crate) threads: NonZeroUsize,
}

impl Programs {
    /// A command of our worker, with its threads and an allocator that keeps what it has.
    pub(crate) fn ours(&self) -> Command {
        let mut command = Command::new(&self.ours);
        command.env("RAYON_NUM_THREADS", self.threads.to_string()).env("MIMALLOC_PURGE_DELAY", "-1");
        command
    }

    /// A command of PyTorch's worker, with its threads and an allocator that keeps what it has.
    pub(crate) fn torch(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(root().join("benches/peers/unet_torch.py")).args(["--threads", &self.threads.to_string()]);
        command.env("OMP_NUM_THREADS", self.threads.to_string());
        // glibc's allocator otherwise maps large buffers anew at every step: a tenth of PyTorch's time.
        for name in ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"] {
            command.env(name, (1u64 << 32).to_string());
        }
        command.env("MALLOC_TOP_PAD_", (1 << 26).to_string());
        command
    }
}

/// A process that answers each line with one line of JSON.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    log: PathBuf,
}

/// What a worker says when it can be told what to do.
#[derive(Deserialize)]
pub(crate) struct Ready {
    /// Most memory held so far, in bytes.
    pub(crate) peak_rss_bytes: Option<u64>,
}

impl Worker {
    /// Starts a worker, its messages going to `log`; an error is the reason in one line.
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> Result<(Self, Ready), String> {
        let messages = File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(messages);
        let mut child = command.spawn().map_err(|e| format!("cannot start {:?}: {e}", command.get_program()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no standard input and output".to_owned());
        };
        let mut worker = Worker { child, input, output: BufReader::new(output), log };
        let ready = worker.answer()?;
        Ok((worker, ready))
    }

    /// Number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line and waits for the answer; an error is the reason in one line.
    pub(crate) fn ask<R: DeserializeOwned>(&mut self, request: &str) -> Result<R, String> {
        // A worker that has ended is noticed when no answer comes, which also finds out why.
        let _ = writeln!(self.input, "{request}").and_then(|()| self.input.flush());
        self.answer()
    }

    fn answer<R: DeserializeOwned>(&mut self) -> Result<R, String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err(self.last_words()),
            Ok(_) => parse(&line),
            Err(error) => Err(error.to_string()),
        }
    }

    fn last_words(&mut self) -> String {
        let status = self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        format!("{} ({status}; {})", last.trim(), self.log.display())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = writeln!(self.input, "quit").and_then(|()| self.input.flush());
        let tick = Duration::from_millis(50);
        for _ in 0..PATIENCE.as_millis() / tick.as_millis() {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(tick);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse<R: DeserializeOwned>(line: &str) -> Result<R, String> {
    let answer: Value = serde_json::from_str(line).map_err(|_| format!("unexpected answer `{}`", line.trim()))?;
    if let Some(reason) = answer["error"].as_str() {
        let first = reason.lines().map(str::trim).find(|line| !line.is_empty());
        return Err(first.unwrap_or("an error without a message").to_owned());
    }
    serde_json::from_value(answer).map_err(|e| format!("unexpected answer `{}`: {e}", line.trim()))
}

/// Runs a program to its end and reads the JSON that it prints.
pub(crate) fn output<R: DeserializeOwned>(command: &mut Command) -> Result<R, Failure> {
    let program = command.get_program().to_owned();
    let output = command.stderr(Stdio::piped()).output();
    let output = output.map_err(|e| Failure::Message(format!("cannot start {program:?}: {e}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("error: ");
        return Err(Failure::Message(format!("{}: {said}", program.to_string_lossy())));
    }
    parse(&String::from_utf8_lossy(&output.stdout)).map_err(Failure::Message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_or_its_error_told_in_one_line() {
        let ready = |line| parse::<Ready>(line).map(|ready| ready.peak_rss_bytes);
        assert_eq!(ready(r#"{"peak_rss_bytes": 7}"#), Ok(Some(7)));
        assert_eq!(ready(r#"{"peak_rss_bytes": null}"#), Ok(None));
        assert_eq!(ready(r#"{"error": "\nNoCompiler: none found\nlong story"}"#), Err("NoCompiler: none found".into()));
        assert_eq!(ready("warning: hm\n"), Err("unexpected answer `warning: hm`".into()));
    }
}
