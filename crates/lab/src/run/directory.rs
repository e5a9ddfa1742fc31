//! The run directory: what is written where, and how it survives an interruption.

use super::RunError;
use crate::recipe::{Recipe, WeightSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A run directory that belongs to one resolved recipe.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    root: PathBuf,
}

impl RunDirectory {
    /// Creates the directory, or opens one that was made from the same recipe.
    ///
    /// `recipe` holds all rows, whichever of them are run. Seeds may be added later, and the data may have moved; the
    /// saved recipe must agree in all that training depends on. Where rows are now sampled or scored otherwise, their
    /// samples and scores are removed, to be made again from the trained weights.
    ///
    /// # Errors
    /// [`RunError::DifferentRecipe`] if the directory holds another recipe's run, [`RunError::Foreign`] if it
    /// holds something else, [`RunError::Io`] if it cannot be written. Nothing is overwritten then.
    pub fn open(root: &Path, recipe: &Recipe) -> Result<Self, RunError> {
        let directory = Self { root: root.to_owned() };
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
        create(root)?;
        write_atomically(&directory.recipe(), kept.to_toml().as_bytes())?;
        Ok(directory)
    }

    /// Opens a finished or unfinished run and reads its recipe.
    ///
    /// # Errors
    /// [`RunError::NotARun`] without a readable and valid `recipe.toml`.
    pub fn existing(root: &Path) -> Result<(Self, Recipe), RunError> {
        let directory = Self { root: root.to_owned() };
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
        Cell { folder: self.root.join(row).join(format!("seed-{seed}")) }
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
            // A run that was killed while it wrote its very first file leaves that file's temporary one.
            Ok(mut entries) => match entries.find(|e| !e.as_ref().is_ok_and(|e| e.file_name() == "recipe.toml.tmp")) {
                None => Ok(()),
                Some(_) => Err(RunError::Foreign { path: self.root.clone() }),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(RunError::Io { doing: "list", path: self.root.clone(), source }),
        }
    }
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
}

impl Cell {
    /// Makes the folder.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn create(&self) -> Result<(), RunError> {
        create(&self.folder)
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
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let write = || {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| RunError::Io { doing: "write", path: path.to_owned(), source })
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
        RunDirectory::open(&root, &smoke).unwrap();
        RunDirectory::open(&root, &smoke).unwrap();
        let quick = load("table2", Some("quick")).unwrap();
        assert!(matches!(RunDirectory::open(&root, &quick), Err(RunError::DifferentRecipe { .. })));
        let mut changed = smoke.clone();
        changed.rows[3].settings.training.batch += 1;
        let error = RunDirectory::open(&root, &changed).unwrap_err().to_string();
        assert!(error.contains("eps-learned") && error.contains("training") && error.contains("--out"), "{error}");
        assert_eq!(RunDirectory::existing(&root).unwrap().1, smoke, "a refused recipe overwrites nothing");
    }

    #[test]
    fn a_foreign_directory_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "precious").unwrap();
        let smoke = load("table2", Some("smoke")).unwrap();
        assert!(matches!(RunDirectory::open(folder.path(), &smoke), Err(RunError::Foreign { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn seeds_are_added_and_rows_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let smoke = load("table2", Some("smoke")).unwrap();
        RunDirectory::open(folder.path(), &smoke).unwrap();
        let mut more = smoke.clone();
        more.seeds = vec![1, 2];
        RunDirectory::open(folder.path(), &more).unwrap();
        let saved = RunDirectory::existing(folder.path()).unwrap().1;
        assert_eq!((saved.rows.len(), saved.seeds), (6, vec![0, 1, 2]), "no seed is forgotten");
        let fewer = smoke.with_rows(&["eps-simple".to_owned()]).unwrap();
        assert!(matches!(RunDirectory::open(folder.path(), &fewer), Err(RunError::DifferentRecipe { .. })));
    }

    #[test]
    fn corrected_sampling_is_made_again_from_the_trained_weights() {
        let folder = tempfile::tempdir().unwrap();
        let smoke = load("table2", Some("smoke")).unwrap();
        let directory = RunDirectory::open(folder.path(), &smoke).unwrap();
        let files = ["checkpoint.safetensors", "losses.jsonl", "samples-ema.u8", "samples-ema.png", "result.json"];
        let fill = || {
            for row in &smoke.rows {
                let cell = directory.cell(&row.id, 0);
                cell.create().unwrap();
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
            RunDirectory::open(folder.path(), &changed).unwrap();
            assert_eq!(RunDirectory::existing(folder.path()).unwrap().1, changed);
            let found = (left(5), left(4));
            RunDirectory::open(folder.path(), &smoke).unwrap();
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
        RunDirectory::open(folder.path(), &smoke).unwrap();
        let mut other = smoke.clone();
        other.exposure.as_mut().unwrap().scales.push(1.5);
        RunDirectory::open(folder.path(), &other).unwrap();
        let reported = smoke.seeds[0];
        other.seeds = vec![reported + 50];
        other.exposure.as_mut().unwrap().tuning_seeds = vec![reported];
        let error = RunDirectory::open(folder.path(), &other).unwrap_err().to_string();
        assert!(error.contains("tuning_seeds") && error.contains(&format!("seed {reported}")), "{error}");
    }

    #[test]
    fn a_row_that_cannot_be_sampled_does_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut smoke = load("table2", Some("smoke")).unwrap();
        smoke.rows[1].settings.sampling.sampler.steps = Some(0);
        assert!(smoke.validate().is_err());
        RunDirectory::open(folder.path(), &smoke).unwrap();
        assert_eq!(RunDirectory::existing(folder.path()).unwrap().1, smoke);
    }

    #[test]
    fn the_data_may_move() {
        let folder = tempfile::tempdir().unwrap();
        let mut paper = load("table2", Some("paper")).unwrap();
        RunDirectory::open(folder.path(), &paper).unwrap();
        paper.rows.iter_mut().for_each(|row| row.settings.data.path = Some("elsewhere".into()));
        RunDirectory::open(folder.path(), &paper).unwrap();
    }
}
