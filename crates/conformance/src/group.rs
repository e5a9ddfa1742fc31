//! The groups of golden vectors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::case::{Case, Cases, Outcome};
use super::error::{ConformanceError, FixtureError};
use super::fixture::Fixture;
use super::{chains, losses, metrics, networks, pipelines, schedules, steps};

/// What a fixture of a group is run by.
type Runner = fn(&Fixture, &mut Cases) -> Result<(), FixtureError>;

/// What a file of a folder that is no fixture is run by.
type FileRunner = fn(&Path, &str, &mut Cases) -> Result<(), FixtureError>;

/// What a folder that is one case is run by.
type FolderRunner = fn(&Path, &mut Cases) -> Result<(), FixtureError>;

/// One folder of golden vectors.
pub(super) struct Group {
    pub(super) name: &'static str,
    runner: Option<Runner>,
    files: Option<FileRunner>,
    /// What a folder of the group, which is one case, is run by.
    folders: Option<FolderRunner>,
    /// Whether every file must be known, but for those of `ABSENT`.
    whole: bool,
}

/// Beginnings of the names of files in whole groups whose methods do not exist here.
const ABSENT: [&str; 6] = [
    "solver_deis",
    "solver_dpmpp_3m",
    "solver_sde_",
    "solver_dpmsolver_2m",
    "solver_dpmpp_2m_heun",
    "solver_unipc_bh1_o3",
];

/// All groups, in the order in which they are run.
pub(super) const GROUPS: [Group; 9] = [
    Group::whole("schedules", schedules::run),
    Group::whole("losses", losses::run),
    Group::whole("steps", steps::run),
    Group::whole("chains", chains::run),
    Group::run_by("metrics", metrics::run),
    Group::later("cold"),
    Group::of_files("networks", networks::run, networks::run_file),
    Group::later("data"),
    Group::of_folders("pipelines", pipelines::run),
];

/// Files beside the groups that say where the numbers come from.
const ABOUT: [&str; 4] = ["README.md", "INDEX.json", "PEERS.json", "f32_vs_f64.json"];

impl Group {
    const fn run_by(name: &'static str, runner: Runner) -> Self {
        Group { name, runner: Some(runner), files: None, folders: None, whole: false }
    }

    /// A group of which a file that is not known fails, so that no new vector goes unnoticed.
    const fn whole(name: &'static str, runner: Runner) -> Self {
        Group { whole: true, ..Group::run_by(name, runner) }
    }

    /// A whole group with files beside its fixtures that say something of their own.
    const fn of_files(name: &'static str, runner: Runner, files: FileRunner) -> Self {
        Group { files: Some(files), ..Group::whole(name, runner) }
    }

    /// A group each of whose folders is one case.
    const fn of_folders(name: &'static str, runner: FolderRunner) -> Self {
        Group { folders: Some(runner), ..Group::later(name) }
    }

    const fn later(name: &'static str) -> Self {
        Group { name, runner: None, files: None, folders: None, whole: false }
    }

    /// The cases of a folder, file by file.
    pub(super) fn cases(&self, folder: &Path) -> Result<Vec<Case>, ConformanceError> {
        if !folder.is_dir() {
            let path = folder.to_owned();
            return Err(ConformanceError::MissingDirectory { path });
        }
        if let Some(runner) = self.folders {
            return folders(self.name, folder, runner);
        }
        let files = files_below(folder)?;
        match self.runner {
            Some(runner) => {
                let cases = run_files(self.name, folder, &files, runner, self.files);
                Ok(cases.into_iter().map(|case| if self.whole { must_be_known(case) } else { case }).collect())
            }
            None => Ok(uncovered(self.name, folder, &files)),
        }
    }
}

/// The cases of every folder and of stray files.
pub(super) fn all(fixtures: &Path) -> Result<Vec<Case>, ConformanceError> {
    let mut cases = Vec::new();
    for group in &GROUPS {
        let folder = fixtures.join(group.name);
        if folder.is_dir() {
            let found = group.cases(&folder)?;
            cases.extend(if found.is_empty() { empty(group.name) } else { found });
        }
    }
    for path in entries(fixtures)? {
        let name = name_of(fixtures, &path);
        let known = ABOUT.contains(&name.as_str()) || GROUPS.iter().any(|group| group.name == name);
        if !known {
            let files = if path.is_dir() { files_below(&path)? } else { vec![path] };
            let stray = files.iter().map(|file| name_of(fixtures, file));
            cases.extend(stray.flat_map(|name| not_covered(&name, "no group of fixtures is known by this name")));
        }
    }
    Ok(cases)
}

