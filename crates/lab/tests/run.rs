//! The program from outside: what a run leaves behind, whatever happens to it on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use undrift_lab::recipe::Settings;
use undrift_lab::run::{NETWORK, SETTINGS};
use undrift_networks::{DdpmUnetConfig, apply_parameters};
use undrift_noise::{Key, Purpose};
use undrift_training::TrainState;

const UNDRIFT: &str = env!("CARGO_BIN_EXE_undrift");
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tiny.toml");

fn undrift(arguments: &[&str]) -> Command {
    let mut command = Command::new(UNDRIFT);
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    undrift(arguments).output().unwrap()
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Every file of a run that must not depend on timing, with its bytes; seconds are taken out of the records.
fn contents(run: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for row in ["first", "second"] {
        let cell = run.join(row).join("seed-0");
        for name in ["checkpoint.safetensors", "losses.jsonl", "samples-ema.u8", "samples-raw.u8", "samples-ema.png"] {
            found.push((cell.join(name), fs::read(cell.join(name)).unwrap()));
        }
        let mut record: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(cell.join("result.json")).unwrap()).unwrap();
        for seconds in ["train_seconds", "sample_seconds"] {
            record["result"][seconds] = 0.into();
        }
        found.push((cell.join("result.json"), record.to_string().into_bytes()));
    }
    found
}

fn assert_same(a: &Path, b: &Path) {
    for ((path, ours), (_, theirs)) in contents(a).into_iter().zip(contents(b)) {
        assert!(ours == theirs, "{} differs", path.strip_prefix(a).unwrap().display());
    }
}

fn interrupt_when(mut child: Child, ready: impl Fn() -> bool) -> i32 {
    let started = Instant::now();
    while !ready() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be interrupted");
        assert!(started.elapsed() < Duration::from_secs(120), "nothing happened");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap().code().unwrap()
}

/// The header alone tells what is needed to load the weights elsewhere.
fn assert_tells_its_network(checkpoint: &Path) {
    let state = TrainState::load(checkpoint).unwrap();
    let config: DdpmUnetConfig = serde_json::from_str(&state.metadata()[NETWORK]).unwrap();
    let network = config.init(&Device::flex(), Key::new(0, Purpose::Initialisation)).unwrap();
    apply_parameters(network, state.averaged()).unwrap();
    let settings: Settings = toml::from_str(&state.metadata()[SETTINGS]).unwrap();
    assert_eq!(settings.training.steps, state.step());
}

#[test]
fn an_interrupted_run_ends_as_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let printed = succeeds(&mut undrift(&["run", TINY, "--out", text(&whole)]));
    assert!(printed.contains("eps, L_simple"), "{printed}");
    assert!(whole.join("report.md").exists() && whole.join("report.html").exists());

    assert_tells_its_network(&whole.join("first/seed-0/checkpoint.safetensors"));

    let run = || {
        let mut command = undrift(&["run", TINY, "--out", text(&stopped)]);
        command.env("RAYON_NUM_THREADS", "1").stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let lines = |row: &str| {
        let losses = stopped.join(row).join("seed-0/losses.jsonl");
        fs::read_to_string(losses).map_or(0, |text| text.lines().count())
    };
    let training = interrupt_when(run().spawn().unwrap(), || lines("first") >= 2);
    assert_eq!(training, 130);
    let sampling = interrupt_when(run().spawn().unwrap(), || stopped.join("first/seed-0/samples-ema.u8").exists());
    assert_eq!(sampling, 130);
    let second_row = interrupt_when(run().spawn().unwrap(), || lines("second") >= 1);
    assert_eq!(second_row, 130);
    succeeds(&mut run());
    assert_same(&whole, &stopped);
    check_samples(&whole);
    check_other_recipe_is_refused(&whole);
}

/// The same picture for any batch size and any number of threads.
fn check_samples(run: &Path) {
    let picture = |batch: &str, threads: &str| {
        let out = run.join(format!("picture-{batch}-{threads}.png"));
        let arguments = ["sample", text(run), "--row", "second", "--count", "64", "--steps", "5", "--seed", "3"];
        succeeds(undrift(&arguments).args(["--batch", batch, "--out", text(&out)]).env("RAYON_NUM_THREADS", threads));
        fs::read(out).unwrap()
    };
    let reference = picture("64", "2");
    for (batch, threads) in [("17", "2"), ("1", "2"), ("64", "1")] {
        assert!(picture(batch, threads) == reference, "batch {batch}, {threads} thread(s)");
    }
    check_samples_elsewhere(run, &reference);
}

