//! JSON as Python writes it.

use std::borrow::Cow;

/// The words that Python's `json` writes for numbers that JSON has not got.
const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// The text with `Infinity`, `-Infinity` and `NaN` as strings of these words, so that it is JSON.
///
/// Whatever is between quotation marks stays as it is.
pub(crate) fn from_python(text: &str) -> Cow<'_, str> {
    if !text.contains("Infinity") && !text.contains("NaN") {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let (taken, quoted) = match WORDS.iter().find(|word| rest.starts_with(**word)) {
            Some(word) => (word.len(), true),
            None if first == '"' => (string_length(rest), false),
            None => (first.len_utf8(), false),
        };
        let (token, after) = rest.split_at(taken);
        if quoted {
            out.extend(["\"", token, "\""]);
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    Cow::Owned(out)
}

/// Bytes of the string that a text begins with, its quotation marks included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> serde_json::Value {
        serde_json::from_str(&from_python(text)).unwrap()
    }

    #[test]
    fn pythons_words_become_strings() {
        let read = read(r#"{"a": -Infinity, "b": [NaN, Infinity,1], "c": -1}"#);
        assert_eq!(read, serde_json::json!({"a": "-Infinity", "b": ["NaN", "Infinity", 1], "c": -1}));
    }

    #[test]
    fn strings_are_not_touched() {
        let read = read(r#"{"NaN": "-Infinity \" NaN", "é\\": NaN, "\\\"": "Infinity"}"#);
        assert_eq!(read, serde_json::json!({"NaN": "-Infinity \" NaN", "é\\": "NaN", "\\\"": "Infinity"}));
        assert_eq!(from_python("\"NaN"), "\"NaN");
    }
}
