//! `undrift info` and the choice of vector instructions.

use std::process::{Command, Output};

fn info(level: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undrift"));
    command.arg("info").env("UNDRIFT_SIMD", level).output().expect("the program starts")
}

#[test]
fn the_chosen_instructions_are_reported() {
    let output = info("portable");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("vector instructions of the flex device: portable"), "{text}");
}

#[test]
fn unknown_instructions_are_refused_with_the_known_ones() {
    let output = info("avx1024");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("UNDRIFT_SIMD is `avx1024`; it must be avx512, avx2 or portable"), "{text}");
}
