//! The value of a parameter as it is written.

use std::fmt;
use toml::Value;

/// The value of a parameter as it is written: on a command line as text, in a recipe's table with a type.
#[derive(Clone, Debug)]
pub enum Given {
    /// `name:key=TEXT`.
    Text(String),
    /// `key = VALUE`.
    Typed(Value),
}

impl Given {
    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Given::Text(text) => text.parse().ok(),
            Given::Typed(Value::Integer(value)) => Some(*value as f64),
            Given::Typed(Value::Float(value)) => Some(*value),
            Given::Typed(_) => None,
        }
    }

    /// The flag, if it is one.
    pub fn flag(&self) -> Option<bool> {
        match self {
            Given::Text(text) => text.parse().ok(),
            Given::Typed(value) => value.as_bool(),
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Given::Text(text) => Some(text),
            Given::Typed(value) => value.as_str(),
        }
    }

    /// The list of values, if it is one; a command line writes `1+2+2`.
    pub fn list(&self) -> Option<Vec<Given>> {
        match self {
            Given::Text(text) => Some(text.split('+').map(|part| Given::Text(part.to_owned())).collect()),
            Given::Typed(Value::Array(values)) => Some(values.iter().cloned().map(Given::Typed).collect()),
            Given::Typed(_) => None,
        }
    }

    /// As a value of TOML.
    pub(super) fn typed(&self) -> Value {
        match self {
            Given::Text(text) => {
                let whole = text.parse().map(Value::Integer);
                let number = whole.or_else(|_| text.parse().map(Value::Float));
                number.or_else(|_| text.parse().map(Value::Boolean)).unwrap_or_else(|_| Value::String(text.clone()))
            }
            Given::Typed(value) => value.clone(),
        }
    }
}

/// Two values are equal if they mean the same, however they are written.
impl PartialEq for Given {
    fn eq(&self, other: &Given) -> bool {
        match (self.number(), other.number()) {
            (Some(one), Some(other)) => one == other,
            _ => self.to_string() == other.to_string(),
        }
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.list()) {
            (Given::Text(text), _) => f.write_str(text),
            (Given::Typed(Value::String(text)), _) => f.write_str(text),
            (Given::Typed(_), Some(list)) => {
                f.write_str(&list.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"))
            }
            (Given::Typed(value), None) => match self.number() {
                Some(number) => write!(f, "{number}"),
                None => write!(f, "{value}"),
            },
        }
    }
}

impl<T: fmt::Display> From<&T> for Given {
    fn from(value: &T) -> Self {
        Given::Text(value.to_string())
    }
}
