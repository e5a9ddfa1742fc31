//! How files are written: whole or not at all, and named tensors as safetensors, the same bytes for the same tensors.
//!
//! This crate decides what survives a power cut and what a file of weights looks like. It knows no network: whose
//! tensors they are, and where they are put, is the caller's concern.
//!
//! ```
//! use std::collections::BTreeMap;
//! use burn::tensor::TensorData;
//! use undrift_files::{from_bytes, to_bytes, write_atomically};
//!
//! let parameters = vec![("bias".to_owned(), TensorData::new(vec![0.5f32, -1.0], [2]))];
//! let bytes = to_bytes(&parameters, &BTreeMap::new())?;
//! let path = std::env::temp_dir().join("undrift-files-doctest.safetensors");
//! write_atomically(&path, &bytes)?;
//! assert_eq!(from_bytes(&std::fs::read(&path)?)?.parameters, parameters);
//! # std::fs::remove_file(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atomic_file;
mod error;
mod weights_file;

pub use atomic_file::{replace_atomically, write_atomically};
pub use error::WeightsError;
pub use weights_file::{Weights, from_bytes, to_bytes};
