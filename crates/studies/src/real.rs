//! Real numbers in JSON: finite ones as numbers, the others as the words `NaN`, `inf`, `-inf`.
//!
//! JSON has no such numbers; `serde_json` would write `null` and refuse to read it back. Fields opt
//! in by `#[serde(with = "real")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Word(String),
}

impl From<f64> for Written {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Word(value.to_string()) }
    }
}

impl Written {
    fn value(self) -> Result<f64, String> {
        match self {
            Self::Number(value) => Ok(value),
            Self::Word(word) => match word.as_str() {
                "NaN" => Ok(f64::NAN),
                "inf" => Ok(f64::INFINITY),
                "-inf" => Ok(f64::NEG_INFINITY),
                _ => Err(format!("`{word}` is no number: write one, or NaN, inf or -inf")),
            },
        }
    }
}

pub(crate) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    Written::from(*value).serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Written::deserialize(from)?.value().map_err(D::Error::custom)
}

/// A list of real numbers.
pub(crate) mod list {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|&value| Written::from(value)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let written = Vec::<Written>::deserialize(from)?;
        written.into_iter().map(|one| one.value().map_err(D::Error::custom)).collect()
    }
}

/// A curve of (step, value).
pub(crate) mod curve {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(points: &[(u64, f64)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(points.iter().map(|&(step, value)| (step, Written::from(value))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(u64, f64)>, D::Error> {
        let written = Vec::<(u64, Written)>::deserialize(from)?;
        written.into_iter().map(|(step, one)| Ok((step, one.value().map_err(D::Error::custom)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::BitsPerDim;

    #[test]
    fn numbers_that_json_lacks_survive_the_journey() {
        let bound = BitsPerDim {
            total: f64::NAN,
            rate: f64::INFINITY,
            distortion: 0.1,
            prior: f64::NEG_INFINITY,
            per_t: vec![f64::NAN, 0.3],
            rmse: 1.0,
            images: 2,
        };
        let text = serde_json::to_string(&bound).unwrap();
        assert!(text.contains(r#""total":"NaN""#), "{text}");
        let back: BitsPerDim = serde_json::from_str(&text).unwrap();
        assert!(back.total.is_nan() && back.per_t[0].is_nan());
        assert_eq!((back.rate, back.prior), (f64::INFINITY, f64::NEG_INFINITY));
        assert_eq!((back.distortion, back.per_t[1], back.images), (0.1, 0.3, 2));
    }

    #[test]
    fn another_word_is_refused() {
        let text = r#"{"total":"much","rate":1,"distortion":0,"prior":0,"per_t":[],"rmse":0,"images":1}"#;
        let error = serde_json::from_str::<BitsPerDim>(text).unwrap_err().to_string();
        assert!(error.contains("`much`"), "{error}");
    }
}
