//! What can be wrong with a file of weights.

use safetensors::SafeTensorError;

/// Why tensors cannot be put into a safetensors file, or read from one.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// Bytes that are no safetensors file, or a truncated one.
    #[error("not a complete safetensors file ({0}); check that it was written and copied whole")]
    Malformed(#[from] SafeTensorError),
    /// An element type that weights cannot have.
    #[error("tensor `{name}` has element type {dtype}; convert it to F32 (or F64)")]
    ElementType {
        /// The tensor.
        name: String,
        /// Its element type.
        dtype: String,
    },
    /// Two tensors of one name, or a name that the file format reserves.
    #[error("tensor name `{name}` is used twice or reserved; give every tensor a name of its own")]
    Name {
        /// The name.
        name: String,
    },
}
