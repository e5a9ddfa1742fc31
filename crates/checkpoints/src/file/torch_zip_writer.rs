//! Weights as `torch.save` writes them.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use burn::tensor::{DType, TensorData};
use undrift_files::replace_atomically;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::fault::{Fault, FileError};
use super::tensor::{check_size, contiguous};

/// Writes an f32 `state_dict` that `torch.load(path, weights_only=True)` reads, in the order given.
///
/// The same tensors give the same bytes. Storages start at multiples of 64 bytes, as those of PyTorch do. An
/// existing file is replaced at once, when the new one is whole.
///
/// # Errors
///
/// [`FileError`]: [`Fault::ElementType`] for anything but f32, [`Fault::Duplicate`] for a name that occurs
/// twice, [`Fault::Io`].
pub fn write_torch_zip(path: &Path, tensors: &[(String, TensorData)]) -> Result<(), FileError> {
    let archive = |file: &mut File| -> Result<(), Fault> {
        let mut zip = ZipWriter::new(BufWriter::new(file));
        member(&mut zip, "data.pkl", 1)?.write_all(&pickle(tensors))?;
        member(&mut zip, "byteorder", 1)?.write_all(b"little")?;
        for (key, (_, data)) in tensors.iter().enumerate() {
            write_values(member(&mut zip, &format!("data/{key}"), ALIGNMENT)?, data)?;
        }
        member(&mut zip, "version", 1)?.write_all(b"3\n")?;
        Ok(zip.finish()?.flush()?)
    };
    check(tensors).and_then(|()| replace_atomically(path, archive)).map_err(FileError::of(path))
}

/// Storages start at a multiple of this many bytes.
const ALIGNMENT: u16 = 64;

/// The archive's folder; PyTorch takes any.
const FOLDER: &str = "archive";

type Archive<'a> = ZipWriter<BufWriter<&'a mut File>>;

fn check(tensors: &[(String, TensorData)]) -> Result<(), Fault> {
    let mut names = HashSet::new();
    for (name, data) in tensors {
        check_size(name, data.shape().len())?;
        if data.dtype() != DType::F32 {
            return Err(Fault::ElementType { tensor: name.clone(), dtype: format!("{:?}", data.dtype()) });
        }
        if !names.insert(name) {
            return Err(Fault::Duplicate { name: name.clone() });
        }
    }
    Ok(())
}

/// Begins a member of the archive, to be written next.
fn member<'a, 'f>(zip: &'a mut Archive<'f>, name: &str, alignment: u16) -> Result<&'a mut Archive<'f>, Fault> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(true)
        .with_alignment(alignment);
    zip.start_file(format!("{FOLDER}/{name}"), options)?;
    Ok(zip)
}

fn write_values(zip: &mut Archive<'_>, data: &TensorData) -> Result<(), Fault> {
    let values = data.as_slice::<f32>().expect("f32 was checked");
    for block in values.chunks(1 << 14) {
        let bytes: Vec<u8> = block.iter().flat_map(|value| value.to_le_bytes()).collect();
        zip.write_all(&bytes)?;
    }
    Ok(())
}

/// The pickle of a dictionary: every name with a tensor whose storage is the file of its number.
fn pickle(tensors: &[(String, TensorData)]) -> Vec<u8> {
    let mut out = b"\x80\x02}(".to_vec();
    for (key, (name, data)) in tensors.iter().enumerate() {
        text(&mut out, name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(b"ctorch\nFloatStorage\n");
        text(&mut out, &key.to_string());
        text(&mut out, "cpu");
        integer(&mut out, data.num_elements());
        out.extend(b"tQ");
        integer(&mut out, 0);
        sizes(&mut out, data.shape());
        sizes(&mut out, &contiguous(data.shape()));
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

/// A long integer of eight bytes; no memory holds so many elements that it would be negative.
fn integer(out: &mut Vec<u8>, value: usize) {
    out.extend(b"\x8a\x08");
    out.extend((value as u64).to_le_bytes());
}

fn sizes(out: &mut Vec<u8>, sizes: &[usize]) {
    out.push(b'(');
    sizes.iter().for_each(|size| integer(out, *size));
    out.push(b't');
}
