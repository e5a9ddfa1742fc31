//! Files of weights: safetensors, and what `torch.save` writes.

mod checkpoint;
mod content;
mod fault;
mod globals;
mod non_finite;
mod pickle;
mod pickle_value;
mod safetensors_file;
mod source;
mod state_dicts;
mod tensor;
mod torch_legacy;
mod torch_zip;
mod torch_zip_writer;

pub use checkpoint::{Checkpoint, FileFormat};
pub use fault::{Fault, FileError};
pub use non_finite::first_non_finite;
pub use tensor::TensorInfo;
pub use torch_zip_writer::write_torch_zip;
