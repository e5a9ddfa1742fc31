//! The run directory: what is written where, and how it survives an interruption.

use crate::lock::{FILE, Lock};
use crate::outline::{Kept, Outline};
use crate::saved::{create_folder, read_json, write_atomically, write_json};
use crate::{Cell, Inputs, RowInputs, RunError};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run directory that belongs to one resolved recipe, to be read, or to be written by this process alone.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    root: PathBuf,
    lock: Option<Arc<Lock>>,
    remark: Option<String>,
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
    pub fn open<R: Kept>(root: &Path, recipe: &R, inputs: &Inputs) -> Result<Self, RunError> {
        let reading = Self { root: root.to_owned(), lock: None, remark: None };
        if !reading.recipe().exists() {
            reading.check_empty()?;
        }
        create_folder(root)?;
        let mut directory = Self { lock: Some(Arc::new(Lock::take(root)?)), ..reading };
        let outline = recipe.outline();
        let mut seeds = outline.seeds.clone();
        match fs::read_to_string(directory.recipe()) {
            Ok(text) => {
                let saved = directory.check_recipe::<R>(&text, &outline)?;
                directory.forget(&saved, &outline)?;
                seeds.extend(saved.seeds);
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => directory.check_empty()?,
            Err(source) => return Err(RunError::Io { doing: "read", path: directory.recipe(), source }),
        }
        seeds.sort_unstable();
        seeds.dedup();
        directory.keep_inputs(&outline, inputs)?;
        write_atomically(&directory.recipe(), recipe.with_seeds(seeds).to_text().as_bytes())?;
        Ok(directory)
    }

    /// Opens a finished or unfinished run for this process alone, to write into it, and reads its recipe.
    ///
    /// # Errors
    /// As [`existing`](Self::existing), and [`RunError::Held`] if another process writes there.
    pub fn held<R: Kept>(root: &Path) -> Result<(Self, R), RunError> {
        Self::existing::<R>(root)?;
        let lock = Some(Arc::new(Lock::take(root)?));
        let (directory, recipe) = Self::existing(root)?;
        Ok((Self { lock, ..directory }, recipe))
    }

    /// Opens a finished or unfinished run and reads its recipe.
    ///
    /// # Errors
    /// [`RunError::NotARun`] without a readable and valid `recipe.toml`.
    pub fn existing<R: Kept>(root: &Path) -> Result<(Self, R), RunError> {
        let directory = Self { root: root.to_owned(), lock: None, remark: None };
        let not_a_run = |why: String| RunError::NotARun { path: root.to_owned(), why };
        let text = fs::read_to_string(directory.recipe()).map_err(|e| not_a_run(format!("recipe.toml: {e}")))?;
        let recipe = R::from_text(&text).map_err(|e| not_a_run(format!("recipe.toml: {e}")))?;
        recipe.check_names().map_err(|e| not_a_run(format!("recipe.toml: {e}")))?;
        Ok((directory, recipe))
    }

    /// What people should know of how it was opened.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one row and seed.
    pub fn cell(&self, row: &str, seed: u64) -> Cell {
        Cell::new(self.root.join(row).join(format!("seed-{seed}")), self.lock.clone())
    }

    /// Refuses to write into a directory that this process does not hold, or does not hold any more.
    ///
    /// # Errors
    /// [`RunError::NotHeld`].
    pub fn check_held(&self) -> Result<(), RunError> {
        Lock::check_held(self.lock.as_deref(), &self.root)
    }

    /// Refuses images and an extractor that are not those that a row was begun with; `from` is where the images are.
    ///
    /// # Errors
    /// [`RunError::OtherInput`], and [`RunError::Damaged`] for an unreadable list of them.
    pub fn check_inputs(&self, row: &str, from: &Path, found: &RowInputs) -> Result<(), RunError> {
        let kept = read_json::<Inputs>(&self.inputs())?.unwrap_or_default();
        kept.0.get(row).map_or(Ok(()), |begun_with| found.check(begun_with, from))
    }

    /// Keeps the hashes of rows that have none yet; the others must agree.
    fn keep_inputs(&mut self, recipe: &Outline, inputs: &Inputs) -> Result<(), RunError> {
        let found = read_json::<Inputs>(&self.inputs())?;
        if found.is_none() && self.recipe().exists() {
            let root = self.root.display();
            self.remark = Some(format!(
                "{root} was begun by a version that kept no hashes of images; those read now are taken for its own"
            ));
        }
        let mut kept = found.unwrap_or_default();
        for row in &recipe.rows {
            let Some(now) = inputs.0.get(&row.id) else { continue };
            for other in recipe.beside(row) {
                kept.0.get(&other.id).map_or(Ok(()), |begun_with| now.check(begun_with, &row.images_from))?;
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

    /// What is saved, if it agrees with what is wanted.
    fn check_recipe<R: Kept>(&self, text: &str, wanted: &Outline) -> Result<Outline, RunError> {
        let saved = R::from_text(text)
            .map_err(|e| RunError::NotARun { path: self.root.clone(), why: format!("recipe.toml: {e}") })?
            .outline();
        match saved.difference(wanted) {
            None => Ok(saved),
            Some(what) => Err(RunError::DifferentRecipe { path: self.root.clone(), what }),
        }
    }

    /// Removes the samples and scores of rows that are sampled or scored otherwise now.
    fn forget(&self, saved: &Outline, wanted: &Outline) -> Result<(), RunError> {
        let seeds: Vec<u64> = saved.seeds.iter().chain(&saved.tuning_seeds).copied().collect();
        for row in &wanted.rows {
            let Some(old) = saved.row(&row.id) else { continue };
            if !old.scores_alike(row) {
                let samples = !old.samples_alike(row);
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
