//! What the program exports, and what it does with training states.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use burn::tensor::{DType, Device};
use serde_json::{Value, json};
use tempfile::TempDir;
use undrift_checkpoints::{ClosedForm, Layout, Network, NetworkConfig, Settings};
use undrift_lab::methods::{Method, Methods};
use undrift_lab::recipe::{Settings as RowSettings, load};
use undrift_lab::run::{NETWORK, SETTINGS};
use undrift_training::{Optimisation, Trainer};

/// A network so small that hundreds of samples of it are drawn in seconds, with the groups that every layout has.
fn small(layout: Layout, twice: bool) -> NetworkConfig {
    let outputs = if twice { 6 } else { 3 };
    let settings = match layout {
        Layout::Diffusers => json!({"_class_name": "UNet2DModel", "sample_size": 4, "block_out_channels": [32],
            "out_channels": outputs, "layers_per_block": 1, "down_block_types": ["DownBlock2D"], "norm_eps": 1e-6,
            "up_block_types": ["UpBlock2D"], "attention_head_dim": null, "downsample_padding": 0, "freq_shift": 1,
            "flip_sin_to_cos": false}),
        Layout::Ermongroup => json!({"image_size": 4, "in_channels": 3, "out_ch": outputs, "ch": 32, "ch_mult": [1],
            "num_res_blocks": 1, "attn_resolutions": [], "resamp_with_conv": true}),
        Layout::Dit => json!({"input_size": 4, "patch_size": 2, "in_channels": 4, "hidden_size": 16, "depth": 1,
            "num_heads": 2, "num_classes": 5, "learn_sigma": twice}),
        _ => json!({"image_size": 4, "in_channels": 3, "model_channels": 32, "out_channels": outputs,
            "num_res_blocks": 1, "attention_resolutions": [1], "channel_mult": [1], "num_head_channels": 16,
            "use_new_attention_order": true, "use_scale_shift_norm": true}),
    };
    layout.config(&Settings::new(settings.as_object().unwrap().clone())).unwrap()
}

fn network(layout: Layout, twice: bool, device: &Device) -> Network {
    ClosedForm::default().network(layout, &small(layout, twice), device, DType::F32).unwrap()
}

fn linear() -> Method {
    "linear-between:length=4,start=0.1,end=0.4".parse().unwrap()
}

fn undrift(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_undrift")).args(args).output().unwrap()
}

