//! From a file to a network, to a file of another tool, and back: the same bits.

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, TensorData};
use undrift_checkpoints::{
    CheckpointError, ClosedForm, Given, Layout, Network, Published, Settings, WeightKind, export,
};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

fn settings(text: &str) -> Settings {
    Settings::new(serde_json::from_str(text).unwrap())
}

fn given(text: &str) -> Given {
    Given { settings: settings(text), ..Given::default() }
}

fn loaded(path: &Path, given: &Given) -> Network {
    Published::open(path, given).unwrap().load(&Device::flex(), DType::F32).unwrap()
}

fn bits(network: &Network) -> Vec<(String, TensorData)> {
    network.parameters()
}

/// A small network of each layout, by formula.
fn small(layout: Layout) -> Settings {
    settings(match layout {
        Layout::Diffusers => {
            r#"{"_class_name": "UNet2DModel", "sample_size": 8, "block_out_channels": [8, 16], "layers_per_block": 1,
            "norm_num_groups": 4, "down_block_types": ["DownBlock2D", "AttnDownBlock2D"], "norm_eps": 1e-6,
            "up_block_types": ["AttnUpBlock2D", "UpBlock2D"], "attention_head_dim": null, "downsample_padding": 0,
            "flip_sin_to_cos": false, "freq_shift": 1}"#
        }
        Layout::Ermongroup => {
            r#"{"image_size": 8, "in_channels": 3, "out_ch": 3, "ch": 32, "ch_mult": [1, 2], "num_res_blocks": 1,
            "attn_resolutions": [4], "resamp_with_conv": true}"#
        }
        Layout::GuidedDiffusion => {
            r#"{"image_size": 8, "in_channels": 3, "model_channels": 32, "out_channels": 6, "num_res_blocks": 1,
            "attention_resolutions": [2], "channel_mult": [1, 2], "num_head_channels": 16, "num_classes": 5,
            "use_new_attention_order": true, "resblock_updown": true, "use_scale_shift_norm": true}"#
        }
        Layout::GuidedClassifier => {
            r#"{"image_size": 8, "in_channels": 3, "model_channels": 32, "out_channels": 5, "num_res_blocks": 1,
            "attention_resolutions": [2], "channel_mult": [1, 2], "num_head_channels": 16, "pool": "attention",
            "use_new_attention_order": false, "resblock_updown": true, "use_scale_shift_norm": true}"#
        }
        Layout::Dit => {
            r#"{"input_size": 8, "patch_size": 2, "in_channels": 4, "hidden_size": 32, "depth": 2, "num_heads": 4,
            "num_classes": 5, "learn_sigma": true}"#
        }
    })
}

#[test]
fn every_layout_gives_the_same_bits_back() {
    let folder = tempfile::tempdir().unwrap();
    for layout in Layout::ALL {
        let config = layout.config(&small(layout)).unwrap();
        let network = ClosedForm::default().network(layout, &config, &Device::flex(), DType::F32).unwrap();
        let out = folder.path().join(layout.name());
        let out = if layout == Layout::Diffusers { out } else { out.with_extension("pt") };
        let written = export(&network, layout, None, &out).unwrap();
        assert_eq!(written.len(), 2, "weights and configuration");
        let again = Published::open(&out, &Given::default()).unwrap();
        assert_eq!((again.layout(), again.config()), (layout, &config));
        assert_eq!(bits(&again.load(&Device::flex(), DType::F32).unwrap()), bits(&network), "{}", layout.name());
        let second = folder.path().join(format!("{}-again", layout.name()));
        let second = if layout == Layout::Diffusers { second } else { second.with_extension("pt") };
        export(&network, layout, None, &second).unwrap();
        let name = |out: &Path| match layout {
            Layout::Diffusers => out.join("unet/diffusion_pytorch_model.safetensors"),
            _ => out.to_owned(),
        };
        assert_eq!(std::fs::read(name(&out)).unwrap(), std::fs::read(name(&second)).unwrap(), "the same bytes");
    }
}

#[test]
fn ddpms_network_goes_from_one_layout_to_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let config = Layout::Ermongroup.config(&small(Layout::Ermongroup)).unwrap();
    let network = ClosedForm::default().network(Layout::Ermongroup, &config, &Device::flex(), DType::F32).unwrap();
    export(&network, Layout::Diffusers, None, folder.path()).unwrap();
    assert_eq!(bits(&loaded(folder.path(), &Given::default())), bits(&network));
    let refused = export(&network, Layout::GuidedDiffusion, None, &folder.path().join("x.pt")).unwrap_err();
    assert!(matches!(refused, CheckpointError::Inexpressible { .. }), "{refused}");
    assert!(refused.to_string().contains("guided-diffusion") && refused.to_string().contains("DDPM"), "{refused}");
}

#[test]
fn settings_of_ddims_code_beside_a_checkpoint_are_not_left_to_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = Layout::Ermongroup.config(&small(Layout::Ermongroup)).unwrap();
    let network = ClosedForm::default().network(Layout::Ermongroup, &config, &Device::flex(), DType::F32).unwrap();
    let out = folder.path().join("model.pt");
    for name in ["model.yml", "model.yaml", "config.yml", "config.yaml"] {
        let stale = folder.path().join(name);
        std::fs::write(&stale, "model: {}").unwrap();
        let refused = export(&network, Layout::Ermongroup, None, &out).unwrap_err().to_string();
        assert!(refused.contains(name) && !out.exists(), "{refused}");
        std::fs::remove_file(stale).unwrap();
    }
    export(&network, Layout::Ermongroup, None, &out).unwrap();
}

