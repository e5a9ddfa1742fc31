//! The program before its work: places that cannot be written, readers that go away, numbers beyond memory.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use program::{TINY, files, recipe, refused, said, succeeds, text, undrift};
use tempfile::TempDir;

const DIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/networks/dit_micro.pt");

/// The configuration of a small network of diffusers.
const NETWORK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/small_unet.json");

/// That network by formula.
fn small_network(folder: &Path) -> PathBuf {
    let out = folder.join("network");
    succeeds(&["export", "--closed-form", "--layout", "diffusers", "--config", NETWORK, "--out", text(&out)]);
    out
}

/// Every command that writes where it is told to, with every way in which it may be told.
fn commands_with_output(network: &Path) -> Vec<(Vec<String>, &'static [&'static str])> {
    let words = |text: &[&str]| text.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let formula = words(&["export", "--closed-form", "--layout", "diffusers", "--config", NETWORK]);
    // So many samples take hours: what is refused is refused before they are drawn.
    let sample = words(&["sample", "--checkpoint", text(network), "--count", "1000000", "--out"]);
    let classifier = words(&["train-classifier", "--steps", "100000000", "--out"]);
    let run = words(&["run", TINY, "--out"]);
    let folder = [&formula[..], &words(&["--out"])].concat();
    let probe = [&formula[..], &words(&["--out", text(&network.with_file_name("probed")), "--probe"])].concat();
    let dit = words(&["export", DIT, "--set", "num_heads=2", "--layout", "dit", "--out"]);
    vec![
        (sample, &["a.png", "a.npz", "pictures"]),
        (classifier, &["a.safetensors"]),
        (run, &["a-run"]),
        (folder, &["exported"]),
        (probe, &["probe.safetensors"]),
        (dit, &["dit.pt"]),
    ]
}

