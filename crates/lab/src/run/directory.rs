//! The run directory: what is written where, and how it survives an interruption.

use super::lock::{FILE, Lock};
use super::{Inputs, RowInputs, RunError, read_json, write_json};
use crate::recipe::{Experiment, Recipe, WeightSet};
use crate::terminal::note;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run directory that belongs to one resolved recipe, to be read, or to be written by this process alone.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    root: PathBuf,
    lock: Option<Arc<Lock>>,
}

impl RunDirectory {
    /// Creates the directory, or opens one that was made from the same recipe, and holds it for this process alone.
    ///
    /// `recipe` holds all rows, whichever of them are run. Seeds may be added later, and the data may have moved; the
    /// saved recipe must agree in all that training depends on, and the images with those of `inputs`. Where rows are
    /// now sampled or scored otherwise, their samples and scores are removed, to be made again from the trained weights.
    ///
    /// # Errors
    /// [`RunError::DifferentRecipe`] if the directory holds another recipe's run, [`RunError::Foreign`] if it
    /// holds something else, [`RunError::Held`] if another process writes there, [`RunError::OtherInput`] for other
    /// images, [`RunError::Io`] if it cannot be written. Nothing is overwritten then.
    pub fn open(root: &Path, recipe: &Recipe, inputs: &Inputs) -> Result<Self, RunError> {
        let reading = Self { root: root.to_owned(), lock: None };
        if !reading.recipe().exists() {
            reading.check_empty()?;
        }
        create(root)?;
        let directory = Self { lock: Some(Arc::new(Lock::take(root)?)), ..reading };
        let mut kept = recipe.clone();
        match fs::read_to_string(directory.recipe()) {
            Ok(text) => {
                let saved = directory.check_recipe(&text, recipe)?;
                directory.forget(&saved, recipe)?;
                kept.seeds.extend(saved.seeds);
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => directory.check_empty()?,
            Err(source) => return Err(RunError::Io { doing: "read", path: directory.recipe(), source }),
        }
        kept.seeds.sort_unstable();
        kept.seeds.dedup();
        directory.keep_inputs(recipe, inputs)?;
        write_atomically(&directory.recipe(), kept.to_toml().as_bytes())?;
        Ok(directory)
    }

    /// Opens a finished or unfinished run for this process alone, to write into it, and reads its recipe.
    ///
    /// # Errors
    /// As [`existing`](Self::existing), and [`RunError::Held`] if another process writes there.
    pub fn held(root: &Path) -> Result<(Self, Recipe), RunError> {
        Self::existing(root)?;
        let lock = Some(Arc::new(Lock::take(root)?));
        let (directory, recipe) = Self::existing(root)?;
        Ok((Self { lock, ..directory }, recipe))
    }

    /// Opens a finished or unfinished run and reads its recipe.
    ///
    /// # Errors
    /// [`RunError::NotARun`] without a readable and valid `recipe.toml`.
    pub fn existing(root: &Path) -> Result<(Self, Recipe), RunError> {
        let directory = Self { root: root.to_owned(), lock: None };
        let not_a_run = |why: String| RunError::NotARun { path: root.to_owned(), why };
        let text = fs::read_to_string(directory.recipe()).map_err(|e| not_a_run(format!("recipe.toml: {e}")))?;
        let recipe: Recipe = toml::from_str(&text).map_err(|e| not_a_run(format!("recipe.toml: {e}")))?;
        recipe.validate_names().map_err(|e| not_a_run(format!("recipe.toml: {e}")))?;
        Ok((directory, recipe))
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one row and seed.
    pub fn cell(&self, row: &str, seed: u64) -> Cell {
        Cell { folder: self.root.join(row).join(format!("seed-{seed}")), lock: self.lock.clone() }
    }

    /// Refuses to write into a directory that this process does not hold, or does not hold any more.
    ///
    /// # Errors
    /// [`RunError::NotHeld`].
    pub fn check_held(&self) -> Result<(), RunError> {
        check_held(self.lock.as_deref(), &self.root)
    }

    /// Refuses images and an extractor that are not those that a row was begun with.
    ///
    /// # Errors
    /// [`RunError::OtherInput`], and [`RunError::Damaged`] for an unreadable list of them.
    pub fn check_inputs(&self, row: &Experiment, found: &RowInputs) -> Result<(), RunError> {
        let kept = read_json::<Inputs>(&self.inputs())?.unwrap_or_default();
        kept.0.get(&row.id).map_or(Ok(()), |begun_with| found.check(begun_with, row))
    }

    /// Keeps the hashes of rows that have none yet; the others must agree.
    fn keep_inputs(&self, recipe: &Recipe, inputs: &Inputs) -> Result<(), RunError> {
        let found = read_json::<Inputs>(&self.inputs())?;
        if found.is_none() && self.recipe().exists() {
            let root = self.root.display();
            note(format_args!(
                "{root} was begun by a version that kept no hashes of images; those read now are taken for its own"
            ));
        }
        let mut kept = found.unwrap_or_default();
        for row in &recipe.rows {
            let Some(now) = inputs.0.get(&row.id) else { continue };
            for other in recipe.rows.iter().filter(|other| reads_the_same(other, row)) {
                kept.0.get(&other.id).map_or(Ok(()), |begun_with| now.check(begun_with, row))?;
            }
            kept.0.insert(row.id.clone(), now.clone());
        }
        write_json(&self.inputs(), &kept)
    }

    fn inputs(&self) -> PathBuf {
        self.root.join(INPUTS)
    }

    fn recipe(&self) -> PathBuf {
        self.root.join("recipe.toml")
    }

    /// The saved recipe, if it agrees with this one.
    fn check_recipe(&self, text: &str, recipe: &Recipe) -> Result<Recipe, RunError> {
        let saved: Recipe = toml::from_str(text)
            .map_err(|e| RunError::NotARun { path: self.root.clone(), why: format!("recipe.toml: {e}") })?;
        match difference(&saved, recipe) {
            None => Ok(saved),
            Some(what) => Err(RunError::DifferentRecipe { path: self.root.clone(), what }),
        }
    }

    /// Removes the samples and scores of rows whose settings of sampling or scoring are others now.
    fn forget(&self, saved: &Recipe, wanted: &Recipe) -> Result<(), RunError> {
        let tuned = saved.exposure.iter().flat_map(|study| &study.tuning_seeds);
        let seeds: Vec<u64> = saved.seeds.iter().chain(tuned).copied().collect();
        for row in &wanted.rows {
            let Some(old) = saved.rows.iter().find(|old| old.id == row.id) else { continue };
            if !old.settings.scores_alike(&row.settings) {
                let samples = !old.settings.samples_alike(&row.settings);
                seeds.iter().try_for_each(|&seed| self.cell(&row.id, seed).forget(samples))?;
            }
        }
        Ok(())
    }

    fn check_empty(&self) -> Result<(), RunError> {
        match fs::read_dir(&self.root) {
            Ok(mut entries) => match entries.find(|e| !e.as_ref().is_ok_and(|e| is_first(&e.file_name()))) {
                None => Ok(()),
                Some(_) => Err(RunError::Foreign { path: self.root.clone() }),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(RunError::Io { doing: "list", path: self.root.clone(), source }),
        }
    }
}

/// Hashes of what the rows read.
const INPUTS: &str = "inputs.json";

/// Whether a run that was killed before it wrote its recipe may have left a file of this name.
fn is_first(name: &OsStr) -> bool {
    [FILE, INPUTS, "inputs.json.tmp", "recipe.toml.tmp"].iter().any(|first| name == *first)
}

/// Whether two rows are to be compared on the same images, so that the second one may not be begun on others.
fn reads_the_same(one: &Experiment, other: &Experiment) -> bool {
    let read = |row: &Experiment| (row.settings.data.clone(), row.settings.metrics.extractor);
    one.id == other.id || read(one) == read(other)
}

fn check_held(lock: Option<&Lock>, path: &Path) -> Result<(), RunError> {
    lock.map_or_else(|| Err(RunError::NotHeld { path: path.to_owned() }), Lock::check)
}

/// Where two recipes differ in a way that changes results already in the directory.
fn difference(saved: &Recipe, wanted: &Recipe) -> Option<String> {
    if (&saved.name, &saved.preset) != (&wanted.name, &wanted.preset) {
        return Some(format!(
            "it holds `{}` with preset `{}`, not `{}` with preset `{}`",
            saved.name, saved.preset, wanted.name, wanted.preset
        ));
    }
    if let Some(row) = saved.rows.iter().find(|old| wanted.rows.iter().all(|row| row.id != old.id)) {
        return Some(format!("the recipe has no row `{}` any more", row.id));
    }
    let tuning = wanted.exposure.iter().flat_map(|study| &study.tuning_seeds);
    if let Some(seed) = tuning.into_iter().find(|seed| saved.seeds.contains(seed)) {
        return Some(format!("its seed {seed} is reported and cannot be one of `exposure.tuning_seeds`"));
    }
    wanted.rows.iter().find_map(|row| {
        let old = saved.rows.iter().find(|old| old.id == row.id)?;
        let parts = old.settings.other_training(&row.settings);
        (!parts.is_empty()).then(|| format!("row `{}` has other settings ({})", row.id, parts.join(", ")))
    })
}

/// The files of one row and seed.
#[derive(Clone, Debug)]
pub struct Cell {
    folder: PathBuf,
    lock: Option<Arc<Lock>>,
}

impl Cell {
    /// Makes the folder.
    ///
    /// # Errors
    /// [`RunError::NotHeld`] and [`RunError::Io`].
    pub fn create(&self) -> Result<(), RunError> {
        self.check_held()?;
        create(&self.folder)
    }

    /// Refuses to write where this process does not hold the run directory, or does not hold it any more.
    ///
    /// # Errors
    /// [`RunError::NotHeld`].
    pub fn check_held(&self) -> Result<(), RunError> {
        check_held(self.lock.as_deref(), &self.folder)
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes the scores, and the samples if `samples`; the trained weights stay.
    ///
    /// # Errors
    /// [`RunError::Io`].
    fn forget(&self, samples: bool) -> Result<(), RunError> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(()) };
        let drawn = |path: &Path| {
            samples && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("samples-"))
        };
        let all = entries.filter_map(|entry| Some(entry.ok()?.path()));
        for path in all.filter(|path| *path == self.result() || *path == self.scores() || drawn(path)) {
            fs::remove_file(&path).map_err(|source| RunError::Io { doing: "remove", path, source })?;
        }
        Ok(())
    }

    /// Training state: raw weights, moving average, Adam's moments, step.
    pub fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint.safetensors")
    }

