//! Which methods are covered.

use super::error::FixtureError;
use super::fixture::Fixture;

/// Says that the method of a fixture is not there, in the words of its own sidecar.
pub(super) fn method_of(fixture: &Fixture) -> FixtureError {
    let root = fixture.root();
    let list = root.find("peers").map(|peers| peers.members()).unwrap_or_default();
    let list: Vec<&str> = list.iter().filter_map(|peer| peer.as_text()).collect();
    let stated = [fixture.peer().to_owned(), root.text_or_empty("what").to_owned(), list.join(", ")];
    let who = stated.iter().find(|who| !who.is_empty());
    let reason = match who.map_or("", String::as_str) {
        "" => "the sidecar names no method that is known here".to_owned(),
        who => format!("no such method here yet: {}", without_commits(who)),
    };
    FixtureError::NotCovered(reason)
}

/// `owner/name@0123abc.. function` without the commit.
fn without_commits(peer: &str) -> String {
    let words = peer.split(' ').map(|word| match word.split_once('@') {
        Some((name, _)) => name,
        None => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_left_out() {
        assert_eq!(without_commits("a/b@0f1e c.d / e"), "a/b c.d / e");
    }
}
