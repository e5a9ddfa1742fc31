//! A method as it is written: a name and some parameters.

use super::{Given, MethodError};
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use toml::{Table, Value};

/// A method as it is written: `ddim`, `epsilon-scaling:b=1.01,k=0.001`, or a recipe's table `{ kind = "ddim", eta = 1 }`.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Parameters and values as written.
    pub given: Vec<(String, Given)>,
}

/// Two methods are equal if they give the same values, in whatever order.
impl PartialEq for Method {
    fn eq(&self, other: &Method) -> bool {
        let all_in = |one: &Method, other: &Method| one.given.iter().all(|pair| other.given.contains(pair));
        self.name == other.name && all_in(self, other) && all_in(other, self)
    }
}

/// The key of a table that holds the method's name.
pub const KIND: &str = "kind";

impl Method {
    /// A method without parameters.
    pub fn named(name: &str) -> Self {
        Method { name: name.to_owned(), given: Vec::new() }
    }

    /// The same with one parameter more.
    pub fn with(mut self, parameter: &str, value: impl fmt::Display) -> Self {
        self.given.push((parameter.to_owned(), Given::from(&value)));
        self
    }

    /// Gives a parameter this value, in place of what it was given before.
    pub fn set(&mut self, parameter: &str, value: impl Into<Value>) {
        self.given.retain(|(key, _)| key != parameter);
        self.given.push((parameter.to_owned(), Given::Typed(value.into())));
    }

    /// What was given for a parameter.
    pub fn given(&self, parameter: &str) -> Option<&Given> {
        self.given.iter().find(|(key, _)| key == parameter).map(|(_, value)| value)
    }

    /// The method of a recipe's table, whose name stands under the key `name`; `default` is the name where it has none.
    ///
    /// # Errors
    /// In words: no name, or one that is no text.
    pub fn of_table(mut table: Table, name: &str, default: Option<&str>) -> Result<Self, String> {
        let name = match (table.remove(name), default) {
            (Some(Value::String(name)), _) => name,
            (Some(other), _) => return Err(format!("`{name}` is {other}, but must be a name")),
            (None, Some(default)) => default.to_owned(),
            (None, None) => return Err(format!("missing field `{name}`")),
        };
        Ok(Method { name, given: table.into_iter().map(|(key, value)| (key, Given::Typed(value))).collect() })
    }

    /// The table of which [`of_table`](Self::of_table) makes this method.
    pub fn to_table(&self, name: &str) -> Table {
        let name = (name.to_owned(), Value::String(self.name.clone()));
        std::iter::once(name).chain(self.given.iter().map(|(key, value)| (key.clone(), value.typed()))).collect()
    }

    /// Reads the text or the table; `default` is the name of a table without one.
    ///
    /// # Errors
    /// In words: another form, or no name.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D, default: Option<&str>) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "it must be a name, as \"ddim:eta=0.5\", or a table, as { kind = \"ddim\", eta = 0.5 }"
        )]
        enum Written {
            Text(String),
            Table(Table),
        }
        match Written::deserialize(deserializer)? {
            Written::Text(text) => text.parse().map_err(D::Error::custom),
            Written::Table(table) => Method::of_table(table, KIND, default).map_err(D::Error::custom),
        }
    }

    /// Whether the method is written as a text, and can be.
    fn is_text(&self) -> bool {
        let text = self.given.iter().all(|(_, value)| matches!(value, Given::Text(_)));
        text && self.to_string().parse().is_ok_and(|read: Method| read == *self)
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
            Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key.to_owned(), Given::from(&value))),
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

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_text() {
            return serializer.collect_str(self);
        }
        let table = self.to_table(KIND);
        let mut map = serializer.serialize_map(Some(table.len()))?;
        table.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Method::read(deserializer, None)
    }
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

    /// The same method after a file.
    fn kept(method: &Method) -> Method {
        let table = Table::from_iter([("method".to_owned(), Value::try_from(method).unwrap())]);
        toml::from_str::<Table>(&toml::to_string(&table).unwrap())
            .unwrap()
            .remove("method")
            .unwrap()
            .try_into()
            .unwrap()
    }

    #[test]
    fn a_value_that_is_set_replaces_the_one_before() {
        let mut method = Method::named("m").with("eta", 0.5).with("length", 3).with("ramp", true);
        method.set("eta", 0.25);
        assert_eq!(method, "m:length=3,ramp=true,eta=0.25".parse().unwrap());
        assert_eq!(kept(&method), method);
        assert_eq!(kept(&method).to_table(KIND)["length"], Value::Integer(3), "a table has numbers, not texts");
    }

    #[test]
    fn a_method_inside_another_is_kept() {
        let method = Method::named("zero-terminal-snr").with("of", "constant:length=6,beta=0.2");
        assert_eq!(kept(&method), method);
    }

    #[test]
    fn a_table_and_a_text_that_say_the_same_are_the_same() {
        #[derive(Serialize, Deserialize)]
        struct Slot {
            chain: Method,
        }
        let read = |text: &str| toml::from_str::<Slot>(text).map(|slot| slot.chain);
        let table = read("chain = { kind = \"constant\", length = 5, beta = 0.1 }").unwrap();
        assert_eq!(table, "constant:length=5,beta=0.1".parse().unwrap());
        assert_ne!(table, "constant:length=5,beta=0.2".parse().unwrap());
        let written = toml::to_string(&Slot { chain: table.clone() }).unwrap();
        assert_eq!(read(&written).unwrap(), table, "{written}");
        assert!(read("chain = { length = 5 }").unwrap_err().to_string().contains("kind"));
    }
}
