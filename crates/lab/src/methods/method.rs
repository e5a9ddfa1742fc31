//! A method as it is written: a name and some parameters.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A method as it is written: `ddim`, or `epsilon-scaling:b=1.01,k=0.001`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Parameters and values as written.
    pub given: Vec<(String, String)>,
}

impl Method {
    /// A method without parameters.
    pub fn named(name: &str) -> Self {
        Method { name: name.to_owned(), given: Vec::new() }
    }

    /// The same with one parameter more.
    pub fn with(mut self, parameter: &str, value: impl fmt::Display) -> Self {
        self.given.push((parameter.to_owned(), value.to_string()));
        self
    }
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let (name, parameters) = text.split_once(':').unwrap_or((text, ""));
        let wrong = || MethodError::Form { text: text.to_owned() };
        if name.is_empty() || text.ends_with(':') {
            return Err(wrong());
        }
        let pairs = parameters.split(',').filter(|_| !parameters.is_empty());
        let given = pairs.map(|pair| match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(wrong()),
        });
        Ok(Method { name: name.to_owned(), given: given.collect::<Result<_, _>>()? })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.given.iter().enumerate().try_for_each(|(i, (key, value))| {
            let mark = if i == 0 { ':' } else { ',' };
            write!(f, "{mark}{key}={value}")
        })
    }
}

impl TryFrom<String> for Method {
    type Error = MethodError;

    fn try_from(text: String) -> Result<Self, MethodError> {
        text.parse()
    }
}

impl From<Method> for String {
    fn from(method: Method) -> String {
        method.to_string()
    }
}

/// What can be wrong with a method as it is written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MethodError {
    /// The text has another form.
    #[error("`{text}` is no method: write `name` or `name:key=value,key=value`, as `ddim:eta=0.5`")]
    Form {
        /// The text.
        text: String,
    },
    /// No method has this name.
    #[error("no {kind} is called `{name}`; there are: {known}")]
    Unknown {
        /// `solver` or `wrapper`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// The method has no such parameter.
    #[error("`{method}` has no parameter `{parameter}`; its parameters: {known}")]
    UnknownParameter {
        /// The method.
        method: String,
        /// What was given.
        parameter: String,
        /// Those that exist.
        known: String,
    },
    /// A parameter without a default was not given.
    #[error("`{method}` needs `{parameter}`, {about}: write `{method}:{parameter}=..`")]
    Missing {
        /// The method.
        method: String,
        /// The parameter.
        parameter: String,
        /// What it means.
        about: &'static str,
    },
    /// A parameter was given more than once.
    #[error("`{method}` was given `{parameter}` twice: give it once")]
    Twice {
        /// The method.
        method: String,
        /// The parameter.
        parameter: String,
    },
    /// A value is no number.
    #[error("`{parameter}` of `{method}` is `{value}`, but must be a number")]
    NotANumber {
        /// The method.
        method: String,
        /// The parameter.
        parameter: String,
        /// What was given.
        value: String,
    },
    /// A value that counts levels is beyond the chain.
    #[error("`{parameter}` of `{method}` is {value}, but the chain has {length} levels: give at most {length}")]
    BeyondChain {
        /// The method.
        method: String,
        /// The parameter.
        parameter: String,
        /// What was given.
        value: usize,
        /// Levels of the chain.
        length: usize,
    },
    /// A value that counts something is no whole number, or a huge one.
    #[error("`{parameter}` of `{method}` is {value}, but must be a whole number from 0 to {}", u32::MAX)]
    NotACount {
        /// The method.
        method: String,
        /// The parameter.
        parameter: String,
        /// What was given.
        value: f64,
    },
    /// The method refuses its values, or does not fit the grid.
    #[error("`{method}`: {why}")]
    Refused {
        /// The method.
        method: String,
        /// Why.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_written_as_it_is_read() {
        for text in ["ddim", "ddim:eta=0.5", "time-shift:window=20,cutoff=300"] {
            assert_eq!(text.parse::<Method>().unwrap().to_string(), text);
        }
        assert_eq!(Method::named("ddim").with("eta", 0.5), "ddim:eta=0.5".parse().unwrap());
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["", ":eta=1", "ddim:", "ddim:eta", "ddim:=1", "ddim:eta=", "ddim:eta=1,"] {
            assert_eq!(text.parse::<Method>(), Err(MethodError::Form { text: text.to_owned() }));
        }
    }
}
