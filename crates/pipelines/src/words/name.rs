//! How what has no words is named.

/// The name of a setting's value as JSON.
pub(super) fn name(value: impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