#[test]
fn a_training_checkpoint_gives_its_average_unless_asked_otherwise() {
    let path = fixture("networks/dit_micro_train_checkpoint.pt");
    let heads = given(r#"{"num_heads": 2}"#);
    let average = Published::open(&path, &heads).unwrap();
    assert_eq!((average.group(), average.weights()), ("ema", WeightKind::Ema));
    let plain = loaded(&fixture("networks/dit_micro_weights.safetensors"), &heads);
    assert_eq!(bits(&average.load(&Device::flex(), DType::F32).unwrap()), bits(&plain));
    let raw = Published::open(&path, &Given { group: Some("raw".into()), ..heads.clone() }).unwrap();
    assert_eq!((raw.group(), raw.weights()), ("model", WeightKind::Raw));
    let unknown = Published::open(&path, &Given { group: Some("emma".into()), ..heads }).unwrap_err().to_string();
    assert!(unknown.contains("emma") && unknown.contains("model, ema"), "{unknown}");
}

#[test]
fn names_of_files_say_which_weights_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let heads = given(r#"{"num_heads": 2}"#);
    for (name, expected) in [
        ("ema_0.9999_500000.pt", WeightKind::Ema),
        ("model500000.pt", WeightKind::Raw),
        ("model-790000.ckpt", WeightKind::Unsaid),
    ] {
        let path = folder.path().join(name);
        std::fs::copy(fixture("networks/dit_micro.pt"), &path).unwrap();
        assert_eq!(Published::open(&path, &heads).unwrap().weights(), expected, "{name}");
    }
}

#[test]
fn differences_are_a_table_of_names() {
    let error = |name: &str| {
        let path = fixture(&format!("data/malformed/dit_micro_{name}.safetensors"));
        let opened = Published::open(&path, &given(r#"{"num_heads": 2}"#));
        opened.and_then(|opened| opened.load(&Device::flex(), DType::F32)).unwrap_err().to_string()
    };
    assert!(error("missing_key").contains("missing    blocks.0.attn.proj.weight"));
    assert!(error("extra_key").contains("unexpected extra.weight"));
    assert!(error("wrong_shape").contains("the network has [16, 16], the weights [16, 16, 2]"));
    let nan = error("nan_weights");
    assert!(nan.contains("blocks.0.attn.proj.weight") && nan.contains("not finite"), "{nan}");
}

#[test]
fn what_cannot_be_seen_must_be_given() {
    let path = fixture("networks/guided_unet_plain_weights.safetensors");
    let error = |text: &str| Published::open(&path, &given(text)).unwrap_err().to_string();
    assert!(error("{}").contains("`num_heads`"));
    assert!(error(r#"{"num_heads": 2, "image_size": 16}"#).contains("`use_new_attention_order`"));
    assert!(error(r#"{"num_heads": 2, "use_new_attention_order": false}"#).contains("`image_size`"));
    let all = given(r#"{"num_heads": 2, "use_new_attention_order": false, "image_size": 16}"#);
    assert!(Published::open(&path, &all).is_ok());
}

#[test]
fn foreign_files_and_folders_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let none = Published::open(folder.path(), &Given::default()).unwrap_err().to_string();
    assert!(none.contains("diffusion_pytorch_model.safetensors"), "{none}");
    let mixed = Published::open(&fixture("data/mixed_dtypes.safetensors"), &Given::default()).unwrap_err().to_string();
    assert!(mixed.contains("no known layout") && mixed.contains("mixed_dtypes"), "{mixed}");
    std::fs::write(folder.path().join("config.json"), "[1]").unwrap();
    std::fs::copy(
        fixture("networks/diffusers_unet2d_micro_weights.safetensors"),
        folder.path().join("diffusion_pytorch_model.safetensors"),
    )
    .unwrap();
    let sidecar = Published::open(folder.path(), &Given::default()).unwrap_err().to_string();
    assert!(sidecar.contains("config.json") && sidecar.contains("[1]"), "{sidecar}");
}

#[test]
fn half_precision_is_widened() {
    let folder = tempfile::tempdir().unwrap();
    let path = fixture("networks/dit_micro_weights.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let rounded: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let halves =
                view.data().as_chunks::<4>().0.iter().map(|word| half::bf16::from_f32(f32::from_le_bytes(*word)));
            (name, view.shape().to_vec(), halves.flat_map(|half| half.to_le_bytes()).collect())
        })
        .collect();
    let views = rounded.iter().map(|(name, shape, bytes)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::BF16, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    let out = folder.path().join("half.safetensors");
    std::fs::write(&out, safetensors::serialize(views, None).unwrap()).unwrap();
    let heads = given(r#"{"num_heads": 2}"#);
    assert_eq!(Published::open(&out, &heads).unwrap().dtypes(), ["BF16"]);
    let wide: Vec<(String, TensorData)> = bits(&loaded(&path, &heads));
    for ((name, half), (_, full)) in bits(&loaded(&out, &heads)).into_iter().zip(wide) {
        for (half, full) in half.iter::<f32>().zip(full.iter::<f32>()) {
            assert_eq!(half, half::bf16::from_f32(full).to_f32(), "{name}");
        }
    }
}