/// A whole file that is not covered is a failure, unless its method is known to be absent.
fn must_be_known(case: Case) -> Case {
    let stem = case.file.rsplit('/').next().unwrap_or_default();
    let absent = ABSENT.iter().any(|name| stem.starts_with(name));
    match case.outcome {
        Outcome::NotCovered { reason, known: false } if case.item.is_empty() && !absent => Case {
            outcome: Outcome::Failed { reason: format!("every file of this group must be known: {reason}") },
            ..case
        },
        outcome => Case { outcome, ..case },
    }
}

/// Every folder is a case; beside them only what says where the numbers come from.
fn folders(group: &str, folder: &Path, runner: FolderRunner) -> Result<Vec<Case>, ConformanceError> {
    let mut cases = Vec::new();
    for path in entries(folder)? {
        let name = name_of(folder, &path);
        if path.is_dir() {
            cases.extend(guarded(&format!("{group}/{name}"), |cases| runner(&path, cases)));
        } else if !ABOUT.contains(&name.as_str()) {
            cases.extend(not_covered(&format!("{group}/{name}"), "a file beside the cases"));
        }
    }
    Ok(cases)
}

fn run_files(group: &str, folder: &Path, files: &[PathBuf], runner: Runner, alone: Option<FileRunner>) -> Vec<Case> {
    let names: Vec<String> = files.iter().map(|file| name_of(folder, file)).collect();
    let has = |name: String| names.contains(&name);
    let mut cases = Vec::new();
    for name in &names {
        let file = |stem: &str| format!("{group}/{stem}");
        match name.rsplit_once('.') {
            Some((stem, "json")) if stem.starts_with('_') => {
                cases.extend(note(&file(stem), "notes on how the vectors were checked when they were made"));
            }
            Some((stem, "json")) => {
                let run = |cases: &mut Cases| Fixture::read(folder, stem).and_then(|fixture| runner(&fixture, cases));
                cases.extend(guarded(&file(stem), run));
            }
            Some((stem, "safetensors")) if has(format!("{stem}.json")) => {}
            Some((stem, _)) if alone.is_some() && has(format!("{stem}.json")) => {}
            Some(_) if let Some(alone) = alone => {
                cases.extend(guarded(&file(name), |cases| alone(folder, name, cases)))
            }
            Some((stem, "safetensors")) => {
                let field = format!("{stem}.json");
                let mut orphan = Cases::of(&file(stem));
                orphan.error("", FixtureError::NoSidecar { field });
                cases.extend(orphan.finish());
            }
            _ => cases.extend(not_covered(&file(name), "a kind of file that is not read here")),
        }
    }
    cases
}

/// The cases of one file.
fn guarded(file: &str, run: impl FnOnce(&mut Cases) -> Result<(), FixtureError>) -> Vec<Case> {
    let mut cases = Cases::of(file);
    // One file whose shapes contradict each other must not hide what the others show.
    let run = catch_unwind(AssertUnwindSafe(|| run(&mut cases))).unwrap_or_else(|panic| Err(panicked(&*panic)));
    match run {
        Err(error) => cases.error("", error),
        Ok(()) if cases.is_empty() => cases.error("", FixtureError::NothingCompared),
        Ok(()) => {}
    }
    cases.finish()
}

fn panicked(panic: &(dyn Any + Send)) -> FixtureError {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    FixtureError::Panicked(text.unwrap_or_default())
}

/// Sidecars with their tensors count once.
fn uncovered(group: &str, folder: &Path, files: &[PathBuf]) -> Vec<Case> {
    let names: Vec<String> = files.iter().map(|file| name_of(folder, file)).collect();
    let with_sidecar = |name: &str| {
        let stem = name.strip_suffix(".safetensors");
        stem.is_some_and(|stem| names.contains(&format!("{stem}.json")))
    };
    let listed = names.iter().filter(|name| !with_sidecar(name));
    let reason = format!("nothing of the group `{group}` is run here yet");
    listed.flat_map(|name| not_covered(&format!("{group}/{name}"), &reason)).collect()
}

fn not_covered(file: &str, reason: &str) -> Vec<Case> {
    let mut cases = Cases::of(file);
    cases.not_covered("", reason);
    cases.finish()
}

fn note(file: &str, reason: &str) -> Vec<Case> {
    let mut cases = Cases::of(file);
    cases.note("", reason);
    cases.finish()
}

fn empty(group: &str) -> Vec<Case> {
    let mut cases = Cases::of(group);
    cases.error("", FixtureError::EmptyFolder);
    cases.finish()
}

/// The files below a folder, sorted.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, ConformanceError> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        match path.is_dir() {
            true => files.extend(files_below(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ConformanceError> {
    let failed = |source| ConformanceError::Read { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn name_of(folder: &Path, file: &Path) -> String {
    file.strip_prefix(folder).unwrap_or(file).display().to_string()
}
