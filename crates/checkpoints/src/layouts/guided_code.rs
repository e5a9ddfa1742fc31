//! Which of two codes a U-Net came from: guided-diffusion and its forks, or improved-diffusion before it.
//!
//! Their tensors have the same names and mean the same, and most of their flags are the same; but time labels are
//! rescaled to 1000 by improved-diffusion unless it is told not to, and by guided-diffusion only if it is told to.

use super::guided_trunk::{multiples_of, refused};
use crate::{CheckpointError, Settings};

/// The code that a U-Net came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuidedCode {
    /// guided-diffusion, and what was made from it: DDPM-IP, ADM-ES, P2 weighting, latent-diffusion.
    Guided,
    /// improved-diffusion.
    Improved,
}

/// Why a code was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It was said.
    Said,
    /// A flag is given, or the tensors have a shape, that the other code has not.
    Own,
    /// Both codes have all flags and shapes, and only improved-diffusion's README leaves out all of the other's flags.
    Both,
}

impl GuidedCode {
    /// Its name, as the setting `code` has it.
    pub fn name(self) -> &'static str {
        match self {
            GuidedCode::Guided => "guided-diffusion",
            GuidedCode::Improved => "improved-diffusion",
        }
    }

    /// The code of these settings, as [`guided_diffusion::checked`](super::guided_diffusion::checked) gives them.
    ///
    /// In this order: the setting `code`; a flag that only one of them has; residual blocks that change the resolution,
    /// or widths that improved-diffusion does not make for the image size, which only guided-diffusion has;
    /// improved-diffusion.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Setting`] for a `code` that is neither, and values that cannot be read.
    pub fn of(settings: &Settings) -> Result<(Self, Because), CheckpointError> {
        if let Some(name) = settings.get::<String>("code")? {
            let known = [GuidedCode::Guided, GuidedCode::Improved].into_iter().find(|code| code.name() == name);
            let error =
                || refused(settings, "code", "it is guided-diffusion (with all its forks) or improved-diffusion");
            return Ok((known.ok_or_else(error)?, Because::Said));
        }
        let given = |keys: &[&str]| keys.iter().any(|key| settings.is_given(key));
        Ok(if given(GUIDED_ALONE) {
            (GuidedCode::Guided, Because::Own)
        } else if given(IMPROVED_ALONE) {
            (GuidedCode::Improved, Because::Own)
        } else if has_shapes_of_guided(settings)? {
            (GuidedCode::Guided, Because::Own)
        } else {
            (GuidedCode::Improved, Because::Both)
        })
    }
}

/// Flags of guided-diffusion's scripts and its forks' that improved-diffusion's have not.
const GUIDED_ALONE: &[&str] = &[
    "channel_mult",
    "num_head_channels",
    "resblock_updown",
    "use_new_attention_order",
    "classifier_use_fp16",
    "input_pertub",
    "eps_scaler",
    "p2_gamma",
    "p2_k",
];

/// Flags of improved-diffusion's scripts that guided-diffusion's have not.
const IMPROVED_ALONE: &[&str] = &["sigma_small"];

fn has_shapes_of_guided(settings: &Settings) -> Result<bool, CheckpointError> {
    let resamples = settings.or("resblock_updown", false)? || !settings.or("conv_resample", true)?;
    let (Some(size), Some(multiples)) = (settings.get::<usize>("image_size")?, settings.value("channel_mult")) else {
        return Ok(resamples);
    };
    let multiples: Vec<f64> = Settings::default().with("channel_mult", multiples.clone()).required("channel_mult")?;
    let improved = [32, 64, 256].contains(&size).then(|| multiples_of(size)).flatten();
    Ok(resamples || improved.is_none_or(|improved| improved != multiples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Settings that are given over those that tensors show.
    fn of(given: &Value, seen: &Value) -> (GuidedCode, Because) {
        let settings = |value: &Value| Settings::new(value.as_object().unwrap().clone());
        GuidedCode::of(&settings(seen).all_seen().overlaid(&settings(given))).unwrap()
    }

    #[test]
    fn a_flag_or_a_shape_that_one_code_alone_has_decides() {
        let plain = json!({"channel_mult": [1, 2, 2, 2], "resblock_updown": false, "conv_resample": true});
        let cifar = json!({"image_size": 32, "num_channels": 128});
        assert_eq!(of(&cifar, &plain), (GuidedCode::Improved, Because::Both));
        for flag in GUIDED_ALONE {
            let given = json!({"image_size": 32, *flag: [1, 2, 2, 2]});
            assert_eq!(of(&given, &plain), (GuidedCode::Guided, Because::Own), "{flag}");
        }
        for flag in IMPROVED_ALONE {
            let given = json!({"image_size": 32, *flag: false});
            assert_eq!(of(&given, &plain), (GuidedCode::Improved, Because::Own), "{flag}");
        }
        let shapes = |key: &str, value: Value| {
            let mut seen = plain.clone();
            seen[key] = value;
            of(&cifar, &seen).0
        };
        assert_eq!(shapes("resblock_updown", json!(true)), GuidedCode::Guided);
        assert_eq!(shapes("conv_resample", json!(false)), GuidedCode::Guided);
        assert_eq!(shapes("channel_mult", json!([1, 2, 2])), GuidedCode::Guided);
        assert_eq!(of(&json!({"image_size": 128}), &json!({"channel_mult": [1, 1, 2, 3, 4]})).0, GuidedCode::Guided);
    }

    #[test]
    fn what_is_said_counts_most() {
        let seen = json!({"channel_mult": [1, 2, 2, 2]});
        let given = json!({"code": "guided-diffusion", "image_size": 32, "sigma_small": true});
        assert_eq!(of(&given, &seen), (GuidedCode::Guided, Because::Said));
        let given = json!({"code": "improved-diffusion", "num_head_channels": 64});
        assert_eq!(of(&given, &seen), (GuidedCode::Improved, Because::Said));
        let wrong = GuidedCode::of(&Settings::default().with("code", "diffusers")).unwrap_err().to_string();
        assert!(wrong.contains("`code` is \"diffusers\"") && wrong.contains("improved-diffusion"), "{wrong}");
    }
}
