//! What `torch.save` wrote before PyTorch 1.6, and still does where it is asked to.

use std::collections::HashMap;

use super::contents::Contents;
use super::fault::Fault;
use super::pickle::{LONGEST_PICKLE, Pickle, read_pickle};
use super::pickle_value::{Value, Values};
use super::source::Source;
use super::state_dicts::{bytes, contents as built};

/// A pickle of the number 0x1950a86a20f9469cfc6c.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// The only version of this format.
const PROTOCOL: i64 = 1001;

/// What a file holds: the magic number, the version, the byte order, the weights and the keys of their
/// storages are five pickles, and the storages follow in the order of the keys.
///
/// # Errors
///
/// A [`Fault`] that says what is wrong with which part.
pub(super) fn contents(source: &Source) -> Result<Contents, Fault> {
    let head = source.head(LONGEST_PICKLE as usize)?;
    let mut at = 0;
    let mut next = || read_pickle(&head[at..]).inspect(|pickle| at += pickle.length);
    next()?;
    if !head.starts_with(MAGIC) {
        return Err(Fault::Unrecognised { found: "a pickle without the magic number of torch.save" });
    }
    check_version(next()?.root)?;
    check_byte_order(&next()?)?;
    let (weights, keys) = (next()?, next()?);
    let starts = storages(source, &weights.values, &keys, at as u64)?;
    built(&weights, &starts, source.length)
}

fn check_version(version: Value<'_>) -> Result<(), Fault> {
    if version == Value::Int(PROTOCOL) {
        return Ok(());
    }
    Err(Fault::Pickle { at: MAGIC.len(), expected: "version 1001 of torch.save's old format" })
}

fn check_byte_order(system: &Pickle<'_>) -> Result<(), Fault> {
    let Value::Dict(dict) = system.root else {
        return Err(Fault::Pickle { at: MAGIC.len(), expected: "the properties of the system" });
    };
    let big = (Value::Text("little_endian"), Value::Bool(false));
    if system.values.dicts[dict].contains(&big) { Err(Fault::ByteOrder { found: "big".into() }) } else { Ok(()) }
}

/// Where the storages start, by key: each has its number of elements in eight bytes, and then these.
fn storages<'a>(
    source: &Source,
    values: &Values<'a>,
    keys: &Pickle<'a>,
    mut at: u64,
) -> Result<HashMap<&'a str, u64>, Fault> {
    let described: HashMap<_, _> = values.storages.iter().map(|storage| (storage.key, storage)).collect();
    if values.storages.iter().any(|storage| described[storage.key] != storage) {
        return Err(Fault::Pickle { at: 0, expected: "one type and size of each storage" });
    }
    let Value::List(list) = keys.root else {
        return Err(Fault::Pickle { at: 0, expected: "a list of the storages' keys" });
    };
    let mut starts = HashMap::new();
    for key in &keys.values.sequences[list] {
        let Value::Text(key) = key else { return Err(Fault::Pickle { at: 0, expected: "a key that is text" }) };
        let undescribed = Fault::Pickle { at: 0, expected: "tensors of every storage" };
        let needed = described.get(key).map(|storage| bytes(storage)).ok_or(undescribed)?;
        check_storage(source, key, described[key].count as u64, needed, at)?;
        starts.insert(*key, at + COUNT);
        at += COUNT + needed;
    }
    Ok(starts)
}

/// Bytes of a storage's number of elements.
const COUNT: u64 = 8;

/// Refuses a storage that is not whole, or whose number of elements is not that of the pickle.
fn check_storage(source: &Source, key: &str, count: u64, needed: u64, at: u64) -> Result<(), Fault> {
    let cut = |found| Fault::Storage { key: key.into(), needed, found };
    let available = source.length.saturating_sub(at).checked_sub(COUNT).ok_or_else(|| cut(0))?;
    if available < needed {
        return Err(cut(available));
    }
    let mut written = [0; COUNT as usize];
    source.fill(at, &mut written)?;
    if u64::from_le_bytes(written) == count {
        return Ok(());
    }
    Err(Fault::Pickle { at: 0, expected: "storages of as many elements as their tensors say" })
}
