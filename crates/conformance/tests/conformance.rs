//! The conformance run: that it passes on the repository's golden vectors, and that it can fail.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use undrift_conformance::{Case, ConformanceError, ConformanceReport, Outcome, run};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// A directory of fixtures with copies of `files`, each `group/name.ending`.
fn copied(files: &[&str]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for file in files {
        let target = directory.path().join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, fs::read(fixtures().join(file)).unwrap()).unwrap();
    }
    directory
}

fn checked(directory: &TempDir) -> ConformanceReport {
    run(directory.path(), None).unwrap()
}

fn failures(report: &ConformanceReport) -> Vec<&Case> {
    report.cases().iter().filter(|case| case.fails()).collect()
}

fn edit_json(directory: &TempDir, file: &str, edit: impl Fn(&mut Value)) {
    let path = directory.path().join(file);
    let mut value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    edit(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

/// Changes the first number of a tensor of f64 or f32.
fn edit_tensor(directory: &TempDir, file: &str, tensor: &str, edit: impl Fn(f64) -> f64) {
    let path = directory.path().join(file);
    let mut bytes = fs::read(&path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let names: Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let entry = &names[tensor];
    let at = 8 + header + entry["data_offsets"][0].as_u64().unwrap() as usize;
    if entry["dtype"] == "F64" {
        let old = f64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        bytes[at..at + 8].copy_from_slice(&edit(old).to_le_bytes());
    } else {
        let old = f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        bytes[at..at + 4].copy_from_slice(&(edit(f64::from(old)) as f32).to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
}

const STEP: [&str; 2] = ["steps/ddpm_eps_fixed_large_clip.json", "steps/ddpm_eps_fixed_large_clip.safetensors"];

#[test]
fn every_published_number_that_is_covered_is_met() {
    let report = run(&fixtures(), None).unwrap();
    let failures = failures(&report);
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(report.passes() > 1900, "only {} cases were compared", report.passes());
    for group in ["schedules", "losses", "steps", "chains", "metrics", "networks", "pipelines"] {
        let mut cases = report.cases().iter();
        assert!(cases.any(|case| case.passes() && case.file.starts_with(group)), "nothing of {group}");
    }
    let schedules = run(&fixtures(), Some("schedules")).unwrap();
    assert_eq!(schedules.not_covered(), 0, "every table of a schedule is covered");
    let losses = run(&fixtures(), Some("losses")).unwrap();
    assert_eq!(losses.not_covered(), 0, "every loss is covered");
    let networks = run(&fixtures(), Some("networks")).unwrap();
    assert_eq!(networks.not_covered(), 0, "every network is covered");
}

#[test]
fn ancestral_steps_and_objectives_run_in_both_arithmetics() {
    let report = run(&fixtures(), None).unwrap();
    for file in [
        "steps/ddpm_prev_learned_range_clip",
        "chains/ddpm_gauss_50_fixed_small_clip",
        "losses/training_losses_tanh",
        "losses/calc_bpd_gauss_50_learned_range_noclip",
        "losses/ddpm_ip_gamma0.1",
    ] {
        for arithmetic in ["f32", "f64"] {
            let ran = |case: &&Case| case.file == file && case.arithmetic.is_some_and(|run| run.name() == arithmetic);
            assert!(report.cases().iter().filter(ran).count() >= 5, "{file} in {arithmetic}");
        }
    }
}

#[test]
fn one_changed_number_of_a_tensor_fails() {
    for tensor in ["f64/mean", "f32/x_prev", "f64/log_variance", "x_t"] {
        let directory = copied(&STEP);
        assert!(checked(&directory).passed());
        edit_tensor(&directory, STEP[1], tensor, |value| value * 1.01 + 0.001);
        let report = checked(&directory);
        assert!(!report.passed(), "a changed {tensor} went unnoticed");
        assert!(report.passes() > 0, "other items of the file still pass");
    }
}

#[test]
fn one_changed_number_of_a_table_fails() {
    let file = "schedules/ddim_quad_0.0001_0.02_T1000.json";
    for (table, index) in [("betas", 0), ("alphas_cumprod", 999), ("posterior_mean_coef2", 500)] {
        let directory = copied(&[file]);
        assert!(checked(&directory).passed());
        edit_json(&directory, file, |value| {
            let number = &mut value[table][index];
            *number = json!(number.as_f64().unwrap() * (1.0 + 1e-9));
        });
        let report = checked(&directory);
        let failures = failures(&report);
        assert_eq!(failures.len(), 1, "{failures:#?}");
        assert_eq!(failures[0].item, table);
    }
}

#[test]
fn one_changed_setting_fails() {
    let file = "schedules/cosine_T1000.json";
    let directory = copied(&[file]);
    edit_json(&directory, file, |value| value["args"]["num_diffusion_timesteps"] = json!(999));
    assert!(!checked(&directory).passed());
    let directory = copied(&STEP);
    edit_json(&directory, STEP[0], |value| value["clip_denoised"] = json!(false));
    assert!(!checked(&directory).passed());
    let file = "losses/ddpm_ip_gamma0.1.json";
    let directory = copied(&[file, "losses/ddpm_ip_gamma0.1.safetensors"]);
    edit_json(&directory, file, |value| value["gamma"] = json!(0.11));
    let report = checked(&directory);
    assert!(failures(&report).len() >= 8, "every item sees gamma: {}", report.to_text());
    let file = "losses/edm_losses.json";
    let directory = copied(&[file, "losses/edm_losses.safetensors"]);
    edit_json(&directory, file, |value| value["args"] = json!("EDMLoss_alt: P_mean=-.5,P_std=1,sigma_data=.25"));
    assert_eq!(failures(&checked(&directory)).len(), 2, "both items of the loss with other constants");
}

/// Sidecar and tensors of fixtures, each `group/name`.
fn pairs(names: &[&str]) -> TempDir {
    let endings = names.iter().flat_map(|name| [".json", ".safetensors"].map(|ending| format!("{name}{ending}")));
    let files: Vec<String> = endings.collect();
    copied(&files.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn one_changed_setting_of_a_sampler_fails() {
    let changes: [(&str, &[&str], Value); 7] = [
        ("chains/ddim_gauss_ddim10_eta0.5_clip", &["eta"], json!(0.6)),
        ("chains/ermongroup_tanh_10uniform", &["seq", "3"], json!(301)),
        ("chains/diffusers_ddim_trailing_gauss_50", &["config", "timestep_spacing"], json!("leading")),
        ("chains/diffusers_euler_tanh_20", &["config", "use_karras_sigmas"], json!(true)),
        ("chains/edm_gauss_18", &["args", "S_noise"], json!(1.01)),
        ("steps/edm_heun_tanh_churn30", &["args", "S_churn"], json!(1.0)),
        ("steps/solver_heun_discrete", &["config", "beta_end"], json!(0.021)),
    ];
    for (name, way, value) in changes {
        let directory = pairs(&[name, "chains/noise_1000"]);
        assert!(checked(&directory).passed(), "{name}");
        edit_json(&directory, &format!("{name}.json"), |sidecar| {
            let (last, front) = way.split_last().unwrap();
            let holder = front.iter().fold(sidecar, |node, field| &mut node[*field]);
            match last.parse::<usize>() {
                Ok(index) => holder[index] = value.clone(),
                Err(_) => holder[*last] = value.clone(),
            }
        });
        assert!(!failures(&checked(&directory)).is_empty(), "a changed {way:?} of {name} went unnoticed");
    }
}

#[test]
fn both_readings_of_eps_beside_a_clipped_x0_are_told_apart() {
    let name = "steps/diffusers_ddim_epsilon_50steps";
    let item = |eps: &str| format!("eta0.5/clip/{eps}/x_prev");
    for changed in [item("raweps"), item("reclipeps"), "inverse/clip/x_next".to_owned()] {
        let directory = pairs(&[name]);
        assert!(checked(&directory).passed());
        edit_tensor(&directory, &format!("{name}.safetensors"), &changed, |value| value + 0.001);
        let report = checked(&directory);
        let failed: Vec<&str> = failures(&report).iter().map(|case| case.item.as_str()).collect();
        assert!(!failed.is_empty() && failed.iter().all(|item| item.starts_with(&changed)), "{changed}: {failed:?}");
    }
}

#[test]
fn one_changed_label_of_a_chain_fails() {
    let chain = "chains/ddpm_gauss_50_fixed_small_clip";
    let files =
        [".json", ".safetensors"].map(|ending| [format!("{chain}{ending}"), format!("chains/noise_1000{ending}")]);
    let files: Vec<&str> = files.as_flattened().iter().map(String::as_str).collect();
    let directory = copied(&files);
    assert!(checked(&directory).passed());
    edit_json(&directory, files[0], |value| value["used_timesteps"][3] = json!(62));
    let report = checked(&directory);
    let failed: Vec<&str> = failures(&report).iter().map(|case| case.item.as_str()).collect();
    assert_eq!(failed, ["used_timesteps"]);
}

#[test]
fn a_nan_in_a_result_fails() {
    let directory = copied(&STEP);
    edit_tensor(&directory, STEP[1], "x_t", |_| f64::NAN);
    let report = checked(&directory);
    let infinite = |case: &&&Case| matches!(&case.outcome, Outcome::Compared(found) if found.error.is_infinite());
    assert!(failures(&report).iter().filter(infinite).count() >= 2);
}

#[test]
fn settings_of_any_size_are_read_from_the_sidecar() {
    let table = json!({
        "args": {"beta_schedule": "const", "beta_start": 0.1, "beta_end": 0.25, "num_diffusion_timesteps": 3},
        "betas": [0.25, 0.25, 0.25],
        "alphas_cumprod": [0.75, 0.5625, 0.421875],
        "alphas_cumprod_next": [0.5625, 0.421875, 0.0],
        "posterior_variance": [0.0, 0.25 * 0.25 / 0.4375, 0.25 * 0.4375 / 0.578125],
    });
    let directory = TempDir::new().unwrap();
    fs::create_dir(directory.path().join("schedules")).unwrap();
    fs::write(directory.path().join("schedules/anything.json"), table.to_string()).unwrap();
    let report = checked(&directory);
    assert!(report.passed() && report.passes() == 4, "{}", report.to_text());
}

fn write(directory: &TempDir, name: &str, text: &str) {
    let path = directory.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const NEW: &str = r#"{"peer": "someone/somewhere@0a1b2c new_solver"}"#;

#[test]
fn unknown_files_are_counted_as_not_covered() {
    let directory = copied(&STEP);
    write(&directory, "steps/solver_deis.json", NEW);
    write(&directory, "metrics/tomorrow.json", NEW);
    write(&directory, "metrics/picture.gif", "GIF89a");
    write(&directory, "elsewhere/x.json", "{}");
    write(&directory, "stray.bin", "");
    let report = checked(&directory);
    let not_covered = report.cases().iter().filter(|case| case.not_covered());
    let listed: Vec<&str> = not_covered.map(|case| case.file.as_str()).collect();
    let expected = ["steps/solver_deis", "metrics/picture.gif", "metrics/tomorrow", "elsewhere/x.json", "stray.bin"];
    assert_eq!(listed, expected);
    assert!(report.passed() && report.not_covered() == 5);
    assert!(report.to_text().contains("metrics/tomorrow: no such method here yet: someone/somewhere new_solver"));
}

#[test]
fn an_unknown_file_of_a_group_that_is_covered_whole_fails() {
    for (name, text) in [("steps/tomorrow.json", NEW), ("steps/picture.gif", "GIF89a")] {
        let directory = copied(&STEP);
        write(&directory, name, text);
        let report = checked(&directory);
        assert!(!report.passed() && report.not_covered() == 0);
        assert!(report.to_text().contains("every file of this group must be known"), "{}", report.to_text());
    }
}

#[test]
fn an_empty_or_missing_directory_is_an_error() {
    let directory = TempDir::new().unwrap();
    assert!(matches!(run(directory.path(), None), Err(ConformanceError::Empty { .. })));
    fs::write(directory.path().join("README.md"), "nothing").unwrap();
    assert!(matches!(run(directory.path(), None), Err(ConformanceError::Empty { .. })));
    let absent = directory.path().join("absent");
    let message = run(&absent, None).unwrap_err().to_string();
    assert!(message.contains("absent"), "{message}");
    assert!(matches!(run(directory.path(), Some("steps")), Err(ConformanceError::MissingDirectory { .. })));
    fs::create_dir(directory.path().join("steps")).unwrap();
    assert!(matches!(run(directory.path(), Some("steps")), Err(ConformanceError::Empty { .. })));
    assert!(!checked(&directory).passed(), "an empty folder of a group fails");
}

#[test]
fn an_unknown_group_names_the_known_ones() {
    let message = run(&fixtures(), Some("stairs")).unwrap_err().to_string();
    assert!(message.contains("stairs") && message.contains("schedules, losses, steps, chains"), "{message}");
}

#[test]
fn broken_files_fail_and_are_named() {
    let broken = |name: &str, bytes: &[u8]| {
        let directory = copied(&STEP);
        fs::write(directory.path().join(name), bytes).unwrap();
        let report = checked(&directory);
        assert!(!report.passed(), "{name}");
        report.to_text()
    };
    assert!(broken(STEP[0], b"{\"t\": [1,").contains("is not JSON"));
    assert!(broken(STEP[1], b"not tensors").contains("is not a safetensors file"));
    assert!(broken("steps/alone.safetensors", b"").contains("steps/alone: the tensors have no sidecar"));
    let directory = copied(&STEP[..1]);
    let report = checked(&directory);
    assert!(!report.passed() && report.to_text().contains("ddpm_eps_fixed_large_clip.safetensors are missing"));
}

#[test]
fn inputs_that_contradict_each_other_fail() {
    let directory = copied(&STEP);
    edit_json(&directory, STEP[0], |value| value["tensors"]["noise"]["shape"] = json!([1, 2, 3]));
    assert!(!checked(&directory).passed(), "another shape than the sidecar says");
    let directory = copied(&STEP);
    edit_json(&directory, STEP[0], |value| value["t"][0] = json!(7));
    assert!(!checked(&directory).passed(), "another t than the tensor has");
    let chain = "chains/ddpm_gauss_50_fixed_small_clip";
    let directory = copied(&[&format!("{chain}.json"), &format!("{chain}.safetensors")]);
    assert!(!checked(&directory).passed(), "the noise that the chain names is not there");
}

const DIT: [&str; 3] =
    ["networks/dit_micro_io.json", "networks/dit_micro_io.safetensors", "networks/dit_micro_weights.safetensors"];

#[test]
fn a_network_with_other_weights_outputs_or_settings_fails() {
    assert!(checked(&copied(&DIT)).passed());
    for (file, tensor) in [(DIT[1], "output"), (DIT[1], "output_f64"), (DIT[1], "grad/input_x"), (DIT[2], "pos_embed")]
    {
        let directory = copied(&DIT);
        edit_tensor(&directory, file, tensor, |old| old + 0.01);
        assert!(!checked(&directory).passed(), "{tensor}");
    }
    for (key, value) in [("num_heads", json!(4)), ("patch_size", json!(4)), ("depth", json!(2))] {
        let directory = copied(&DIT);
        edit_json(&directory, DIT[0], |sidecar| sidecar["config"][key] = value.clone());
        assert!(!checked(&directory).passed(), "{key}");
    }
    let without_weights = copied(&DIT[..2]);
    assert!(!checked(&without_weights).passed());
}

#[test]
fn weights_by_another_rule_fail() {
    let files = ["networks/guided_unet_cond_io.json", "networks/guided_unet_cond_io.safetensors"];
    assert!(checked(&copied(&files)).passed());
    let directory = copied(&files);
    edit_json(&directory, files[0], |sidecar| sidecar["name_prefix"] = json!("x."));
    assert!(!checked(&directory).passed());
}

#[test]
fn a_file_of_weights_must_give_the_recorded_output() {
    let files =
        ["networks/dit_micro_io.json", "networks/dit_micro_io.safetensors", "networks/dit_micro_weights.safetensors"];
    let directory = copied(&files);
    let weights = directory.path().join("networks/dit_micro_weights.safetensors");
    let other = directory.path().join("networks/dit_micro_other.safetensors");
    fs::copy(&weights, &other).unwrap();
    assert!(checked(&directory).passed());
    edit_tensor(&directory, "networks/dit_micro_other.safetensors", "final_layer.linear.bias", |old| old + 0.1);
    let report = checked(&directory);
    assert!(failures(&report).iter().any(|case| case.file.contains("dit_micro_other")));
}
