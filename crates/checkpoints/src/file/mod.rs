//! Files of weights: safetensors, and what `torch.save` writes.

mod checkpoint;
mod content;
mod contents;
mod element;
mod fault;
mod file_format;
mod globals;
mod group;
mod non_finite;
mod open;
mod pickle;
mod pickle_value;
mod rebuild;
mod safetensors_file;
mod shards;
mod source;
mod state_dicts;
mod tensor;
mod torch_legacy;
mod torch_zip;
mod torch_zip_writer;
mod walk;

pub use checkpoint::Checkpoint;
pub use fault::{Fault, FileError};
pub use file_format::FileFormat;
pub use group::Unread;
pub use non_finite::first_non_finite;
pub use tensor::TensorInfo;
pub use torch_zip_writer::write_torch_zip;
