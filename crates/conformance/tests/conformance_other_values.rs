//! Golden vectors of the same layout with other values: steps that land beside the next question, spacings of
//! labels, and what is understood and known to be absent.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use undrift_conformance::{Case, ConformanceReport, run};

/// A directory with a copy of one fixture, `group/name`.
fn pair(name: &str) -> TempDir {
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures"), TempDir::new().unwrap());
    fs::create_dir_all(to.path().join(name).parent().unwrap()).unwrap();
    for ending in ["json", "safetensors"] {
        let file = format!("{name}.{ending}");
        fs::copy(from.join(&file), to.path().join(&file)).unwrap();
    }
    to
}

fn checked(directory: &TempDir) -> ConformanceReport {
    run(directory.path(), None).unwrap()
}

fn failures(report: &ConformanceReport) -> Vec<&Case> {
    report.cases().iter().filter(|case| case.fails()).collect()
}

fn edit_json(directory: &TempDir, file: &str, edit: impl Fn(&mut Value)) {
    let path = directory.path().join(file);
    let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn write(directory: &TempDir, name: &str, text: &str) {
    let path = directory.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_respacing_of_betas_above_one_is_checked_as_far_as_it_can_be() {
    let cases = json!([
        {"schedule": "linear", "T": 10, "section_counts": "5", "used_timesteps": [0, 2, 4, 7, 9], "new_betas": [0.0]},
        {"schedule": "linear", "T": 12, "section_counts": "ddim4", "used_timesteps": [0, 3, 6, 9]},
        {"schedule": "linear", "T": 10, "section_counts": "ddim7", "must_error": true},
        {"schedule": "linear", "T": 10, "section_counts": "11", "must_error": true},
    ]);
    let sidecar = json!({"peer": "guided-diffusion respace.space_timesteps + SpacedDiffusion", "cases": cases});
    let directory = TempDir::new().unwrap();
    write(&directory, "schedules/respacing.json", &sidecar.to_string());
    let report = checked(&directory);
    assert!(report.passed() && report.passes() == 4 && report.not_covered() == 2, "{}", report.to_text());
    assert!(report.to_text().contains("one above 1 would make alpha_bar negative"), "{}", report.to_text());
    for (case, field, wrong) in [(0, "used_timesteps", json!([0, 2, 5, 7, 9])), (2, "section_counts", json!("ddim5"))] {
        let directory = TempDir::new().unwrap();
        let mut sidecar = sidecar.clone();
        sidecar["cases"][case][field] = wrong;
        write(&directory, "schedules/respacing.json", &sidecar.to_string());
        assert_eq!(failures(&checked(&directory)).len(), 1, "{field} of case {case}");
    }
}

#[test]
fn steps_at_every_spacing_of_diffusers_are_followed_to_where_they_land() {
    for name in [
        "chains/diffusers_ddim_trailing_gauss_7",
        "chains/diffusers_ddim_trailing_tanh_30",
        "chains/diffusers_ddim_ztsnr_v_tanh_7",
        "chains/diffusers_ddim_linspace_gauss_9",
        "chains/diffusers_ddim_clip_tanh_11",
        "chains/diffusers_ddim_first_gauss_10",
        "chains/diffusers_euler_trailing_gauss_7",
    ] {
        let directory = pair(name);
        let report = checked(&directory);
        assert!(report.passed() && report.passes() > 2 && report.not_covered() == 0, "{}", report.to_text());
        edit_json(&directory, &format!("{name}.json"), |sidecar| {
            let steps = &mut sidecar["num_inference_steps"];
            *steps = json!(steps.as_u64().unwrap() + 1);
        });
        assert!(!checked(&directory).passed(), "{name} with another number of steps");
    }
}

#[test]
fn settings_that_are_known_to_be_absent_are_listed_with_their_reason() {
    let ddim = "chains/diffusers_ddim_leading_gauss_50";
    for (name, setting, value, reason) in [
        (ddim, "set_alpha_to_one", json!(false), "from the first level to itself"),
        (ddim, "thresholding", json!(true), "thresholding"),
        (ddim, "clip_sample_range", json!(2.0), "clipping range"),
    ] {
        let directory = pair(name);
        edit_json(&directory, &format!("{name}.json"), |sidecar| sidecar["config"][setting] = value.clone());
        let report = checked(&directory);
        assert!(report.passed() && report.not_covered() == 1, "{setting}: {}", report.to_text());
        assert!(report.to_text().contains(reason), "{}", report.to_text());
    }
}
