//! The keys of a published code, and what is done with each.

use serde_json::{Value, json};

use crate::{CheckpointError, Settings};

/// A key of a published code's settings.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The key.
    pub key: &'static str,
    /// What is done with it.
    pub role: Role,
}

/// What is done with a key.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// It is read: it says which network it is, or what samples are.
    Honoured(Kind),
    /// It changes no sample, for this reason.
    Harmless(&'static str),
    /// It changes samples in a way that is not here.
    Refused {
        /// Values at which it changes nothing.
        neutral: &'static [&'static str],
        /// What to do instead.
        instead: &'static str,
    },
}

/// What the published code reads a value as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false, in any of the spellings of its scripts.
    Flag,
    /// A number.
    Number,
    /// A word, or numbers with commas between them.
    Text,
    /// A list of numbers, also as one number or as a text with commas.
    List,
    /// Read by whoever asks.
    Any,
}

impl Word {
    /// One that is read.
    pub(crate) const fn read(key: &'static str, kind: Kind) -> Self {
        Word { key, role: Role::Honoured(kind) }
    }

    /// One that changes no sample.
    pub(crate) const fn harmless(key: &'static str, why: &'static str) -> Self {
        Word { key, role: Role::Harmless(why) }
    }

    /// One that is refused.
    pub(crate) const fn refused(key: &'static str, neutral: &'static [&'static str], instead: &'static str) -> Self {
        Word { key, role: Role::Refused { neutral, instead } }
    }

    /// The value as the published code would read it.
    fn value(&self, value: &Value) -> Result<Value, CheckpointError> {
        let wrong = |expected: &str| refused(self.key, value, expected);
        match self.role {
            Role::Honoured(kind) => kind.read(value).map_err(wrong),
            Role::Harmless(_) => Ok(value.clone()),
            Role::Refused { neutral, .. } if neutral.contains(&plain(value).to_lowercase().as_str()) => {
                Ok(value.clone())
            }
            Role::Refused { instead, .. } => Err(wrong(instead)),
        }
    }
}

/// The settings with every value as the published code would read it.
///
/// A key that is `null` is not given, and may be any.
///
/// # Errors
///
/// [`CheckpointError::Setting`] for a key that is in none of the tables, one that is refused, a value of another kind.
pub(crate) fn checked(settings: &Settings, tables: &[&[Word]], of: &str) -> Result<Settings, CheckpointError> {
    let words = || tables.iter().copied().flatten();
    let mut result = settings.clone();
    for (key, value) in settings.iter().filter(|(_, value)| !value.is_null()) {
        let Some(word) = words().find(|word| word.key == key) else {
            let known: Vec<&str> = words().map(|word| word.key).collect();
            return Err(refused(key, value, &format!("{of} has no such setting; known are {}", known.join(", "))));
        };
        let read = word.value(value)?;
        if read != *value {
            result = result.with(key, read);
        }
    }
    Ok(result)
}

impl Kind {
    fn read(self, value: &Value) -> Result<Value, &'static str> {
        match (self, value) {
            (Kind::Any, _) => Some(value.clone()),
            (Kind::Flag, _) => flag(value).map(Value::Bool),
            (Kind::Number, Value::Number(_)) => Some(value.clone()),
            (Kind::Number, Value::String(text)) => number(text),
            (Kind::List, Value::Array(_)) => Some(value.clone()),
            (Kind::List, _) => numbers(&plain(value)),
            (Kind::Text, Value::String(_)) => Some(value.clone()),
            (Kind::Text, Value::Number(number)) => Some(json!(number.to_string())),
            (Kind::Text, Value::Array(parts)) => Some(json!(parts.iter().map(plain).collect::<Vec<_>>().join(","))),
            _ => None,
        }
        .ok_or(match self {
            Kind::Flag => "give True or False",
            Kind::Number => "give a number",
            Kind::List => "give numbers with commas between them",
            Kind::Text | Kind::Any => "give a word, or numbers with commas between them",
        })
    }
}

/// The spellings of the published scripts.
fn flag(value: &Value) -> Option<bool> {
    match plain(value).to_lowercase().as_str() {
        "yes" | "true" | "t" | "y" | "1" => Some(true),
        "no" | "false" | "f" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// A number as Python reads it; whole ones stay whole.
fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    match text.parse::<i64>() {
        Ok(whole) => Some(json!(whole)),
        Err(_) => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| json!(number)),
    }
}

/// Numbers with commas between them, in brackets or not.
fn numbers(text: &str) -> Option<Value> {
    let bare = text.trim().trim_start_matches(['(', '[']).trim_end_matches([')', ']', ',', ' ']);
    bare.split(',').map(number).collect::<Option<Vec<Value>>>().map(Value::Array)
}

/// A text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn refused(key: &str, value: &Value, expected: &str) -> CheckpointError {
    CheckpointError::Setting { key: key.into(), value: value.to_string(), expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[Word] = &[
        Word::read("deep", Kind::Flag),
        Word::read("width", Kind::Number),
        Word::read("steps", Kind::Text),
        Word::read("levels", Kind::List),
        Word::harmless("lr", "it is training's"),
        Word::refused("scaler", &["", "0", "false"], "wrap the network instead"),
    ];

    fn one(key: &str, value: Value) -> Result<Value, String> {
        let settings = Settings::default().with(key, value);
        let checked = checked(&settings, &[WORDS], "this code").map_err(|error| error.to_string())?;
        Ok(checked.iter().next().unwrap().1.clone())
    }

    #[test]
    fn values_are_read_as_the_published_scripts_read_them() {
        for (text, flag) in [("True", true), ("yes", true), ("t", true), ("1", true), ("False", false), ("n", false)] {
            assert_eq!(one("deep", json!(text)).unwrap(), json!(flag), "{text}");
        }
        assert_eq!((one("deep", json!(0)).unwrap(), one("deep", json!(true)).unwrap()), (json!(false), json!(true)));
        assert_eq!((one("width", json!("64")).unwrap(), one("width", json!(".5")).unwrap()), (json!(64), json!(0.5)));
        assert_eq!(
            (one("steps", json!(25)).unwrap(), one("steps", json!([3, 4])).unwrap()),
            (json!("25"), json!("3,4"))
        );
        for list in [json!("1,2"), json!("(1, 2,)"), json!("[1, 2]"), json!([1, 2])] {
            assert_eq!(one("levels", list).unwrap(), json!([1, 2]));
        }
        assert_eq!(one("levels", json!(16)).unwrap(), json!([16]));
        assert!(one("levels", json!("1,,2")).unwrap_err().contains("commas"));
        for (key, value) in
            [("deep", json!("maybe")), ("width", json!("inf")), ("width", json!(true)), ("steps", json!({}))]
        {
            let message = one(key, value.clone()).unwrap_err();
            assert!(message.contains(&format!("`{key}` is {value}")) && message.contains("give "), "{message}");
        }
    }

    #[test]
    fn what_is_unknown_or_refused_is_named() {
        let message = one("depth", json!(3)).unwrap_err();
        assert!(message.contains("`depth`") && message.contains("deep, width, steps, levels, lr, scaler"), "{message}");
        assert!(one("scaler", json!(1.02)).unwrap_err().contains("wrap the network instead"));
        for neutral in [json!(""), json!(0), json!(false), json!("False")] {
            assert_eq!(one("scaler", neutral.clone()).unwrap(), neutral);
        }
        assert_eq!(one("lr", json!("fast")).unwrap(), json!("fast"));
        assert_eq!(one("depth", Value::Null).unwrap(), Value::Null);
    }
}
