//! What the published layouts call the DDPM U-Net's parameters and settings, and what shapes tell about both.

mod ddpm_layouts;

use std::collections::HashMap;
use std::fs;

use burn::tensor::{Device, TensorData};
use ddpm_layouts::{LAYOUTS, Layout, Tensors, parameters, path, shapes_of, sidecar, tensors};
use undrift_checkpoints::layouts::diffusers;
use undrift_checkpoints::{CheckpointError, Settings, Shapes};
use undrift_networks::{DdpmUnetConfig, Resampling, parameter_shapes};
use undrift_noise::{Key, Purpose};

#[test]
fn the_keys_of_the_released_model_come_in_their_order() {
    for layout in LAYOUTS {
        let name = format!("keys_ddpm_cifar10_{}.json", layout.name);
        let (text, sidecar) = (fs::read_to_string(path(&name)).unwrap(), sidecar(&name));
        let entries = (layout.entries)(&DdpmUnetConfig::cifar10());
        let recorded: Shapes = serde_json::from_value(sidecar["state_dict"].clone()).unwrap();
        assert_eq!(shapes_of(&entries), recorded);
        assert_eq!(entries.len(), recorded.len());
        let places = entries.iter().map(|entry| text.find(&format!("\"{}\"", entry.theirs)).unwrap());
        assert!(places.is_sorted(), "{}", layout.name);
    }
}

/// Networks that differ from each other wherever a layout could.
fn variants() -> [DdpmUnetConfig; 8] {
    let small = DdpmUnetConfig {
        image_size: 16,
        base: 32,
        widths: vec![32, 64, 64],
        blocks: 1,
        attention: vec![8],
        ..DdpmUnetConfig::cifar10()
    };
    [
        DdpmUnetConfig { in_channels: 1, out_channels: 2, ..small.clone() },
        DdpmUnetConfig { widths: vec![32], blocks: 3, attention: vec![16], ..small.clone() },
        DdpmUnetConfig { widths: vec![32, 96, 64], attention: vec![16, 4], blocks: 2, ..small.clone() },
        DdpmUnetConfig { widths: vec![64, 32], attention: vec![16], ..small.clone() },
        DdpmUnetConfig { base: 64, widths: vec![64, 96, 160], ..small.clone() },
        DdpmUnetConfig { resampling: Resampling::Plain, ..small.clone() },
        DdpmUnetConfig { middle_attention: false, head_channels: Some(8), ..small.clone() },
        DdpmUnetConfig { resampling: Resampling::CentredConvolution, groups: 16, ..small },
    ]
}

/// Each layout with each network that it has words for.
fn expressed() -> Vec<(&'static Layout, DdpmUnetConfig)> {
    let all = LAYOUTS.into_iter().flat_map(|layout| variants().map(|config| (layout, config)));
    all.filter(|(layout, config)| (layout.expresses)(config).is_ok()).collect()
}

#[test]
fn every_parameter_of_ours_is_one_tensor_of_theirs() {
    for (layout, config) in expressed() {
        let net = config.init(&Device::flex(), Key::new(0, Purpose::Initialisation)).unwrap();
        let ours: HashMap<_, _> = parameter_shapes(&net).into_iter().collect();
        let entries = (layout.entries)(&config);
        let names: HashMap<_, _> = entries.iter().map(|entry| (&entry.ours, entry)).collect();
        assert_eq!((entries.len(), names.len()), (ours.len(), ours.len()), "{config:?}");
        for entry in &entries {
            let (shape, theirs) = (&ours[&entry.ours], &entry.shape);
            let fits = match entry.transposed {
                true => shape.iter().eq(theirs.iter().rev()),
                false => shape.starts_with(theirs) && shape[theirs.len()..].iter().all(|size| *size == 1),
            };
            assert!(fits, "{}: {shape:?} for {theirs:?} of {}", entry.ours, entry.theirs);
        }
    }
}

