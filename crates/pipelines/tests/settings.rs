//! Every key of every published code is honoured, harmless or refused, and none is silently dropped.

use serde_json::{Value, json};
use undrift_checkpoints::layouts::{dit, ermongroup, guided_classifier, guided_diffusion};
use undrift_checkpoints::{Layout, NetworkConfig, Role, Settings, Word};
use undrift_pipelines::Process;

/// A code, settings that make a network of it, and for each key that is read a value that must be heard beside them.
struct Code {
    layout: Layout,
    words: Vec<Word>,
    base: Value,
    heard: Value,
    /// What must be said otherwise for some keys to be looked at.
    beside: Value,
}

fn codes() -> [Code; 4] {
    [
        Code {
            layout: Layout::GuidedDiffusion,
            words: guided_diffusion::words().copied().collect(),
            base: json!({"image_size": 64, "num_channels": 32, "num_res_blocks": 1, "code": "guided-diffusion",
                "diffusion_steps": 500}),
            heard: json!({"image_size": 256, "in_channels": 1, "model_channels": 64, "out_channels": 6,
                "num_res_blocks": 2, "attention_resolutions": 32, "dropout": "0.3", "channel_mult": "1,2",
                "conv_resample": "False", "dims": 3, "num_heads": 2, "num_head_channels": 16, "num_heads_upsample": 2,
                "use_scale_shift_norm": "False", "resblock_updown": "True", "use_new_attention_order": true,
                "num_classes": 10, "num_channels": 64, "learn_sigma": "True", "class_cond": "yes",
                "code": "improved-diffusion", "diffusion_steps": "1000", "noise_schedule": "cosine",
                "timestep_respacing": 25, "predict_xstart": 1, "rescale_timesteps": "t", "sigma_small": "True",
                "clip_denoised": "False", "use_ddim": "True"}),
            beside: json!({}),
        },
        Code {
            layout: Layout::GuidedClassifier,
            words: guided_classifier::words().copied().collect(),
            base: json!({"image_size": 64, "classifier_width": 64, "classifier_depth": 1}),
            heard: json!({"image_size": 128, "in_channels": 1, "model_channels": 32, "out_channels": 10,
                "num_res_blocks": 2, "attention_resolutions": "8", "dropout": 0.1, "channel_mult": "1,2",
                "conv_resample": "False", "dims": 3, "num_heads": 2, "num_head_channels": 32,
                "use_scale_shift_norm": "False", "resblock_updown": "False", "use_new_attention_order": "True",
                "classifier_width": 128, "classifier_depth": 2, "classifier_attention_resolutions": 16,
                "classifier_use_scale_shift_norm": "False", "classifier_resblock_updown": "False",
                "classifier_pool": "adaptive", "pool": "spatial"}),
            beside: json!({"num_heads": {"num_head_channels": -1, "classifier_pool": "adaptive"}}),
        },
        Code {
            layout: Layout::Ermongroup,
            words: ermongroup::words().copied().collect(),
            base: json!({"in_channels": 3, "out_ch": 3, "ch": 32, "ch_mult": [1, 2], "num_res_blocks": 1,
                "attn_resolutions": [16], "image_size": 32}),
            heard: json!({"type": "bayesian", "in_channels": 1, "out_ch": 6, "ch": "64", "ch_mult": "1,1",
                "num_res_blocks": 2, "attn_resolutions": 32, "dropout": 0.1, "resamp_with_conv": "False",
                "var_type": "fixedsmall", "image_size": 64, "channels": 1, "beta_schedule": "quad",
                "beta_start": 1e-3, "beta_end": "1e-2", "num_diffusion_timesteps": 500, "attn_levels": [0],
                "resolution": 64, "sample_type": "ddpm_noisy", "skip_type": "quad", "timesteps": 10, "eta": 0.5}),
            beside: json!({"attn_levels": {"attn_resolutions": null, "attn_levels": [1]}}),
        },
        Code {
            layout: Layout::Dit,
            words: dit::words().copied().collect(),
            base: json!({"input_size": 4, "patch_size": 2, "in_channels": 4, "hidden_size": 24, "depth": 1,
                "num_heads": 2, "num_classes": 5}),
            heard: json!({"input_size": 8, "patch_size": 1, "in_channels": 3, "hidden_size": 48, "depth": 2,
                "num_heads": 3, "mlp_ratio": 2.0, "class_dropout_prob": 0.0, "num_classes": "6",
                "learn_sigma": "False", "timestep_respacing": "ddim10", "noise_schedule": "squaredcos_cap_v2",
                "sigma_small": "True", "predict_xstart": "True", "diffusion_steps": 500, "model": "DiT-S/2",
                "image_size": 64, "num_sampling_steps": 20}),
            beside: json!({"sigma_small": {"learn_sigma": false}}),
        },
    ]
}

