//! Numbers of parameters of the published models.

use undrift_checkpoints::{Layout, Settings};

use crate::case::{Arithmetic, Cases};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;

/// Each model's count, by its name; DiT has one with its fixed table and one without.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    for (name, recorded) in fixture.root().get("counts")?.fields() {
        let Some((layout, settings)) = published(name) else {
            cases.not_covered(name, "a model whose flags are not known here");
            continue;
        };
        let config = layout.config(&settings).map_err(FixtureError::refused)?;
        let entries = layout.entries(&config).map_err(FixtureError::refused)?;
        let count = |all: bool| {
            let counted = entries.iter().filter(|entry| all || entry.theirs != super::peer::TABLE);
            counted.map(|entry| entry.shape.iter().product::<usize>()).sum::<usize>() as f64
        };
        for (part, all) in [("all_including_pos_embed", true), ("trainable", false)] {
            if let Some(recorded) = recorded.find(part) {
                let compared = compare(&[count(all)], &recorded.as_numbers()?, Tolerance::EXACT);
                cases.add(&format!("{name}/{part}"), Arithmetic::F64, Ok(compared));
            }
        }
        if !recorded.is_object() {
            let compared = compare(&[count(true)], &recorded.as_numbers()?, Tolerance::EXACT);
            cases.add(name, Arithmetic::F64, Ok(compared));
        }
    }
    Ok(())
}

/// Layout and published flags of a model. Heads are no parameters; where the flags leave them open, so does this.
fn published(name: &str) -> Option<(Layout, Settings)> {
    let none = Settings::default;
    let released = |names: &[(&str, &str, Settings)]| {
        let found = names.iter().find(|(code, part, _)| name.starts_with(code) && name.contains(part));
        found.map(|(_, _, settings)| settings.clone())
    };
    if let Some(model) = name.split_whitespace().next().filter(|word| word.starts_with("DiT-")) {
        return Some((Layout::Dit, none().with("model", model)));
    }
    if name.starts_with("diffusers") {
        return released(&[
            ("diffusers", "cifar10", diffusers(32, &[128, 256, 256, 256], 1)),
            ("diffusers", "256", diffusers(256, &[128, 128, 256, 256, 512, 512], 4)),
        ])
        .map(|settings| (Layout::Diffusers, settings));
    }
    if name.starts_with("ermongroup") {
        return released(&[
            ("ermongroup", "cifar10", ermongroup(32, &[1, 2, 2, 2])),
            ("ermongroup", "celeba", ermongroup(64, &[1, 2, 2, 2, 4])),
            ("ermongroup", "bedroom", ermongroup(256, &[1, 1, 2, 2, 4, 4])),
            ("ermongroup", "church", ermongroup(256, &[1, 1, 2, 2, 4, 4])),
        ])
        .map(|settings| (Layout::Ermongroup, settings));
    }
    let classifiers = [("64", 4), ("128", 2), ("256", 2), ("512", 2)];
    if let Some(size) = name.strip_prefix("ADM classifier") {
        let (size, depth) = classifiers.into_iter().find(|(known, _)| *known == size)?;
        let size: usize = size.parse().ok()?;
        return Some((Layout::GuidedClassifier, classifier(size, depth)));
    }
    let adm = |size: usize, width: usize| scripts(size, width, 2).with("resblock_updown", true);
    let settings = released(&[
        ("ADM imagenet64", "cond", adm(64, 192).with("num_res_blocks", 3).with("class_cond", true)),
        ("ADM imagenet128", "cond", adm(128, 256).with("class_cond", true)),
        ("ADM imagenet256", "uncond", adm(256, 256)),
        ("ADM imagenet256", "cond", adm(256, 256).with("class_cond", true)),
        ("ADM imagenet512", "cond", adm(512, 256).with("class_cond", true)),
        ("ADM-ES", "cifar10", adm(32, 128).with("num_res_blocks", 3).with("attention_resolutions", "16,8")),
        ("iDDPM cifar10", "", scripts(32, 128, 3).with("attention_resolutions", "16,8")),
        ("iDDPM imagenet64", "192", scripts(64, 192, 3).with("attention_resolutions", "16,8").with("class_cond", true)),
        ("iDDPM imagenet64", "uncond", scripts(64, 128, 3).with("attention_resolutions", "16,8")),
    ]);
    settings.map(|settings| (Layout::GuidedDiffusion, settings))
}

/// guided-diffusion's flags for images of this size.
fn scripts(size: usize, width: usize, blocks: usize) -> Settings {
    Settings::default()
        .with("image_size", size)
        .with("num_channels", width)
        .with("num_res_blocks", blocks)
        .with("attention_resolutions", "32,16,8")
        .with("learn_sigma", true)
}

fn classifier(size: usize, depth: usize) -> Settings {
    Settings::default()
        .with("image_size", size)
        .with("classifier_width", 128)
        .with("classifier_depth", depth)
        .with("classifier_attention_resolutions", "32,16,8")
        .with("classifier_pool", "attention")
}

/// google's `config.json` with attention at one level.
fn diffusers(size: usize, widths: &[usize], attending: usize) -> Settings {
    let kinds = |plain: &str, attends: &str, at: usize| -> Vec<String> {
        (0..widths.len()).map(|level| if level == at { attends.into() } else { plain.into() }).collect()
    };
    Settings::default()
        .with("_class_name", "UNet2DModel")
        .with("sample_size", size)
        .with("block_out_channels", widths.to_vec())
        .with("down_block_types", kinds("DownBlock2D", "AttnDownBlock2D", attending))
        .with("up_block_types", kinds("UpBlock2D", "AttnUpBlock2D", widths.len() - 1 - attending))
        .with("attention_head_dim", serde_json::Value::Null)
        .with("downsample_padding", 0)
        .with("flip_sin_to_cos", false)
        .with("freq_shift", 1)
        .with("norm_eps", 1e-6)
}

fn ermongroup(size: usize, multipliers: &[usize]) -> Settings {
    Settings::default()
        .with("image_size", size)
        .with("in_channels", 3)
        .with("out_ch", 3)
        .with("ch", 128)
        .with("ch_mult", multipliers.to_vec())
        .with("num_res_blocks", 2)
        .with("attn_resolutions", vec![16])
        .with("resamp_with_conv", true)
}
