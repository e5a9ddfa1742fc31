//! `MANIFEST.json`: a file that is missing, changed or not listed fails by its name.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use undrift_conformance::{MANIFEST, Manifest, Outcome, run};

const FILES: [&str; 4] = [
    "steps/ddpm_eps_fixed_large_clip.json",
    "steps/ddpm_eps_fixed_large_clip.safetensors",
    "schedules/cosine_T1000.json",
    "README.md",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// A directory of some fixtures and its manifest.
fn listed() -> TempDir {
    let directory = TempDir::new().unwrap();
    for file in FILES {
        let target = directory.path().join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(fixtures().join(file), target).unwrap();
    }
    Manifest::of(directory.path()).unwrap().write(directory.path()).unwrap();
    directory
}

/// The names and reasons of what fails.
fn failures(directory: &TempDir, group: Option<&str>) -> Vec<(String, String)> {
    let report = run(directory.path(), group).unwrap();
    let failed = report.cases().iter().filter_map(|case| match &case.outcome {
        Outcome::Failed { reason } => Some((case.file.clone(), reason.clone())),
        _ => None,
    });
    failed.collect()
}

#[test]
fn the_repository_has_the_files_that_it_lists() {
    let manifest = Manifest::read(&fixtures()).unwrap().expect("the repository has a manifest");
    let faults = manifest.faults(&Manifest::of(&fixtures()).unwrap(), None);
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(manifest.sha256.len() > 1000, "{}", manifest.sha256.len());
}

#[test]
fn what_is_missing_changed_or_unlisted_fails_by_name() {
    assert!(failures(&listed(), None).is_empty());
    let missing = listed();
    fs::remove_file(missing.path().join(FILES[2])).unwrap();
    fs::remove_dir(missing.path().join("schedules")).unwrap();
    let changed = listed();
    let path = changed.path().join(FILES[0]);
    fs::write(&path, fs::read_to_string(&path).unwrap() + "\n").unwrap();
    let unlisted = listed();
    fs::copy(fixtures().join("schedules/linear_T1000.json"), unlisted.path().join("schedules/more.json")).unwrap();
    for (directory, file, word) in [
        (missing, FILES[2], "not there"),
        (changed, FILES[0], "not the file"),
        (unlisted, "schedules/more.json", "does not list it"),
    ] {
        let failed = failures(&directory, None);
        assert!(failed.len() == 1 && failed[0].0 == file && failed[0].1.contains(word), "{failed:?}");
    }
}

#[test]
fn a_group_is_held_against_its_own_part() {
    let directory = listed();
    fs::remove_file(directory.path().join(FILES[0])).unwrap();
    fs::remove_file(directory.path().join(FILES[1])).unwrap();
    assert!(failures(&directory, Some("schedules")).is_empty());
    assert_eq!(failures(&directory, None).len(), 3, "two files, and the folder is empty");
}

#[test]
fn a_directory_without_a_manifest_runs_and_says_so_once() {
    let directory = listed();
    fs::remove_file(directory.path().join(MANIFEST)).unwrap();
    let report = run(directory.path(), None).unwrap();
    assert!(report.passed());
    assert_eq!(report.to_text().matches(MANIFEST).count(), 1, "{}", report.to_text());
    fs::write(directory.path().join(MANIFEST), "[]").unwrap();
    let message = run(directory.path(), None).unwrap_err().to_string();
    assert!(message.contains(MANIFEST) && message.contains("--write-manifest"), "{message}");
}
