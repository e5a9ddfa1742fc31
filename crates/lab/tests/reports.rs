//! That the reports of the repository are what the program writes from the results beside them.

use std::fs;
use std::path::{Path, PathBuf};
use undrift_lab::methods::Methods;
use undrift_lab::recipe::Recipe;
use undrift_lab::report::write;
use undrift_lab::run::{RunDirectory, collect_report};

/// Copies a folder with all that is below it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn written_again(name: &str) -> (PathBuf, tempfile::TempDir) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results").join(name);
    let folder = tempfile::tempdir().unwrap();
    copy(&kept, folder.path());
    let (directory, recipe) = RunDirectory::existing::<Recipe>(folder.path()).unwrap();
    let report = collect_report(&Methods::standard(), &directory, &recipe, &burn::tensor::Device::flex());
    write(&report.unwrap(), folder.path()).unwrap();
    (kept, folder)
}

#[test]
fn the_pages_of_tables_follow_from_their_results() {
    for name in ["table2-quick", "fixed-variance"] {
        let (kept, again) = written_again(name);
        for file in ["report.md", "rows.svg", "loss.svg", "bits-per-step.svg", "rate-distortion.svg"] {
            let [kept, again] = [&kept, again.path()].map(|folder| fs::read_to_string(folder.join(file)).unwrap());
            assert!(kept == again, "{name}/{file} is not what `undrift report` writes");
        }
    }
}
