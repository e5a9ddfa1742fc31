//! What a run reads beside its recipe, by its hash: a run goes on with the same images or not at all.

use crate::{Conditioning, RunError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use undrift_data::{Dataset, Images};

/// Hashes of what each row of a run reads, by the row's id (`inputs.json`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inputs(pub BTreeMap<String, RowInputs>);

/// Hashes of what a row reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowInputs {
    /// The images that it trains on, and whose statistics the distance compares with.
    pub train: String,
    /// The held-out images.
    pub test: String,
    /// The weights of the feature extractor; none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extractor: Option<String>,
}

impl RowInputs {
    /// The hashes of these images, and of the weights of the extractor that they are scored with.
    pub fn new(train: &Images, test: &Images, conditioning: Conditioning, extractor: Option<&[u8]>) -> Self {
        RowInputs {
            train: of_images(train, conditioning),
            test: of_images(test, conditioning),
            extractor: extractor.map(|weights| hash(&[weights])),
        }
    }

    /// Refuses other inputs than those that a run was begun with; `from` is where the images are read from.
    ///
    /// # Errors
    /// [`RunError::OtherInput`] with what differs, where it is read from, and both hashes.
    pub fn check(&self, begun_with: &RowInputs, from: &Path) -> Result<(), RunError> {
        check("training images", from, &begun_with.train, &self.train)?;
        check("test images", from, &begun_with.test, &self.test)?;
        let named = |hash: &Option<String>| hash.clone().unwrap_or_else(|| "none".to_owned());
        let carried = Path::new("the embedded classifier");
        check("weights of the extractor", carried, &named(&begun_with.extractor), &named(&self.extractor))
    }
}

/// Refuses another hash.
///
/// # Errors
/// [`RunError::OtherInput`].
pub(crate) fn check(what: &'static str, from: &Path, begun_with: &str, found: &str) -> Result<(), RunError> {
    if begun_with == found {
        return Ok(());
    }
    let (begun_with, found) = (begun_with.to_owned(), found.to_owned());
    Err(RunError::OtherInput { what, path: from.to_owned(), begun_with, found })
}

/// The hash of images: of their size and their pixels, and of their labels where the network is told of them.
pub(crate) fn of_images(images: &Images, conditioning: Conditioning) -> String {
    match (conditioning, images.hash_of_labels()) {
        (Conditioning::Classes { .. }, Some(labels)) => hash(&[images.hash().as_bytes(), labels.as_bytes()]),
        _ => images.hash(),
    }
}

/// The first half of SHA-256 in hexadecimal digits.
fn hash(parts: &[&[u8]]) -> String {
    let mut state = Sha256::new();
    parts.iter().for_each(|part| state.update(part));
    state.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(pixels: Vec<u8>, shape: [usize; 3]) -> Images {
        let count = pixels.len() / shape.iter().product::<usize>();
        Images::new(pixels, vec![0; count], shape).unwrap()
    }

    #[test]
    fn the_hash_is_the_published_one_of_the_bytes() {
        assert_eq!(hash(&[b"ab", b"c"]), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn every_byte_and_the_shape_of_images_count() {
        let base = of_images(&images(vec![1, 2, 3, 4], [1, 2, 2]), Conditioning::None);
        assert_eq!(base, of_images(&images(vec![1, 2, 3, 4], [1, 2, 2]), Conditioning::None));
        for other in [
            images(vec![1, 2, 3, 5], [1, 2, 2]),
            images(vec![1, 2, 3, 4], [1, 1, 4]),
            images(vec![1, 2, 3, 4], [1, 1, 2]),
            images(vec![2, 1, 3, 4], [1, 2, 2]),
        ] {
            assert_ne!(base, of_images(&other, Conditioning::None));
        }
    }

    #[test]
    fn each_input_that_is_another_one_is_named_with_both_hashes() {
        let from = Path::new("the embedded sample");
        let (train, test) = (images(vec![1; 256], [1, 16, 16]), images(vec![2; 256], [1, 16, 16]));
        let begun_with = RowInputs::new(&train, &test, Conditioning::None, Some(b"weights"));
        begun_with.check(&begun_with, from).unwrap();
        assert!(begun_with.extractor.is_some());
        let other = "0".repeat(32);
        for (now, what) in [
            (RowInputs { train: other.clone(), ..begun_with.clone() }, "training images"),
            (RowInputs { test: other.clone(), ..begun_with.clone() }, "test images"),
            (RowInputs { extractor: Some(other.clone()), ..begun_with.clone() }, "extractor"),
        ] {
            let error = now.check(&begun_with, from).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains(&other) && error.contains("embedded"), "{error}");
        }
        let error = RowInputs { train: other, ..begun_with.clone() }.check(&begun_with, from).unwrap_err().to_string();
        assert!(error.contains(&begun_with.train), "{error}");
    }
}
