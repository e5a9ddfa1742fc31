//! Which of several networks is taken.

use std::path::Path;

use crate::candidates::{Candidate, shapes, tensors};
use crate::file::Checkpoint;
use crate::location::Location;
use crate::{CheckpointError, WeightKind, foreign};

/// The network that is asked for; where nothing is asked for, the first average, or else the first network.
///
/// # Errors
///
/// [`CheckpointError::UnknownGroup`] with all that can be asked for.
pub(crate) fn of<'a>(
    networks: &'a [Candidate],
    wanted: Option<&str>,
    places: &[Location],
) -> Result<&'a Candidate, CheckpointError> {
    let first = |matches: &dyn Fn(&Candidate) -> bool| networks.iter().find(|network| matches(network));
    let is = |kind| move |network: &Candidate| network.kind == kind;
    let found = match wanted {
        None => first(&is(WeightKind::Ema)).or(networks.first()),
        Some("ema") => first(&is(WeightKind::Ema)),
        Some("raw") => first(&is(WeightKind::Raw)),
        Some(name) => first(&|network| network.name == name).or_else(|| first(&|network| ends(&network.name, name))),
    };
    found.ok_or_else(|| {
        let groups = names(networks, places).join(", ");
        CheckpointError::UnknownGroup {
            path: places[0].weights.clone(),
            group: wanted.unwrap_or_default().to_owned(),
            groups: if groups.is_empty() { "one unnamed group".to_owned() } else { groups },
        }
    })
}

/// Whether the last keys of a path are these.
fn ends(path: &str, keys: &str) -> bool {
    path.strip_suffix(keys).is_some_and(|rest| rest.ends_with('.'))
}

/// What can be asked for: the places where there are several, else the networks of the file.
pub(crate) fn names(networks: &[Candidate], places: &[Location]) -> Vec<String> {
    match places {
        [place] if place.name.is_empty() || networks.len() > 1 => {
            networks.iter().map(|network| network.name.clone()).collect()
        }
        several => several.iter().map(|place| place.name.clone()).collect(),
    }
}

/// The error about a file without a network of a known layout: its largest groups, and some of their names.
pub(crate) fn unknown(file: &Checkpoint, path: &Path) -> CheckpointError {
    let mut groups = file.groups();
    let all = |group: &str| tensors(file, group);
    if let Some(Err(conditional)) =
        groups.iter().map(|group| foreign::check_unconditional(path, &shapes(&all(group)))).find(Result::is_err)
    {
        return conditional;
    }
    groups.sort_by_key(|group| std::cmp::Reverse(all(group).len()));
    let largest = groups.first().map_or(0, |group| all(group).len());
    groups.retain(|group| all(group).len() * SMALL >= largest);
    let described: Vec<String> = groups.into_iter().take(MOST_GROUPS).map(|group| described(group, file)).collect();
    CheckpointError::UnknownLayout { path: path.to_owned(), names: described.join("; ") }
}

/// A group of so many times fewer tensors than the largest is no network.
const SMALL: usize = 10;

/// Groups that an error shows.
const MOST_GROUPS: usize = 4;

/// Names of each of them.
const MOST_NAMES: usize = 4;

fn described(group: &str, file: &Checkpoint) -> String {
    let tensors = tensors(file, group);
    let mut names: Vec<&str> = tensors.iter().take(MOST_NAMES).map(|tensor| tensor.stored.as_str()).collect();
    if tensors.len() > names.len() {
        names.push("..");
    }
    match group {
        "" => names.join(", "),
        group => format!("`{group}` with {}", names.join(", ")),
    }
}
