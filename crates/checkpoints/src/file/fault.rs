//! What can be wrong with a file of weights.

use std::io;
use std::path::{Path, PathBuf};

use zip::result::ZipError;

/// What is wrong with which file of weights.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub fault: Fault,
}

impl FileError {
    /// For `map_err`: a fault of the file at `path`.
    pub(super) fn of(path: &Path) -> impl Fn(Fault) -> FileError {
        move |fault| FileError { path: path.into(), fault }
    }
}

/// What can be wrong with a file of weights.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The operating system's word.
    #[error("cannot be read or written ({0}); check the path and its permissions")]
    Io(#[from] io::Error),
    /// Content of another kind.
    #[error("is {found}, not a checkpoint; give a safetensors file, or a .pt, .pth, .ckpt or .bin of torch.save")]
    Unrecognised {
        /// What the first bytes look like.
        found: &'static str,
    },
    /// A safetensors header that is longer than the file.
    #[error(
        "the header's length says {length} bytes and {available} follow; the file is cut or damaged, fetch it again"
    )]
    HeaderLength {
        /// The length as written in the file.
        length: u64,
        /// Bytes that follow it, or the most that a header may have.
        available: u64,
    },
    /// A safetensors header that cannot be read.
    #[error("the header is not that of a safetensors file ({0}); the file is damaged, fetch it again")]
    Header(serde_json::Error),
    /// A shape and a number of bytes that differ.
    #[error(
        "tensor `{tensor}` of shape {shape:?} needs {needed} bytes, its data_offsets span {found}; write the file again"
    )]
    Extent {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Bytes that the shape needs.
        needed: u64,
        /// Bytes that it was given.
        found: u64,
    },
    /// Data that overlap, leave a gap or run backwards.
    #[error(
        "tensor `{tensor}` starts at byte {start} of the data and the one before ends at {expected}; they must neither overlap nor leave a gap, write the file again"
    )]
    Place {
        /// The tensor.
        tensor: String,
        /// Its first byte, counted from the start of the data.
        start: u64,
        /// Where it should start.
        expected: u64,
    },
    /// More or fewer bytes of data than the header says.
    #[error(
        "the header describes {described} bytes of data and the file has {found}; it is cut or damaged, fetch it again"
    )]
    DataLength {
        /// Bytes of all tensors.
        described: u64,
        /// Bytes in the file.
        found: u64,
    },
    /// A shape that no memory holds.
    #[error(
        "tensor `{tensor}` of shape {shape:?} has more elements than fit into 64 bits; the file is damaged, fetch it again"
    )]
    Overflow {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// More axes than any network's weights have.
    #[error("tensor `{tensor}` has {rank} axes and at most {most} are read; reshape it before saving")]
    Rank {
        /// The tensor.
        tensor: String,
        /// Its number of axes.
        rank: usize,
        /// The largest number that is read.
        most: usize,
    },
    /// An element type that is not read.
    #[error("tensor `{tensor}` is {dtype}, which is not read; convert it to float32 before saving")]
    ElementType {
        /// The tensor.
        tensor: String,
        /// Its element type, or what kind of tensor it is.
        dtype: String,
    },
    /// One name twice, of which it is unclear who counts.
    #[error("the name `{name}` occurs twice; give every tensor a name of its own")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A name longer than any network's.
    #[error("the name `{start}..` has {length} bytes and at most {most} are read; rename the tensor")]
    NameLength {
        /// How the name starts.
        start: String,
        /// Its length in bytes.
        length: usize,
        /// The longest that is read.
        most: usize,
    },
    /// More tensors than any network has.
    #[error("the file names more than {most} tensors; save the weights alone")]
    TooManyTensors {
        /// The largest number that is read.
        most: usize,
    },
    /// A broken zip archive.
    #[error("the zip archive is damaged ({0}); fetch the file again")]
    Zip(#[from] ZipError),
    /// A compressed member, which torch never writes.
    #[error(
        "member `{member}` is compressed or encrypted; torch.save stores its members, so save the checkpoint again with it"
    )]
    Compressed {
        /// The member of the archive.
        member: String,
    },
    /// A member of an archive, or a shard, that lies outside of its folder.
    #[error("`{member}` leaves the folder that it belongs to; no tool writes such a name, so do not trust the file")]
    MemberPath {
        /// The member or shard.
        member: String,
    },
    /// An archive without a needed member.
    #[error("the zip archive has no member `{member}`; it was not written by torch.save, or not whole")]
    MemberMissing {
        /// The member of the archive.
        member: String,
    },
    /// Numbers with their highest byte first.
    #[error("the numbers are in byte order `{found}`; save the checkpoint again on a little-endian machine")]
    ByteOrder {
        /// The order as the file has it.
        found: String,
    },
    /// A pickle that is longer than that of any checkpoint.
    #[error("the pickle has {length} bytes and at most {most} are read; save the weights alone")]
    PickleLength {
        /// Its length.
        length: u64,
        /// The largest that is read.
        most: u64,
    },
    /// A pickle that makes no sense.
    #[error("the pickle is damaged at byte {at}: {expected}; fetch the file again")]
    Pickle {
        /// The byte of the pickle.
        at: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// An instruction that no checkpoint of tensors needs.
    #[error(
        "the pickle has instruction 0x{opcode:02x} at byte {at}, which torch.save does not write; save the weights with it"
    )]
    Opcode {
        /// The instruction.
        opcode: u8,
        /// Its byte in the pickle.
        at: usize,
    },
    /// A class or function that is neither a tensor nor plain data.
    #[error(
        "the pickle asks for `{name}` at byte {at}, a class or function that is neither a tensor nor plain data; it is refused as it may run code, and nothing was run. A file that holds a whole module or object instead of its weights asks for its class. Where you trust the file, load it in Python and save model.state_dict() alone"
    )]
    Refused {
        /// The module and the name in it.
        name: String,
        /// Its byte in the pickle.
        at: usize,
    },
    /// A program instead of weights.
    #[error("is a TorchScript program (torch.jit.save), which holds code; load it in Python and save its state_dict()")]
    Script,
    /// An index of shards that cannot be read.
    #[error("is not the index of a model's shards ({0}); fetch it again")]
    Index(serde_json::Error),
    /// A shard that is not there.
    #[error("the shard {shard} of this index is missing; fetch it into the same folder")]
    ShardMissing {
        /// Its name in the index.
        shard: String,
    },
    /// A shard that is no plain file of weights.
    #[error("the shard {shard} of this index holds other things than named tensors; fetch it again")]
    ShardKind {
        /// Its name in the index.
        shard: String,
    },
    /// A tensor that is not where the index says.
    #[error("tensor `{tensor}` should be in {shard} by this index, and is not; fetch both again")]
    ShardTensor {
        /// The shard's name in the index.
        shard: String,
        /// The tensor.
        tensor: String,
    },
    /// A storage that is not there or not whole.
    #[error(
        "storage `{key}` has {found} bytes and its tensors need {needed}; the file is cut or damaged, fetch it again"
    )]
    Storage {
        /// The storage's key.
        key: String,
        /// Bytes that it must have.
        needed: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// A view that reaches outside of its storage, or repeats elements.
    #[error(
        "tensor `{tensor}` (shape {shape:?}, strides {strides:?}, offset {offset}) does not fit its storage of {count} elements; save its .contiguous()"
    )]
    View {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Elements from one index to the next, by axis.
        strides: Vec<usize>,
        /// The first element in the storage.
        offset: usize,
        /// Elements of the storage.
        count: usize,
    },
    /// A file without weights.
    #[error("holds no dictionary of named tensors; save model.state_dict()")]
    NoWeights,
    /// A group that is not there.
    #[error("has no group of weights `{group}`; it has {groups:?}")]
    NoSuchGroup {
        /// The group asked for.
        group: String,
        /// Those of the file.
        groups: Vec<String>,
    },
    /// A tensor that is not there.
    #[error("has no tensor `{tensor}` in group `{group}`; list them with `undrift inspect`")]
    NoSuchTensor {
        /// The group.
        group: String,
        /// The tensor asked for.
        tensor: String,
    },
}
