//! The commit that the build script bakes in.

#[allow(dead_code, unreachable_pub)]
#[path = "../build.rs"]
mod build_script;

use build_script::{commit, watched};
use std::fs;
use std::path::Path;
use std::process::Command;

fn git(root: &Path, arguments: &[&str]) -> String {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").arg("-C").arg(root).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A checkout with a source file and a test.
fn repository(root: &Path) {
    for folder in ["crates/one/src", "crates/one/tests", "unify"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in
        ["Cargo.toml", "Cargo.lock", "README.md", "unify/lib.rs", "crates/one/src/lib.rs", "crates/one/tests/a.rs"]
    {
        fs::write(root.join(file), "//! One.\n").unwrap();
    }
    git(root, &["init", "--quiet", "--initial-branch", "main"]);
    save(root);
}

fn save(root: &Path) -> String {
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--allow-empty", "--message", "a"]);
    git(root, &["rev-parse", "--short=12", "HEAD"])
}

#[test]
fn it_is_that_of_the_source_with_a_mark_for_changes_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    repository(root);
    let id = save(root);
    assert_eq!(commit(root), id);
    for beside in ["README.md", "crates/one/tests/a.rs", "notes.txt"] {
        fs::write(root.join(beside), "//! Two.\n").unwrap();
        assert_eq!(commit(root), id, "{beside} is no part of the program");
    }
    for part in ["Cargo.toml", "Cargo.lock", "unify/lib.rs", "crates/one/src/lib.rs"] {
        let before = fs::read(root.join(part)).unwrap();
        fs::write(root.join(part), "//! Two.\n").unwrap();
        assert_eq!(commit(root), format!("{id}+changes"), "{part}");
        fs::write(root.join(part), before).unwrap();
    }
    assert_eq!(commit(root), id);
}

#[test]
fn a_source_without_git_of_its_own_has_none() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(commit(folder.path()), "unknown");
    repository(folder.path());
    let inside = folder.path().join("unpacked");
    fs::create_dir(&inside).unwrap();
    assert_eq!(commit(&inside), "unknown", "it is not the commit of a repository around the source");
}

#[test]
fn a_new_commit_and_another_branch_move_what_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    repository(root);
    let seen = |root: &Path| -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let files = watched(root).into_iter().filter(|path| path.is_file());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let first = seen(root);
    save(root);
    let second = seen(root);
    assert_ne!(first, second, "a commit");
    git(root, &["pack-refs", "--all"]);
    let packed = seen(root);
    save(root);
    assert_ne!(packed, seen(root), "a commit on a packed branch");
    git(root, &["checkout", "--quiet", "-b", "other"]);
    assert_ne!(second, seen(root), "a branch");
    assert!(watched(root).contains(&root.join("crates/one/src")));
    assert!(
        watched(root).iter().all(|path| path.exists()),
        "cargo builds anew for ever where a watched file is missing"
    );
}

#[test]
fn the_program_says_what_it_was_built_from() {
    let built = undrift_lab::run::build("flex").commit;
    let plain = built.trim_end_matches("+changes");
    let known = plain.len() == 12 && plain.chars().all(|c| c.is_ascii_hexdigit());
    assert!(known || plain == "unknown", "{built}");
}
