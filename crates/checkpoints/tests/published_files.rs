//! Folders and files as users have them: the right weights are taken, and what is no network here is refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, Tensor, TensorData};
use serde_json::Value;
use undrift_checkpoints::file::{Checkpoint, write_torch_zip};
use undrift_checkpoints::{CheckpointError, Given, Published, Settings, WeightKind, read_settings};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pipelines")
}

/// A recorded case: what a user has, and what the network gives at its first call.
struct Case {
    name: String,
    sidecar: Value,
}

impl Case {
    fn of(name: &str) -> Self {
        let text = fs::read_to_string(folder().join(name).join("case.json")).unwrap();
        Case { name: name.to_owned(), sidecar: serde_json::from_str(&text).unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.inside(self.sidecar["path"].as_str().unwrap())
    }

    fn inside(&self, path: &str) -> PathBuf {
        folder().join(&self.name).join(path)
    }

    /// What the command line of the case says about the checkpoint.
    fn given(&self) -> Given {
        let args: Vec<&str> =
            self.sidecar["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
        let mut given = Given::default();
        for pair in args.windows(2) {
            match pair[0] {
                "--config" => {
                    let file = read_settings(&self.inside(pair[1])).unwrap();
                    given = Given { settings: file.overlaid(&given.settings), replaces_sidecar: true, ..given };
                }
                "--set" => {
                    let (key, value) = pair[1].split_once('=').unwrap();
                    // A list is text in the flags of guided-diffusion, also one of a single number.
                    let is_list = ["channel_mult", "attention_resolutions"].contains(&key);
                    let number = serde_json::from_str(value).ok().filter(|_| !is_list);
                    let value = number.unwrap_or_else(|| Value::from(value));
                    given.settings = given.settings.with(key, value);
                }
                _ => {}
            }
        }
        given
    }

    fn open(&self, group: Option<&str>) -> Result<Published, CheckpointError> {
        Published::open(&self.path(), &Given { group: group.map(str::to_owned), ..self.given() })
    }

    fn tensor(&self, name: &str) -> TensorData {
        Checkpoint::open(&self.inside("case.safetensors")).unwrap().read("", name).unwrap()
    }

    /// The largest difference between the recorded output at the first call and ours.
    fn off_by(&self, published: &Published) -> f64 {
        let device = Device::flex();
        let network = published.load(&device, DType::F32).unwrap();
        let scale = self.sidecar["start_scale"].as_f64().unwrap_or(1.0);
        let x: Tensor<4> = Tensor::from_data(self.tensor("x_T"), (&device, DType::F32));
        let label = self.sidecar["labels"][0].as_f64().unwrap() as f32;
        let time = Tensor::from_data(TensorData::new(vec![label], [1]), (&device, DType::F32));
        let output = network.forward(x.mul_scalar(scale), time, None).into_data();
        let recorded = self.tensor("first_output");
        output.iter::<f64>().zip(recorded.iter::<f64>()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }
}

/// Every case whose weights must be found: the group that is taken, and what its weights are.
const FOUND: [(&str, &str, WeightKind); 25] = [
    ("compvis-prefix", "state_dict", WeightKind::Unsaid),
    ("ema-averaged-model", "model_ema", WeightKind::Ema),
    ("ema-model-state", "ema.shadow_params", WeightKind::Ema),
    ("ema-model-state-alone", "shadow_params", WeightKind::Ema),
    ("ema-pytorch", "ema.ema_model", WeightKind::Ema),
    ("ema-shadow", "ema.shadow", WeightKind::Ema),
    ("ema-shadow-params", "ema.shadow_params", WeightKind::Ema),
    ("extras-containers", "model", WeightKind::Unsaid),
    ("extras-counter", "model", WeightKind::Unsaid),
    ("extras-dtypes", "model", WeightKind::Unsaid),
    ("extras-legacy", "model", WeightKind::Unsaid),
    ("extras-no-crc", "", WeightKind::Unsaid),
    ("extras-views", "", WeightKind::Unsaid),
    ("files-fp16-beside", "unet", WeightKind::Unsaid),
    ("files-fp16-variant", "unet.fp16", WeightKind::Unsaid),
    ("files-shards", "", WeightKind::Unsaid),
    ("files-shards-pipeline-fp16", "unet.fp16", WeightKind::Unsaid),
    ("files-unet-ema", "unet_ema", WeightKind::Ema),
    ("ldm-folder", "unet", WeightKind::Unsaid),
    ("prefix-compiled", "", WeightKind::Unsaid),
    ("prefix-compiled-parallel", "", WeightKind::Unsaid),
    ("prefix-lightning", "state_dict", WeightKind::Unsaid),
    ("prefix-lightning-ema", "state_dict.ema_model", WeightKind::Ema),
    ("prefix-wrapper", "", WeightKind::Unsaid),
    ("unrelated-config", "", WeightKind::Unsaid),
];

#[test]
fn the_right_weights_are_found() {
    for (name, group, kind) in FOUND {
        let case = Case::of(name);
        let published = case.open(None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((published.group(), published.weights()), (group, kind), "{name}");
        let off = case.off_by(&published);
        assert!(off < 2e-5, "{name}: off by {off}");
    }
}

#[test]
fn averages_and_raw_weights_are_taken_by_their_kind_and_their_name() {
    for (name, raw) in [
        ("ema-averaged-model", "model"),
        ("ema-model-state", "model"),
        ("ema-pytorch", "ema.online_model"),
        ("ema-shadow", "model"),
        ("ema-shadow-params", "model"),
        ("files-unet-ema", "unet"),
        ("prefix-lightning-ema", "state_dict.model"),
    ] {
        let case = Case::of(name);
        let average = case.open(None).unwrap();
        assert!(average.has_average() && average.groups().contains(&raw), "{name} {:?}", average.groups());
        for wanted in ["ema", average.group()] {
            assert_eq!(case.open(Some(wanted)).unwrap().group(), average.group(), "{name} {wanted}");
        }
        for wanted in ["raw", raw] {
            let opened = case.open(Some(wanted)).unwrap();
            assert_eq!((opened.group(), opened.weights()), (raw, WeightKind::Raw), "{name} {wanted}");
            assert!(case.off_by(&opened) > 1e-3, "{name}: the raw weights are others");
        }
        let unknown = case.open(Some("emma")).unwrap_err().to_string();
        assert!(unknown.contains("emma") && unknown.contains(raw), "{name}: {unknown}");
    }
    let alone = Case::of("prefix-compiled").open(Some("ema")).unwrap_err().to_string();
    assert!(alone.contains("`ema`") && alone.contains("one unnamed group"), "{alone}");
}

#[test]
fn what_is_no_network_here_is_refused_by_name() {
    let mut refused = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // These three are about the scheduler and are read by others.
        let ours = !["scheduler-class", "beta-schedule", "fixed-large-log"].iter().any(|of| name.ends_with(of));
        if !name.starts_with("refused-") || !ours {
            continue;
        }
        let case = Case::of(&name);
        let error = case.open(None).map(|_| ()).expect_err(&name).to_string();
        let said = error.replace(&*case.path().to_string_lossy(), "").to_lowercase();
        for word in case.sidecar["error_names"].as_array().unwrap() {
            assert!(said.contains(&word.as_str().unwrap().to_lowercase()), "{name}: {error}");
        }
        refused += 1;
    }
    assert_eq!(refused, 10);
}

#[test]
fn refusals_say_the_true_cause() {
    let error = |name: &str| Case::of(name).open(None).unwrap_err().to_string();
    let other = error("refused-other-network");
    assert!(other.contains("`net_model` with time_embedding.timembedding.0.weight"), "{other}");
    assert!(!other.contains("x_T"), "{other}");
    let upsampler = Case::of("refused-super-resolution");
    let settings = Given { settings: Settings::default().with("num_heads", 4), ..Given::default() };
    let settings = settings.settings.with("use_new_attention_order", false).with("image_size", 8);
    let error_of = |settings: Settings| {
        Published::open(&upsampler.path(), &Given { settings, ..Given::default() }).unwrap_err().to_string()
    };
    let seen = error_of(settings);
    assert!(seen.contains("`in_channels` = 6") && seen.contains("low-resolution"), "{seen}");
    for name in ["refused-distributed", "refused-flax", "refused-missing-shard"] {
        assert!(!error(name).contains("damaged"), "{name}");
    }
    let shard = Case::of("files-shards").inside("files/diffusion_pytorch_model-00001-of-00003.safetensors");
    let alone = Published::open(&shard, &Given::default()).unwrap_err().to_string();
    assert!(alone.contains("00001-of-00003") && alone.contains("index"), "{alone}");
}

#[test]
fn a_pipelines_decoder_makes_images_latents() {
    for (path, says) in [("files", "vqvae"), ("files/unet", "vqvae")] {
        let published = Published::open(&Case::of("ldm-folder").inside(path), &Given::default()).unwrap();
        assert!(published.latent().is_some_and(|why| why.contains(says)), "{:?}", published.latent());
    }
    let compvis = Case::of("compvis-prefix").open(None).unwrap();
    assert!(compvis.latent().is_some_and(|why| why.contains("first_stage_model")));
    for name in ["files-unet-ema", "files-fp16-beside", "prefix-lightning", "files-shards"] {
        assert_eq!(Case::of(name).open(None).unwrap().latent(), None, "{name}");
    }
}

#[test]
fn an_unrelated_configuration_is_passed_over_and_said() {
    let case = Case::of("unrelated-config");
    let path = case.path();
    let error = Published::open(&path, &Given::default()).unwrap_err().to_string();
    assert!(error.contains("files/config.json") && error.contains("dataset"), "{error}");
    let config = read_settings(&case.inside("files/good/config.json")).unwrap();
    let given = Given { settings: config.clone(), ..Given::default() };
    let beside = Published::open(&path, &given).unwrap();
    assert!(beside.sidecar().is_none() && beside.passed_over().is_some_and(|file| file.ends_with("config.json")));
    let folder = tempfile::tempdir().unwrap();
    let moved = folder.path().join("model.pt");
    fs::copy(&path, &moved).unwrap();
    fs::write(folder.path().join("config.json"), "{broken").unwrap();
    let broken = Published::open(&moved, &given).unwrap_err().to_string();
    assert!(broken.contains("config.json") && broken.contains("--config"), "{broken}");
    let replaced = Given { replaces_sidecar: true, ..given };
    assert!(Published::open(&moved, &replaced).unwrap().passed_over().is_none());
}

#[test]
fn settings_that_python_writes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scheduler_config.json");
    fs::write(&path, r#"{"lambda_min_clipped": -Infinity, "s_tmax": Infinity, "x": NaN, "note": "NaN"}"#).unwrap();
    let read = read_settings(&path).unwrap();
    let text = |key: &str| read.get::<String>(key).unwrap().unwrap();
    assert_eq!(
        [text("lambda_min_clipped"), text("s_tmax"), text("x"), text("note")],
        ["-Infinity", "Infinity", "NaN", "NaN"]
    );
}

/// The weights of a network of diffusers, and the case that has its configuration and output.
fn plain() -> (Case, Vec<(String, TensorData)>) {
    let case = Case::of("prefix-wrapper");
    let file = Checkpoint::open(&case.path()).unwrap();
    let weights = file.tensors("").iter().map(|info| {
        let name = info.name.strip_prefix("model.").unwrap().to_owned();
        (name, file.read("", &info.name).unwrap())
    });
    let weights = weights.collect();
    (case, weights)
}

/// The file with these tensors, opened with the case's configuration.
fn written(case: &Case, tensors: &[(String, TensorData)], group: Option<&str>) -> Result<Published, CheckpointError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.pt");
    write_torch_zip(&path, tensors).unwrap();
    let settings = read_settings(&case.inside("files/config.json")).unwrap();
    Published::open(&path, &Given { settings, group: group.map(str::to_owned), ..Given::default() })
}

fn halved(data: &TensorData) -> TensorData {
    TensorData::new(data.iter::<f32>().map(|value| value / 2.0).collect(), data.shape().to_vec())
}

#[test]
fn whatever_names_begin_with_is_taken_off() {
    let (case, weights) = plain();
    for prefix in [
        "",
        "module.",
        "module.module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_forward_module.",
        "_fsdp_wrapped_module.",
        "model.",
        "model._orig_mod.",
        "model.diffusion_model.",
        "net.",
        "unet.",
        "denoiser.model.",
        "ema.module.",
    ] {
        let named: Vec<_> = weights.iter().map(|(name, data)| (format!("{prefix}{name}"), data.clone())).collect();
        let published = written(&case, &named, None).unwrap_or_else(|error| panic!("{prefix}: {error}"));
        let kind = if prefix.starts_with("ema") { WeightKind::Ema } else { WeightKind::Unsaid };
        assert_eq!((published.group(), published.weights()), ("", kind), "{prefix}");
        let network = published.load(&Device::flex(), DType::F32).unwrap();
        let expected = case.open(None).unwrap().load(&Device::flex(), DType::F32).unwrap();
        assert_eq!(network.parameters(), expected.parameters(), "{prefix}");
    }
}

#[test]
fn latent_diffusions_average_has_names_without_points() {
    let (case, weights) = plain();
    let mut tensors = Vec::new();
    for (name, data) in &weights {
        tensors.push((format!("model.diffusion_model.{name}"), halved(data)));
        tensors.push((format!("model_ema.diffusion_model{}", name.replace('.', "")), data.clone()));
    }
    tensors.push(("model_ema.decay".to_owned(), TensorData::new(vec![0.9999f32], [0usize; 0])));
    let average = written(&case, &tensors, None).unwrap();
    assert_eq!(average.weights(), WeightKind::Ema);
    let raw = written(&case, &tensors, Some("raw")).unwrap();
    assert_eq!((raw.group(), raw.weights()), ("model.diffusion_model", WeightKind::Raw));
    assert_eq!(average.groups(), ["model.diffusion_model", "model_ema.diffusion_model"]);
}

#[test]
fn weights_that_averaging_put_in_the_place_of_others_are_the_average() {
    let settings = read_settings(&Case::of("prefix-lightning-ema").inside("files/config.json")).unwrap();
    let path = folder().join("../data/lightning_averaging.pt");
    let open = |group: Option<&str>| {
        let given = Given { settings: settings.clone(), group: group.map(str::to_owned), ..Given::default() };
        Published::open(&path, &given).unwrap()
    };
    let average = open(None);
    assert_eq!((average.group(), average.weights()), ("state_dict", WeightKind::Ema));
    assert!(Case::of("prefix-lightning-ema").off_by(&average) < 2e-5);
    assert_eq!(open(Some("raw")).group(), "current_model_state");
}

#[test]
fn a_list_without_the_fixed_table_takes_it_from_the_network() {
    let path = folder().join("../data/dit_shadow_params.pt");
    let heads = Given { settings: Settings::default().with("num_heads", 2), ..Given::default() };
    let average = Published::open(&path, &heads).unwrap();
    assert_eq!((average.group(), average.weights()), ("ema.shadow_params", WeightKind::Ema));
    let whole = Published::open(&folder().join("../networks/dit_micro_train_checkpoint.pt"), &heads).unwrap();
    let parameters = |published: &Published| published.load(&Device::flex(), DType::F32).unwrap().parameters();
    let raw = Given { group: Some("raw".into()), ..heads.clone() };
    let raw = parameters(&Published::open(&path, &raw).unwrap());
    for (((name, half), (_, full)), (_, raw)) in parameters(&average).iter().zip(&parameters(&whole)).zip(&raw) {
        if name == "positions" {
            assert_eq!(half, raw, "the table is the network's");
            continue;
        }
        let off = half.iter::<f32>().zip(full.iter::<f32>()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-3, "{name} is off by {off}");
    }
    let collected = Given { group: Some("ema.collected_params".into()), ..heads };
    assert_eq!(Published::open(&path, &collected).unwrap().weights(), WeightKind::Raw);
}

#[test]
fn a_list_that_no_configuration_explains_asks_for_one() {
    let case = Case::of("ema-model-state-alone");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ema.pt");
    fs::copy(case.path(), &path).unwrap();
    let error = Published::open(&path, &Given::default()).unwrap_err().to_string();
    assert!(
        error.contains("`shadow_params`") && error.contains("64 tensors") && error.contains("config.json"),
        "{error}"
    );
}

#[test]
fn variants_and_folders_of_a_network_are_told_apart_by_their_names() {
    let (_, weights) = plain();
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("unet");
    fs::create_dir(&inside).unwrap();
    fs::copy(Case::of("prefix-wrapper").inside("files/config.json"), inside.join("config.json")).unwrap();
    let halves: Vec<_> = weights.iter().map(|(name, data)| (name.clone(), halved(data))).collect();
    write_torch_zip(&inside.join("diffusion_pytorch_model.bin"), &weights).unwrap();
    write_torch_zip(&inside.join("diffusion_pytorch_model.non_ema.bin"), &halves).unwrap();
    let open = |group: Option<&str>| {
        let given = Given { group: group.map(str::to_owned), ..Given::default() };
        Published::open(folder.path(), &given).unwrap()
    };
    assert_eq!((open(None).group(), open(None).weights()), ("unet", WeightKind::Ema));
    for wanted in ["raw", "unet.non_ema"] {
        assert_eq!((open(Some(wanted)).group(), open(Some(wanted)).weights()), ("unet.non_ema", WeightKind::Raw));
    }
    fs::remove_file(inside.join("diffusion_pytorch_model.bin")).unwrap();
    assert_eq!(open(Some("unet.non_ema")).group(), "unet.non_ema");
}