fn succeeds(args: &[&str]) -> String {
    let output = undrift(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(args: &[&str]) -> String {
    let output = undrift(args);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
    // Long lines are broken where the terminal ends, also at hyphens.
    message.chars().filter(|letter| !letter.is_whitespace() && *letter != '│').collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A training state as a user of the library saves it, or, with the notes of a run, as `undrift run` does.
fn state(folder: &TempDir, name: &str, row: Option<&RowSettings>) -> PathBuf {
    let twice = row.is_some_and(|row| row.model.variance == Method::named("learned"));
    let Network::Ddpm(net) = network(Layout::Diffusers, twice, &Device::flex().autodiff()) else { panic!("no U-Net") };
    let mut notes = BTreeMap::from([("mine".to_owned(), "a note".to_owned())]);
    if let Some(row) = row {
        let config = serde_json::to_string(net.config()).unwrap();
        notes.extend([(SETTINGS.to_owned(), toml::to_string(row).unwrap()), (NETWORK.to_owned(), config)]);
    }
    let path = folder.path().join(name);
    Trainer::new(net, Optimisation::constant(1e-3)).unwrap().state(notes).save(&path).unwrap();
    path
}

fn row(change: impl FnOnce(&mut RowSettings)) -> RowSettings {
    let mut row = load("table2", Some("smoke"), &Methods::standard()).unwrap().rows.remove(5).settings;
    row.chain = linear();
    change(&mut row);
    row
}

#[test]
fn a_row_of_ours_is_the_same_in_a_folder_of_diffusers() {
    let folder = TempDir::new().unwrap();
    let file = state(&folder, "row.safetensors", Some(&row(|row| row.model.variance = Method::named("fixed-small"))));
    let out = folder.path().join("folder");
    let written = succeeds(&["export", text(&file), "--layout", "diffusers", "--out", text(&out)]);
    for name in ["model_index.json", "unet/config.json", "scheduler/scheduler_config.json"] {
        assert!(written.contains(text(&out.join(name))), "{written}");
    }
    let scheduler: Value =
        serde_json::from_slice(&fs::read(out.join("scheduler/scheduler_config.json")).unwrap()).unwrap();
    assert_eq!(
        (&scheduler["_class_name"], &scheduler["variance_type"]),
        (&json!("DDPMScheduler"), &json!("fixed_small"))
    );
    let samples = |checkpoint: &Path, more: &[&str]| {
        let npz = folder.path().join("x.npz");
        let base = ["sample", "--checkpoint", text(checkpoint), "--count", "2", "--out", text(&npz)];
        succeeds(&[&base[..], more].concat());
        fs::read(npz).unwrap()
    };
    for more in [&[][..], &["--sampler", "ddim"], &["--sampler", "ddim", "--steps", "2"]] {
        assert!(samples(&out, more) == samples(&file, more), "{more:?}");
    }
}

#[test]
fn what_has_no_words_is_written_as_weights_alone_if_that_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("folder");
    let export = |file: &Path, more: &[&str]| {
        let base = ["export", text(file), "--layout", "diffusers", "--out", text(&out)];
        [&base[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let arguments = |all: &[String]| -> String { refused(&all.iter().map(String::as_str).collect::<Vec<_>>()) };
    let mu_tilde = state(&folder, "mu.safetensors", Some(&row(|row| row.model.prediction = Method::named("mu-tilde"))));
    let message = arguments(&export(&mu_tilde, &[]));
    assert!(message.contains("mu_tilde") && message.contains("--weights-only"), "{message}");
    assert!(!out.exists(), "nothing is left behind");
    let learned =
        state(&folder, "learned.safetensors", Some(&row(|row| row.model.variance = Method::named("learned"))));
    assert!(arguments(&export(&learned, &[])).contains("log-variance"));
    assert!(arguments(&export(&learned, &["--weights-only"])).contains("log-variance"), "it would be read as a range");
    let all = export(&mu_tilde, &["--weights-only"]);
    succeeds(&all.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!out.join("scheduler").exists() && !out.join("model_index.json").exists());
    fs::write(out.join("scheduler_config.json"), "{}").unwrap();
    let stale = arguments(&all);
    assert!(stale.contains("scheduler_config.json") && stale.contains("remove"), "{stale}");
}

#[test]
fn a_state_of_a_library_user_is_inspected() {
    let folder = TempDir::new().unwrap();
    let file = state(&folder, "mine.safetensors", None);
    let said: Value = serde_json::from_str(&succeeds(&["inspect", text(&file), "--json"])).unwrap();
    let count: usize = network(Layout::Diffusers, false, &Device::flex()).parameter_count();
    assert_eq!((&said["parameters"], &said["steps trained"]), (&json!(count), &json!(0)));
    assert_eq!((&said["groups"], &said["stored as"]), (&json!(["ema", "raw"]), &json!("F32")));
    assert_eq!((&said["shapes"]["conv_in.weight"], &said["notes"]), (&json!([32, 3, 3, 3]), &json!(["mine"])));
    let plain = succeeds(&["inspect", text(&file)]);
    assert!(plain.contains("moments") && plain.contains("network and process: not said"), "{plain}");
    let sampled = refused(&["sample", "--checkpoint", text(&file)]);
    assert!(sampled.contains("whichnetwork") && sampled.contains("inspect"), "{sampled}");
    let named = state(&folder, "row.safetensors", Some(&row(|_| ())));
    assert!(succeeds(&["inspect", text(&named)]).contains("settings of its row"));
}