#[test]
fn settings_say_all_of_a_configuration() {
    let counts = LAYOUTS.map(|layout| expressed().iter().filter(|(one, _)| one.name == layout.name).count());
    assert_eq!(counts, [6, 5]);
    for (layout, config) in expressed() {
        assert_eq!((layout.config)(&(layout.settings)(&config)).unwrap(), config, "{}", layout.name);
    }
}

/// Everything that a trained network has and its tensors do not show.
const UNSEEN: [&str; 10] = [
    "attention_head_dim",
    "downsample_padding",
    "dropout",
    "flip_sin_to_cos",
    "freq_shift",
    "image_size",
    "norm_eps",
    "norm_num_groups",
    "sample_size",
    "time_embedding_type",
];

#[test]
fn shapes_tell_what_they_can_and_the_rest_is_asked_for() {
    for (layout, config) in expressed() {
        let all = (layout.settings)(&config);
        let seen = (layout.infer)(&shapes_of(&(layout.entries)(&config))).unwrap();
        for (key, value) in seen.iter().filter(|(key, _)| *key != "attn_levels") {
            assert_eq!(Some(value), all.value(key), "{}: {key}", layout.name);
        }
        for other in LAYOUTS {
            let shapes = shapes_of(&(layout.entries)(&config));
            assert_eq!((other.recognises)(&shapes), other.name == layout.name);
        }
        let missing = (layout.config)(&seen).unwrap_err();
        assert!(matches!(missing, CheckpointError::SettingMissing { .. }), "{missing}");
        let given = all.iter().filter(|(key, _)| UNSEEN.contains(key));
        let given = Settings::new(given.map(|(key, value)| (key.to_owned(), value.clone())).collect());
        assert_eq!((layout.config)(&seen.overlaid(&given)).unwrap(), config, "{}", layout.name);
    }
}

#[test]
fn the_released_shapes_tell_all() {
    let counts = &sidecar("parameter_counts.json")["counts"];
    let celeba = DdpmUnetConfig { image_size: 64, widths: vec![128, 256, 256, 256, 512], ..DdpmUnetConfig::cifar10() };
    let mut compared = 0;
    for (name, count) in counts.as_object().unwrap() {
        let Some(layout) = LAYOUTS.iter().find(|layout| name.starts_with(layout.name)) else { continue };
        let config = match name {
            name if name.contains("cifar10") => DdpmUnetConfig::cifar10(),
            name if name.contains("celeba.yml") => celeba.clone(),
            _ => DdpmUnetConfig::lsun256(),
        };
        let entries = (layout.entries)(&config);
        assert_eq!(parameters(&entries) as u64, count.as_u64().unwrap(), "{name}");
        let inferred = (layout.config)(&(layout.infer)(&shapes_of(&entries)).unwrap()).unwrap();
        assert_eq!(inferred, DdpmUnetConfig { dropout: 0.0, ..config }, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 6);
}

#[test]
fn names_from_before_are_read_as_those_of_now() {
    const BEFORE: &str = "_old_attention_names.safetensors";
    let files = fs::read_dir(path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: Vec<_> = files.filter_map(|name| Some(name.strip_suffix(BEFORE)?.to_owned())).collect();
    assert!(!files.is_empty());
    for file in files {
        let (before, now) = (tensors(&format!("{file}{BEFORE}")), tensors(&format!("{file}.safetensors")));
        assert!(before.keys().any(|name| !now.contains_key(name)));
        let shapes: Shapes = before.iter().map(|(name, data)| (name.clone(), data.shape().to_vec())).collect();
        assert!(diffusers::recognises(&shapes) && diffusers::infer(&shapes).is_ok());
        let rename = |(name, data): (String, TensorData)| (diffusers::modern_name(&name).unwrap_or(name), data);
        let renamed: Tensors = before.into_iter().map(rename).collect();
        assert!(renamed == now, "{file}");
        assert!(now.keys().all(|name| diffusers::modern_name(name).is_none()));
    }
}
