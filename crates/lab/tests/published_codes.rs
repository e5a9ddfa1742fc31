//! Checkpoints of published codes through the program: what is assumed, and what lies beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

const GROUP: &str = "pipelines";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(GROUP)
}

fn about(case: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(fixtures().join(case).join("case.json")).unwrap()).unwrap()
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
