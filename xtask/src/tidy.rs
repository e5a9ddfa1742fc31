//! Rules of the repository that the compiler does not know.

mod circles;
mod files;
mod tokens;
mod uses;

use crate::failure::Failure;
use crate::mutants;
use crate::program::root;
use files::{list, read, sources};
use std::collections::BTreeSet;
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
    check_table(&mut broken)?;
    broken.extend(mutants::misplaced()?);
    for folder in list(&root().join("crates"))?.into_iter().chain(["xtask", "benches"].map(|name| root().join(name))) {
        let name = folder.strip_prefix(root()).unwrap_or(&folder).display().to_string();
        circles::check(&name, &folder, &mut broken)?;
    }
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

/// The table of layers in `docs/architecture.md` has a row for each crate and no other.
fn check_table(broken: &mut Vec<String>) -> Result<(), Failure> {
    let text = read(&root().join("docs/architecture.md"))?;
    let named = |folder: PathBuf| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let crates = list(&root().join("crates"))?.into_iter().map(named).chain(["xtask".to_owned()]);
    let (crates, rows) = (crates.collect(), rows(&text));
    broken.extend(rows.difference(&crates).map(|name| format!("docs/architecture.md: there is no crate {name}")));
    broken.extend(crates.difference(&rows).map(|name| format!("docs/architecture.md: its table lacks {name}")));
    Ok(())
}

/// The first column of the first table of a document.
fn rows(text: &str) -> BTreeSet<String> {
    let table = text.lines().skip_while(|line| !line.starts_with("| crate |")).take_while(|line| line.starts_with('|'));
    table.filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// So that there is no circle of crates: each knows only such as stand above it.
    #[test]
    fn arrows_point_up() {
        for (i, (name, allowed)) in ARROWS.iter().enumerate() {
            let above = |layer: &&str| *layer == "unify" || ARROWS[..i].iter().any(|(known, _)| known == layer);
            assert!(allowed.iter().all(above), "{name}");
        }
    }

    #[test]
    fn rows_are_those_of_the_first_table() {
        let text = "x\n| crate | is |\n|---|---|\n| `a` | `b` |\n| `c` | d |\n\n| `e` | f |\n";
        assert_eq!(rows(text), ["a", "c"].map(str::to_owned).into());
    }
}
