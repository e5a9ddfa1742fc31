//! Settings in YAML, as DDIM's code has them.
//!
//! A YAML file is data: sections, lists and plain values. Tags choose between text and number and nothing else; aliases,
//! which let a short file grow without end, are refused.

use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value, json};

use crate::{CheckpointError, Settings};

/// Sections in sections, at most.
const DEEPEST: usize = 16;

/// The settings of a YAML file.
///
/// # Errors
///
/// [`CheckpointError::Sidecar`] for a file that cannot be read, is no YAML, or holds no section.
pub fn read_yaml(path: &Path) -> Result<Settings, CheckpointError> {
    let failed = |why: String| CheckpointError::Sidecar { path: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    match parse(&text).map_err(failed)? {
        Value::Object(object) => Ok(Settings::new(object)),
        other => Err(failed(format!("it holds {other}, not sections of settings"))),
    }
}

/// The value of the one document of a text.
fn parse(text: &str) -> Result<Value, String> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        builder.take(event).map_err(|why| format!("line {}: {why}", span.start.line()))?;
    }
    builder.done.ok_or_else(|| "it is empty".to_owned())
}

/// A list or a section that is not closed yet.
enum Open {
    List(Vec<Value>),
    Section(Map<String, Value>, Option<String>),
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    done: Option<Value>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Alias(_) => Err("aliases are not supported; write the value itself".to_owned()),
            Event::Scalar(text, style, _, tag) => {
                let plain = style == ScalarStyle::Plain;
                self.value(scalar(&text, plain, tag.as_deref())?)
            }
            Event::SequenceStart(_, tag) => self.start(Open::List(Vec::new()), tag.as_deref()),
            Event::MappingStart(_, tag) => self.start(Open::Section(Map::new(), None), tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn start(&mut self, container: Open, tag: Option<&Tag>) -> Result<(), String> {
        match tag {
            Some(tag) if !is_core(tag, "seq") && !is_core(tag, "map") => return Err(unknown(tag)),
            _ if self.open.len() == DEEPEST => return Err(format!("sections nest deeper than {DEEPEST}")),
            _ => self.open.push(container),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        match self.open.pop() {
            Some(Open::List(values)) => self.value(Value::Array(values)),
            Some(Open::Section(values, None)) => self.value(Value::Object(values)),
            _ => Err("a key has no value".to_owned()),
        }
    }

    fn value(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut() {
            None if self.done.is_some() => return Err("it holds more than one document".to_owned()),
            None => self.done = Some(value),
            Some(Open::List(values)) => values.push(value),
            Some(Open::Section(values, key)) => match key.take() {
                None => *key = Some(name(&value)?),
                Some(name) if values.contains_key(&name) => return Err(format!("`{name}` is there twice")),
                Some(name) => {
                    values.insert(name, value);
                }
            },
        }
        Ok(())
    }
}

fn name(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => Err("a list or a section cannot be a key".to_owned()),
        other => Ok(other.to_string()),
    }
}

/// A value: a number, flag or nothing if it is written plainly and looks like one, or if its tag says so; else a text.
fn scalar(text: &str, plain: bool, tag: Option<&Tag>) -> Result<Value, String> {
    let Some(tag) = tag else {
        return Ok(if plain { looks_like(text) } else { json!(text) });
    };
    let is = |kind: &str| is_core(tag, kind);
    match looks_like(text) {
        _ if is("str") || is_plain_mark(tag) => Ok(json!(text)),
        value @ Value::Number(_) if is("float") || is("int") => Ok(value),
        value @ Value::Bool(_) if is("bool") => Ok(value),
        Value::Null if is("null") => Ok(Value::Null),
        _ if ["float", "int", "bool", "null"].into_iter().any(is) => Err(format!("{text} is no `{}`", tag.suffix)),
        _ => Err(unknown(tag)),
    }
}

fn looks_like(text: &str) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "" | "~" | "null" | "none" => return Value::Null,
        "true" | "yes" | "on" => return json!(true),
        "false" | "no" | "off" => return json!(false),
        _ => {}
    }
    let looks_numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) if looks_numeric => json!(whole),
        (_, Ok(number)) if looks_numeric && number.is_finite() => json!(number),
        _ => json!(text),
    }
}

fn is_core(tag: &Tag, kind: &str) -> bool {
    tag.is_yaml_core_schema() && tag.suffix == kind
}

/// The `!` that says that a value is a text.
fn is_plain_mark(tag: &Tag) -> bool {
    (tag.handle.is_empty() && tag.suffix == "!") || (tag.handle == "!" && tag.suffix.is_empty())
}

fn unknown(tag: &Tag) -> String {
    format!("the tag {tag} is not supported; settings are texts, numbers, flags, lists and sections")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_they_look_like() {
        let text = "a: 1e-4\nb: [1, 2, ]\nc: !!float 1e-08\nd: \"12\"\ne: False\nf: ~\ng: fixedsmall\nh:\n  i: .5\n  j: {k: no}\n";
        let expected = json!({"a": 1e-4, "b": [1, 2], "c": 1e-8, "d": "12", "e": false, "f": null, "g": "fixedsmall",
            "h": {"i": 0.5, "j": {"k": false}}});
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(
            parse("a: !!str 12\nb: ! 13\nc: nan\nd: infinity\n").unwrap(),
            json!({"a": "12", "b": "13", "c": "nan", "d": "infinity"})
        );
    }

    #[test]
    fn nothing_is_constructed_and_nothing_grows() {
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        let nested = format!("a: {}", "{b: ".repeat(2000));
        for (text, why) in [
            ("a: !!python/object/apply:os.system [ls]", "python/object/apply:os.system"),
            ("a: !!python/name:os.system", "python/name:os.system"),
            ("a: !thing {b: 1}", "!thing"),
            ("a: &x [1]\nb: *x\n", "aliases"),
            ("a: !!int many", "many is no `int`"),
            ("a: 1\na: 2\n", "`a` is there twice"),
            ("[1]: 2", "cannot be a key"),
            ("a: 1\n---\nb: 2\n", "more than one document"),
            ("a: [1", ""),
            ("", "empty"),
            (deep.as_str(), "deeper than 16"),
            (nested.as_str(), ""),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains(why), "{text}: {message}");
        }
        assert!(parse("a:\n  b: 1\n c: 2\n").unwrap_err().contains("line"), "errors say where they are");
    }

    #[test]
    fn a_file_without_sections_is_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("cifar10.yml");
        std::fs::write(&path, "- 1\n").unwrap();
        assert!(read_yaml(&path).unwrap_err().to_string().contains("cifar10.yml"));
        std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert!(read_yaml(&path).is_err());
        std::fs::write(&path, "model:\n  ch: 32\n").unwrap();
        assert_eq!(read_yaml(&path).unwrap().section("model").unwrap().get::<usize>("ch").unwrap(), Some(32));
    }
}
