//! The command line of the golden vectors.

use clap::Parser;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use undrift_conformance::{ConformanceError, run};
use undrift_kernels::Level;

/// Run golden vectors of published implementations against this code.
#[derive(Parser)]
#[command(name = "undrift-conformance", version)]
struct Args {
    /// Directory of golden vectors
    #[arg(long, default_value = "fixtures")]
    fixtures: PathBuf,
    /// Run one group only
    #[arg(long)]
    group: Option<String>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// 0 all within tolerance, 1 something is not, 2 bad input.
fn main() -> ExitCode {
    let args = Args::parse();
    match undrift_kernels::on_worker_thread(|| checked(&args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all of it passed.
fn checked(args: &Args) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    Level::chosen()?;
    let report = run(&args.fixtures, args.group.as_deref())?;
    let text = if args.json { report.to_json() } else { report.to_text() };
    print(&text)?;
    Ok(report.passed())
}

/// Prints to standard output; a reader that went away is no fault.
fn print(text: &str) -> Result<(), ConformanceError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(ConformanceError::Print { source }),
        _ => Ok(()),
    }
}