/// What settings make: network and process, or a refusal; what was assumed does not count.
fn made(layout: Layout, settings: &Value) -> Result<(NetworkConfig, Process), String> {
    let settings = Settings::new(settings.as_object().unwrap().clone());
    let config = layout.config(&settings).map_err(|error| error.to_string())?;
    let process = Process::of(layout, &settings, &config).map_err(|error| error.to_string())?;
    Ok((config, Process { assumed: Vec::new(), ..process }))
}

fn with(base: &Value, key: &str, value: Value) -> Value {
    let mut settings = base.clone();
    settings[key] = value;
    settings
}

#[test]
fn every_key_that_is_read_is_heard() {
    for code in codes() {
        let name = code.layout.name();
        let heard = code.heard.as_object().unwrap();
        for word in &code.words {
            let is_read = matches!(word.role, Role::Honoured(_));
            assert_eq!(heard.contains_key(word.key), is_read, "{name}: {}", word.key);
        }
        for (key, value) in heard {
            let mut base = code.base.clone();
            let more = code.beside.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
            base.as_object_mut().unwrap().extend(more);
            let plain = made(code.layout, &base).expect("the base makes a network");
            let found = made(code.layout, &with(&base, key, value.clone()));
            assert_ne!(found, Ok(plain), "{name}: {key} is not heard");
            if let Err(message) = found {
                assert!(
                    message.contains(key.as_str()) || message.contains("shape") || message.contains("resolution"),
                    "{name}: {key}: {message}"
                );
            }
        }
    }
}

#[test]
fn what_is_harmless_changes_nothing_and_what_is_refused_is_named() {
    for code in codes() {
        let plain = made(code.layout, &code.base).unwrap();
        let name = code.layout.name();
        for word in &code.words {
            for value in [json!("some/path"), json!(17), json!("True"), json!(0.5)] {
                let found = made(code.layout, &with(&code.base, word.key, value.clone()));
                match word.role {
                    Role::Harmless(why) => {
                        assert_eq!(found.as_ref(), Ok(&plain), "{name}: {} {value}", word.key);
                        assert!(!why.is_empty());
                    }
                    Role::Refused { neutral, instead } if !neutral.contains(&plain_text(&value).as_str()) => {
                        let message = found.unwrap_err();
                        let named = message.contains(&format!("`{}`", word.key)) && message.contains(instead);
                        assert!(named, "{name}: {message}");
                    }
                    _ => {}
                }
            }
            if let Role::Refused { neutral, .. } = word.role {
                for text in neutral {
                    let found = made(code.layout, &with(&code.base, word.key, json!(text)));
                    assert_eq!(found.as_ref(), Ok(&plain), "{name}: {} {text}", word.key);
                }
            }
        }
    }
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).to_lowercase()
}

#[test]
fn a_key_that_nobody_knows_is_refused_with_those_that_are_known() {
    for code in codes() {
        let message = made(code.layout, &with(&code.base, "no_such_key", json!(1))).unwrap_err();
        assert!(message.contains("`no_such_key` is 1"), "{message}");
        for word in &code.words {
            assert!(message.contains(word.key), "{} is not listed: {message}", word.key);
        }
    }
}

#[test]
fn no_key_is_in_a_table_twice() {
    for code in codes() {
        let mut keys: Vec<&str> = code.words.iter().map(|word| word.key).collect();
        let repeats = |key: &&str| code.layout == Layout::Ermongroup && *key == "batch_size";
        keys.retain(|key| !repeats(key));
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "{}", code.layout.name());
    }
}
