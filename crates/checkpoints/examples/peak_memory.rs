//! Prints the peak memory of reading every tensor of a file, beside the size of its weights; with a second
//! path, writes the first group there as a torch checkpoint.

use std::path::Path;

use undrift_checkpoints::file::{Checkpoint, write_torch_zip};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let before = peak();
    let began = std::time::Instant::now();
    let file = Checkpoint::open(Path::new(paths.first().ok_or("give a file")?))?;
    let group = *file.groups().first().ok_or("no group")?;
    let read = |name: &str| file.read(group, name).map(|data| (name.to_owned(), data));
    let weights = file.tensors(group).iter().map(|info| read(&info.name)).collect::<Result<Vec<_>, _>>()?;
    let bytes: usize = weights.iter().map(|(_, data)| data.as_bytes().len()).sum();
    println!("weights {} KiB, peak {} KiB above {before}, {:?}", bytes >> 10, peak() - before, began.elapsed());
    match paths.get(1) {
        Some(path) => Ok(write_torch_zip(Path::new(path), &weights)?),
        None => Ok(()),
    }
}

/// The most memory that this process has held so far, in KiB, where the system says.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
