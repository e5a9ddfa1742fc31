//! Whole folders of published models: their samples are met, and every setting of their files is heard.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use undrift_conformance::{Outcome, run};

const GROUP: &str = "pipelines";

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(GROUP);
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn about(case: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(case.join("case.json")).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// The scheduler's file of a case.
fn scheduler(case: &Path) -> Option<PathBuf> {
    ["files/scheduler/scheduler_config.json", "files/scheduler_config.json"]
        .map(|name| case.join(name))
        .into_iter()
        .find(|file| file.is_file())
}

#[test]
fn every_case_is_met_or_refused_and_what_is_later_says_so() {
    let report = run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures"), Some(GROUP)).unwrap();
    let failures: Vec<_> = report.cases().iter().filter(|case| case.fails()).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    for case in cases() {
        let (about, name) = (about(&case), format!("{GROUP}/{}", case.file_name().unwrap().display()));
        let mut of = report.cases().iter().filter(|found| found.file == name);
        let later = about["later"].as_bool() == Some(true);
        let fits = |outcome: &Outcome| match outcome {
            Outcome::Compared(_) => true,
            Outcome::NotCovered { reason, .. } => later && reason.starts_with("later"),
            _ => false,
        };
        assert!(of.clone().count() > 0 && of.all(|found| fits(&found.outcome)), "{name}");
    }
}

/// `key=value` of a case's list of what moves its samples when it is not heard.
fn change(text: &str) -> Option<(&str, Value)> {
    let (key, value) = text.split_once('=').filter(|_| !text.contains(','))?;
    let value = match value {
        "True" => Value::from(true),
        "False" => Value::from(false),
        "None" => Value::Null,
        other => serde_json::from_str(other).unwrap_or_else(|_| Value::from(other)),
    };
    Some((key, value))
}

/// Each setting is changed in a copy of its file, and the samples must leave those that were recorded, or the change be
/// refused.
#[test]
fn every_setting_that_moves_samples_is_heard() {
    let scratch = TempDir::new().unwrap();
    let mut heard = 0;
    for case in cases() {
        let about = about(&case);
        let wanted = about["kind"] == "scheduler" && about["later"] == false;
        let (true, Some(file)) = (wanted, scheduler(&case)) else { continue };
        let original: Value = {
            let text = fs::read_to_string(&file).unwrap().replace(": -Infinity", ": \"-Infinity\"");
            serde_json::from_str(&text).unwrap()
        };
        let room = about["tolerance"]["f32"].as_f64().unwrap();
        let words: Vec<&str> = about["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for (text, moved) in about["if_ignored"].as_object().unwrap() {
            let Some((key, value)) = change(text) else { continue };
            let by_word = (key == "timestep_spacing" || key.starts_with("use_karras")) && words.contains(&"--spacing");
            let by_solver = ["skip_prk_steps", "solver_type", "solver_order", "_class_name"].contains(&key);
            let clipped_by_word = key == "clip_sample" || (key == "clip_sample_range" && !words.contains(&"clip"));
            let too_little = moved.as_f64().is_none_or(|moved| moved < 10.0 * room);
            if by_word || by_solver || clipped_by_word || too_little || original.get(key).is_none() {
                continue;
            }
            let name = format!("{}-{heard}", case.file_name().unwrap().display());
            let copied = scratch.path().join(GROUP).join(&name);
            copy(&case, &copied);
            let mut changed = original.clone();
            changed[key] = value;
            fs::write(scheduler(&copied).unwrap(), changed.to_string()).unwrap();
            heard += 1;
        }
    }
    let report = run(scratch.path(), Some(GROUP)).unwrap();
    for copied in fs::read_dir(scratch.path().join(GROUP)).unwrap() {
        let name = format!("{GROUP}/{}", copied.unwrap().file_name().display());
        let unheard = report.cases().iter().filter(|case| case.file == name).all(|case| !case.fails());
        assert!(!unheard, "{name}: a change of its scheduler's file was not heard");
    }
    assert!(heard > 150, "only {heard} settings were changed");
}
