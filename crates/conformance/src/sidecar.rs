//! Sidecar files: names, arguments and indices as JSON.

use serde_json::Value;

use super::error::FixtureError;

/// A value inside a sidecar together with the way to it, for messages.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Node { value, path: String::new() }
    }

    fn child(&self, value: &'a Value, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Node { value, path: format!("{}{dot}{name}", self.path) }
    }

    fn wrong(&self, expected: &'static str) -> FixtureError {
        let field = self.path.clone();
        FixtureError::WrongField { field, expected }
    }

    /// A field that may be absent; `null` counts as absent.
    pub(super) fn find(&self, field: &str) -> Option<Node<'a>> {
        let value = self.value.get(field).filter(|value| !value.is_null())?;
        Some(self.child(value, field))
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.find(field).is_some()
    }

    pub(super) fn get(&self, field: &str) -> Result<Node<'a>, FixtureError> {
        self.find(field).ok_or_else(|| FixtureError::NoField {
            field: format!("{}{}{field}", self.path, if self.path.is_empty() { "" } else { "." }),
        })
    }

    /// Named members of an object; nothing for anything else.
    pub(super) fn fields(&self) -> Vec<(&'a str, Node<'a>)> {
        let members = self.value.as_object().into_iter().flatten();
        members.map(|(name, value)| (name.as_str(), self.child(value, name))).collect()
    }

    /// Members of a list; nothing for anything else.
    pub(super) fn members(&self) -> Vec<Node<'a>> {
        let members = self.value.as_array().into_iter().flatten().enumerate();
        members.map(|(index, value)| self.child(value, &index.to_string())).collect()
    }

    pub(super) fn is_object(&self) -> bool {
        self.value.is_object()
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub(super) fn as_text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    pub(super) fn as_number(&self) -> Result<f64, FixtureError> {
        number(self.value).ok_or_else(|| self.wrong("a number"))
    }

    pub(super) fn as_flag(&self) -> Result<bool, FixtureError> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    /// All numbers of a list, of a list of lists in row-major order, or the one number itself.
    pub(super) fn as_numbers(&self) -> Result<Vec<f64>, FixtureError> {
        let mut all = Vec::new();
        match flatten(self.value, &mut all) {
            true => Ok(all),
            false => Err(self.wrong("a list of numbers")),
        }
    }

    pub(super) fn as_count(&self) -> Result<usize, FixtureError> {
        let count = self.value.as_u64().and_then(|v| usize::try_from(v).ok());
        count.ok_or_else(|| self.wrong("a whole number of at least 0"))
    }

    pub(super) fn text(&self, field: &str) -> Result<&'a str, FixtureError> {
        let node = self.get(field)?;
        node.as_text().ok_or_else(|| node.wrong("a text"))
    }

    pub(super) fn number(&self, field: &str) -> Result<f64, FixtureError> {
        self.get(field)?.as_number()
    }

    pub(super) fn count(&self, field: &str) -> Result<usize, FixtureError> {
        self.get(field)?.as_count()
    }

    pub(super) fn numbers(&self, field: &str) -> Result<Vec<f64>, FixtureError> {
        self.get(field)?.as_numbers()
    }

    pub(super) fn flag(&self, field: &str) -> Result<bool, FixtureError> {
        self.get(field)?.as_flag()
    }

    /// The text of a field, or "" when there is none.
    pub(super) fn text_or_empty(&self, field: &str) -> &'a str {
        self.find(field).and_then(|node| node.as_text()).unwrap_or("")
    }

    /// A count, or `default` when the field is absent.
    pub(super) fn count_or(&self, field: &str, default: usize) -> Result<usize, FixtureError> {
        self.find(field).map_or(Ok(default), |node| node.as_count())
    }

    /// A number, or `default` when the field is absent.
    pub(super) fn number_or(&self, field: &str, default: f64) -> Result<f64, FixtureError> {
        self.find(field).map_or(Ok(default), |node| node.as_number())
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            "NaN" => Some(f64::NAN),
            _ => None,
        },
        _ => None,
    }
}

fn flatten(value: &Value, into: &mut Vec<f64>) -> bool {
    match value {
        Value::Array(members) => members.iter().all(|member| flatten(member, into)),
        Value::Bool(flag) => {
            into.push(f64::from(u8::from(*flag)));
            true
        }
        other => match number(other) {
            Some(value) => {
                into.push(value);
                true
            }
            None => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn infinities_are_read_from_text() {
        let value = json!({"table": [1.5, "inf", "-inf", "NaN"], "word": "linear"});
        let root = Node::root(&value);
        let table = root.numbers("table").unwrap();
        assert_eq!(table[..3], [1.5, f64::INFINITY, f64::NEG_INFINITY]);
        assert!(table[3].is_nan());
        assert!(root.number("word").is_err());
    }

    #[test]
    fn messages_name_the_whole_way_to_a_field() {
        let value = json!({"schedule": {"T": -3}});
        let schedule = Node::root(&value).get("schedule").unwrap();
        let message = schedule.count("T").unwrap_err().to_string();
        assert!(message.contains("schedule.T"), "{message}");
        let message = schedule.text("name").unwrap_err().to_string();
        assert!(message.contains("schedule.name"), "{message}");
    }
}
