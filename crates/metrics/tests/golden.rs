//! Golden vectors of the published implementations (`fixtures/metrics`): pytorch-fid, guided-diffusion and
//! torch-fidelity for the Frechet distance, torch-fidelity for the inception score.

use std::path::PathBuf;

use safetensors::SafeTensors;
use serde_json::Value;
use undrift_metrics::{ClassProbabilities, GaussianStats, frechet_distance, inception_score};

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/metrics").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

/// The f32 tensor `name` of a file as f64, and its number of columns.
fn tensor(file: &str, name: &str) -> (Vec<f64>, usize) {
    let bytes = fixture(&format!("{file}.safetensors"));
    let view = SafeTensors::deserialize(&bytes).unwrap();
    let view = view.tensor(name).unwrap();
    assert_eq!(view.dtype(), safetensors::Dtype::F32);
    let numbers = view.data().as_chunks::<4>().0.iter().map(|word| f64::from(f32::from_le_bytes(*word)));
    (numbers.collect(), view.shape()[1])
}

fn stats(set: &str, name: &str) -> GaussianStats {
    let (rows, width) = tensor(&format!("features_{set}"), name);
    let mut stats = GaussianStats::new(width);
    // An odd batch size, so that streaming is part of what is compared.
    rows.chunks(37 * width).for_each(|batch| stats.push_rows(batch).unwrap());
    stats
}

/// Largest relative difference from `peers` of a set of features.
fn frechet_gap(set: &str, peers: &[&str]) -> f64 {
    let reference = &json("feature_metrics.json")["sets"][set];
    let ours = frechet_distance(&stats(set, "gen"), &stats(set, "ref")).unwrap();
    let gap = |peer: &&str| {
        let theirs = reference[peer].as_f64().unwrap();
        (ours - theirs).abs() / theirs
    };
    peers.iter().map(gap).fold(0.0, f64::max)
}

#[test]
fn frechet_distance_of_full_rank_features() {
    let peers = ["fid_pytorch_fid", "fid_guided_diffusion", "fid_own_eigh_f64", "fid_torchmetrics_f64"];
    let gap = frechet_gap("a500x64", &peers);
    assert!(gap < 1e-8, "relative difference {gap}");
}

#[test]
fn frechet_distance_of_rank_deficient_features() {
    let peers = ["fid_pytorch_fid", "fid_guided_diffusion", "fid_own_eigh_f64", "fid_torch_fidelity"];
    for set in ["c50x128_rankdef", "d200x32_lowrank8"] {
        let gap = frechet_gap(set, &peers);
        assert!(gap < 1e-5, "{set}: relative difference {gap}");
    }
}

#[test]
fn frechet_distance_from_itself() {
    for set in ["a500x64", "c50x128_rankdef", "d200x32_lowrank8"] {
        let stats = stats(set, "gen");
        let distance = frechet_distance(&stats, &stats).unwrap();
        assert!(distance.abs() < 1e-4, "{set}: {distance}");
    }
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[test]
fn inception_score_in_splits_and_in_one() {
    let cases = json("inception_score.json");
    for case in cases["cases"].as_array().unwrap() {
        let (logits, classes) = tensor(case["file"].as_str().unwrap(), "logits");
        let mut kept = ClassProbabilities::new(classes);
        logits.chunks(classes).for_each(|row| kept.push_rows(&softmax(row)).unwrap());
        let splits = case["splits"].as_u64().unwrap() as usize;
        for (splits, key) in [(splits, "torch_fidelity_noshuffle"), (1, "torch_fidelity_1split")] {
            let ours = inception_score(&kept, splits).unwrap();
            let theirs = |name: &str| case[key][name].as_f64().unwrap();
            let gap = (ours.mean - theirs("inception_score_mean"))
                .abs()
                .max((ours.std - theirs("inception_score_std")).abs());
            assert!(gap < 1e-9, "{} {key}: {gap}", case["file"]);
        }
    }
}
