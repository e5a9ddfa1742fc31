//! The words of sidecars: each says its runner and its toy model, and one of the old form is understood as before.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use undrift_conformance::{run, words};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// A directory with copies of fixtures, each `group/name`.
fn copied(names: &[&str]) -> TempDir {
    let to = TempDir::new().unwrap();
    for name in names {
        fs::create_dir_all(to.path().join(name).parent().unwrap()).unwrap();
        for file in ["json", "safetensors"].map(|ending| format!("{name}.{ending}")) {
            fs::copy(fixtures().join(&file), to.path().join(&file)).unwrap();
        }
    }
    to
}

fn edited(directory: &TempDir, name: &str, edit: impl Fn(&mut Value)) {
    let path = directory.path().join(format!("{name}.json"));
    let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

const STEP: &str = "steps/ddpm_eps_fixed_large_clip";
const CHAIN: &str = "chains/ddpm_tanh_50_learned_range_clip";
const LOSS: &str = "losses/ddpm_ip_gamma0.1";
const ALL: [&str; 6] =
    [STEP, CHAIN, LOSS, "chains/edm_gauss_18", "steps/classifier_guidance", "losses/training_losses_gauss"];

#[test]
fn every_sidecar_says_its_runner_and_its_toy_model() {
    let all = words(&fixtures(), false).unwrap();
    let silent: Vec<_> = all.iter().filter(|words| !words.stated || words.runner.is_err()).collect();
    assert!(all.len() > 200 && silent.is_empty(), "{silent:#?}");
    let with_model = all.iter().filter(|words| words.model.is_some()).count();
    assert!(with_model > 60, "only {with_model}");
}

/// The words are what the old form derives, and writing them leaves the rest of a file as it is.
#[test]
fn sidecars_of_the_old_form_are_understood_and_given_their_words() {
    let directory = copied(&[&ALL[..], &["chains/noise_1000"]].concat());
    let passes = run(directory.path(), None).unwrap().passes();
    let sidecar = |name: &str| directory.path().join(format!("{name}.json"));
    for name in ALL {
        let text = fs::read_to_string(sidecar(name)).unwrap();
        let is_word = |line: &&str| line.starts_with("\"runner\": ") || line.starts_with("\"model\": ");
        let old: Vec<&str> = text.split_inclusive('\n').filter(|line| !is_word(line)).collect();
        assert!(old.len() < text.lines().count(), "{name} has words");
        fs::write(sidecar(name), old.concat()).unwrap();
    }
    let report = run(directory.path(), None).unwrap();
    assert!(report.passed() && report.passes() == passes, "{}", report.to_text());
    assert!(words(directory.path(), true).unwrap().iter().all(|words| words.runner.is_ok()));
    for name in ALL {
        let published = fs::read(fixtures().join(format!("{name}.json"))).unwrap();
        assert!(fs::read(sidecar(name)).unwrap() == published, "{name}");
    }
}

#[test]
fn a_word_that_does_not_exist_fails_with_the_file_and_those_that_do() {
    for (field, word, known) in [
        ("runner", json!("ddmp"), ["`ddmp`", "`ddpm`", "`classifier_guidance`"]),
        ("runner", json!(7), ["integer", "runner", "ddpm_eps"]),
    ] {
        let directory = copied(&[STEP]);
        edited(&directory, STEP, |sidecar| sidecar[field] = word.clone());
        let report = run(directory.path(), None).unwrap();
        let text = report.to_text();
        assert!(!report.passed() && text.contains("ddpm_eps_fixed_large_clip.json"), "{text}");
        assert!(known.iter().all(|known| text.contains(known)), "{text}");
    }
    let directory = copied(&[CHAIN, "chains/noise_1000"]);
    edited(&directory, CHAIN, |sidecar| sidecar["model"]["eps"]["kind"] = json!("gaussian"));
    let text = run(directory.path(), None).unwrap().to_text();
    assert!(text.contains("`gaussian`") && text.contains("`gauss`") && text.contains("`tanh`"), "{text}");
}

#[test]
fn the_word_chooses_the_runner_and_the_model() {
    let directory = copied(&[STEP]);
    edited(&directory, STEP, |sidecar| sidecar["runner"] = json!("classifier_guidance"));
    assert!(!run(directory.path(), None).unwrap().passed());
    for (part, constant) in [("eps", "a"), ("range", "amplitude")] {
        let directory = copied(&[CHAIN, "chains/noise_1000"]);
        assert!(run(directory.path(), None).unwrap().passed());
        edited(&directory, CHAIN, |sidecar| sidecar["model"][part][constant] = json!(0.77));
        assert!(!run(directory.path(), None).unwrap().passed(), "{part}.{constant}");
    }
}

#[test]
fn what_is_known_to_be_absent_is_listed_and_does_not_fail() {
    let directory = copied(&[STEP, "steps/solver_deis"]);
    let report = run(directory.path(), None).unwrap();
    assert!(report.passed() && report.not_covered() == 1, "{}", report.to_text());
}
