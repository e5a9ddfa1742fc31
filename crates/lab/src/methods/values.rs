//! The values of a method's parameters: those that are given, and the defaults of the others.

use super::{Given, Kind, Method, MethodError, Parameter, Preset};
use std::collections::BTreeMap;
use undrift_schedules::Chain;

/// A value for every parameter of a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    method: String,
    values: BTreeMap<&'static str, Value>,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Count(usize),
    Flag(bool),
    Text(String),
    Numbers(Vec<f64>),
    Counts(Vec<usize>),
    Method(Method),
    Nothing,
}

impl Values {
    /// Those that `method` gives, and the defaults of the others.
    ///
    /// # Errors
    /// [`MethodError`] for a parameter that is unknown, given twice, missing or of another kind.
    pub fn of(method: &Method, parameters: &[Parameter]) -> Result<Self, MethodError> {
        let name = method.name.clone();
        if let Some((key, _)) = method.given.iter().find(|(key, _)| parameters.iter().all(|p| p.name != key)) {
            let known = parameters.iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            return Err(MethodError::UnknownParameter { method: name, parameter: key.clone(), known });
        }
        let values = parameters.iter().map(|parameter| Ok((parameter.name, value(method, parameter)?)));
        Ok(Values { method: name, values: values.collect::<Result<_, MethodError>>()? })
    }

    /// The method's name.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// A number.
    ///
    /// # Panics
    /// As all of these, for a name that is not in the method's own row, or a parameter of another kind.
    pub fn number(&self, name: &str) -> f64 {
        match self.values[name] {
            Value::Number(value) => value,
            ref other => self.mistaken(name, other),
        }
    }

    /// A whole number.
    pub fn count(&self, name: &str) -> usize {
        match self.values[name] {
            Value::Count(value) => value,
            ref other => self.mistaken(name, other),
        }
    }

    /// A whole number, if the method has a parameter of this name.
    pub fn count_if_any(&self, name: &str) -> Option<usize> {
        self.values.contains_key(name).then(|| self.count(name))
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> bool {
        match self.values[name] {
            Value::Flag(value) => value,
            ref other => self.mistaken(name, other),
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> &str {
        match &self.values[name] {
            Value::Text(value) => value,
            other => self.mistaken(name, other),
        }
    }

    /// A list of numbers.
    pub fn numbers(&self, name: &str) -> &[f64] {
        match &self.values[name] {
            Value::Numbers(value) => value,
            Value::Nothing => &[],
            other => self.mistaken(name, other),
        }
    }

    /// A list of whole numbers.
    pub fn counts(&self, name: &str) -> &[usize] {
        match &self.values[name] {
            Value::Counts(value) => value,
            Value::Nothing => &[],
            other => self.mistaken(name, other),
        }
    }

    /// Another method.
    pub fn inner(&self, name: &str) -> &Method {
        match &self.values[name] {
            Value::Method(value) => value,
            other => self.mistaken(name, other),
        }
    }

    /// A number of levels, which a chain must have.
    ///
    /// # Errors
    /// [`MethodError::BeyondChain`] for more levels than the chain has.
    pub fn level(&self, name: &'static str, chain: &Chain) -> Result<usize, MethodError> {
        let (value, length) = (self.count(name), chain.len());
        if value <= length {
            return Ok(value);
        }
        Err(MethodError::BeyondChain { method: self.method.clone(), parameter: name.to_owned(), value, length })
    }

    fn mistaken(&self, name: &str, found: &Value) -> ! {
        panic!("`{name}` of `{}` is declared as another kind: it is {found:?}", self.method)
    }
}

fn value(method: &Method, parameter: &Parameter) -> Result<Value, MethodError> {
    let (of, name) = (method.name.clone(), parameter.name.to_owned());
    let mut given = method.given.iter().filter(|(key, _)| *key == name);
    match (given.next(), given.next(), parameter.default) {
        (Some(_), Some(_), _) => Err(MethodError::Twice { method: of, parameter: name }),
        (Some((_, given)), None, _) => read(given, parameter.kind).ok_or_else(|| MethodError::Kind {
            method: of,
            parameter: name,
            value: given.to_string(),
            kind: parameter.kind.text(),
        }),
        (None, _, Some(preset)) => Ok(preset.into()),
        (None, _, None) => Err(MethodError::Missing { method: of, parameter: name, about: parameter.about }),
    }
}

fn read(given: &Given, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Number(names) => {
            let named = given.text().and_then(|text| names.iter().find(|(name, _)| *name == text));
            named.map(|(_, value)| *value).or_else(|| given.number()).map(Value::Number)
        }
        Kind::Count => count(given).map(Value::Count),
        Kind::Flag => given.flag().map(Value::Flag),
        Kind::Text => given.text().map(|text| Value::Text(text.to_owned())),
        Kind::Numbers => given.list()?.iter().map(Given::number).collect::<Option<_>>().map(Value::Numbers),
        Kind::Counts => given.list()?.iter().map(count).collect::<Option<_>>().map(Value::Counts),
        Kind::Method(_) => method(given).map(Value::Method),
    }
}

fn count(given: &Given) -> Option<usize> {
    let number = given.number()?;
    let whole = number >= 0.0 && number.fract() == 0.0 && number <= u32::MAX.into();
    whole.then_some(number as usize)
}

fn method(given: &Given) -> Option<Method> {
    match given {
        Given::Typed(toml::Value::Table(table)) => Method::of_table(table.clone(), super::KIND, None).ok(),
        other => other.text()?.parse().ok(),
    }
}

impl From<Preset> for Value {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Number(value) => Value::Number(value),
            Preset::Count(value) => Value::Count(value),
            Preset::Flag(value) => Value::Flag(value),
            Preset::Text(value) => Value::Text(value.to_owned()),
            Preset::Nothing => Value::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &[Parameter] = &[
        Parameter::number("eta", Some(0.0), "noise").named(&[("half", 0.5)]),
        Parameter::count("window", None, "levels"),
        Parameter::counts("sizes", "sizes").or_empty(),
        Parameter::flag("ramp", Some(false), "whether"),
    ];

    fn of(text: &str) -> Result<Values, MethodError> {
        Values::of(&text.parse().unwrap(), PARAMETERS)
    }

    fn of_table(text: &str) -> Result<Values, MethodError> {
        Values::of(&Method::of_table(toml::from_str(text).unwrap(), "kind", Some("m")).unwrap(), PARAMETERS)
    }

    #[test]
    fn what_is_given_counts_and_the_rest_is_the_default() {
        let values = of("m:window=20").unwrap();
        assert_eq!((values.number("eta"), values.count("window"), values.counts("sizes")), (0.0, 20, &[][..]));
        assert_eq!(of("m:eta=0.5,window=1").unwrap().number("eta"), 0.5);
        assert_eq!(of("m:eta=half,window=1").unwrap(), of_table("eta = 0.5\nwindow = 1").unwrap());
        assert_eq!(of("m:window=1,sizes=1+2,ramp=true").unwrap().counts("sizes"), [1, 2]);
        assert_eq!(of_table("window = 1\nsizes = [1, 2]\nramp = true").unwrap().counts("sizes"), [1, 2]);
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
            let error = of(&format!("m:window={window}")).unwrap_err();
            assert!(matches!(error, MethodError::Kind { .. }), "{window}");
        }
        for table in ["window = \"1\"", "window = 1\nramp = 1", "window = 1\nsizes = 3", "window = [1]"] {
            assert!(matches!(of_table(table), Err(MethodError::Kind { .. })), "{table}");
        }
    }
}
