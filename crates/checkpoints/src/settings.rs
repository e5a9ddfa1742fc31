//! A network's configuration in the words of a published code.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::CheckpointError;

/// A network's configuration in the words of a published code: `config.json` of diffusers, the flags of
/// guided-diffusion, the constructor's arguments of DiT.
///
/// A key that is absent and one that is `null` are the same, not given, except to
/// [`is_null`](Self::is_null). A key that tensors show is told from one that somebody gave: a flag that is given
/// tells which code a file came from, and a shape does not.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: Map<String, Value>,
    seen: BTreeSet<String>,
}

/// Two are equal if their keys and values are, wherever these came from.
impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Settings {
    /// The settings of a JSON object.
    pub fn new(object: Map<String, Value>) -> Self {
        Settings { values: object, seen: BTreeSet::new() }
    }

    /// These settings with `key` given.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.values.insert(key.into(), value.into());
        self.seen.remove(key);
        self
    }

    /// These settings as what tensors show.
    pub(crate) fn all_seen(mut self) -> Self {
        self.seen = self.values.keys().cloned().collect();
        self
    }

    /// Whether the tensors show this value and nobody gave one.
    pub fn is_seen(&self, key: &str) -> bool {
        self.seen.contains(key)
    }

    /// Whether tensors show anything at all.
    pub(crate) fn is_of_tensors(&self) -> bool {
        !self.seen.is_empty()
    }

    /// Whether somebody gave this key.
    pub fn is_given(&self, key: &str) -> bool {
        self.value(key).is_some() && !self.is_seen(key)
    }

    /// These settings; where `stronger` gives a key, its value.
    pub fn overlaid(mut self, stronger: &Settings) -> Self {
        for (key, value) in &stronger.values {
            if !value.is_null() || !self.values.contains_key(key) {
                self = self.with(key, value.clone());
                self.seen.extend(stronger.seen.get(key).cloned());
            }
        }
        self
    }

    /// Those of these keys.
    pub fn only(&self, keys: &[&str]) -> Settings {
        let mut only = self.clone();
        only.values.retain(|key, _| keys.contains(&key.as_str()));
        only.seen.retain(|key| keys.contains(&key.as_str()));
        only
    }

    /// The settings of a section, an object under one key; none where it is not given.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Setting`] if the value is no object.
    pub fn section(&self, key: &str) -> Result<Settings, CheckpointError> {
        Ok(Settings::new(self.get(key)?.unwrap_or_default()))
    }

    /// Whether a key is given as `null`, for the few settings where that means something else than nothing.
    pub fn is_null(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(Value::is_null)
    }

    /// The value of a key as it was given.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// The value of a key, if it is given.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Setting`] if it cannot be read as a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, CheckpointError> {
        let read = |value: &Value| {
            T::deserialize(value).map_err(|e| CheckpointError::Setting {
                key: key.into(),
                value: value.to_string(),
                expected: e.to_string(),
            })
        };
        self.value(key).map(read).transpose()
    }

    /// The value of a key, or what the published code takes where it is not given.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub fn or<T: DeserializeOwned>(&self, key: &str, default: T) -> Result<T, CheckpointError> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// The value of a key that has no default.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::SettingMissing`], and those of [`get`](Self::get).
    pub fn required<T: DeserializeOwned>(&self, key: &str) -> Result<T, CheckpointError> {
        self.get(key)?.ok_or_else(|| CheckpointError::SettingMissing { key: key.into() })
    }

    /// The settings as a JSON object over several lines.
    pub fn to_json(&self) -> String {
        format!("{:#}\n", Value::Object(self.values.clone()))
    }

    /// All keys and values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(value: Value) -> Settings {
        Settings::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn null_is_not_given_and_does_not_override() {
        let weak = settings(json!({"heads": 4, "width": 8, "size": null}));
        let both = weak.overlaid(&settings(json!({"heads": null, "width": 16})));
        assert_eq!(both.get::<usize>("heads").unwrap(), Some(4));
        assert_eq!(both.get::<usize>("width").unwrap(), Some(16));
        assert_eq!(both.or("size", 32).unwrap(), 32);
        assert!(both.is_null("size") && !both.is_null("heads") && !both.is_null("depth"));
        assert!(Settings::default().overlaid(&both).is_null("size"), "a null stays one where nothing is given");
    }

    #[test]
    fn what_is_given_is_told_from_what_is_seen() {
        let seen = settings(json!({"width": 8, "depth": 2, "heads": null})).all_seen();
        let both = seen.overlaid(&settings(json!({"width": 16, "groups": 4})));
        assert!(both.is_given("width") && both.is_given("groups") && both.is_seen("depth"));
        assert!(!both.is_given("depth") && !both.is_given("heads") && !both.is_given("size"));
        let under = settings(json!({"width": 8})).overlaid(&both);
        assert!(under.is_given("width") && under.is_seen("depth"), "what is laid over keeps where it came from");
        assert!(both.only(&["depth"]).is_seen("depth") && !both.only(&["width"]).is_of_tensors());
    }

    #[test]
    fn errors_name_the_key_and_the_value() {
        let given = settings(json!({"heads": "many"}));
        let wrong = given.get::<usize>("heads").unwrap_err().to_string();
        assert!(wrong.contains("`heads`") && wrong.contains("many"), "{wrong}");
        assert!(given.required::<usize>("depth").unwrap_err().to_string().contains("`depth`"));
    }
}
