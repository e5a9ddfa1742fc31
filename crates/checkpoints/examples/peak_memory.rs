//! Prints the peak memory of loading a network beside the size of its weights: `peak_memory FILE [KEY=VALUE ..]`.

use std::path::Path;

use burn::tensor::{DType, Device};
use undrift_checkpoints::{Given, Published, Settings};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a checkpoint, and its settings as KEY=VALUE")?;
    let mut settings = Settings::default();
    for argument in arguments {
        let (key, value) = argument.split_once('=').ok_or("settings are KEY=VALUE")?;
        settings = settings.with(key, serde_json::from_str::<serde_json::Value>(value)?);
    }
    let before = peak();
    let began = std::time::Instant::now();
    let published = Published::open(Path::new(&path), &Given { settings, ..Given::default() })?;
    let network = published.load(&Device::flex(), DType::F32)?;
    let weights = 4 * network.parameter_count() / 1024;
    let above = peak().saturating_sub(before);
    let share = 100.0 * (above as f64 / weights as f64 - 1.0);
    println!("weights {weights} KiB, peak {above} KiB above {before} KiB ({share:+.1} %), {:.2?}", began.elapsed());
    Ok(())
}

/// The most memory that this process has held so far, in KiB, where the system says.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
