//! The program beside itself and other data: two processes on one run, other images, seeds that diverge, damaged files.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use program::{files, recipe, refused, said, succeeds, text, undrift};
use tempfile::TempDir;

fn wait_for(path: &Path) {
    let started = Instant::now();
    while !path.exists() {
        assert!(started.elapsed() < Duration::from_secs(120), "{} does not appear", path.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn a_second_process_is_told_who_holds_the_run_and_a_killed_one_holds_nothing() {
    let folder = TempDir::new().unwrap();
    let long = recipe(folder.path(), "long.toml", &[("steps = 60", "steps = 100000000")]);
    let run = folder.path().join("run");
    let mut command = undrift(&["run", text(&long), "--out", text(&run)]);
    let mut first = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for(&run.join("first/seed-0/checkpoint.safetensors"));
    let pid = format!("process {}", first.0.id());
    let link = folder.path().join("link");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&run, &link).unwrap();
    let again = ["run", text(&long), "--out", text(&run)];
    for arguments in [&["report", text(&run)][..], &["report", text(&link)], &again] {
        refused(arguments, &["in use", &pid, "UTC", "long.toml"]);
    }
    let other = recipe(folder.path(), "other.toml", &[("batch = 4", "batch = 5")]);
    refused(&["run", text(&other), "--out", text(&run)], &["in use", &pid]);
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    succeeds(&["report", text(&run)]);
}

/// A folder in the format of Fashion-MNIST with so many images, of which the first byte is given.
fn idx(folder: &Path, name: &str, first: [u8; 2]) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir(&path).unwrap();
    for (part, first) in ["train", "t10k"].into_iter().zip(first) {
        let mut images = [&[0, 0, 8, 3], &16u32.to_be_bytes()[..], &28u32.to_be_bytes(), &28u32.to_be_bytes()].concat();
        images.extend((0..16 * 28 * 28).map(|at: usize| (at * at % 251) as u8));
        images[16 + 14 * 28 + 14] = first;
        let labels = [&[0, 0, 8, 1], &16u32.to_be_bytes()[..], &[3; 16]].concat();
        fs::write(path.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(path.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
    path
}

#[test]
fn a_run_goes_on_with_the_images_it_was_begun_with_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let with = |images: &Path| {
        let set = format!("set = \"fashion-mnist-idx\"\npath = {:?}", text(images));
        recipe(folder.path(), "mine.toml", &[("set = \"fashion-mnist-sample\"", &set), ("steps = 60", "steps = 3")])
    };
    let run = folder.path().join("run");
    let begun = idx(folder.path(), "begun", [0, 0]);
    succeeds(&["run", text(&with(&begun)), "--out", text(&run)]);
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(run.join("first/seed-0/result.json")).unwrap()).unwrap();
    let (train, test) = (record["inputs"]["train"].as_str().unwrap(), record["inputs"]["test"].as_str().unwrap());
    assert_eq!((train.len(), test.len()), (32, 32));

    let before = files(&run);
    for (name, first, what, hash) in
        [("other-train", [255, 0], "training images", train), ("other-test", [0, 255], "test images", test)]
    {
        let other = with(&idx(folder.path(), name, first));
        let arguments = ["run", text(&other), "--seeds", "2", "--out", text(&run)];
        let message = refused(&arguments, &[what, name, hash, "--out"]);
        let hashes = message.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 32).count();
        assert_eq!(hashes, 2, "{message}");
    }
    let lock = |files: Vec<(PathBuf, Vec<u8>)>| files.into_iter().filter(|(path, _)| !path.ends_with("run.lock"));
    assert!(lock(files(&run)).eq(lock(before)), "a refused run changes nothing");

    let moved = folder.path().join("moved");
    fs::rename(&begun, &moved).unwrap();
    succeeds(&["run", text(&with(&moved)), "--seeds", "2", "--out", text(&run)]);
    fs::rename(folder.path().join("other-train"), &begun).unwrap();
    fs::rename(&moved, folder.path().join("away")).unwrap();
    fs::rename(&begun, &moved).unwrap();
    refused(&["report", text(&run)], &["training images", "moved", train]);
}

#[test]
fn a_checkpoint_of_other_images_is_not_trained_further() {
    let folder = TempDir::new().unwrap();
    let with = |name: &str, images: &Path| {
        let set = format!("set = \"fashion-mnist-idx\"\npath = {:?}", text(images));
        recipe(folder.path(), name, &[("set = \"fashion-mnist-sample\"", &set), ("steps = 60", "steps = 3")])
    };
    let one = with("one.toml", &idx(folder.path(), "one", [0, 0]));
    let other = with("other.toml", &idx(folder.path(), "other", [255, 0]));
    let (of_one, of_other) = (folder.path().join("run-one"), folder.path().join("run-other"));
    succeeds(&["run", text(&one), "--rows", "first", "--out", text(&of_one)]);
    let (there, here) = (of_one.join("first/seed-0"), of_other.join("first/seed-0"));
    succeeds(&["run", text(&other), "--rows", "second", "--out", text(&of_other)]);
    fs::create_dir_all(&here).unwrap();
    fs::copy(there.join("checkpoint.safetensors"), here.join("checkpoint.safetensors")).unwrap();
    refused(&["run", text(&other), "--out", text(&of_other)], &["training images", "other"]);
}

#[test]
fn a_run_whose_every_seed_diverged_fails() {
    let folder = TempDir::new().unwrap();
    let hot = [("learning_rate = 1e-3", "learning_rate = 1e30"), ("warm_up = 5", "warm_up = 0")];
    let all = recipe(folder.path(), "all.toml", &hot);
    let run = folder.path().join("all");
    let ran = undrift(&["run", text(&all), "--out", text(&run)]).output().unwrap();
    assert_eq!(ran.status.code(), Some(1), "{}", said(&ran));
    assert!(said(&ran).contains("no row and seed gave any samples"), "{}", said(&ran));
    assert!(fs::read_to_string(run.join("report.md")).unwrap().contains("failed"));
    let again = undrift(&["run", text(&all), "--out", text(&run)]).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "nor does it when it is started again");
    succeeds(&["report", text(&run)]);
}

#[test]
fn damaged_losses_are_an_error_that_names_their_line() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    let short = recipe(folder.path(), "short.toml", &[("steps = 60", "steps = 12")]);
    succeeds(&["run", text(&short), "--rows", "second", "--out", text(&run)]);
    let cell = run.join("second/seed-0");
    fs::remove_file(cell.join("result.json")).unwrap();
    let losses = fs::read_to_string(cell.join("losses.jsonl")).unwrap();
    let whole: Vec<&str> = losses.lines().collect();
    fs::write(cell.join("losses.jsonl"), format!("{}\n{}\n{}\n", whole[0], &whole[1][..9], whole[2])).unwrap();
    refused(&["run", text(&short), "--rows", "second", "--out", text(&run)], &["losses.jsonl", "line 2"]);
    fs::write(cell.join("losses.jsonl"), format!("{losses}{{\"step\": 1")).unwrap();
    succeeds(&["run", text(&short), "--rows", "second", "--out", text(&run)]);
    assert_eq!(fs::read_to_string(cell.join("losses.jsonl")).unwrap(), losses, "what a crash has cut off is repaired");
}
