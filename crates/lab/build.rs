//! The commit that the program is built from, for `result.json`: `UNDRIFT_COMMIT` while compiling.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    println!("cargo::rustc-env=UNDRIFT_COMMIT={}", commit(&root));
    for path in watched(&root) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// The commit of a source tree, with `+changes` if what the program is made of differs from it; `unknown` for a tree
/// that is not a git checkout itself, wherever it lies.
pub fn commit(root: &Path) -> String {
    checked_out(root).unwrap_or_else(|| "unknown".to_owned())
}

fn checked_out(root: &Path) -> Option<String> {
    let top = git(root, &["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(top).ok()? != fs::canonicalize(root).ok()? {
        return None;
    }
    let id = git(root, &["rev-parse", "--short=12", "HEAD"])?;
    let status = ["status", "--porcelain", "--untracked-files=no", "--", "Cargo.toml", "Cargo.lock", "crates", "unify"];
    let changed = !git(root, &[&status[..], &UNBUILT].concat())?.is_empty();
    Some(if changed { format!("{id}+changes") } else { id })
}

/// What lies beside the sources of the crates and is no part of the program.
const UNBUILT: [&str; 2] = [":(exclude,glob)crates/*/tests/**", ":(exclude,glob)crates/*/examples/**"];

/// What git prints about the tree at `root`, without the last line break; `None` if it fails.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // A hook of git's sets them, for the repository of the hook.
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"].iter().for_each(|name| _ = command.env_remove(name));
    let output = command.arg("-C").arg(root).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}

/// What moves when another commit is checked out or made, or when a source file changes.
pub fn watched(root: &Path) -> Vec<PathBuf> {
    let mut paths = vec![root.join("Cargo.toml"), root.join("Cargo.lock"), root.join("unify")];
    let crates = fs::read_dir(root.join("crates")).into_iter().flatten().flatten();
    for entry in crates.flat_map(|one| fs::read_dir(one.path())).flatten().flatten() {
        if entry.file_name() != "tests" && entry.file_name() != "examples" {
            paths.push(entry.path());
        }
    }
    paths.extend(of_git(root));
    paths.retain(|path| path.exists());
    paths
}

/// HEAD, the branch that it names, and where git keeps branches that it has packed.
fn of_git(root: &Path) -> Vec<PathBuf> {
    let mut names = vec!["HEAD".to_owned(), "logs/HEAD".to_owned(), "packed-refs".to_owned()];
    names.extend(git(root, &["symbolic-ref", "--quiet", "HEAD"]));
    names.iter().filter_map(|name| git(root, &["rev-parse", "--git-path", name])).map(|path| root.join(path)).collect()
}
