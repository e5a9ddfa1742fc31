//! The command line of the golden vectors.

use clap::{Parser, Subcommand};
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use undrift_conformance::{ConformanceError, Manifest, Words, run, words};
use undrift_kernels::Level;

/// Run golden vectors of published implementations against this code.
#[derive(Parser)]
#[command(name = "undrift-conformance", version)]
struct Args {
    /// Directory of golden vectors
    #[arg(long, default_value = "fixtures", global = true)]
    fixtures: PathBuf,
    /// Run one group only
    #[arg(long)]
    group: Option<String>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
    /// Write the names and hashes of the files that are there into MANIFEST.json, and run nothing
    #[arg(long)]
    write_manifest: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Say which runner and which toy model each sidecar has, or would have if it said so
    Words {
        /// Write them into the sidecars that do not say them
        #[arg(long)]
        write: bool,
    },
}

/// What a program may fail with.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// 0 all is well, 1 something is not, 2 bad input.
fn main() -> ExitCode {
    let args = Args::parse();
    match undrift_kernels::on_worker_thread(|| args.run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Nothing is left to tell it to.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

impl Args {
    /// Whether all is well.
    fn run(&self) -> Result<bool, Failure> {
        Level::chosen()?;
        if let Some(Command::Words { write }) = self.command {
            let all = words(&self.fixtures, write)?;
            print(&all.iter().fold(String::new(), |text, words| text + &line(words)))?;
            return Ok(all.iter().all(|words| words.runner.is_ok()));
        }
        if self.write_manifest {
            let manifest = Manifest::of(&self.fixtures)?;
            manifest.write(&self.fixtures)?;
            print(&format!("{} files listed\n", manifest.sha256.len()))?;
            return Ok(true);
        }
        let report = run(&self.fixtures, self.group.as_deref())?;
        print(&if self.json { report.to_json() } else { report.to_text() })?;
        Ok(report.passed())
    }
}

/// `steps/ddim: "ddim" {..}`, and whether the sidecar itself says it.
fn line(words: &Words) -> String {
    let mut line = format!("{}: ", words.file);
    let written = match &words.runner {
        Ok(runner) => write!(line, "{runner}"),
        Err(reason) => write!(line, "no runner: {reason}"),
    };
    written.expect("a text takes everything");
    if let Some(model) = &words.model {
        line.push_str(&format!(" {model}"));
    }
    line + if words.stated { "\n" } else { " (not said)\n" }
}

/// Prints to standard output; a reader that went away is no fault.
fn print(text: &str) -> Result<(), ConformanceError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(ConformanceError::Print { source }),
        _ => Ok(()),
    }
}
