//! Weights in several files, and the index that says which is where.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Read;
use std::path::{Component, Path};

use serde::Deserialize;

use super::checkpoint::Checkpoint;
use super::contents::Contents;
use super::fault::{Fault, FileError};
use super::file_format::FileFormat;
use super::group::{Group, unwrap};

/// What an index says.
#[derive(Deserialize)]
struct Index {
    /// The file of every tensor.
    weight_map: BTreeMap<String, String>,
}

/// The most bytes of an index that are read.
const LONGEST_INDEX: u64 = 16 << 20;

/// How one shard is opened.
type OpenFile = fn(&Path) -> Result<Checkpoint, FileError>;

/// Opens all shards of an index, as one group.
///
/// # Errors
///
/// [`FileError`]: an index that cannot be read, and what is wrong with a shard; [`Fault::ShardMissing`] names one that
/// is not there.
pub(super) fn open(index: &Path, file: OpenFile) -> Result<Checkpoint, FileError> {
    let of_index = FileError::of(index);
    let map = read(index).map_err(&of_index)?.weight_map;
    let mut files: Vec<&String> = map.values().collect();
    files.sort_unstable();
    files.dedup();
    let (mut parts, mut tensors, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    let mut format = FileFormat::Safetensors;
    for (number, name) in files.into_iter().enumerate() {
        let shard = open_shard(index, name, file)?;
        check_names(&map, name, &shard).map_err(&of_index)?;
        format = shard.format;
        parts.extend(shard.parts);
        for group in shard.contents.groups {
            let (read, skipped) = group.into_parts();
            unread.extend(skipped);
            tensors.extend(read.into_iter().map(|(info, mut place)| {
                place.part = number;
                (info, place)
            }));
        }
    }
    let group = Group::new("", true, tensors, unread).map_err(&of_index)?;
    Ok(Checkpoint { parts, format, contents: Contents { groups: vec![group], ..Contents::default() } })
}

fn read(index: &Path) -> Result<Index, Fault> {
    let mut text = Vec::new();
    fs::File::open(index)?.take(LONGEST_INDEX).read_to_end(&mut text)?;
    let read: Index = serde_json::from_slice(&text).map_err(Fault::Index)?;
    if read.weight_map.is_empty() { Err(Fault::NoWeights) } else { Ok(read) }
}

fn open_shard(index: &Path, name: &str, file: OpenFile) -> Result<Checkpoint, FileError> {
    let of_index = FileError::of(index);
    let mut parts = Path::new(name).components();
    let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else {
        return Err(of_index(Fault::MemberPath { member: name.into() }));
    };
    let path = index.with_file_name(name);
    if path.extension().is_some_and(|ending| ending == "json") {
        return Err(of_index(Fault::ShardKind { shard: name.into() }));
    }
    if !path.is_file() {
        return Err(of_index(Fault::ShardMissing { shard: name.into() }));
    }
    let shard = file(&path)?;
    if shard.groups() != [""] || !shard.is_named("") {
        return Err(of_index(Fault::ShardKind { shard: name.into() }));
    }
    Ok(shard)
}

/// Refuses an index that promises a tensor which its shard does not have.
fn check_names(map: &BTreeMap<String, String>, name: &str, shard: &Checkpoint) -> Result<(), Fault> {
    let read = shard.tensors("").iter().map(|info| info.name.as_str());
    let there: HashSet<&str> = read.chain(shard.unread("").iter().map(|unread| unread.name.as_str())).collect();
    let promised = map.iter().filter(|(_, file)| *file == name).map(|(tensor, _)| tensor.clone());
    let mut promised: Vec<String> = promised.collect();
    unwrap(&mut promised.iter_mut().collect::<Vec<_>>());
    match promised.into_iter().find(|tensor| !there.contains(tensor.as_str())) {
        None => Ok(()),
        Some(tensor) => Err(Fault::ShardTensor { shard: name.into(), tensor }),
    }
}
