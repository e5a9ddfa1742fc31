//! The program as a test starts it, and what it leaves behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tiny.toml");

pub(crate) fn undrift(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undrift"));
    command.args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{text}");
    text
}

pub(crate) fn succeeds(arguments: &[&str]) -> String {
    let output = undrift(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The message of a command that must end with status 2 and say all of `words`, within seconds.
pub(crate) fn refused(arguments: &[&str], words: &[&str]) -> String {
    let started = Instant::now();
    let output = undrift(arguments).output().unwrap();
    let message = said(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?}: no `{word}` in: {message}");
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{arguments:?} took {:?}", started.elapsed());
    message
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The recipe of tests with some of its text replaced.
pub(crate) fn recipe(folder: &Path, name: &str, changes: &[(&str, &str)]) -> PathBuf {
    let mut source = fs::read_to_string(TINY).unwrap();
    for (find, replace) in changes {
        assert!(source.contains(find), "{find}");
        source = source.replace(find, replace);
    }
    let path = folder.join(name);
    fs::write(&path, source).unwrap();
    path
}

/// Names and bytes of every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push((path.clone(), fs::read(path).unwrap())) }
    }
    found.sort();
    found
}
