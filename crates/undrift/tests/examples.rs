//! Every program of `examples` runs at its smallest size, prints numbers that are right about it, and writes its files.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What an example printed, run in `folder`.
fn run(name: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program(name)).args(arguments).current_dir(folder).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {arguments:?}: {}\n{errors}", output.status);
    assert_eq!(errors, "", "{name} says nothing on standard error, as all its operations are fused");
    String::from_utf8(output.stdout).unwrap()
}

/// Where cargo puts an example that it builds beside this test: `target/PROFILE/examples`.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let program = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is not built: run `cargo test` without `--test`", program.display());
    program
}

/// The number after `before` in the first line that begins with `line`.
fn number(printed: &str, line: &str, before: &str) -> f64 {
    let found = printed.lines().find(|text| text.starts_with(line));
    let after = found.and_then(|text| text.split_once(before)).map(|(_, after)| after.trim_start());
    let digits = after.and_then(|text| text.split([',', ' ', '%']).next());
    let value: Option<f64> = digits.and_then(|digits| digits.parse().ok());
    let value = value.unwrap_or_else(|| panic!("no number after `{before}` in a line `{line}`:\n{printed}"));
    assert!(value.is_finite(), "{printed}");
    value
}

/// Width and height of a PNG file.
fn size_of_png(path: &Path) -> [u32; 2] {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
    [16, 20].map(|at| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
}

#[test]
fn ddpm_learns_and_shows_its_samples() {
    let folder = tempfile::tempdir().unwrap();
    let printed = run("ddpm", &["120", "16", "grid.png"], folder.path());
    let [untrained, trained] = ["untrained:", "trained:"].map(|line| number(&printed, line, "Frechet distance"));
    assert!(0.0 < trained && trained < 0.8 * untrained, "{printed}");
    assert!(number(&printed, "step 120:", "loss") < 0.3, "{printed}");
    // Two rows of eight images of 16 pixels, a pixel between them, each four times as large.
    assert_eq!(size_of_png(&folder.path().join("grid.png")), [4 * (8 * 17 - 1), 4 * (2 * 17 - 1)]);
}

#[test]
fn ddpm_is_short() {
    let text = std::fs::read_to_string(Path::new(ROOT).join("examples/ddpm.rs")).unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//")).count();
    assert!(lines < 60, "{lines} lines");
}

#[test]
fn own_steps_train_a_network_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let printed = run("scheduled_sampling", &["30", "16"], folder.path());
    let of = |what| ["plain inputs:", "own steps:"].map(|line| number(&printed, line, what));
    let (losses, distances) = (of("loss"), of("Frechet distance"));
    assert!(losses.iter().all(|loss| (0.0..1.0).contains(loss)) && losses[0] != losses[1], "{printed}");
    assert!(distances.iter().all(|distance| *distance > 0.0) && distances[0] != distances[1], "{printed}");
}

#[test]
fn a_perceptron_comes_nearer_to_its_toy() {
    let folder = tempfile::tempdir().unwrap();
    let printed = run("toy_2d", &["300", "300"], folder.path());
    let [untrained, trained] = ["untrained:", "trained:"].map(|line| number(&printed, line, "energy distance"));
    assert!(0.0 < trained && trained < 0.05 && untrained > 1.0, "{printed}");
}

#[test]
fn guidance_leads_to_the_classes() {
    let folder = tempfile::tempdir().unwrap();
    let printed = run("guidance", &["200", "4", "classes.png"], folder.path());
    let [none, plain, strong] = ["0:", "1:", "3:"].map(|scale| number(&printed, &format!("guidance {scale}"), ":"));
    assert!(none < 40.0 && plain > 60.0 && strong >= plain, "{printed}");
    assert_eq!(size_of_png(&folder.path().join("classes.png")), [4 * (4 * 17 - 1), 4 * (10 * 17 - 1)]);
}

#[test]
fn a_published_folder_becomes_pictures_or_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new(ROOT).join("fixtures/pipelines/ddim-clip-range/files");
    let path = path.to_str().unwrap();
    let printed = run("published", &[path, "2", "samples.png"], folder.path());
    assert!(number(&printed, "", ",") > 1000.0 && printed.contains("ddim"), "{printed}");
    assert_eq!(size_of_png(&folder.path().join("samples.png")), [4 * (2 * 9 - 1), 4 * 8]);
    run("published", &[path, "2", "samples.npz"], folder.path());
    let numbers = std::fs::read(folder.path().join("samples.npz")).unwrap();
    let header = b"'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 8, 8,)";
    assert!(numbers.windows(header.len()).any(|part| part == header));
}
