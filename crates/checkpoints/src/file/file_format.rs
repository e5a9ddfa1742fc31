//! How files keep tensors.

/// How a file keeps its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// A JSON header and the data.
    Safetensors,
    /// What `torch.save` writes since PyTorch 1.6: a zip archive of a pickle and the data.
    TorchZip,
    /// What `torch.save` wrote before: pickles followed by the data.
    TorchLegacy,
}