    /// One JSON object per record: step and loss.
    pub fn losses(&self) -> PathBuf {
        self.folder.join("losses.jsonl")
    }

    /// Samples as bytes 0..=255, NCHW, appended batch by batch.
    pub fn samples(&self, weights: WeightSet) -> PathBuf {
        self.folder.join(format!("samples-{}.u8", name(weights)))
    }

    /// The first samples as a picture.
    pub fn grid(&self, weights: WeightSet) -> PathBuf {
        self.folder.join(format!("samples-{}.png", name(weights)))
    }

    /// Scores of samplers, in a study of exposure bias.
    pub fn scores(&self) -> PathBuf {
        self.folder.join("scores.json")
    }

    /// All samples of a sampler as bytes 0..=255, NCHW, where this program cannot score them.
    pub fn samples_of(&self, sampler: &str) -> PathBuf {
        let words = sampler.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        self.folder.join(format!("samples-{}.u8", words.collect::<Vec<_>>().join("-")))
    }

    /// The first samples of a sampler as a picture.
    pub fn picture_of(&self, sampler: &str) -> PathBuf {
        self.samples_of(sampler).with_extension("png")
    }

    /// Seconds spent so far in finished stages.
    pub fn timings(&self) -> PathBuf {
        self.folder.join("timings.json")
    }

