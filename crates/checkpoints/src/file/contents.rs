//! What a file holds, whatever its format.

use std::collections::BTreeMap;

use super::group::Group;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) groups: Vec<Group>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) words: BTreeMap<String, String>,
    pub(super) training_list: bool,
}
