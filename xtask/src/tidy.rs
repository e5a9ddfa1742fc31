//! Rules of the repository that the compiler does not know.

use crate::{Failure, root};
use std::fs;
use std::path::{Path, PathBuf};
use toml::Table;

/// For each crate, which of our crates it may use (`docs/architecture.md`).
const ARROWS: &[(&str, &[&str])] = &[
    ("schedules", &[]),
    ("files", &[]),
    ("noise", &[]),
    ("kernels", &[]),
    ("report", &[]),
    ("denoisers", &["schedules"]),
    ("networks", &["noise", "kernels"]),
    ("losses", &["schedules", "denoisers", "noise"]),
    ("samplers", &["schedules", "denoisers", "noise"]),
    ("metrics", &["schedules", "files", "denoisers", "noise", "samplers", "losses", "networks"]),
    ("checkpoints", &["files", "noise", "networks"]),
    ("data", &["noise"]),
    ("training", &["schedules", "files", "denoisers", "noise", "kernels", "losses", "networks", "data"]),
    (
        "studies",
        &["schedules", "files", "noise", "denoisers", "networks", "losses", "samplers", "metrics", "data", "training"],
    ),
    ("pipelines", &["schedules", "noise", "denoisers", "networks", "samplers", "checkpoints"]),
    (
        "conformance",
        &[
            "schedules",
            "noise",
            "kernels",
            "denoisers",
            "networks",
            "losses",
            "samplers",
            "metrics",
            "files",
            "checkpoints",
            "pipelines",
            "unify",
        ],
    ),
    (
        "lab",
        &[
            "schedules",
            "files",
            "noise",
            "kernels",
            "denoisers",
            "networks",
            "losses",
            "samplers",
            "metrics",
            "checkpoints",
            "data",
            "training",
            "studies",
            "report",
            "pipelines",
            "unify",
        ],
    ),
    (
        "undrift",
        &[
            "schedules",
            "files",
            "noise",
            "kernels",
            "denoisers",
            "networks",
            "losses",
            "samplers",
            "metrics",
            "checkpoints",
            "data",
            "training",
            "studies",
            "report",
            "pipelines",
        ],
    ),
];

/// Crates that know no Burn.
const WITHOUT_BURN: &[&str] = &["schedules", "report"];

/// Longest file, without its tests.
const LONGEST: usize = 400;

/// File names that say nothing.
const VAGUE: &[&str] = &["utils.rs", "util.rs", "common.rs", "helpers.rs", "prelude.rs", "misc.rs"];

/// What no source file says, and what to say instead.
const BANNED: &[(&str, &str)] = &[
    (
        concat!("Device::", "default("),
        "Burn's default is the most capable device of the build, whatever was asked for: take the chosen one, or name one",
    ),
    (concat!("&Default", "::default()"), "a device has no default here: take the chosen one, or name one"),
];

/// Checks every rule and lists all that is broken.
pub(crate) fn run() -> Result<(), Failure> {
    let mut broken = Vec::new();
    check_arrows(&mut broken)?;
    for folder in ["crates", "examples", "xtask", "benches"] {
        for file in sources(&root().join(folder))? {
            check_file(&file, &mut broken)?;
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(Failure::Message(format!("tidy:\n  {}", broken.join("\n  "))))
}

fn check_arrows(broken: &mut Vec<String>) -> Result<(), Failure> {
    for entry in list(&root().join("crates"))? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            broken.push(format!("crates/{name}: not a layer of docs/architecture.md"));
            continue;
        };
        let manifest: Table = read(&entry.join("Cargo.toml"))?
            .parse()
            .map_err(|e| Failure::Message(format!("crates/{name}/Cargo.toml: {e}")))?;
        let used = manifest.get("dependencies").and_then(|d| d.as_table()).into_iter().flat_map(|d| d.keys());
        for dependency in used {
            match dependency.strip_prefix("undrift-") {
                Some(layer) if !allowed.contains(&layer) => {
                    broken.push(format!("crates/{name} must not know crates/{layer}"));
                }
                None if dependency == "burn" && WITHOUT_BURN.contains(&name.as_str()) => {
                    broken.push(format!("crates/{name} must not know Burn"));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn check_file(file: &Path, broken: &mut Vec<String>) -> Result<(), Failure> {
    let text = read(file)?;
    let shown = file.strip_prefix(root()).unwrap_or(file).display();
    let code = text.split("\n#[cfg(test)]").next().unwrap_or_default().lines().count();
    if code > LONGEST {
        broken.push(format!("{shown}: {code} lines without tests, at most {LONGEST}"));
    }
    if VAGUE.iter().any(|name| file.ends_with(name)) {
        broken.push(format!("{shown}: a file is named after its concept"));
    }
    for (words, instead) in BANNED.iter().filter(|(words, _)| text.contains(words)) {
        broken.push(format!("{shown}: `{words}`: {instead}"));
    }
    if !text.starts_with("//!") {
        broken.push(format!("{shown}: begins without a `//!` line that says what it is"));
    }
    Ok(())
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in list(folder)? {
        if entry.is_dir() && !entry.ends_with("target") {
            found.extend(sources(&entry)?);
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            found.push(entry);
        }
    }
    Ok(found)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |e| Failure::Message(format!("{}: {e}", folder.display()));
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    entries.sort();
    Ok(entries)
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|e| Failure::Message(format!("{}: {e}", file.display())))
}
