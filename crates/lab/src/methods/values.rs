//! The parameters of a method: their names, defaults and values.

use super::{Method, MethodError};
use std::collections::BTreeMap;
use undrift_schedules::Chain;

/// One parameter of a method; all are numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it is when nothing is said; `None` must be given.
    pub default: Option<f64>,
    /// What it means, with its unit or range.
    pub about: &'static str,
}

impl Parameter {
    pub(super) fn default_text(&self) -> String {
        self.default.map_or("required".to_owned(), |value| format!("default: {value}"))
    }
}

/// A value for every parameter of a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    method: String,
    values: BTreeMap<&'static str, f64>,
}

impl Values {
    /// Those that `method` gives, and the defaults of the others.
    ///
    /// # Errors
    /// [`MethodError`] for a parameter that is unknown, given twice, missing or no number.
    pub fn of(method: &Method, parameters: &'static [Parameter]) -> Result<Self, MethodError> {
        let name = method.name.clone();
        if let Some((key, _)) = method.given.iter().find(|(key, _)| parameters.iter().all(|p| p.name != key)) {
            let known = parameters.iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "it has none".to_owned() } else { known };
            return Err(MethodError::UnknownParameter { method: name, parameter: key.clone(), known });
        }
        let values = parameters.iter().map(|parameter| Ok((parameter.name, value(method, parameter)?)));
        Ok(Values { method: name, values: values.collect::<Result<_, MethodError>>()? })
    }

    /// The value of a parameter.
    ///
    /// # Panics
    /// For a name that is not in the method's own row.
    pub fn number(&self, name: &str) -> f64 {
        self.values[name]
    }

    /// The value of a parameter that counts something.
    ///
    /// # Errors
    /// [`MethodError::NotACount`] unless it is a whole number from 0 on.
    ///
    /// # Panics
    /// For a name that is not in the method's own row.
    pub fn count(&self, name: &'static str) -> Result<usize, MethodError> {
        let value = self.number(name);
        let whole = value >= 0.0 && value.fract() == 0.0 && value <= u32::MAX.into();
        let wrong = || MethodError::NotACount { method: self.method.clone(), parameter: name.to_owned(), value };
        if whole { Ok(value as usize) } else { Err(wrong()) }
    }

    /// The value of a parameter that counts levels of a chain.
    ///
    /// # Errors
    /// [`MethodError::NotACount`], and [`MethodError::BeyondChain`] for more levels than the chain has.
    ///
    /// # Panics
    /// As [`count`](Self::count).
    pub fn level(&self, name: &'static str, chain: &Chain) -> Result<usize, MethodError> {
        let (value, length) = (self.count(name)?, chain.len());
        if value <= length {
            return Ok(value);
        }
        Err(MethodError::BeyondChain { method: self.method.clone(), parameter: name.to_owned(), value, length })
    }
}

fn value(method: &Method, parameter: &Parameter) -> Result<f64, MethodError> {
    let (of, name) = (method.name.clone(), parameter.name.to_owned());
    let mut given = method.given.iter().filter(|(key, _)| *key == name);
    match (given.next(), given.next(), parameter.default) {
        (Some(_), Some(_), _) => Err(MethodError::Twice { method: of, parameter: name }),
        (Some((_, text)), None, _) => {
            text.parse().map_err(|_| MethodError::NotANumber { method: of, parameter: name, value: text.clone() })
        }
        (None, _, Some(default)) => Ok(default),
        (None, _, None) => Err(MethodError::Missing { method: of, parameter: name, about: parameter.about }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &[Parameter] = &[
        Parameter { name: "eta", default: Some(0.0), about: "noise" },
        Parameter { name: "window", default: None, about: "levels" },
    ];

    fn of(text: &str) -> Result<Values, MethodError> {
        Values::of(&text.parse().unwrap(), PARAMETERS)
    }

    #[test]
    fn what_is_given_counts_and_the_rest_is_the_default() {
        let values = of("m:window=20").unwrap();
        assert_eq!((values.number("eta"), values.count("window").unwrap()), (0.0, 20));
        assert_eq!(of("m:eta=0.5,window=1").unwrap().number("eta"), 0.5);
    }

    #[test]
    fn every_fault_names_the_parameter() {
        for (text, expected) in
            [("m", "window"), ("m:window=1,ets=2", "ets"), ("m:window=1,window=2", "twice"), ("m:window=wide", "wide")]
        {
            let error = of(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let chain = Chain::linear(20).unwrap();
        assert_eq!(of("m:window=20").unwrap().level("window", &chain).unwrap(), 20);
        let error = of("m:window=21").unwrap().level("window", &chain).unwrap_err().to_string();
        assert!(["`window` of `m`", "21", "20 levels"].iter().all(|word| error.contains(word)), "{error}");
        for window in ["-1", "2.5", "nan", "1e99"] {
            let error = of(&format!("m:window={window}")).unwrap().count("window").unwrap_err();
            assert!(matches!(error, MethodError::NotACount { .. }), "{window}");
        }
    }
}
