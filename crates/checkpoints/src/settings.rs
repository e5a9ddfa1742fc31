//! A network's configuration in the words of a published code.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::CheckpointError;

/// A network's configuration in the words of a published code: `config.json` of diffusers, the flags of
/// guided-diffusion, the constructor's arguments of DiT.
///
/// A key that is absent and one that is `null` are the same, not given, except to
/// [`is_null`](Self::is_null).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// The settings of a JSON object.
    pub fn new(object: Map<String, Value>) -> Self {
        Settings(object)
    }

    /// These settings with `key` set.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// These settings; where `stronger` gives a key, its value.
    pub fn overlaid(mut self, stronger: &Settings) -> Self {
        for (key, value) in &stronger.0 {
            if !value.is_null() || !self.0.contains_key(key) {
                self.0.insert(key.clone(), value.clone());
            }
        }
        self
    }

    /// Those of these keys.
    pub fn only(&self, keys: &[&str]) -> Settings {
        Settings(
            self.0
                .iter()
                .filter(|(key, _)| keys.contains(&key.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    /// The settings of a section, an object under one key; none where it is not given.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Setting`] if the value is no object.
    pub fn section(&self, key: &str) -> Result<Settings, CheckpointError> {
        Ok(Settings(self.get(key)?.unwrap_or_default()))
    }

    /// Whether a key is given as `null`, for the few settings where that means something else than nothing.
    pub fn is_null(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(Value::is_null)
    }

    /// The value of a key as it was given.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
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
        format!("{:#}\n", Value::Object(self.0.clone()))
    }

    /// All keys and values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
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
    fn errors_name_the_key_and_the_value() {
        let given = settings(json!({"heads": "many"}));
        let wrong = given.get::<usize>("heads").unwrap_err().to_string();
        assert!(wrong.contains("`heads`") && wrong.contains("many"), "{wrong}");
        assert!(given.required::<usize>("depth").unwrap_err().to_string().contains("`depth`"));
    }
}
