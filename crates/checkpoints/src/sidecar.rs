//! The configuration beside the weights, and whether it is one.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::file_names::SIDECAR;
use crate::layouts::diffusers::CLASS;
use crate::{CheckpointError, Settings, read_settings};

/// What lies beside the weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sidecar {
    /// Its settings; none where it is passed over.
    pub(crate) settings: Settings,
    /// The file that was read.
    pub(crate) path: Option<PathBuf>,
    /// A file that says nothing about a network, and the keys that it has.
    pub(crate) passed_over: Option<(PathBuf, String)>,
}

impl Sidecar {
    /// Reads the file beside the weights.
    ///
    /// A plain `config.json` may be that of a training script. One that has no word of any network is passed over.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Sidecar`].
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, CheckpointError> {
        let Some(path) = path else { return Ok(Sidecar::default()) };
        let settings = read_settings(path)?;
        let is_plain = path.file_name().is_some_and(|name| name == SIDECAR);
        if is_plain && !settings.iter().any(|(key, value)| is_word(key, value)) {
            let keys: Vec<&str> = settings.iter().map(|(key, _)| key).take(MOST_KEYS).collect();
            return Ok(Sidecar { passed_over: Some((path.to_owned(), keys.join(", "))), ..Sidecar::default() });
        }
        Ok(Sidecar { settings, path: Some(path.to_owned()), passed_over: None })
    }

    /// An error about a setting that is needed, with what was passed over instead of giving it.
    pub(crate) fn explain(&self, error: CheckpointError) -> CheckpointError {
        match (&self.passed_over, error) {
            (Some((path, keys)), CheckpointError::SettingMissing { key }) => {
                CheckpointError::Unconfigured { key, path: path.clone(), keys: keys.clone() }
            }
            (_, error) => error,
        }
    }
}

/// Keys that are named of a file that is passed over.
const MOST_KEYS: usize = 8;

/// Whether a key is that of a network's configuration, in any layout's words.
fn is_word(key: &str, value: &Value) -> bool {
    match key {
        // The sections of DDIM's code; elsewhere these words are a name or a path.
        "model" if value.is_string() => value.as_str().is_some_and(|name| name.starts_with("DiT-")),
        "model" | "diffusion" => value.is_object(),
        _ => WORDS.contains(&key),
    }
}

/// Words of networks and of their processes.
const WORDS: [&str; 37] = [
    CLASS,
    // UNet2DModel of diffusers
    "block_out_channels",
    "down_block_types",
    "up_block_types",
    "layers_per_block",
    "norm_num_groups",
    "attention_head_dim",
    "sample_size",
    // DDIM's code
    "ch",
    "ch_mult",
    "attn_resolutions",
    "attn_levels",
    "resamp_with_conv",
    "var_type",
    // guided-diffusion and its relatives
    "model_channels",
    "num_channels",
    "channel_mult",
    "num_res_blocks",
    "attention_resolutions",
    "num_heads",
    "num_head_channels",
    "use_new_attention_order",
    "use_scale_shift_norm",
    "resblock_updown",
    "learn_sigma",
    "class_cond",
    "noise_schedule",
    "diffusion_steps",
    "rescale_timesteps",
    "predict_xstart",
    "classifier_width",
    "classifier_depth",
    // DiT and SiT
    "input_size",
    "patch_size",
    "hidden_size",
    "path_type",
    "depth",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(name: &str, value: &Value) -> Sidecar {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        Sidecar::read(Some(&path)).unwrap()
    }

    #[test]
    fn a_training_scripts_configuration_is_passed_over() {
        for of_script in [
            json!({"lr": 0.0001, "dataset": "cats", "batch_size": 16}),
            json!({"model": "unet-small", "data": {"path": "cats"}, "image_size": 64}),
            json!({}),
        ] {
            let sidecar = read("config.json", &of_script);
            assert!(sidecar.path.is_none() && sidecar.settings == Settings::default(), "{of_script}");
            let missing = sidecar.explain(CheckpointError::SettingMissing { key: "sample_size".into() }).to_string();
            assert!(missing.contains("sample_size") && missing.contains("config.json"), "{missing}");
        }
        for of_network in [
            json!({"_class_name": "UNet2DModel"}),
            json!({"model": {"ch": 128}, "diffusion": {}}),
            json!({"num_channels": 128, "lr": 1}),
            json!({"model": "DiT-XL/2"}),
        ] {
            assert!(read("config.json", &of_network).passed_over.is_none(), "{of_network}");
        }
        assert!(read("model.config.json", &json!({"lr": 1})).passed_over.is_none(), "it belongs to one file");
    }
}
