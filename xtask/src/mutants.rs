//! Planted mistakes: each one-line mutation of `xtask/mutants.toml` must make the named tests fail.
//!
//! The tree is copied to `target/mutants`, so that an interruption leaves the working tree alone. The copy has a
//! target directory of its own: cargo names the artifacts of both trees alike, and would take a mutated one for fresh.

use crate::failure::Failure;
use crate::program::{cargo, finish, root};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Options of `cargo xtask mutants`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the mistakes whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// List the mistakes
    #[arg(long)]
    list: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutants: Vec<Mutant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    file: PathBuf,
    find: String,
    replace: String,
    /// The packages whose tests must catch it.
    packages: Vec<String>,
}

/// Plants every mistake in turn.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let chosen = chosen(args)?;
    if args.list {
        for mutant in &chosen {
            println!("{:40} {}", mutant.name, mutant.file.display());
        }
        return Ok(());
    }
    let tree = copy_tree()?;
    check_unchanged(&tree, &chosen)?;
    let mut survivors = Vec::new();
    for (index, mutant) in chosen.iter().enumerate() {
        let caught = plant(&tree, mutant)?;
        println!("{:3}/{} {} {}", index + 1, chosen.len(), if caught { "caught  " } else { "SURVIVED" }, mutant.name);
        if !caught {
            survivors.push(mutant.name.as_str());
        }
    }
    println!("{} passed, {} failed", chosen.len() - survivors.len(), survivors.len());
    if survivors.is_empty() { Ok(()) } else { Err(Failure::Exit(1)) }
}

/// Mistakes that cannot be planted, as their line is not in its file exactly once.
pub(crate) fn misplaced() -> Result<Vec<String>, Failure> {
    let stands = |mutant: &Mutant| read(&root().join(&mutant.file)).is_ok_and(|text| mutant.stands_in(&text));
    Ok(all()?.iter().filter(|mutant| !stands(mutant)).map(Mutant::misplaced).collect())
}

impl Mutant {
    fn stands_in(&self, text: &str) -> bool {
        text.matches(&self.find).count() == 1
    }

    fn misplaced(&self) -> String {
        format!("xtask/mutants.toml: {}: {} does not hold its line exactly once", self.name, self.file.display())
    }
}

fn all() -> Result<Vec<Mutant>, Failure> {
    let path = root().join("xtask/mutants.toml");
    let list: List = toml::from_str(&read(&path)?).map_err(|e| Failure::Message(format!("{}: {e}", path.display())))?;
    Ok(list.mutants)
}

fn chosen(args: &Args) -> Result<Vec<Mutant>, Failure> {
    let wanted = |mutant: &Mutant| args.only.as_ref().is_none_or(|part| mutant.name.contains(part));
    let chosen: Vec<Mutant> = all()?.into_iter().filter(wanted).collect();
    if chosen.is_empty() {
        return Err(Failure::Message("no mistake has such a name; `--list` shows all".to_owned()));
    }
    Ok(chosen)
}

/// Copies what git tracks, or would track, to `target/mutants`.
fn copy_tree() -> Result<PathBuf, Failure> {
    let tree = root().join("target/mutants");
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|e| Failure::Message(format!("cannot start git: {e}")))?;
    for file in String::from_utf8_lossy(&listed.stdout).lines() {
        let (from, to) = (root().join(file), tree.join(file));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
        }
        let bytes = fs::read(&from).map_err(|e| failed(&from, &e))?;
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            fs::write(&to, bytes).map_err(|e| failed(&to, &e))?;
        }
    }
    Ok(tree)
}

/// Without any mistake the tests must pass, or catching one would mean nothing.
fn check_unchanged(tree: &Path, mutants: &[Mutant]) -> Result<(), Failure> {
    let mut packages: Vec<&str> = mutants.iter().flat_map(|m| m.packages.iter().map(String::as_str)).collect();
    packages.sort_unstable();
    packages.dedup();
    println!("without a mistake: {}", packages.join(", "));
    finish(test(tree, &packages).stdout(Stdio::null()))
        .map_err(|_| Failure::Message("the tests fail without any mistake planted".to_owned()))
}

/// Whether the tests fail with the mistake in place; one that does not compile is an error.
fn plant(tree: &Path, mutant: &Mutant) -> Result<bool, Failure> {
    let path = tree.join(&mutant.file);
    let original = read(&path)?;
    if !mutant.stands_in(&original) {
        return Err(Failure::Message(mutant.misplaced()));
    }
    fs::write(&path, original.replace(&mutant.find, &mutant.replace)).map_err(|e| failed(&path, &e))?;
    let packages: Vec<&str> = mutant.packages.iter().map(String::as_str).collect();
    let compiles = build(tree, &packages);
    let passes = test(tree, &packages).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    fs::write(&path, original).map_err(|e| failed(&path, &e))?;
    if !compiles {
        return Err(Failure::Message(format!("{}: the mistake does not compile, so it tests nothing", mutant.name)));
    }
    Ok(!passes)
}

fn build(tree: &Path, packages: &[&str]) -> bool {
    let mut command = test(tree, packages);
    command.arg("--no-run").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn test(tree: &Path, packages: &[&str]) -> Command {
    let mut command = cargo(&["test", "--release", "--quiet", "--lib", "--tests"]);
    for package in packages {
        command.args(["--package", package]);
    }
    command.current_dir(tree).env("CARGO_TARGET_DIR", root().join("target/mutants-build"));
    command
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|e| failed(path, &e))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Message(format!("{}: {error}", path.display()))
}
