//! The zip archives of `torch.save`.

use std::collections::HashMap;
use std::io::{BufReader, Read};

use zip::{CompressionMethod, ZipArchive};

use super::contents::Contents;
use super::element::Element;
use super::fault::Fault;
use super::pickle::{LONGEST_PICKLE, Pickle, read_pickle};
use super::pickle_value::Storage;
use super::source::{Source, SourceReader};
use super::state_dicts::{bytes, contents as built};

/// What an archive holds: its folder has the pickle `data.pkl` and the storages `data/KEY`.
///
/// # Errors
///
/// A [`Fault`] that names the member, or what is wrong with the pickle.
pub(super) fn contents(source: &Source) -> Result<Contents, Fault> {
    let mut archive = Archive::open(source)?;
    if archive.members.contains_key(SCRIPT) {
        return Err(Fault::Script);
    }
    archive.check_byte_order()?;
    let pickle = archive.read(PICKLE, LONGEST_PICKLE)?;
    let pickle = read_pickle(&pickle)?;
    let starts = archive.storages(&pickle)?;
    built(&pickle, &starts, source.length)
}

const PICKLE: &str = "data.pkl";

/// A member that `torch.jit.save` alone writes.
const SCRIPT: &str = "constants.pkl";

/// Where a member of an archive is.
struct Member {
    number: usize,
    start: u64,
    length: u64,
    /// Whether it has a checksum; PyTorch can be told to write none.
    checked: bool,
}

struct Archive<'a> {
    source: &'a Source,
    zip: ZipArchive<BufReader<SourceReader<'a>>>,
    /// By the name within the archive's folder.
    members: HashMap<String, Member>,
}

impl<'a> Archive<'a> {
    fn open(source: &'a Source) -> Result<Self, Fault> {
        let mut zip = ZipArchive::new(BufReader::new(source.reader()))?;
        let mut members = HashMap::new();
        for number in 0..zip.len() {
            let (name, member) = member(&mut zip, number, source.length)?;
            let name = name.split_once('/').map_or(name.as_str(), |(_, name)| name);
            if members.insert(name.to_owned(), member).is_some() {
                return Err(Fault::Duplicate { name: name.into() });
            }
        }
        Ok(Archive { source, zip, members })
    }

    fn check_byte_order(&mut self) -> Result<(), Fault> {
        if !self.members.contains_key("byteorder") {
            return Ok(());
        }
        let order = self.read("byteorder", 16)?;
        if order == b"little" {
            return Ok(());
        }
        Err(Fault::ByteOrder { found: String::from_utf8_lossy(&order).into() })
    }

    /// A whole member, whose checksum is checked where it has one.
    fn read(&mut self, name: &str, most: u64) -> Result<Vec<u8>, Fault> {
        let member = self.members.get(name).ok_or_else(|| Fault::MemberMissing { member: name.into() })?;
        if member.length > most {
            return Err(Fault::PickleLength { length: member.length, most });
        }
        if !member.checked {
            return self.source.bytes(member.start, member.length as usize);
        }
        let mut bytes = Vec::new();
        self.zip.by_index(member.number)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Where the storages of a pickle start, by key; each that is read is whole.
    fn storages<'b>(&self, pickle: &Pickle<'b>) -> Result<HashMap<&'b str, u64>, Fault> {
        let mut starts = HashMap::new();
        let read = |storage: &&Storage<'_>| matches!(storage.element, Element::Read(_));
        for storage in pickle.values.storages.iter().filter(read) {
            let member = self.members.get(&format!("data/{}", storage.key));
            let (needed, found) = (bytes(storage), member.map_or(0, |member| member.length));
            let whole = member.filter(|member| member.length >= needed);
            let whole = whole.ok_or_else(|| Fault::Storage { key: storage.key.into(), needed, found })?;
            starts.insert(storage.key, whole.start);
        }
        Ok(starts)
    }
}

/// A member's name and place; it is stored and lies within the file.
fn member(
    zip: &mut ZipArchive<BufReader<SourceReader<'_>>>,
    number: usize,
    available: u64,
) -> Result<(String, Member), Fault> {
    let file = zip.by_index_raw(number)?;
    let name = file.name().to_owned();
    if file.enclosed_name().is_none() || name.split('/').any(|part| part == "..") {
        return Err(Fault::MemberPath { member: name });
    }
    if file.compression() != CompressionMethod::Stored || file.encrypted() || file.size() != file.compressed_size() {
        return Err(Fault::Compressed { member: name });
    }
    let (start, length) = (file.data_start().unwrap_or(available), file.size());
    if start.checked_add(length).is_none_or(|end| end > available) {
        return Err(Fault::Storage { key: name, needed: length, found: available.saturating_sub(start) });
    }
    let checked = file.crc32() != 0;
    Ok((name, Member { number, start, length, checked }))
}
