//! Checkpoints of published codes: the labels that their networks are asked with, what moves samples.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde_json::{Value, json};
use tempfile::TempDir;
use undrift_conformance::run;
use undrift_pipelines::{AskedWrapper, Choice, Pipeline, Placing, Plan, PublishedSolver, Said};
use undrift_schedules::Spacing;

const GROUP: &str = "pipelines";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(GROUP)
}

/// The cases of checkpoints of these codes whose files are read.
const CASES: [&str; 13] = [
    "ddpm-ip-classes",
    "dit-ddim",
    "dit-train-checkpoint",
    "ermongroup-ddim",
    "ermongroup-noisy",
    "ermongroup-var-type-set",
    "ermongroup-yml",
    "guided-ancestral",
    "guided-ddim",
    "guided-rescaled",
    "guided-sections",
    "improved-ddim",
    "improved-sections",
];

fn about(case: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(fixtures().join(case).join("case.json")).unwrap()).unwrap()
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// The checkpoint of a case, and what its words say about the sampler.
fn opened(case: &str, words: &[String]) -> (Pipeline, Choice) {
    let folder = fixtures().join(case);
    let (mut said, mut choice) = (Said::default(), Choice::default());
    for pair in words.chunks(2) {
        let value = pair[1].as_str();
        match pair[0].as_str() {
            "--config" => said.config = Some(folder.join(value)),
            "--set" => said.set.push(value.parse().unwrap()),
            "--sampler" => choice.solver = Some(PublishedSolver::named(value, 0.0).unwrap().into()),
            "--steps" => choice.steps = Some(value.parse().unwrap()),
            "--spacing" => choice.placing = Some(Placing::Spaced(spacing(value))),
            "--wrapper" if value == "none" => choice.wrappers = Some(Vec::new()),
            "--wrapper" => choice.wrappers = Some(vec![AskedWrapper::Clip]),
            _ => {}
        }
    }
    let path = folder.join(about(case)["path"].as_str().unwrap());
    (Pipeline::open(&path, &said).unwrap(), choice)
}

fn spacing(name: &str) -> Spacing {
    match name {
        "leading" => Spacing::Leading,
        "linspace" => Spacing::Linspace,
        "quadratic" => Spacing::Quadratic,
        other => panic!("{other}"),
    }
}

fn plan(opened: &Pipeline, choice: &Choice) -> Plan {
    Plan::new(&opened.process, choice, &Device::flex()).unwrap()
}

#[test]
fn networks_are_asked_with_the_labels_of_their_own_code() {
    for case in CASES {
        let about = about(case);
        for given in ["args", "also_args"] {
            let words = words(&about[given]);
            if words.is_empty() {
                continue;
            }
            let (opened, choice) = opened(case, &words);
            let plan = plan(&opened, &choice);
            let factor = opened.process.time_factor;
            let labels: Vec<f64> = plan.grid().levels().map(|level| level.time() * factor).collect();
            assert_eq!(json!(labels), about["labels"], "{case} {given}");
        }
    }
}

#[test]
fn a_number_of_steps_alone_is_spaced_as_the_code_does() {
    for case in ["guided-ancestral", "guided-rescaled", "ddpm-ip-classes", "dit-ddim", "ermongroup-noisy"] {
        let about = about(case);
        let all = words(&about["args"]);
        let at = all.iter().position(|word| word == "--spacing").unwrap();
        let (opened, choice) = opened(case, &[&all[..at], &all[at + 2..]].concat());
        let plan = plan(&opened, &choice);
        let factor = opened.process.time_factor;
        let labels: Vec<f64> = plan.grid().levels().map(|level| level.time() * factor).collect();
        assert_eq!(json!(labels), about["labels"], "{case}");
    }
}

#[test]
fn another_spacing_keeps_the_number_of_steps_that_the_code_takes() {
    let (opened, _) = opened("guided-sections", &words(&about("guided-sections")["args"]));
    let choice = Choice { placing: Some(Placing::Spaced(Spacing::Trailing)), ..Choice::default() };
    let plan = plan(&opened, &choice);
    assert_eq!(plan.grid().steps(), 20);
    assert_eq!(plan.grid().levels().nth(1).unwrap().time(), 949.0);
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

/// Each flag is changed, and the samples must leave those that were recorded.
#[test]
fn every_flag_that_moves_samples_is_heard() {
    let scratch = TempDir::new().unwrap();
    let mut heard = Vec::new();
    for case in CASES {
        let mut about = about(case);
        for change in about["if_ignored"].as_object().unwrap().clone().keys() {
            if !change.contains('=') || change.starts_with("cfg_scale") {
                continue;
            }
            let own = if words(&about["also_args"]).is_empty() { "args" } else { "also_args" };
            let changed = [words(&about[own]), vec!["--set".to_owned(), change.clone()]].concat();
            let name = format!("{case}-{}", heard.len());
            let copied = scratch.path().join(GROUP).join(&name);
            copy(&fixtures().join(case), &copied);
            let (old, also) = (about["args"].take(), about["also_args"].take());
            about["args"] = json!(changed);
            fs::write(copied.join("case.json"), about.to_string()).unwrap();
            (about["args"], about["also_args"]) = (old, also);
            heard.push((format!("{GROUP}/{name}"), change.clone()));
        }
    }
    let report = run(scratch.path(), Some(GROUP)).unwrap();
    for (file, change) in &heard {
        let mut of = report.cases().iter().filter(|found| found.file == *file);
        assert!(of.any(|found| found.fails()), "{file}: {change} is not heard");
    }
    assert_eq!(heard.len(), 13, "{heard:?}");
}
