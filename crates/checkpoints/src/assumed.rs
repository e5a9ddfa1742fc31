//! What is taken where nothing is said.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{CheckpointError, Settings};

/// A setting that nobody gave and no tensor shows, and what was taken for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assumed {
    /// The key in the published code's words.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// Why this one.
    pub why: &'static str,
}

impl Assumed {
    /// That `key` is `value`, and why.
    pub fn new(key: &'static str, value: &Value, why: &'static str) -> Self {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Assumed { key, value, why }
    }
}

/// Settings that are read, with a list of what was taken where they say nothing.
#[derive(Debug)]
pub struct Reading<'a> {
    settings: &'a Settings,
    assumed: Vec<Assumed>,
}

impl<'a> Reading<'a> {
    /// Nothing is read yet.
    pub fn new(settings: &'a Settings) -> Self {
        Reading { settings, assumed: Vec::new() }
    }

    /// The value of a key, or `default`, which is then assumed.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Setting`] for a value that is no `T`.
    pub fn or<T: DeserializeOwned + Serialize>(
        &mut self,
        key: &'static str,
        default: T,
        why: &'static str,
    ) -> Result<T, CheckpointError> {
        match self.settings.get(key)? {
            Some(value) => Ok(value),
            None => Ok(self.assume(key, default, why)),
        }
    }

    /// Notes that `value` is taken for `key`, and gives it back.
    pub fn assume<T: Serialize>(&mut self, key: &'static str, value: T, why: &'static str) -> T {
        let shown = serde_json::to_value(&value).unwrap_or(Value::Null);
        self.assumed.push(Assumed::new(key, &shown, why));
        value
    }

    /// What was taken, in the order in which it was asked for.
    pub fn assumed(self) -> Vec<Assumed> {
        self.assumed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_given_is_assumed() {
        let settings = Settings::default().with("steps", 500).with("shape", Value::Null);
        let mut reading = Reading::new(&settings);
        assert_eq!(reading.or("steps", 1000, "its default").unwrap(), 500);
        assert_eq!(reading.or("shape", "linear".to_owned(), "its default").unwrap(), "linear");
        assert!(reading.or::<bool>("steps", true, "its default").unwrap_err().to_string().contains("`steps` is 500"));
        let expected = Assumed { key: "shape", value: "linear".into(), why: "its default" };
        assert_eq!(reading.assumed(), [expected]);
    }
}
