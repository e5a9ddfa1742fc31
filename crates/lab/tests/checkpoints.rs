//! Checkpoints through the program: inspected, sampled, exported.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

fn undrift(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_undrift")).args(args).output().unwrap()
}

fn succeeds(args: &[&str]) -> String {
    let output = undrift(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The message of a command that must be refused with status 2.
fn refused(args: &[&str]) -> String {
    let output = undrift(args);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    message
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const DIT: &[&str] = &["--set", "num_heads=2"];

/// A conditional network of guided-diffusion and its classifier, by formula.
fn guided(folder: &TempDir) -> (PathBuf, PathBuf) {
    let shared = ["image_size=8", "model_channels=32", "num_res_blocks=1", "attention_resolutions=[2]"];
    // With one channel in each group, a time that is only added would be taken out again by the norm.
    let shift = "use_scale_shift_norm=true";
    let more = ["channel_mult=[1,1]", "num_head_channels=16", "use_new_attention_order=false", "resblock_updown=true"];
    let write = |layout: &str, own: &[&str]| {
        let out = folder.path().join(format!("{layout}.pt"));
        let mut args = vec!["export", "--closed-form", "--layout", layout, "--out", text(&out)];
        for setting in shared.iter().chain(&more).chain([&shift]).chain(own) {
            args.extend(["--set", setting]);
        }
        succeeds(&args);
        out
    };
    let model = write("guided-diffusion", &["in_channels=3", "out_channels=6", "num_classes=5"]);
    (model, write("guided-classifier", &["in_channels=3", "out_channels=5", "pool=attention"]))
}

#[test]
fn inspect_says_what_a_training_checkpoint_holds() {
    let file = fixture("networks/dit_micro_train_checkpoint.pt");
    let said: Value = serde_json::from_str(&succeeds(&[&["inspect", text(&file), "--json"], DIT].concat())).unwrap();
    assert_eq!((&said["layout"], &said["parameters"]), (&Value::from("dit"), &Value::from(10332)));
    assert_eq!((&said["group"], &said["stored as"]), (&Value::from("ema"), &Value::from("F32")));
    assert_eq!(said["configuration"]["patch_size"], 2);
    let plain = succeeds(&[&["inspect", text(&file)], DIT].concat());
    assert!(plain.contains("weights: moving average (EMA)") && plain.contains("groups: model, ema"), "{plain}");
}

#[test]
fn samples_depend_on_neither_batch_nor_place() {
    let folder = TempDir::new().unwrap();
    let file = fixture("networks/dit_micro.pt");
    let draw = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let base = ["sample", "--checkpoint", text(&file), "--sampler", "ddim", "--steps", "4", "--out", text(&out)];
        succeeds(&[&base, DIT, more].concat());
        fs::read(out).unwrap()
    };
    let guided: &[&str] = &["--cfg-scale", "4", "--classes", "1,3", "--count", "5"];
    let all = draw("a.npz", &[guided, &["--batch", "5"]].concat());
    let labels: Vec<u8> = [1i64, 3, 1, 3, 1].iter().flat_map(|label| label.to_le_bytes()).collect();
    assert!(all.windows(labels.len()).any(|bytes| bytes == labels), "classes by turns");
    assert_eq!(draw("b.npz", &[guided, &["--batch", "2"]].concat()), all);
    assert_ne!(draw("c.npz", &[guided, &["--seed", "1"]].concat()), all, "another seed");
    assert_ne!(draw("d.npz", &["--classes", "1,3", "--count", "5"]), all, "without guidance");
    assert_eq!(
        draw("e.npz", &["--cfg-scale", "1", "--classes", "1,3", "--count", "5"]),
        draw("d.npz", &["--classes", "1,3", "--count", "5"]),
        "guidance of strength 1 is the plain condition"
    );
}

#[test]
fn a_classifier_guides_both_kinds_of_samplers() {
    let folder = TempDir::new().unwrap();
    let (model, classifier) = guided(&folder);
    let settings = model.with_extension("config.json");
    let draw = |name: &str, sampler: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let base = ["sample", "--checkpoint", text(&model), "--config", text(&settings), "--sampler", sampler];
        let rest = ["--steps", "3", "--count", "3", "--out", text(&out)];
        succeeds(&[&base[..], &rest, more].concat());
        fs::read(out).unwrap()
    };
    let by = vec!["--classifier", text(&classifier)];
    let longer = ["--set", "diffusion_steps=2000"];
    let rescaled = [&longer[..], &["--set", "rescale_timesteps=true"]].concat();
    assert!(draw("rescaled.npz", "ddim", &rescaled) != draw("longer.npz", "ddim", &longer), "labels are rescaled");
    for sampler in ["ddpm", "ddim"] {
        let plain = draw("plain.npz", sampler, &[]);
        let strong = [&by[..], &["--classifier-scale", "20"]].concat();
        let off = [&by[..], &["--classifier-scale", "0"]].concat();
        assert_ne!(draw("strong.npz", sampler, &strong), plain, "{sampler}");
        assert_eq!(
            draw("one.npz", sampler, &[&strong[..], &["--batch", "1"]].concat()),
            draw("two.npz", sampler, &strong)
        );
        assert_eq!(draw("off.npz", sampler, &off), plain, "{sampler}: strength 0");
    }
    let base = ["sample", "--checkpoint", text(&model), "--config", text(&settings), "--wrapper", "without-noise"];
    let message = refused(&[&base[..], &by].concat());
    assert!(message.contains("ddpm") && message.contains("wrapper"), "{message}");
}

#[test]
fn pictures_and_folders_are_written() {
    let folder = TempDir::new().unwrap();
    let file = fixture("networks/diffusers_unet2d_micro_diffusion_pytorch_model.pt");
    let given = ["--set", "sample_size=8", "--set", "norm_num_groups=4", "--set", "attention_head_dim=null"];
    let more = ["--set", "downsample_padding=0", "--set", "flip_sin_to_cos=false", "--set", "freq_shift=1"];
    let eps = ["--set", "norm_eps=1e-6", "--steps", "2", "--count", "3"];
    let config = fixture("networks/diffusers_unet2d_micro_io.json");
    let whole: Value = serde_json::from_slice(&fs::read(config).unwrap()).unwrap();
    let settings = folder.path().join("config.json");
    fs::write(&settings, whole["config"].to_string()).unwrap();
    let out = folder.path().join("pictures");
    let base = ["sample", "--checkpoint", text(&file), "--config", text(&settings), "--out", text(&out)];
    succeeds(&[&base[..], &given, &more, &eps].concat());
    let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["000000.png", "000001.png", "000002.png"]);
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = TempDir::new().unwrap();
    let (model, classifier) = guided(&folder);
    let dit = fixture("networks/dit_tiny_weights.safetensors");
    let sample = |args: &[&str]| refused(&[&["sample", "--checkpoint"], args].concat());
    let latents = sample(&[text(&dit), "--set", "num_heads=4", "--out", "x.png"]);
    assert!(latents.contains("4 channels") && latents.contains(".npz"), "{latents}");
    let autoencoder = sample(&[text(&fixture("pipelines/ldm-folder/files")), "--out", "x.png"]);
    assert!(autoencoder.contains("latents") && autoencoder.contains("vqvae"), "{autoencoder}");
    let dit = [text(&dit), "--set", "num_heads=4", "--out", "x.npz"];
    assert!(sample(&[&dit[..], &["--classes", "10"]].concat()).contains("classes 0 to 9"));
    let settings = model.with_extension("config.json");
    let model_args = [text(&model), "--config", text(&settings)];
    let no_null = sample(&[&model_args[..], &["--cfg-scale", "2"]].concat());
    assert!(no_null.contains("label for no class"), "{no_null}");
    let as_model = sample(&[text(&classifier), "--config", text(&classifier.with_extension("config.json"))]);
    assert!(as_model.contains("--classifier"), "{as_model}");
    assert!(sample(&["no/such.pt"]).contains("no/such.pt"));
    assert!(refused(&["sample"]).contains("--checkpoint"));
    assert!(sample(&[&dit[..], &["--cfg-scale", "NaN"]].concat()).contains("finite"));
    assert!(sample(&[&dit[..], &["--cfg-scale", "2", "--cfg-channels", "9"]].concat()).contains("1 to 4"));
    assert!(sample(&[&dit[..], &["--cfg-channels", "2"]].concat()).contains("--cfg-scale"));
    assert!(sample(&[&dit[..], &["--count", "99999999999999"]].concat()).contains("--count"));
    let diverged = sample(&[&dit[..], &["--cfg-scale", "1e300", "--steps", "2", "--count", "1"]].concat());
    assert!(diverged.contains("NaN") || diverged.contains("inf"), "{diverged}");
    assert!(!Path::new("x.npz").exists(), "nothing is written");
    let into = |out: &str| sample(&[&dit[..3], &["--out", out]].concat());
    assert!(into("no/such/x.npz").contains("no/such"));
    assert!(into("samples.pt").contains(".pt"));
    let evil = fixture("data/malformed/evil_zip.pt");
    assert!(refused(&["inspect", text(&evil)]).contains("posix.system"));
    let layout = ["export", text(&model), "--config", text(&settings), "--layout", "diffusers"];
    let out = folder.path().join("out");
    let refused = refused(&[&layout[..], &["--out", text(&out)]].concat());
    assert!(refused.contains("diffusers") && refused.contains("ADM U-Net"), "{refused}");
    assert!(!out.exists(), "nothing is left behind");
}

#[test]
fn a_probe_holds_what_the_network_gives() {
    let folder = TempDir::new().unwrap();
    let (out, probe) = (folder.path().join("dit.pt"), folder.path().join("probe.safetensors"));
    let file = fixture("networks/dit_micro.pt");
    let args = ["export", text(&file), "--layout", "dit", "--out", text(&out), "--probe", text(&probe)];
    succeeds(&[&args[..], DIT].concat());
    let bytes = fs::read(&probe).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("x").unwrap().shape(), [2, 3, 4, 4]);
    assert_eq!(file.tensor("output").unwrap().shape(), [2, 3, 4, 4]);
    assert_eq!(file.tensor("labels").unwrap().shape(), [2]);
    assert_eq!(file.tensor("ddim").unwrap().shape(), [2, 3, 4, 4]);
    assert_eq!(file.tensor("ddim_steps").unwrap().data(), 10f32.to_le_bytes());
}
