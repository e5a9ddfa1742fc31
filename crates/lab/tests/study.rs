//! A study of exposure bias from start to finish, small.

use burn::tensor::Device;
use std::fs;
use std::path::Path;
use undrift_lab::exposure::{Cure, Study, run_study, write_study};
use undrift_lab::recipe::{Recipe, load};
use undrift_lab::run::{Inputs, RunDirectory};

fn recipe() -> Recipe {
    let mut recipe = load("exposure-bias", Some("smoke")).unwrap();
    recipe.seeds = vec![0];
    for row in &mut recipe.rows {
        let s = &mut row.settings;
        s.network.base = 8;
        (s.training.steps, s.training.batch, s.training.checkpoint_every) = (2, 4, 1);
        (s.sampling.count, s.sampling.batch, s.metrics.splits) = (6, 4, 1);
    }
    let study = recipe.exposure.as_mut().unwrap();
    (study.curve_images, study.chain_lengths) = (6, vec![3]);
    (study.steps, study.cured_steps, study.curve_steps) = (vec![3, 4], vec![3], 3);
    study.windows = vec![8];
    recipe
}

fn run(root: &Path) -> Study {
    let recipe = recipe();
    recipe.validate().unwrap();
    let directory = RunDirectory::open(root, &recipe, &Inputs::default()).unwrap();
    let study = run_study(&directory, &recipe, recipe.exposure.as_ref().unwrap(), "flex", &Device::flex()).unwrap();
    write_study(&study, root).unwrap();
    Study { entries: study.entries.into_iter().map(without_time).collect(), ..study }
}

fn without_time(mut entry: undrift_lab::exposure::Entry) -> undrift_lab::exposure::Entry {
    entry.seconds = 0.0;
    entry
}

#[test]
fn a_study_scores_every_cure_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let study = run(folder.path());
    assert_eq!(study.entries.len(), 2 * 2 * (2 + 3), "rows x solvers x (plain at two, three cures at one)");
    for (solver, steps) in study.settings() {
        let plain = study.entry("baseline", solver, steps, Cure::Plain).unwrap();
        assert!(plain.scores[0].is_some());
        let perturbed = study.entry("input-perturbation", solver, steps, Cure::Plain).unwrap();
        assert_ne!(plain.scores, perturbed.scores, "training differs");
    }
    let both = study.entry("baseline", "ddim", 3, Cure::Both).unwrap();
    let names: Vec<&str> = both.wrappers.iter().map(|wrapper| wrapper.name.as_str()).collect();
    assert_eq!(names, ["time-shift", "epsilon-scaling"]);
    assert_eq!(study.searches.len(), 2 * 2 * 3);
    assert!(study.curves.iter().all(|curve| curve.points.len() == 3 && curve.points[0].t == 50.0));
    assert!(folder.path().join("report.html").exists() && folder.path().join("study.json").exists());

    // What a stop would have left: no scores of the reported seed, half a training.
    let cell = folder.path().join("input-perturbation/seed-0");
    fs::remove_file(cell.join("scores.json")).unwrap();
    fs::remove_file(cell.join("checkpoint.safetensors")).unwrap();
    assert_eq!(run(folder.path()), study);
}

#[test]
fn impossible_studies_are_refused_before_anything_runs() {
    let refused = |change: &dyn Fn(&mut undrift_lab::exposure::ExposureSettings)| {
        let mut recipe = recipe();
        change(recipe.exposure.as_mut().unwrap());
        recipe.validate().unwrap_err().to_string()
    };
    assert!(refused(&|study| study.tuning_seeds = vec![0]).contains("exposure.tuning_seeds"));
    assert!(refused(&|study| study.cured_steps = vec![7]).contains("exposure.cured_steps"));
    assert!(refused(&|study| study.scales = vec![0.0]).contains("epsilon-scaling"));
    assert!(refused(&|study| study.steps = vec![3, 51]).contains("51 steps"));
    assert!(refused(&|study| study.solvers = vec!["dimm".parse().unwrap()]).contains("dimm"));
}
