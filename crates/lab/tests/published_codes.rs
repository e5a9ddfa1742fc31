//! Checkpoints of published codes: the labels that their networks are asked with, what moves samples, what is assumed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use undrift_lab::conformance::run;
use undrift_lab::methods::SpacingName;
use undrift_lab::published::{CheckpointArgs, Opened, Plan, SamplerChoice, Setting};

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
fn opened(case: &str, words: &[String]) -> (Opened, SamplerChoice) {
    let folder = fixtures().join(case);
    let (mut config, mut set, mut choice) = (None, Vec::<Setting>::new(), SamplerChoice::default());
    for pair in words.chunks(2) {
        let value = pair[1].as_str();
        match pair[0].as_str() {
            "--config" => config = Some(folder.join(value)),
            "--set" => set.push(value.parse().unwrap()),
            "--sampler" => choice.solver = Some(value.parse().unwrap()),
            "--steps" => choice.steps = Some(value.parse().unwrap()),
            "--spacing" => choice.spacing = Some(clap::ValueEnum::from_str(value, false).unwrap()),
            "--wrapper" if value == "none" => choice.wrappers = Some(Vec::new()),
            "--wrapper" => choice.wrappers = Some(vec![value.parse().unwrap()]),
            _ => {}
        }
    }
    let path = folder.join(about(case)["path"].as_str().unwrap());
    (Opened::new(&path, &CheckpointArgs::of(config, set)).unwrap(), choice)
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
            let plan = Plan::new(&opened.process, &choice).unwrap();
            let factor = opened.process.time_factor;
            let labels: Vec<f64> = plan.sampler.grid().levels().map(|level| level.time() * factor).collect();
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
        let plan = Plan::new(&opened.process, &choice).unwrap();
        let factor = opened.process.time_factor;
        let labels: Vec<f64> = plan.sampler.grid().levels().map(|level| level.time() * factor).collect();
        assert_eq!(json!(labels), about["labels"], "{case}");
    }
}

#[test]
fn another_spacing_keeps_the_number_of_steps_that_the_code_takes() {
    let (opened, _) = opened("guided-sections", &words(&about("guided-sections")["args"]));
    let choice = SamplerChoice { spacing: Some(SpacingName::Trailing), ..SamplerChoice::default() };
    let plan = Plan::new(&opened.process, &choice).unwrap();
    assert_eq!(plan.sampler.grid().steps(), 20);
    assert_eq!(plan.sampler.grid().levels().nth(1).unwrap().time(), 949.0);
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

fn undrift(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_undrift")).args(args).output().unwrap()
}

fn said(args: &[&str]) -> String {
    let output = undrift(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_assumed_is_printed() {
    let case = fixtures().join("improved-ddim");
    let file = case.join(about("improved-ddim")["path"].as_str().unwrap());
    let file = file.to_str().unwrap();
    let flags = ["--flags", "--image_size 32 --num_channels 32 --num_res_blocks 1 --learn_sigma True --lr 1e-4"];
    let found: Value = serde_json::from_str(&said(&[&["inspect", file, "--json"], &flags[..]].concat())).unwrap();
    let keys: Vec<&str> = found["assumed"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "clip_denoised",
        "code",
        "diffusion_steps",
        "dropout",
        "noise_schedule",
        "num_heads",
        "predict_xstart",
        "rescale_timesteps",
        "timestep_respacing",
        "use_ddim",
        "use_new_attention_order",
    ];
    assert_eq!(keys, expected);
    assert_eq!(found["assumed"]["code"]["value"], "improved-diffusion");
    assert!(found["assumed"]["code"]["why"].as_str().unwrap().contains("code=guided-diffusion"));
    assert_eq!((&found["sampler"], &found["steps"]), (&json!("ddpm"), &json!("all")));
    let text = said(&[&["inspect", file], &flags[..]].concat());
    assert!(
        text.contains("\nassumed\n") && text.contains("  num_heads: 4 (what the published scripts take)"),
        "{text}"
    );

    let folder = TempDir::new().unwrap();
    let out = folder.path().join("x.png");
    let sample = ["sample", "--checkpoint", file, "--steps", "1", "--count", "1", "--out", out.to_str().unwrap()];
    let printed = String::from_utf8(undrift(&[&sample, &flags[..]].concat()).stderr).unwrap();
    assert!(printed.contains("assumed rescale_timesteps = true (improved-diffusion's default)"), "{printed}");
    for silent in ["assumed dropout", "assumed timestep_respacing"] {
        assert!(!printed.contains(silent), "{printed}");
    }
}

#[test]
fn a_yml_beside_weights_of_ddims_code_is_read() {
    let folder = TempDir::new().unwrap();
    let from = fixtures().join("ermongroup-yml/files");
    let weights = folder.path().join("model-790000.ckpt");
    fs::copy(from.join("model-790000.ckpt"), &weights).unwrap();
    let yml = fs::read_to_string(from.join("cifar10.yml")).unwrap();
    let inspected = |more: &[&str]| -> Value {
        serde_json::from_str(&said(&[&["inspect", weights.to_str().unwrap(), "--json"], more].concat())).unwrap()
    };
    let own = folder.path().join("model-790000.yml");
    fs::write(folder.path().join("config.yml"), &yml).unwrap();
    let shared = inspected(&[]);
    assert_eq!(shared["variance"], "fixed-small");
    assert!(shared["settings from"].as_str().unwrap().ends_with("config.yml"));
    assert!(shared["assumed"].get("var_type").is_none());
    fs::write(&own, yml.replace("beta_end: 0.02", "beta_end: 0.01")).unwrap();
    assert_eq!(inspected(&[])["chain"]["end"], 0.01, "the file's own counts more than the folder's");
    assert_eq!(inspected(&["--set", "beta_end=0.03", "--set", "var_type=fixedlarge"])["chain"]["end"], 0.03);
    fs::write(&own, "hydra: !!python/object:x.Y {}\n").unwrap();
    let message = String::from_utf8(undrift(&["inspect", weights.to_str().unwrap()]).stderr).unwrap();
    assert!(message.contains("model-790000.yml") && message.contains("python/object:x.Y"), "{message}");
    fs::write(&own, "trainer:\n  epochs: 3\n").unwrap();
    let other = inspected(&["--set", "image_size=8"]);
    assert!(other.get("settings from").is_none(), "a file of something else is passed over");
    assert!(other["yml passed over"].as_str().unwrap().contains("model-790000.yml"), "and named");
    let beside_dit = folder.path().join("DiT.pt");
    fs::copy(fixtures().join("dit-ddim/files/DiT.pt"), &beside_dit).unwrap();
    said(&["inspect", beside_dit.to_str().unwrap(), "--set", "num_heads=2"]);
}
