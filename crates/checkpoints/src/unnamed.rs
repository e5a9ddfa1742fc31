//! Lists of tensors without names, beside no network that has them.

use std::path::Path;

use crate::candidates::{Candidate, named, tensors};
use crate::file::Checkpoint;
use crate::{CheckpointError, Layout, Settings, WeightKind};

/// The lists of a file as the parameters of the network that settings describe, in its order.
///
/// # Errors
///
/// [`CheckpointError::Unnamed`] where no layout makes a network with these shapes of the settings, unless the file has
/// more tensors with names.
pub(crate) fn of_settings(
    file: &Checkpoint,
    path: &Path,
    settings: &Settings,
) -> Result<Vec<Candidate>, CheckpointError> {
    let lists: Vec<&str> = file.groups().into_iter().filter(|group| !file.is_named(group)).collect();
    let orders = orders(settings);
    let of = |list: &&str| {
        orders.iter().find_map(|(layout, order)| {
            let tensors = named(tensors(file, list), order)?;
            let (name, kind) = ((*list).to_owned(), WeightKind::of_path(list));
            Some(Candidate { name, layout: *layout, kind, tensors })
        })
    };
    let found: Vec<Candidate> = lists.iter().filter_map(of).collect();
    let count = |group: &&str| file.tensors(group).len();
    let named = file.groups().into_iter().filter(|group| file.is_named(group)).map(|group| count(&group)).max();
    match lists.iter().max_by_key(|list| count(list)) {
        Some(list) if found.is_empty() && Some(count(list)) > named => {
            Err(CheckpointError::Unnamed { path: path.to_owned(), list: (*list).to_owned(), count: count(list) })
        }
        _ => Ok(found),
    }
}

/// Names and shapes of a network's parameters, in the published order.
type Order = Vec<(String, Vec<usize>)>;

/// The order of parameters in every layout that makes a network of these settings.
fn orders(settings: &Settings) -> Vec<(Layout, Order)> {
    let of = |layout: Layout| {
        let entries = layout.entries(&layout.config(settings).ok()?).ok()?;
        Some((layout, entries.into_iter().map(|entry| (entry.theirs, entry.shape)).collect()))
    };
    Layout::ALL.into_iter().filter_map(of).collect()
}