    /// The scores; present if and only if the cell is finished.
    pub fn result(&self) -> PathBuf {
        self.folder.join("result.json")
    }
}

fn name(weights: WeightSet) -> &'static str {
    match weights {
        WeightSet::Ema => "ema",
        WeightSet::Raw => "raw",
    }
}

fn create(path: &Path) -> Result<(), RunError> {
    fs::create_dir_all(path).map_err(|source| RunError::Io { doing: "create", path: path.to_owned(), source })
}

/// Writes a file so that a reader sees the old bytes or the new ones, never a part.
///
/// # Errors
/// [`RunError::Io`].
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    undrift_files::write_atomically(path, bytes).map_err(|source| RunError::Io {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::load;

    #[test]
    fn a_directory_belongs_to_one_recipe() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        let smoke = load("table2", Some("smoke")).unwrap();
        RunDirectory::open(&root, &smoke, &Inputs::default()).unwrap();
        RunDirectory::open(&root, &smoke, &Inputs::default()).unwrap();
        let quick = load("table2", Some("quick")).unwrap();
        assert!(matches!(RunDirectory::open(&root, &quick, &Inputs::default()), Err(RunError::DifferentRecipe { .. })));
        let mut changed = smoke.clone();
        changed.rows[3].settings.training.batch += 1;
        let error = RunDirectory::open(&root, &changed, &Inputs::default()).unwrap_err().to_string();
        assert!(error.contains("eps-learned") && error.contains("training") && error.contains("--out"), "{error}");
        assert_eq!(RunDirectory::existing(&root).unwrap().1, smoke, "a refused recipe overwrites nothing");
    }

    #[test]
    fn a_foreign_directory_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "precious").unwrap();
        let smoke = load("table2", Some("smoke")).unwrap();
        assert!(matches!(RunDirectory::open(folder.path(), &smoke, &Inputs::default()), Err(RunError::Foreign { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn seeds_are_added_and_rows_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let smoke = load("table2", Some("smoke")).unwrap();
        RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
        let mut more = smoke.clone();
        more.seeds = vec![1, 2];
        RunDirectory::open(folder.path(), &more, &Inputs::default()).unwrap();
        let saved = RunDirectory::existing(folder.path()).unwrap().1;
        assert_eq!((saved.rows.len(), saved.seeds), (6, vec![0, 1, 2]), "no seed is forgotten");
        let fewer = smoke.with_rows(&["eps-simple".to_owned()]).unwrap();
        assert!(matches!(
            RunDirectory::open(folder.path(), &fewer, &Inputs::default()),
            Err(RunError::DifferentRecipe { .. })
        ));
    }

    fn inputs(recipe: &Recipe, train: &str) -> Inputs {
        let of_row = RowInputs { train: train.into(), test: "t".into(), extractor: None };
        Inputs(recipe.rows.iter().map(|row| (row.id.clone(), of_row.clone())).collect())
    }

    #[test]
    fn corrected_sampling_is_made_again_from_the_trained_weights() {
        let folder = tempfile::tempdir().unwrap();
        let smoke = load("table2", Some("smoke")).unwrap();
        drop(RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap());
        let (directory, _) = RunDirectory::existing(folder.path()).unwrap();
        let files = ["checkpoint.safetensors", "losses.jsonl", "samples-ema.u8", "samples-ema.png", "result.json"];
        let fill = || {
            for row in &smoke.rows {
                let cell = directory.cell(&row.id, 0);
                fs::create_dir_all(cell.folder()).unwrap();
                files.iter().for_each(|file| fs::write(cell.folder().join(file), "x").unwrap());
            }
        };
        let left = |row: usize| {
            let cell = directory.cell(&smoke.rows[row].id, 0);
            files.iter().filter(|file| cell.folder().join(file).exists()).count()
        };
        let opened = |change: fn(&mut crate::recipe::Settings)| {
            fill();
            let mut changed = smoke.clone();
            change(&mut changed.rows[5].settings);
            RunDirectory::open(folder.path(), &changed, &Inputs::default()).unwrap();
            assert_eq!(RunDirectory::existing(folder.path()).unwrap().1, changed);
            let found = (left(5), left(4));
            RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
            found
        };
        assert_eq!(opened(|_| ()), (5, 5));
        assert_eq!(opened(|s| s.sampling.batch += 1), (5, 5), "no sample depends on it");
        assert_eq!(opened(|s| s.training.checkpoint_every += 1), (5, 5));
        assert_eq!(opened(|s| s.sampling.sampler.steps = Some(3)), (2, 5), "checkpoint and losses stay");
        assert_eq!(opened(|s| s.sampling.count += 1), (4, 5), "samples go on, the scores do not");
        assert_eq!(opened(|s| s.metrics.bits_per_dim_images = 0), (4, 5));
    }

    #[test]
    fn a_study_may_change_what_it_compares_but_not_search_on_what_it_reports() {
        let folder = tempfile::tempdir().unwrap();
        let smoke = load("exposure-bias", Some("smoke")).unwrap();
        RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
        let mut other = smoke.clone();
        other.exposure.as_mut().unwrap().scales.push(1.5);
        RunDirectory::open(folder.path(), &other, &Inputs::default()).unwrap();
        let reported = smoke.seeds[0];
        other.seeds = vec![reported + 50];
        other.exposure.as_mut().unwrap().tuning_seeds = vec![reported];
        let error = RunDirectory::open(folder.path(), &other, &Inputs::default()).unwrap_err().to_string();
        assert!(error.contains("tuning_seeds") && error.contains(&format!("seed {reported}")), "{error}");
    }

    #[test]
    fn a_row_that_cannot_be_sampled_does_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut smoke = load("table2", Some("smoke")).unwrap();
        smoke.rows[1].settings.sampling.sampler.steps = Some(0);
        assert!(smoke.validate().is_err());
        RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
        assert_eq!(RunDirectory::existing(folder.path()).unwrap().1, smoke);
    }

    #[test]
    fn the_data_may_move_but_not_change() {
        let folder = tempfile::tempdir().unwrap();
        let mut paper = load("table2", Some("paper")).unwrap();
        RunDirectory::open(folder.path(), &paper, &inputs(&paper, "abc")).unwrap();
        paper.rows.iter_mut().for_each(|row| row.settings.data.path = Some("elsewhere".into()));
        RunDirectory::open(folder.path(), &paper, &inputs(&paper, "abc")).unwrap();
        let before = fs::read(folder.path().join("recipe.toml")).unwrap();
        paper.rows.iter_mut().for_each(|row| row.settings.data.path = Some("changed".into()));
        let error = RunDirectory::open(folder.path(), &paper, &inputs(&paper, "def")).unwrap_err().to_string();
        for word in ["training images", "changed", "abc", "def", "--out"] {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
        assert_eq!(fs::read(folder.path().join("recipe.toml")).unwrap(), before, "a refused run overwrites nothing");
        let (reading, _) = RunDirectory::existing(folder.path()).unwrap();
        let row = &paper.rows[0];
        let now = inputs(&paper, "def").0[&row.id].clone();
        assert!(matches!(reading.check_inputs(row, &now), Err(RunError::OtherInput { .. })));
    }

    #[test]
    fn a_row_begun_later_reads_what_the_first_one_read() {
        let folder = tempfile::tempdir().unwrap();
        let paper = load("table2", Some("paper")).unwrap();
        let first = paper.clone().with_rows(&["mu-mse".to_owned()]).unwrap();
        RunDirectory::open(folder.path(), &paper, &inputs(&first, "abc")).unwrap();
        let second = paper.clone().with_rows(&["eps-simple".to_owned()]).unwrap();
        let refused = RunDirectory::open(folder.path(), &paper, &inputs(&second, "def"));
        assert!(matches!(refused, Err(RunError::OtherInput { .. })));
        RunDirectory::open(folder.path(), &paper, &inputs(&second, "abc")).unwrap();
    }

    #[test]
    fn one_process_writes_and_others_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let smoke = load("table2", Some("smoke")).unwrap();
        let ours = RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
        ours.check_held().unwrap();
        let again = RunDirectory::open(folder.path(), &smoke, &Inputs::default());
        assert!(matches!(again, Err(RunError::Held { .. })));
        assert!(matches!(RunDirectory::held(folder.path()), Err(RunError::Held { .. })));
        let (reading, _) = RunDirectory::existing(folder.path()).unwrap();
        let refused = [reading.check_held(), reading.cell("eps-simple", 0).create()];
        assert!(refused.iter().all(|result| matches!(result, Err(RunError::NotHeld { .. }))));
        let cell = ours.cell("eps-simple", 0);
        drop(ours);
        assert!(RunDirectory::held(folder.path()).is_err(), "a cell holds its directory too");
        drop(cell);
        RunDirectory::held(folder.path()).unwrap();
    }

    #[test]
    fn what_a_run_killed_at_its_start_has_left_is_no_foreign_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in [FILE, INPUTS, "inputs.json.tmp", "recipe.toml.tmp"] {
            fs::write(folder.path().join(name), if name == INPUTS { "{}" } else { "" }).unwrap();
        }
        let smoke = load("table2", Some("smoke")).unwrap();
        RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
    }
}