/// The checkpoint by itself, and the network as diffusers has it, give the samples of the run directory.
fn check_samples_elsewhere(run: &Path, reference: &[u8]) {
    let exported = run.join("for-diffusers");
    succeeds(&mut undrift(&[
        "export",
        text(run),
        "--row",
        "second",
        "--layout",
        "diffusers",
        "--out",
        text(&exported),
    ]));
    let checkpoint = run.join("second/seed-0/checkpoint.safetensors");
    let sampled = |path: &Path, steps: &[&str]| {
        let out = run.join("elsewhere.png");
        let arguments = ["--count", "64", "--seed", "3", "--out", text(&out)];
        succeeds(undrift(&["sample", "--checkpoint", text(path)]).args(arguments).args(steps));
        fs::read(out).unwrap()
    };
    assert!(sampled(&checkpoint, &["--steps", "5"]) == reference);
    // Over fewer steps the scheduler of diffusers draws noise in the last one, which ends above its first timestep.
    assert!(sampled(&exported, &[]) == sampled(&checkpoint, &[]));
}

fn check_other_recipe_is_refused(run: &Path) {
    let other = run.join("other.toml");
    fs::write(&other, fs::read_to_string(TINY).unwrap().replace("batch = 4", "batch = 5")).unwrap();
    let before = fs::read(run.join("recipe.toml")).unwrap();
    let refused = output(&["run", text(&other), "--out", text(run)]);
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(message.contains("--out") && message.contains("first"), "{message}");
    assert_eq!(fs::read(run.join("recipe.toml")).unwrap(), before);
}

#[test]
fn bad_input_exits_with_2_and_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "not a folder").unwrap();
    let with = |name: &str, find: &str, replace: &str| {
        let path = folder.path().join(name);
        let tiny = fs::read_to_string(TINY).unwrap();
        assert!(tiny.contains(find));
        fs::write(&path, tiny.replacen(find, replace, 1)).unwrap();
        text(&path).to_owned()
    };
    let idx = folder.path().join("idx");
    let cases: &[(&[&str], &[&str])] = &[
        (&["run", "tabel2"], &["tabel2", "table2"]),
        (&["run", "table2", "--preset", "fast"], &["fast", "smoke"]),
        (&["run", "table2", "--rows", "eps"], &["eps", "eps-simple"]),
        (&["run", "table2", "--seeds", "0"], &["--seeds"]),
        (&["run", "table2", "--device", "abacus"], &["abacus", "flex"]),
        (&["run", TINY, "--out", text(&file)], &["a-file"]),
        (&["run", &with("typo.toml", "warm_up", "warmup")], &["training", "warmup"]),
        (&["run", &with("steps.toml", "steps = 60", "steps = 0")], &["training.steps"]),
        (&["run", &with("length.toml", "length = 30", "length = 3")], &["chain"]),
        (&["run", &with("toml.toml", "[data]", "[data")], &["toml.toml", "TOML"]),
        (
            &[
                "run",
                &with("idx.toml", "\"fashion-mnist-sample\"", "\"fashion-mnist-idx\"\npath = \"nowhere\""),
                "--out",
                text(&idx),
            ],
            &["nowhere"],
        ),
        (&["sample", text(folder.path()), "--row", "second"], &["recipe.toml", "undrift run"]),
        (&["report", text(folder.path())], &["recipe.toml"]),
        (&["train-classifier", "--steps", "0"], &["--steps"]),
    ];
    for (arguments, words) in cases {
        let output = output(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        for word in *words {
            assert!(message.contains(word), "{arguments:?}: no `{word}` in: {message}");
        }
    }
}

#[test]
fn an_unfinished_row_cannot_be_sampled() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut command = undrift(&["run", TINY, "--out", text(&run)]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    interrupt_when(child, || run.join("first/seed-0/losses.jsonl").exists());
    let refused = output(&["sample", text(&run), "--row", "second"]);
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(message.contains("second") && message.contains("checkpoint"), "{message}");
}

#[test]
fn recipes_can_be_listed_printed_copied_and_run_from_the_copy() {
    assert!(succeeds(&mut undrift(&["show-recipe"])).contains("table2"));
    let source = succeeds(&mut undrift(&["show-recipe", "table2", "--source"]));
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("mine.toml");
    fs::write(&copy, source).unwrap();
    let resolved = succeeds(&mut undrift(&["show-recipe", text(&copy), "--preset", "smoke"]));
    assert_eq!(resolved, succeeds(&mut undrift(&["show-recipe", "table2", "--preset", "smoke"])));
}

#[test]
fn a_dry_run_says_how_long_it_takes_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let printed = succeeds(&mut undrift(&["run", TINY, "--dry-run", "--out", text(&out)]));
    assert!(printed.contains("parameters") && printed.contains("total") && !out.exists(), "{printed}");
}
