//! A recipe as a run directory keeps it.

use crate::recipe::{Experiment, Recipe};
use std::path::PathBuf;
use undrift_studies::{Kept, Outline, RowOutline};

impl Kept for Recipe {
    fn from_text(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    fn to_text(&self) -> String {
        self.to_toml()
    }

    fn check_names(&self) -> Result<(), String> {
        self.validate_names().map_err(|error| error.to_string())
    }

    fn with_seeds(&self, seeds: Vec<u64>) -> Self {
        Recipe { seeds, ..self.clone() }
    }

    fn outline(&self) -> Outline {
        Outline {
            name: self.name.clone(),
            preset: self.preset.clone(),
            seeds: self.seeds.clone(),
            tuning_seeds: self.exposure.iter().flat_map(|study| &study.tuning_seeds).copied().collect(),
            rows: self.rows.iter().map(outline).collect(),
        }
    }
}

fn outline(row: &Experiment) -> RowOutline {
    let s = &row.settings;
    RowOutline {
        id: row.id.clone(),
        training: s.training_parts(),
        sampling: s.sampling_part(),
        scoring: s.scoring_part(),
        inputs: format!("{} {} {}", s.data.set, s.data.flip, s.metrics.extractor),
        images_from: PathBuf::from(
            s.data.set.given("path").map_or_else(|| s.data.set.name.clone(), ToString::to_string),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;
    use crate::recipe::load;
    use crate::run::{Inputs, RowInputs, RunDirectory, RunError};
    use std::fs;

    #[test]
    fn a_directory_belongs_to_one_recipe() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        let smoke = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        RunDirectory::open(&root, &smoke, &Inputs::default()).unwrap();
        RunDirectory::open(&root, &smoke, &Inputs::default()).unwrap();
        let quick = load("table2", Some("quick"), &Methods::standard()).unwrap();
        assert!(matches!(RunDirectory::open(&root, &quick, &Inputs::default()), Err(RunError::DifferentRecipe { .. })));
        let mut changed = smoke.clone();
        changed.rows[3].settings.training.batch += 1;
        let error = RunDirectory::open(&root, &changed, &Inputs::default()).unwrap_err().to_string();
        assert!(error.contains("eps-learned") && error.contains("training") && error.contains("--out"), "{error}");
        assert_eq!(RunDirectory::existing::<Recipe>(&root).unwrap().1, smoke, "a refused recipe overwrites nothing");
    }

    #[test]
    fn what_was_kept_in_the_first_form_is_the_recipe_of_today() {
        let kept = Recipe::from_text(include_str!("../../tests/kept_recipe.toml")).unwrap();
        let today = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        let today = today.with_rows(&["eps-simple".to_owned()]).unwrap();
        let today = Recipe { notes: Vec::new(), baseline: None, ..today };
        assert_eq!(kept, today);
        assert_eq!(kept.outline(), today.outline());
        assert_eq!(Recipe::from_text(&kept.to_text()).unwrap(), today);
        kept.validate(&Methods::standard()).unwrap();
    }

    #[test]
    fn a_foreign_directory_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "precious").unwrap();
        let smoke = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        assert!(matches!(RunDirectory::open(folder.path(), &smoke, &Inputs::default()), Err(RunError::Foreign { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn seeds_are_added_and_rows_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let smoke = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
        let mut more = smoke.clone();
        more.seeds = vec![1, 2];
        RunDirectory::open(folder.path(), &more, &Inputs::default()).unwrap();
        let saved = RunDirectory::existing::<Recipe>(folder.path()).unwrap().1;
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
        let smoke = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        drop(RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap());
        let (directory, _) = RunDirectory::existing::<Recipe>(folder.path()).unwrap();
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
            assert_eq!(RunDirectory::existing::<Recipe>(folder.path()).unwrap().1, changed);
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
        let smoke = load("exposure-bias", Some("smoke"), &Methods::standard()).unwrap();
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
        let mut smoke = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        smoke.rows[1].settings.sampling.sampler.steps = Some(0);
        assert!(smoke.validate(&Methods::standard()).is_err());
        RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
        assert_eq!(RunDirectory::existing::<Recipe>(folder.path()).unwrap().1, smoke);
    }

    #[test]
    fn the_data_may_move_but_not_change() {
        let folder = tempfile::tempdir().unwrap();
        let mut paper = load("table2", Some("paper"), &Methods::standard()).unwrap();
        RunDirectory::open(folder.path(), &paper, &inputs(&paper, "abc")).unwrap();
        paper.rows.iter_mut().for_each(|row| row.settings.data.set.set("path", "elsewhere"));
        RunDirectory::open(folder.path(), &paper, &inputs(&paper, "abc")).unwrap();
        let before = fs::read(folder.path().join("recipe.toml")).unwrap();
        paper.rows.iter_mut().for_each(|row| row.settings.data.set.set("path", "changed"));
        let error = RunDirectory::open(folder.path(), &paper, &inputs(&paper, "def")).unwrap_err().to_string();
        for word in ["training images", "changed", "abc", "def", "--out"] {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
        assert_eq!(fs::read(folder.path().join("recipe.toml")).unwrap(), before, "a refused run overwrites nothing");
        let (reading, _) = RunDirectory::existing::<Recipe>(folder.path()).unwrap();
        let row = &paper.rows[0];
        let now = inputs(&paper, "def").0[&row.id].clone();
        assert!(matches!(reading.check_inputs(&row.id, "changed".as_ref(), &now), Err(RunError::OtherInput { .. })));
    }

    #[test]
    fn a_row_begun_later_reads_what_the_first_one_read() {
        let folder = tempfile::tempdir().unwrap();
        let paper = load("table2", Some("paper"), &Methods::standard()).unwrap();
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
        let smoke = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        let ours = RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
        ours.check_held().unwrap();
        let again = RunDirectory::open(folder.path(), &smoke, &Inputs::default());
        assert!(matches!(again, Err(RunError::Held { .. })));
        assert!(matches!(RunDirectory::held::<Recipe>(folder.path()), Err(RunError::Held { .. })));
        let (reading, _) = RunDirectory::existing::<Recipe>(folder.path()).unwrap();
        let refused = [reading.check_held(), reading.cell("eps-simple", 0).create()];
        assert!(refused.iter().all(|result| matches!(result, Err(RunError::NotHeld { .. }))));
        let cell = ours.cell("eps-simple", 0);
        drop(ours);
        assert!(RunDirectory::held::<Recipe>(folder.path()).is_err(), "a cell holds its directory too");
        drop(cell);
        RunDirectory::held::<Recipe>(folder.path()).unwrap();
    }

    #[test]
    fn what_a_run_killed_at_its_start_has_left_is_no_foreign_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["run.lock", "inputs.json", "inputs.json.tmp", "recipe.toml.tmp"] {
            fs::write(folder.path().join(name), if name == "inputs.json" { "{}" } else { "" }).unwrap();
        }
        let smoke = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        RunDirectory::open(folder.path(), &smoke, &Inputs::default()).unwrap();
    }
}
