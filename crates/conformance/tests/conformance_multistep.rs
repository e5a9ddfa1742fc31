//! The golden vectors of multistep schedulers: that each is run, and that another setting is noticed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use undrift_conformance::{ConformanceReport, run};

/// The report on one fixture after a change of its sidecar.
fn report(stem: &str, edit: impl Fn(&mut Value)) -> ConformanceReport {
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures"), TempDir::new().unwrap());
    let target = to.path().join(stem);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    let tensors = format!("{stem}.safetensors");
    fs::copy(from.join(&tensors), to.path().join(&tensors)).unwrap();
    let mut sidecar = serde_json::from_slice(&fs::read(from.join(format!("{stem}.json"))).unwrap()).unwrap();
    edit(&mut sidecar);
    fs::write(to.path().join(format!("{stem}.json")), sidecar.to_string()).unwrap();
    run(to.path(), None).unwrap()
}

const STEPS: [(&str, usize); 6] = [
    ("steps/solver_dpmpp_2m", 13),
    ("steps/solver_dpmpp_2m_karras", 13),
    ("steps/solver_dpmpp_2m_v", 13),
    ("steps/solver_edm_dpmpp_2m", 13),
    ("steps/solver_pndm", 15),
    ("steps/solver_unipc_bh2", 13),
];

#[test]
fn every_call_of_a_scheduler_is_compared() {
    for (stem, cases) in STEPS {
        let report = report(stem, |_| {});
        assert!(report.passed() && report.not_covered() == 0, "{stem}");
        assert_eq!(report.cases().iter().filter(|case| case.passes()).count(), cases, "{stem}");
    }
}

#[test]
fn another_setting_is_another_result() {
    let changes: [(&str, &str, Value); 5] = [
        ("steps/solver_dpmpp_2m", "prediction_type", json!("v_prediction")),
        ("steps/solver_unipc_bh2", "solver_type", json!("bh1")),
        ("steps/solver_dpmpp_2m", "beta_end", json!(0.03)),
        ("steps/solver_edm_dpmpp_2m", "sigma_data", json!(1.0)),
        ("chains/diffusers_unipc_tanh_10", "use_karras_sigmas", json!(true)),
    ];
    for (stem, name, value) in changes {
        let report = report(stem, |sidecar| sidecar["config"][name] = value.clone());
        assert!(!report.passed(), "{stem}: {name} = {value}");
    }
}

#[test]
fn a_setting_that_is_not_there_is_refused_by_its_name() {
    for (stem, name, value) in [
        ("steps/solver_dpmpp_2m", "solver_order", json!(3)),
        ("steps/solver_pndm", "skip_prk_steps", json!(false)),
        ("chains/diffusers_unipc_tanh_10", "predict_x0", json!(false)),
        ("chains/diffusers_dpmpp_2m_tanh_20", "beyond", json!("tomorrow")),
    ] {
        let report = report(stem, |sidecar| sidecar["config"][name] = value.clone());
        assert!(!report.passed() && report.passes() == 0, "{stem}: {name} = {value}");
        assert!(report.to_text().contains(&format!("with `{name}` set")), "{}", report.to_text());
    }
}