#[test]
fn places_that_cannot_be_written_are_refused_before_any_work() {
    let folder = TempDir::new().unwrap();
    let network = small_network(folder.path());
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let made = folder.path().join("made");
    fs::create_dir(&made).unwrap();
    for (words, names) in commands_with_output(&network) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for name in names {
            // A file where a folder should be, and a folder of the system that nobody can write to.
            for place in [file.join(name), Path::new("/proc").join(name)] {
                let message = refused(&[&words[..], &[text(&place)]].concat(), &[]);
                let named = message.contains(text(place.parent().unwrap()));
                assert!(named && !message.contains("sampling steps") && !message.contains("train:"), "{message}");
            }
        }
        refused(&[&words[..], &["/dev/null"]].concat(), &["/dev/null"]);
        if names.iter().any(|name| name.contains('.')) {
            let taken = made.join(names[0]);
            fs::create_dir(&taken).unwrap();
            refused(&[&words[..], &[text(&taken)]].concat(), &["is a folder"]);
            refused(&[&words[..], &[text(&made.join("absent").join(names[0]))]].concat(), &["absent"]);
        }
    }
    let left: Vec<PathBuf> = files(folder.path()).into_iter().map(|(path, _)| path).collect();
    let kept =
        ["model_index.json", "scheduler_config.json", "config.json", "diffusion_pytorch_model.safetensors", "a-file"];
    let known = |path: &PathBuf| kept.iter().any(|name| path.ends_with(name));
    assert!(left.len() == kept.len() && left.iter().all(known), "nothing but the file and the network: {left:?}");
    assert!(fs::metadata("/dev/null").unwrap().len() == 0 && !Path::new("/dev/null").is_file());
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_stops_no_command() {
    let folder = TempDir::new().unwrap();
    let network = small_network(folder.path());
    let picture = folder.path().join("a.png");
    let exported = folder.path().join("exported");
    let run = folder.path().join("run");
    let short = recipe(folder.path(), "short.toml", &[("steps = 60", "steps = 3")]);
    let sample =
        ["sample", "--checkpoint", text(&network), "--count", "1", "--sampler", "ddim", "--steps", "2", "--out"];
    let commands: Vec<Vec<&str>> = vec![
        vec!["methods"],
        vec!["info"],
        vec!["--help"],
        vec!["show-recipe"],
        vec!["show-recipe", "table2"],
        vec!["show-recipe", "table2", "--source"],
        vec!["inspect", text(&network)],
        vec!["inspect", text(&network), "--json"],
        vec!["run", text(&short), "--dry-run"],
        vec!["run", text(&short), "--out", text(&run)],
        vec!["report", text(&run)],
        [&sample[..], &[text(&picture)]].concat(),
        vec!["export", text(&run), "--row", "second", "--layout", "diffusers", "--out", text(&exported)],
        vec!["train-classifier", "--steps", "1", "--out", text(&picture)],
        vec![
            "tune",
            text(&run),
            "--row",
            "second",
            "--method",
            "epsilon-scaling",
            "--scales",
            "1",
            "--count",
            "4",
            "--steps",
            "2",
        ],
    ];
    for arguments in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = undrift(&arguments).stdout(writer.try_clone().unwrap()).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        let (reader, error_writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = undrift(&arguments).stdout(writer).stderr(error_writer).status().unwrap();
        assert!(status.success(), "{arguments:?} with nobody who reads what it says: {status}");
    }
    assert!(picture.exists() && exported.join("unet/config.json").exists() && run.join("report.html").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_a_full_disk_swallows_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = undrift(&["methods"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("standard output"), "{}", said(&output));
}

#[test]
fn numbers_on_the_command_line_beyond_memory_are_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let network = small_network(folder.path());
    let (out, arrays) = (folder.path().join("a.png"), folder.path().join("a.npz"));
    let huge = u64::MAX.to_string();
    let exported = folder.path().join("exported");
    let closed = ["export", "--closed-form", "--layout", "diffusers", "--config", NETWORK, "--out", text(&exported)];
    for number in ["1000000000000", &huge] {
        for place in [&out, &arrays] {
            let sample = ["sample", "--checkpoint", text(&network), "--out", text(place)];
            refused(&[&sample[..], &["--count", number]].concat(), &["--count"]);
            refused(&[&sample[..], &["--count", "10000000", "--batch", number]].concat(), &["--"]);
        }
        refused(&["train-classifier", "--batch", number, "--out", text(&out)], &["--batch"]);
        for field in ["sample_size", "in_channels", "out_channels", "layers_per_block"] {
            refused(&[&closed[..], &["--set", &format!("{field}={number}")]].concat(), &[number]);
        }
        refused(&[&closed[..], &["--set", &format!("block_out_channels=[8,{number}]")]].concat(), &[]);
    }
    refused(&[&closed[..], &["--set", "block_out_channels=[65536,65536]"]].concat(), &["TiB of memory"]);
    assert!(!out.exists() && !arrays.exists());
}

#[test]
fn numbers_of_a_recipe_beyond_memory_are_refused_with_and_without_dry_run() {
    let folder = TempDir::new().unwrap();
    for (find, replace, word) in [
        ("length = 30", "length = 1000000000000", "`chain`: `length`"),
        ("multipliers = [1, 2]", "multipliers = [1, 1000000000]", "multipliers"),
        ("base = 8", "base = 8000000000", "base"),
        ("blocks = 1", "blocks = 1000000000000", "blocks"),
        ("batch = 4\n", "batch = 9000000000000000000\n", "training.batch"),
        ("batch = 7", "batch = 9000000000000000000\n", "sampling"),
        ("count = 20", "count = 9000000000000000000", "sampling.count"),
        ("seeds = [0]", "seeds = [9223372036854775808]", "seeds"),
        ("seeds = [0]", "seeds = [-1]", "seeds"),
        ("label = \"eps, L_simple\"", "label = \"eps,\\nL_simple\"", "label"),
    ] {
        let changed = match find {
            "batch = 7" => recipe(folder.path(), "r.toml", &[(find, replace), ("count = 20", "count = 9000000000")]),
            _ => recipe(folder.path(), "r.toml", &[(find, replace)]),
        };
        refused(&["run", text(&changed), "--dry-run"], &[word]);
        let run = folder.path().join("run");
        refused(&["run", text(&changed), "--out", text(&run)], &[word]);
        assert!(!run.exists());
    }
    let long = [
        ("steps = 60", "steps = 9223372036854775807"),
        ("count = 20", "count = 20000000"),
        ("bits_per_dim_images = 4", "bits_per_dim_images = 9000000000000000000"),
    ];
    let long = recipe(folder.path(), "long.toml", &long);
    let printed = succeeds(&["run", text(&long), "--dry-run"]);
    assert!(printed.contains("9000000000000000000 test images") && printed.contains("years"), "{printed}");
}

#[test]
fn every_seed_of_samples_is_its_own() {
    let folder = TempDir::new().unwrap();
    let network = small_network(folder.path());
    let drawn = |seed: &str| {
        let out = folder.path().join("a.npz");
        let arguments = ["sample", "--checkpoint", text(&network), "--count", "1", "--sampler", "ddim", "--steps", "2"];
        succeeds(&[&arguments[..], &["--seed", seed, "--out", text(&out)]].concat());
        fs::read(out).unwrap()
    };
    let seeds = ["0", "9223372036854775807", "9223372036854775808", "18446744073709551615"].map(drawn);
    for (one, other) in [(0, 1), (0, 2), (1, 2), (2, 3), (0, 3)] {
        assert_ne!(seeds[one], seeds[other], "{one} {other}");
    }
    let beyond = ["sample", "--checkpoint", text(&network), "--seed", "18446744073709551616"];
    refused(&beyond, &["--seed", "18446744073709551616"]);
}
