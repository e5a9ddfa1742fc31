//! A DDPM U-Net's configuration as files hold it, those of earlier versions among them.

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::{DdpmUnetConfig, Resampling, Sinusoids};

/// A configuration as it is read.
///
/// Before levels had widths of their own they were `multipliers` of `base`; and before other codes' networks were read
/// there was nothing after `dropout`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDdpmUnet {
    in_channels: usize,
    out_channels: usize,
    image_size: usize,
    base: usize,
    widths: Option<Vec<usize>>,
    multipliers: Option<Vec<usize>>,
    blocks: usize,
    attention: Vec<usize>,
    groups: usize,
    dropout: f64,
    sinusoids: Option<Sinusoids>,
    norm_epsilon: Option<f64>,
    resampling: Option<Resampling>,
    head_channels: Option<usize>,
    middle_attention: Option<bool>,
}

impl<'de> Deserialize<'de> for DdpmUnetConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StoredDdpmUnet::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

impl TryFrom<StoredDdpmUnet> for DdpmUnetConfig {
    type Error = &'static str;

    fn try_from(stored: StoredDdpmUnet) -> Result<Self, Self::Error> {
        let paper = DdpmUnetConfig::cifar10();
        let config = DdpmUnetConfig {
            in_channels: stored.in_channels,
            out_channels: stored.out_channels,
            image_size: stored.image_size,
            blocks: stored.blocks,
            attention: stored.attention,
            groups: stored.groups,
            dropout: stored.dropout,
            sinusoids: stored.sinusoids.unwrap_or(paper.sinusoids),
            norm_epsilon: stored.norm_epsilon.unwrap_or(paper.norm_epsilon),
            resampling: stored.resampling.unwrap_or(paper.resampling),
            head_channels: stored.head_channels,
            middle_attention: stored.middle_attention.unwrap_or(paper.middle_attention),
            ..paper
        };
        match (stored.widths, stored.multipliers) {
            (Some(widths), None) => Ok(DdpmUnetConfig { base: stored.base, widths, ..config }),
            (None, Some(multipliers)) => Ok(config.with_multiples(stored.base, &multipliers)),
            (None, None) => Err("widths are missing"),
            (Some(_), Some(_)) => Err("widths and multipliers are both given; give widths"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn stored() -> Value {
        serde_json::to_value(DdpmUnetConfig::cifar10()).unwrap()
    }

    fn read(stored: Value) -> Result<DdpmUnetConfig, String> {
        serde_json::from_value(stored).map_err(|error| error.to_string())
    }

    fn without(mut stored: Value, keys: &[&str]) -> Value {
        keys.iter().for_each(|key| drop(stored.as_object_mut().unwrap().remove(*key).unwrap()));
        stored
    }

    #[test]
    fn what_is_written_is_read() {
        let config = DdpmUnetConfig {
            base: 64,
            widths: vec![32, 96],
            sinusoids: Sinusoids::ADM,
            norm_epsilon: 1e-5,
            resampling: Resampling::Plain,
            head_channels: Some(8),
            middle_attention: false,
            ..DdpmUnetConfig::lsun256()
        };
        for config in [config, DdpmUnetConfig::cifar10()] {
            assert_eq!(read(serde_json::to_value(&config).unwrap()), Ok(config));
        }
    }

    #[test]
    fn what_was_stored_before_has_the_papers_values_and_multiples_of_base() {
        let later = ["sinusoids", "norm_epsilon", "resampling", "head_channels", "middle_attention", "widths"];
        let mut before = without(stored(), &later);
        before["multipliers"] = json!([1, 2, 2, 2]);
        assert_eq!(read(before), Ok(DdpmUnetConfig::cifar10()));
    }

    #[test]
    fn levels_are_given_once_and_nothing_else_is_there() {
        assert!(read(without(stored(), &["widths"])).unwrap_err().contains("widths are missing"));
        let mut twice = stored();
        twice["multipliers"] = json!([1, 2]);
        assert!(read(twice).unwrap_err().contains("both given"));
        let mut unknown = stored();
        unknown["depth"] = json!(3);
        assert!(read(unknown).unwrap_err().contains("`depth`"));
    }
}
