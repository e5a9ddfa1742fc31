//! The names that published tools give to files of weights.

use std::fs;
use std::path::Path;

/// What the configuration beside the weights is called, and how its name ends where it belongs to one file.
pub(crate) const SIDECAR: &str = "config.json";

/// A file's name, taken apart; the best of a folder comes first in the order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName {
    exactness: usize,
    /// `fp16`, `non_ema` and the like; empty for the weights themselves.
    pub(crate) variant: String,
    /// Whether it is one of several files.
    pub(crate) is_shard: bool,
    stem: usize,
    format: usize,
    is_index: bool,
}

/// How names begin, the best first: diffusers' models, then what others save as a folder.
const STEMS: [&str; 3] = ["diffusion_pytorch_model", "model", "pytorch_model"];

/// How names end, the best first.
const FORMATS: [&str; 5] = ["safetensors", "bin", "pt", "pth", "ckpt"];

/// Variants from the most exact on; others follow.
const EXACTNESS: [&str; 4] = ["", "fp32", "fp16", "bf16"];

impl FileName {
    /// The parts of a name as tools write it: `STEM.safetensors`, `STEM.VARIANT.bin`, a shard
    /// `STEM-00001-of-00003.safetensors`, an index `STEM.safetensors.index.json`; nothing for any other name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let mut is_shard = false;
        let mut parts: Vec<&str> = name.split('.').collect();
        for part in &mut parts {
            if let Some(whole) = without_number(part) {
                (*part, is_shard) = (whole, true);
            }
        }
        let stem = STEMS.iter().position(|stem| *stem == parts[0])?;
        let mut rest = parts.split_off(1);
        let is_index = rest.last() == Some(&"json");
        if is_index {
            rest.retain(|part| *part != "json");
            rest.remove(rest.iter().position(|part| *part == "index")?);
        }
        let at =
            if is_index { rest.iter().position(|part| FORMATS.contains(part))? } else { rest.len().checked_sub(1)? };
        let format = FORMATS.iter().position(|format| *format == rest[at])?;
        rest.remove(at);
        let variant = rest.join(".");
        let exactness = EXACTNESS.iter().position(|known| *known == variant).unwrap_or(EXACTNESS.len());
        Some(FileName { exactness, variant, is_shard, stem, format, is_index })
    }
}

/// A part of a name without a shard's number, `-00001-of-00003`; nothing where there is none.
pub(crate) fn without_number(part: &str) -> Option<&str> {
    let is_number = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, of) = part.rsplit_once("-of-").filter(|(_, of)| is_number(of))?;
    let (rest, number) = rest.rsplit_once('-')?;
    (is_number(number) && !of.is_empty()).then_some(rest)
}

/// The names in a folder, in order; none where it cannot be read.
pub(crate) fn listed(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let parts = |name: &str| FileName::of(name).map(|found| (found.variant, found.is_shard, found.is_index));
        let found = |variant: &str, shard, index| Some((variant.to_owned(), shard, index));
        assert_eq!(parts("diffusion_pytorch_model.safetensors"), found("", false, false));
        assert_eq!(parts("diffusion_pytorch_model.fp16.bin"), found("fp16", false, false));
        assert_eq!(parts("diffusion_pytorch_model.non_ema.safetensors"), found("non_ema", false, false));
        assert_eq!(parts("diffusion_pytorch_model-00002-of-00003.safetensors"), found("", true, false));
        assert_eq!(parts("diffusion_pytorch_model.fp16-00001-of-00002.safetensors"), found("fp16", true, false));
        assert_eq!(parts("diffusion_pytorch_model-00001-of-00002.fp16.bin"), found("fp16", true, false));
        assert_eq!(parts("diffusion_pytorch_model.safetensors.index.json"), found("", false, true));
        assert_eq!(parts("diffusion_pytorch_model.bin.index.fp16.json"), found("fp16", false, true));
        assert_eq!(parts("diffusion_pytorch_model.fp16.safetensors.index.json"), found("fp16", false, true));
        for other in ["model_index.json", "model.json", "config.json", "model", "optimizer.bin", "model.onnx"] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    #[test]
    fn the_most_exact_file_comes_first() {
        let mut names = [
            "diffusion_pytorch_model.bf16.safetensors",
            "diffusion_pytorch_model.fp16.safetensors",
            "diffusion_pytorch_model.fp32.safetensors",
            "model.safetensors",
            "diffusion_pytorch_model.bin",
            "diffusion_pytorch_model.safetensors.index.json",
            "diffusion_pytorch_model.safetensors",
        ]
        .map(|name| (FileName::of(name).unwrap(), name));
        names.sort();
        assert!(names.into_iter().rev().map(|(_, name)| name).eq([
            "diffusion_pytorch_model.bf16.safetensors",
            "diffusion_pytorch_model.fp16.safetensors",
            "diffusion_pytorch_model.fp32.safetensors",
            "model.safetensors",
            "diffusion_pytorch_model.bin",
            "diffusion_pytorch_model.safetensors.index.json",
            "diffusion_pytorch_model.safetensors",
        ]));
    }
}
