//! A program with methods of its own: all that `undrift` does with its methods, this program does with them.

#[allow(dead_code)]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use program::{refused as refused_by_undrift, said, text};

/// The methods that the program adds, by slot.
const OWN: [(&str, &str); 8] = [
    ("data set", "stripes"),
    ("chain", "falling-line"),
    ("network", "three-convolutions"),
    ("objective", "pseudo-huber"),
    ("corruption", "offset-noise"),
    ("weighting", "truncated-snr"),
    ("solver", "renoising"),
    ("score", "ink"),
];

/// The program, which `cargo test` builds beside the tests.
fn own(arguments: &[&str]) -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().with_file_name("examples").join("own_methods");
    assert!(program.exists(), "build it first: `cargo build --release -p undrift-lab --example own_methods`");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    own(arguments).output().unwrap()
}

fn succeeds(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str], words: &[&str]) {
    let output = output(arguments);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    words.iter().for_each(|word| assert!(message.contains(word), "{arguments:?}: no `{word}` in: {message}"));
}

/// The package's recipe with some of its text replaced.
fn recipe(folder: &Path, changes: &[(&str, &str)]) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/own-methods/recipe.toml");
    let mut source = fs::read_to_string(path).unwrap();
    for (find, replace) in changes {
        assert!(source.contains(find), "{find}");
        source = source.replace(find, replace);
    }
    let path = folder.join("recipe.toml");
    fs::write(&path, source).unwrap();
    path
}

/// What must not depend on an interruption.
fn results(run: &Path) -> Vec<Vec<u8>> {
    let cells = ["own", "simple"].map(|row| run.join(row).join("seed-0"));
    let files = ["checkpoint.safetensors", "losses.jsonl", "samples-ema.u8"];
    cells.iter().flat_map(|cell| files.map(|file| fs::read(cell.join(file)).unwrap())).collect()
}

/// Interrupts a run in its first row's training.
fn interrupt(recipe: &Path, run: &Path) {
    let mut child = own(&["run", text(recipe), "--out", text(run)]).stderr(Stdio::null()).spawn().unwrap();
    let losses = run.join("own/seed-0/losses.jsonl");
    while fs::read_to_string(&losses).map_or(0, |text| text.lines().count()) < 2 {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be interrupted");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_recipe_of_own_methods_is_run_continued_reported_sampled_and_tuned() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    let recipe = recipe(folder.path(), &[("steps = 30", "steps = 400")]);
    assert!(succeeds(&["run", text(&recipe), "--dry-run"]).contains("own"));
    succeeds(&["run", text(&recipe), "--out", text(&whole)]);
    interrupt(&recipe, &stopped);
    succeeds(&["run", text(&recipe), "--out", text(&stopped)]);
    assert!(results(&whole) == results(&stopped), "an interruption changes results");
    assert_ne!(results(&whole)[0], results(&whole)[3], "the rows differ");

    let report = fs::read(whole.join("report.md")).unwrap();
    let shown = String::from_utf8_lossy(&report);
    assert!(shown.contains("ink, %") && shown.contains("nearest training image, grey levels"), "{shown}");
    fs::remove_file(whole.join("report.md")).unwrap();
    succeeds(&["report", text(&whole)]);
    assert!(fs::read(whole.join("report.md")).unwrap() == report);

    let samples = folder.path().join("samples.npz");
    let out = ["--count", "4", "--sampler", "renoising", "--steps", "4", "--out", text(&samples)];
    let drawn = || {
        succeeds(&[&["sample", text(&whole), "--row", "own"], &out[..]].concat());
        fs::read(&samples).unwrap()
    };
    assert!(drawn() == drawn());
    let steps = ["--count", "4", "--sampler", "renoising", "--steps", "3", "--scales", "1.0,1.02"];
    let tuned = [&["tune", text(&whole), "--row", "own", "--method", "epsilon-scaling"], &steps[..]].concat();
    assert!(succeeds(&tuned).contains("1.02"));
    refused_by_undrift(&["report", text(&whole)], &["stripes"]);
}

#[test]
fn own_methods_are_listed_and_an_unknown_name_is_told_about_them() {
    let folder = tempfile::tempdir().unwrap();
    let (listed, page) = (succeeds(&["methods"]), succeeds(&["methods", "--markdown"]));
    for (slot, name) in OWN {
        assert!(listed.contains(&format!("\n  {name}\n")), "{name}: {listed}");
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
        let mistaken = format!("{name}-");
        let recipe = recipe(folder.path(), &[(name, &mistaken)]);
        let words = [format!("no {slot} is called `{mistaken}`"), format!(", {name}")];
        refused(&["run", text(&recipe), "--dry-run"], &words.each_ref().map(String::as_str));
    }
    refused_by_undrift(&["run", text(&recipe(folder.path(), &[])), "--dry-run"], &["no data set is called `stripes`"]);
    let penalised = recipe(folder.path(), &[("clip = ", "gradient_penalty = 0.1\nclip = ")]);
    refused(&["run", text(&penalised), "--dry-run"], &["`pseudo-huber", "`training.gradient_penalty`", "choose 0"]);
    let wrong = recipe(folder.path(), &[("strength = 0.05", "strength = -1")]);
    refused(&["run", text(&wrong), "--dry-run"], &["`model.corruption`", "`offset-noise`", "-1"]);
}
