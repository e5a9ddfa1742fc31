//! Flags as published READMEs have them.

use crate::setting::{Setting, literal};
use serde_json::Value;
use std::str::FromStr;

/// Flags of a published script in one text: `--image_size 64 --use_ddim True`.
#[derive(Clone, Debug, PartialEq)]
pub struct Flags(pub(crate) Vec<Setting>);

impl FromStr for Flags {
    type Err = String;

    /// A flag without a value is true; a dash within a name is an underscore.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut settings: Vec<Setting> = Vec::new();
        let mut is_open = false;
        for word in text.split_whitespace() {
            if let Some(flag) = word.strip_prefix("--").filter(|flag| !flag.is_empty()) {
                let (key, value) = flag.split_once('=').map_or((flag, None), |(key, value)| (key, Some(value)));
                let value = value.map_or(Value::Bool(true), literal);
                is_open = !flag.contains('=');
                settings.push(Setting { key: key.replace('-', "_"), value });
            } else {
                let last = settings.last_mut().filter(|_| is_open);
                let last =
                    last.ok_or_else(|| format!("`{word}` follows no flag; write --FLAG VALUE --FLAG VALUE .."))?;
                last.value = literal(word);
                is_open = false;
            }
        }
        Ok(Flags(settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flags_of_a_readme_are_settings() {
        let line = "--attention_resolutions 32,16,8 --class_cond True --lr 1e-4  --timestep_respacing ddim25 \
                    --eta=-0.5 --image-size 256 --use_pretrained --model_path None";
        let Flags(flags) = line.parse().unwrap();
        let found: Vec<(&str, &Value)> = flags.iter().map(|one| (one.key.as_str(), &one.value)).collect();
        let expected = [
            ("attention_resolutions", json!("32,16,8")),
            ("class_cond", json!(true)),
            ("lr", json!(1e-4)),
            ("timestep_respacing", json!("ddim25")),
            ("eta", json!(-0.5)),
            ("image_size", json!(256)),
            ("use_pretrained", json!(true)),
            ("model_path", json!(null)),
        ];
        assert_eq!(found, expected.iter().map(|(key, value)| (*key, value)).collect::<Vec<_>>());
    }

    #[test]
    fn words_without_a_flag_are_refused() {
        for line in ["python scripts/image_sample.py --use_ddim True", "--use_ddim True False", "--eta=0 1", "-- x"] {
            assert!(line.parse::<Flags>().unwrap_err().contains("follows no flag"), "{line}");
        }
    }
}
