//! What a run directory must know of a recipe to tell whether it may go on with it.

use std::path::PathBuf;

/// A recipe as a run directory keeps it in `recipe.toml`, in whatever form; its [`Outline`] says what it depends on.
pub trait Kept: Clone {
    /// Reads what [`to_text`](Self::to_text) wrote.
    ///
    /// # Errors
    /// Why it is none, in words.
    fn from_text(text: &str) -> Result<Self, String>;

    /// The text that is kept.
    fn to_text(&self) -> String;

    /// Refuses names that no folder can have and seeds that no run can have, in a text that someone has edited.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn check_names(&self) -> Result<(), String>;

    /// The same with other seeds.
    fn with_seeds(&self, seeds: Vec<u64>) -> Self;

    /// What results depend on.
    fn outline(&self) -> Outline;
}

/// What the results of a recipe depend on, part by part: parts are compared, never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Name of the recipe.
    pub name: String,
    /// The preset that was chosen.
    pub preset: String,
    /// Seeds whose results are reported.
    pub seeds: Vec<u64>,
    /// Seeds that something is searched on, none of which may ever have been reported.
    pub tuning_seeds: Vec<u64>,
    /// The rows.
    pub rows: Vec<RowOutline>,
}

/// What the results of one row depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowOutline {
    /// Its id, also the name of its folder.
    pub id: String,
    /// What its training depends on: name of each part for people, and its text.
    pub training: Vec<(&'static str, String)>,
    /// What each sample of the trained network depends on.
    pub sampling: String,
    /// What the scores of the samples depend on beside them: how many, of which weights, and how they are scored.
    pub scoring: String,
    /// The images that it reads and what they are scored with: rows that agree here are compared on the same ones.
    pub inputs: String,
    /// Where the images are read from, for messages.
    pub images_from: PathBuf,
}

impl Outline {
    /// Where `wanted` differs in a way that changes results already made of `self`.
    pub(crate) fn difference(&self, wanted: &Outline) -> Option<String> {
        if (&self.name, &self.preset) != (&wanted.name, &wanted.preset) {
            return Some(format!(
                "it holds `{}` with preset `{}`, not `{}` with preset `{}`",
                self.name, self.preset, wanted.name, wanted.preset
            ));
        }
        if let Some(row) = self.rows.iter().find(|old| wanted.row(&old.id).is_none()) {
            return Some(format!("the recipe has no row `{}` any more", row.id));
        }
        if let Some(seed) = wanted.tuning_seeds.iter().find(|seed| self.seeds.contains(seed)) {
            return Some(format!("its seed {seed} is reported and cannot be one of `exposure.tuning_seeds`"));
        }
        wanted.rows.iter().find_map(|row| {
            let parts = self.row(&row.id)?.other_training(row);
            (!parts.is_empty()).then(|| format!("row `{}` has other settings ({})", row.id, parts.join(", ")))
        })
    }

    /// The row with this id.
    pub(crate) fn row(&self, id: &str) -> Option<&RowOutline> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// The rows that must read the same images as this one, itself among them.
    pub(crate) fn beside<'a>(&'a self, row: &'a RowOutline) -> impl Iterator<Item = &'a RowOutline> {
        self.rows.iter().filter(|one| one.id == row.id || one.inputs == row.inputs)
    }
}

impl RowOutline {
    /// Names of the parts in which the trainings differ.
    fn other_training(&self, other: &RowOutline) -> Vec<&'static str> {
        let differs = |part: &&(&str, String)| !other.training.contains(part);
        self.training.iter().filter(differs).map(|(name, _)| *name).collect()
    }

    /// Whether samples of the same network are the same ones, as far as both have them.
    pub(crate) fn samples_alike(&self, other: &RowOutline) -> bool {
        self.sampling == other.sampling
    }

    /// Whether the same network gets the same scores.
    pub(crate) fn scores_alike(&self, other: &RowOutline) -> bool {
        self.samples_alike(other) && self.scoring == other.scoring
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The ids of some rows as a recipe of one line.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct Ids(pub(crate) Vec<String>, pub(crate) Vec<u64>);

    impl Kept for Ids {
        fn from_text(text: &str) -> Result<Self, String> {
            let (ids, seeds) = text.split_once('|').ok_or("no bar")?;
            let number = |word: &str| word.parse().map_err(|_| format!("`{word}` is no seed"));
            let seeds = seeds.split(' ').map(number).collect::<Result<_, _>>()?;
            Ok(Ids(ids.split(' ').map(str::to_owned).collect(), seeds))
        }

        fn to_text(&self) -> String {
            let seeds: Vec<String> = self.1.iter().map(ToString::to_string).collect();
            format!("{}|{}", self.0.join(" "), seeds.join(" "))
        }

        fn check_names(&self) -> Result<(), String> {
            if self.0.is_empty() { Err("no rows".to_owned()) } else { Ok(()) }
        }

        fn with_seeds(&self, seeds: Vec<u64>) -> Self {
            Ids(self.0.clone(), seeds)
        }

        fn outline(&self) -> Outline {
            let row = |id: &String| RowOutline {
                id: id.clone(),
                training: vec![("network", "n".to_owned()), ("chain", "c".to_owned())],
                sampling: "s".to_owned(),
                scoring: "k".to_owned(),
                inputs: "i".to_owned(),
                images_from: "memory".into(),
            };
            Outline {
                name: "ids".to_owned(),
                preset: "small".to_owned(),
                seeds: self.1.clone(),
                tuning_seeds: vec![],
                rows: self.0.iter().map(row).collect(),
            }
        }
    }

    fn outline() -> Outline {
        Ids(vec!["a".to_owned(), "b".to_owned()], vec![0]).outline()
    }

    #[test]
    fn a_row_that_is_trained_otherwise_is_named_with_the_parts() {
        assert_eq!(outline().difference(&outline()), None);
        let mut other = outline();
        other.rows[1].training[1].1.push('c');
        let said = outline().difference(&other).unwrap();
        assert!(said.contains("`b`") && said.contains("(chain)"), "{said}");
        other.rows.remove(1);
        assert!(outline().difference(&other).unwrap().contains("`b`"));
        assert_eq!(other.difference(&outline()), None, "a row may be added");
    }

    #[test]
    fn sampling_and_scoring_are_told_apart() {
        let alike = |change: fn(&mut RowOutline)| {
            let (old, mut new) = (outline().rows.remove(0), outline().rows.remove(0));
            change(&mut new);
            (old.samples_alike(&new), old.scores_alike(&new))
        };
        assert_eq!(alike(|_| ()), (true, true));
        assert_eq!(alike(|row| row.scoring.push('x')), (true, false));
        assert_eq!(alike(|row| row.sampling.push('x')), (false, false));
    }

    #[test]
    fn rows_of_the_same_images_are_beside_each_other() {
        let mut rows = outline();
        rows.rows[1].inputs.push('x');
        let ids = |of: &Outline| of.beside(&of.rows[0]).map(|row| row.id.clone()).collect::<Vec<_>>();
        assert_eq!((ids(&outline()), ids(&rows)), (vec!["a".to_owned(), "b".to_owned()], vec!["a".to_owned()]));
    }
}
