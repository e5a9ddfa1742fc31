//! One setting of a published code as it is written.

use serde_json::Value;
use std::str::FromStr;

/// One setting as it is written: `key=value`, the value in JSON, in Python or as plain text.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub(crate) key: String,
    pub(crate) value: Value,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Setting { key: key.to_owned(), value: literal(value) }),
            _ => Err("write KEY=VALUE, as num_head_channels=64 or channel_mult=[1,2,2]".to_owned()),
        }
    }
}

/// A value in JSON, a constant of Python, or a plain text.
pub(crate) fn literal(text: &str) -> Value {
    match text {
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        "None" => Value::Null,
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_or_text() {
        let value = |text: &str| text.parse::<Setting>().unwrap().value;
        assert_eq!(value("num_heads=4"), Value::from(4));
        assert_eq!(value("channel_mult=[1,2]"), serde_json::json!([1, 2]));
        assert_eq!(value("attention_resolutions=16,8"), Value::from("16,8"));
        assert_eq!((value("learn_sigma=True"), value("use_ddim=False")), (Value::Bool(true), Value::Bool(false)));
        assert_eq!(value("attention_head_dim=None"), Value::Null);
        assert!("num_heads".parse::<Setting>().is_err());
        assert!("=4".parse::<Setting>().is_err());
    }
}
