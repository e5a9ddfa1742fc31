//! A study of exposure bias from start to finish, small.

use burn::tensor::Device;
use std::fs;
use std::path::Path;
use undrift_lab::exposure::{Cure, Study, run_study, write_study};
use undrift_lab::methods::{Method, Methods};
use undrift_lab::recipe::{Recipe, load};
use undrift_lab::run::{Inputs, RunDirectory};

fn recipe() -> Recipe {
    let mut recipe = load("exposure-bias", Some("smoke"), &Methods::standard()).unwrap();
    recipe.seeds = vec![0];
    for row in &mut recipe.rows {
        let s = &mut row.settings;
        s.network.set("base", 8);
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
    recipe.validate(&Methods::standard()).unwrap();
    let directory = RunDirectory::open(root, &recipe, &Inputs::default()).unwrap();
    let settings = recipe.exposure.as_ref().unwrap();
    let (study, failed) =
        run_study(&Methods::standard(), &directory, &recipe, settings, "flex", &Device::flex()).unwrap();
    assert!(failed.is_empty(), "{failed:?}");
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
        recipe.validate(&Methods::standard()).unwrap_err().to_string()
    };
    assert!(refused(&|study| study.tuning_seeds = vec![0]).contains("exposure.tuning_seeds"));
    assert!(refused(&|study| study.cured_steps = vec![7]).contains("exposure.cured_steps"));
    assert!(refused(&|study| study.scales = vec![0.0]).contains("epsilon-scaling"));
    assert!(refused(&|study| study.steps = vec![3, 51]).contains("exposure.steps"));
    assert!(refused(&|study| study.solvers = vec!["dimm".parse().unwrap()]).contains("dimm"));
}

/// One wrong value for each setting of a study, and the key that the refusal names.
#[test]
fn every_setting_of_a_study_is_refused_by_its_key() {
    type Change = fn(&mut undrift_lab::exposure::ExposureSettings);
    let solvers = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>();
    let changes: &[(&str, Change)] = &[
        ("exposure.tuning_seeds", |s| s.tuning_seeds = vec![7, 7]),
        ("exposure.tuning_seeds", |s| s.tuning_seeds = vec![]),
        ("exposure.steps", |s| s.steps = vec![3, 3]),
        ("exposure.steps", |s| s.steps = vec![0, 3, 4]),
        ("exposure.steps", |s| s.steps = vec![]),
        ("exposure.cured_steps", |s| s.cured_steps = vec![3, 3]),
        ("exposure.scales", |s| s.scales = vec![1.0, 1.01, 1.0]),
        ("exposure.scales", |s| s.scales = vec![]),
        ("epsilon-scaling", |s| s.scales = vec![1.0, f64::NAN]),
        ("exposure.windows", |s| s.windows = vec![4, 5]),
        ("exposure.windows", |s| s.windows = vec![51]),
        ("exposure.cutoffs", |s| s.cutoffs = vec![20, 20]),
        ("exposure.cutoffs", |s| s.cutoffs = vec![51]),
        ("exposure.curve_steps", |s| (s.cured_steps, s.curve_steps) = (vec![], 51)),
        ("exposure.curve_steps", |s| (s.cured_steps, s.curve_steps) = (vec![], 0)),
        ("exposure.curve_steps", |s| s.curve_steps = 4),
        ("exposure.curve_images", |s| s.curve_images = 1),
        ("exposure.chain_lengths", |s| s.chain_lengths = vec![51]),
        ("exposure.chain_lengths", |s| s.chain_lengths = vec![3, 3]),
    ];
    for (key, change) in changes {
        let mut recipe = recipe();
        change(recipe.exposure.as_mut().unwrap());
        let error = recipe.validate(&Methods::standard()).unwrap_err().to_string();
        assert!(error.contains(key), "{key}: {error}");
    }
    for twins in [["ddim", "ddim:eta=0"], ["ddpm", "ddpm-small"], ["heun", "heun:churn=0"]] {
        let mut recipe = recipe();
        recipe.rows.iter_mut().for_each(|row| row.settings.model.variance = Method::named("fixed-small"));
        recipe.exposure.as_mut().unwrap().solvers = solvers(&twins);
        let error = recipe.validate(&Methods::standard()).unwrap_err().to_string();
        assert!(error.contains("exposure.solvers") && error.contains(twins[1]), "{twins:?}: {error}");
    }
    let mut recipe = recipe();
    recipe.exposure.as_mut().unwrap().solvers = solvers(&["ddim", "ddim-keep-eps"]);
    recipe.validate(&Methods::standard()).unwrap();
}

/// What cannot be done by a study's samplers on a chain without signal, or by those of another kind of network.
#[test]
fn every_sampler_of_a_study_is_tried_with_its_rows_networks() {
    let refused = |change: &dyn Fn(&mut Recipe)| {
        let mut recipe = recipe();
        change(&mut recipe);
        recipe.validate(&Methods::standard()).unwrap_err().to_string()
    };
    let all = |recipe: &mut Recipe, change: fn(&mut undrift_lab::recipe::Settings)| {
        recipe.rows.iter_mut().for_each(|row| change(&mut row.settings));
    };
    let jsd = |recipe: &mut Recipe| {
        all(recipe, |s| {
            s.chain = Method::named("jsd").with("length", 50);
            s.model.prediction = Method::named("v");
        });
    };
    let scaled = refused(&|recipe| {
        all(recipe, |s| {
            s.chain = Method::named("jsd").with("length", 50);
            s.model.prediction = Method::named("v");
        });
        recipe.exposure.as_mut().unwrap().solvers = vec!["ddim".parse().unwrap()];
    });
    assert!(scaled.contains("`epsilon-scaling:b=") && !scaled.contains("`ddim`"), "{scaled}");
    let mut neutral = recipe();
    jsd(&mut neutral);
    let study = neutral.exposure.as_mut().unwrap();
    (study.solvers, study.scales) = (vec!["ddim".parse().unwrap()], vec![1.0]);
    neutral.validate(&Methods::standard()).unwrap();
    let mu_tilde = refused(&|recipe| {
        all(recipe, |s| s.model.prediction = Method::named("mu-tilde"));
        recipe.exposure.as_mut().unwrap().solvers = vec!["ddpm".parse().unwrap()];
    });
    assert!(mu_tilde.contains("exposure.solvers") && mu_tilde.contains("mu_tilde"), "{mu_tilde}");
    let curve = refused(&|recipe| {
        all(recipe, |s| s.model.prediction = Method::named("mu-tilde"));
        let study = recipe.exposure.as_mut().unwrap();
        (study.solvers, study.steps) = (vec!["ddpm".parse().unwrap()], vec![50]);
        (study.cured_steps, study.curve_steps, study.scales) = (vec![], 7, vec![1.0]);
    });
    assert!(curve.contains("exposure.curve_steps") && curve.contains("mu_tilde"), "{curve}");
}
