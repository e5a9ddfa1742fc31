//! The program `undrift-conformance`: what it prints, and how it ends.

use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undrift-conformance"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_group_is_run_and_printed_as_text_or_json() {
    let group = ["--fixtures", FIXTURES, "--group", "metrics"];
    let output = program(&group).output().unwrap();
    let (text, _) = said(&output);
    assert!(output.status.success() && text.contains("passed: 38 cases within tolerance, 0 failed"), "{text}");
    let output = program(&[&group[..], &["--json"]].concat()).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["passed"], &json["within_tolerance"]), (&Value::from(true), &Value::from(38)));
}

#[test]
fn bad_input_ends_with_2_and_what_fails_with_1() {
    let refused = |arguments: &[&str], word: &str| {
        let output = program(arguments).output().unwrap();
        let (_, message) = said(&output);
        assert!(output.status.code() == Some(2) && message.contains(word), "{arguments:?}: {message}");
    };
    refused(&["--fixtures", "no/such/folder"], "no/such/folder");
    refused(&["--fixtures", FIXTURES, "--group", "stairs"], "schedules, losses");
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("steps")).unwrap();
    std::fs::write(folder.path().join("steps/x.json"), "{").unwrap();
    let output = program(&["--fixtures", folder.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = program(&["words", "--fixtures", FIXTURES]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    let (_, message) = said(&output);
    assert!(output.status.success() && message.is_empty(), "{message}");
}
