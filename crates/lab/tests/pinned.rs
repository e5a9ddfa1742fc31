//! Networks, losses, samples and scores of the two main jobs at their smallest, pinned: a change of one is a change of a
//! number, and its commit says why.
//!
//! Digests hold for the processor and the vector instructions that they were recorded with. Elsewhere, where sums may be
//! rounded otherwise, the scores must agree as far as two kinds of instructions do on one machine.
//! `UNDRIFT_PIN=write` records what this machine gives.

#[allow(dead_code)]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use program::{files, succeeds, text};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// What one preset gave.
#[derive(Default, Serialize, Deserialize)]
struct Pinned {
    /// For each kind of machine, a digest of every file.
    digests: BTreeMap<String, BTreeMap<String, String>>,
    /// Every score.
    scores: BTreeMap<String, f64>,
}

/// Rows whose training is too short to have left the first, unstable steps: a rounding error grows a millionfold.
const UNSTABLE: &str = "mu-fixed/";

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/pinned/{name}.json"))
}

/// The processor's maker and the chosen instructions.
fn machine() -> String {
    let info = succeeds(&["info"]);
    let instructions = info.lines().find_map(|line| line.split_once("flex device: ")).map(|(_, rest)| rest);
    let level = instructions.and_then(|rest| rest.split(' ').next()).expect("`undrift info` names the instructions");
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let maker = processors.lines().find_map(|line| line.strip_prefix("vendor_id")?.split(": ").nth(1));
    format!("{} {level}", maker.unwrap_or("unknown"))
}

/// Tensors alone: the header holds settings, whose text may change without a number.
fn of_tensors(bytes: &[u8]) -> Vec<u8> {
    let file = SafeTensors::deserialize(bytes).expect("a checkpoint is safetensors");
    let mut tensors = file.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    tensors.iter().flat_map(|(name, view)| [name.as_bytes(), view.data()].concat()).collect()
}

fn digests(run: &Path) -> BTreeMap<String, String> {
    let pinned = files(run).into_iter().filter_map(|(path, bytes)| {
        let name = path.strip_prefix(run).unwrap().to_str().unwrap().to_owned();
        let bytes = match path.extension()?.to_str()? {
            "safetensors" => of_tensors(&bytes),
            "u8" | "jsonl" => bytes,
            "png" if name.contains("seed-") => bytes,
            _ => return None,
        };
        let digest: String = Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Some((name, digest))
    });
    pinned.collect()
}

/// Times, and lists whose sums are pinned.
const LEFT_OUT: &[&str] = &["seconds", "train_seconds", "sample_seconds", "loss", "seed", "per_t", "rmse", "images"];

/// Every number of a JSON value that is a score, with its path.
fn numbers(at: &str, value: &Value, into: &mut BTreeMap<String, f64>) {
    match value {
        Value::Number(number) => drop(into.insert(at.to_owned(), number.as_f64().unwrap())),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| numbers(&format!("{at}/{i}"), value, into));
        }
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
            kept.for_each(|(key, value)| numbers(&format!("{at}/{key}"), value, into));
        }
        _ => {}
    }
}

fn scores(run: &Path) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for (path, bytes) in files(run) {
        let name = path.strip_prefix(run).unwrap().to_str().unwrap();
        let json = || serde_json::from_slice::<Value>(&bytes).unwrap();
        match path.file_name().unwrap().to_str().unwrap() {
            "result.json" => numbers(name, &json()["result"], &mut all),
            "scores.json" => numbers(name, &json(), &mut all),
            "study.json" => ["chain_lengths", "reference"].iter().for_each(|part| {
                numbers(&format!("{name}/{part}"), &json()[part], &mut all);
            }),
            _ => {}
        }
    }
    all
}

fn check(recipe: &str) {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    succeeds(&["run", recipe, "--preset", "smoke", "--seeds", "2", "--out", text(&run)]);
    let (machine, digests, scores) = (machine(), digests(&run), scores(&run));
    assert!(digests.len() >= 20 && scores.len() >= 60, "{} files, {} scores", digests.len(), scores.len());
    let mut pinned: Pinned =
        fs::read(place(recipe)).map_or_else(|_| Pinned::default(), |bytes| serde_json::from_slice(&bytes).unwrap());
    if std::env::var("UNDRIFT_PIN").is_ok_and(|value| value == "write") {
        pinned.digests.insert(machine, digests);
        pinned.scores = scores;
        fs::write(place(recipe), serde_json::to_string_pretty(&pinned).unwrap() + "\n").unwrap();
        return;
    }
    assert!(pinned.scores.keys().eq(scores.keys()), "another list of scores");
    let known = pinned.digests.get(&machine);
    if let Some(known) = known {
        let all = known.keys().chain(digests.keys());
        let other: Vec<&String> = all.filter(|name| known.get(*name) != digests.get(*name)).collect();
        assert!(other.is_empty(), "other bytes on {machine}: {other:?}");
    } else {
        eprintln!("no digests are recorded for {machine}; only scores are compared");
    }
    for (name, &score) in &scores {
        let tolerance = match known {
            Some(_) => 1e-9,
            None if name.contains(UNSTABLE) || name.ends_with("_std") => continue,
            None => 5e-3,
        };
        let expected = pinned.scores[name];
        assert!((score - expected).abs() <= tolerance * expected.abs().max(1e-3), "{name}: {score}, not {expected}");
    }
}

#[test]
fn table_2_gives_the_numbers_that_it_gave() {
    check("table2");
}

#[test]
fn exposure_bias_gives_the_numbers_that_it_gave() {
    check("exposure-bias");
}
