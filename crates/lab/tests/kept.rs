//! What has been trained, drawn and scored is kept: beside a row that fails, when settings of sampling are corrected,
//! and when a search is stopped.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const UNDRIFT: &str = env!("CARGO_BIN_EXE_undrift");
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tiny.toml");

fn undrift(arguments: &[&str]) -> Command {
    let mut command = Command::new(UNDRIFT);
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = undrift(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The small recipe with something else in it, and fewer steps.
fn recipe(folder: &Path, find: &str, replace: &str) -> String {
    let tiny = fs::read_to_string(TINY).unwrap().replace("steps = 60", "steps = 4");
    assert!(tiny.contains(find), "{find}");
    let path = folder.join("recipe.toml");
    fs::write(&path, tiny.replacen(find, replace, 1)).unwrap();
    text(&path).to_owned()
}

const SECOND: &str = "label = \"eps, L_simple\"";

/// The row `second` with a sampler of its own.
fn with_sampler(folder: &Path, solver: &str) -> String {
    let sampler = format!("sampler = {{ solver = \"{solver}\", steps = 5, wrappers = [\"clip\"] }}");
    recipe(folder, SECOND, &format!("{SECOND}\nset = {{ sampling = {{ {sampler} }} }}"))
}

#[test]
fn a_row_that_fails_is_named_and_the_others_are_run_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let recipe = with_sampler(folder.path(), "ddim");
    let (code, _, said) = output(&["run", &recipe, "--out", text(&run)]);
    assert_eq!(code, Some(0), "{said}");
    let [first, second] = ["first", "second"].map(|row| run.join(row).join("seed-0"));
    let scored = fs::read(second.join("samples-ema.u8")).unwrap();
    let checkpoint = fs::read(first.join("checkpoint.safetensors")).unwrap();
    fs::write(first.join("checkpoint.safetensors"), "no longer one").unwrap();
    for cell in [&first, &second] {
        fs::remove_file(cell.join("result.json")).unwrap();
    }

    let (code, printed, said) = output(&["run", &recipe, "--out", text(&run)]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("row `first`, seed 0"), "{said}");
    assert!(second.join("result.json").exists() && !first.join("result.json").exists());
    assert!(printed.contains("eps, L_simple") && run.join("report.html").exists(), "{printed}");
    assert!(fs::read(second.join("samples-ema.u8")).unwrap() == scored);
    let (code, printed, said) = output(&["report", text(&run)]);
    assert!(code == Some(0) && printed.contains("eps, L_simple"), "{said}");

    fs::write(first.join("checkpoint.safetensors"), checkpoint).unwrap();
    let (code, _, said) = output(&["run", &recipe, "--out", text(&run)]);
    assert!(code == Some(0) && first.join("result.json").exists(), "{said}");
}

#[test]
fn corrected_samplers_draw_again_from_the_trained_weights() {
    let folder = tempfile::tempdir().unwrap();
    let (run, fresh) = (folder.path().join("run"), folder.path().join("fresh"));
    let samples = |run: &Path| fs::read(run.join("second/seed-0/samples-ema.u8")).unwrap();
    let done = |solver: &str, run: &Path| {
        let (code, _, said) = output(&["run", &with_sampler(folder.path(), solver), "--out", text(run)]);
        assert_eq!(code, Some(0), "{said}");
    };
    done("ddim", &run);
    let (trained, drawn) = (fs::read(run.join("second/seed-0/losses.jsonl")).unwrap(), samples(&run));
    let other = fs::read(run.join("first/seed-0/result.json")).unwrap();
    done("ddim-keep-eps", &run);
    done("ddim-keep-eps", &fresh);
    assert_eq!(fs::read(run.join("second/seed-0/losses.jsonl")).unwrap(), trained);
    assert_eq!(fs::read(run.join("first/seed-0/result.json")).unwrap(), other);
    assert!(samples(&run) == samples(&fresh), "those of a run that never had another sampler");
    assert!(samples(&run) != drawn, "keeping eps behind a clip is another sampler");
}

#[test]
fn what_cannot_be_sampled_is_found_by_a_dry_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let prediction = |word: &str| format!("{SECOND}\nset = {{ model = {{ prediction = \"{word}\" }} }}");
    let respaced = "sampling = { sampler = { solver = \"ddpm\", steps = 5 } }";
    let learned = "label = \"eps, L, learned\"\nset = { model = { objective = \"bound\", variance = \"learned\" } }";
    for (find, replace, words) in [
        (
            "[chain]\nkind = \"linear-scaled\"\nlength = 30",
            "[chain]\nkind = \"linear-scaled\"\nlength = 20".to_owned(),
            ["model.prediction", "signal is 0"],
        ),
        (
            "[chain]\nkind = \"linear-scaled\"\nlength = 30",
            "[chain]\nkind = \"jsd\"\nlength = 20".to_owned(),
            ["model.prediction", "signal is 0"],
        ),
        (
            SECOND,
            prediction("mu-tilde").replace("} }", &format!("}}, {respaced} }}")),
            ["sampling.sampler", "mu_tilde is learned for single steps"],
        ),
        (
            learned,
            learned.replace("} }", &format!("}}, {respaced} }}")),
            ["sampling.sampler", "a learned log-variance belongs to single steps"],
        ),
    ] {
        let path = recipe(folder.path(), find, &replace);
        for dry in [&["--dry-run"][..], &[]] {
            let arguments = [&["run", &path, "--out", text(&out)][..], dry].concat();
            let (code, _, said) = output(&arguments);
            assert!(code == Some(2) && words.iter().all(|word| said.contains(word)), "{replace}: {said}");
            assert!(!out.exists(), "{replace}");
        }
    }
}

#[test]
fn tune_keeps_what_it_has_scored_and_prints_what_a_shell_can_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("it's a run");
    let (code, _, said) = output(&["run", &with_sampler(folder.path(), "ddim"), "--out", text(&run)]);
    assert_eq!(code, Some(0), "{said}");
    let tune = ["tune", text(&run), "--row", "second", "--method", "epsilon-scaling", "--steps", "5"];
    let tuned = |scales: &str, samples: &str| {
        let (code, printed, said) = output(&[&tune[..], &["--scales", scales, "--count", samples]].concat());
        assert_eq!(code, Some(0), "{said}");
        printed
    };
    let book = run.join("second/seed-0/tuning.json");
    let scored = || serde_json::from_slice::<serde_json::Value>(&fs::read(&book).unwrap()).unwrap();
    tuned("1.0,1.01", "20");
    let first = scored();
    assert_eq!(first.as_object().unwrap().len(), 2);
    let printed = tuned("1.0,1.01,1.02", "20");
    let second = scored();
    assert_eq!(second.as_object().unwrap().len(), 3);
    assert!(first.as_object().unwrap().iter().all(|(name, score)| second[name] == *score), "not scored again");
    tuned("1.0", "12");
    assert_eq!(scored().as_object().unwrap().len(), 4, "a score is that of its number of samples");

    let command = printed.lines().find_map(|line| line.strip_prefix("use it with: undrift ")).unwrap();
    let out = folder.path().join("a picture.png");
    let line = format!("'{UNDRIFT}' {command} --count 4 --out '{}'", out.display());
    let shell = Command::new("sh").arg("-c").arg(&line).stdin(Stdio::null()).output().unwrap();
    assert!(shell.status.success() && out.exists(), "{line}: {}", String::from_utf8_lossy(&shell.stderr));

    // Ctrl-C after the first of many new choices.
    let scales = (0..200).map(|i| format!("{}", 1.1 + f64::from(i) * 0.01)).collect::<Vec<_>>().join(",");
    let mut child =
        undrift(&[&tune[..], &["--scales", &scales, "--count", "20"]].concat()).stdout(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while scored().as_object().unwrap().len() < 6 {
        assert!(child.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(120), "nothing scored");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let stopped = child.wait_with_output().unwrap();
    assert_eq!(stopped.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&stopped.stdout).contains("b=1.1 "), "what was scored is printed");
    assert!(scored().as_object().unwrap().len() >= 6);
}

#[test]
fn values_beyond_the_chain_are_refused_by_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let (code, _, said) = output(&["run", &with_sampler(folder.path(), "ddim"), "--out", text(&run)]);
    assert_eq!(code, Some(0), "{said}");
    let sample = ["sample", text(&run), "--row", "second", "--sampler"];
    let tune = ["tune", text(&run), "--row", "second", "--steps", "5", "--method"];
    for (arguments, words) in [
        ([&sample[..], &["ddim", "--wrapper", "time-shift:window=4,cutoff=31"]].concat(), ["cutoff", "30 levels"]),
        ([&sample[..], &["ddim", "--wrapper", "time-shift:window=31,cutoff=3"]].concat(), ["window", "30 levels"]),
        ([&sample[..], &["time-shift-pnm:window=4,cutoff=31"]].concat(), ["cutoff", "30 levels"]),
        ([&sample[..], &["time-shift-adm:window=4,cutoff=31"]].concat(), ["cutoff", "30 levels"]),
        ([&sample[..], &["ddim", "--steps", "31"]].concat(), ["31 steps", "30 levels"]),
        ([&tune[..], &["time-shift", "--cutoffs", "10,31"]].concat(), ["cutoff", "30 levels"]),
        ([&tune[..], &["time-shift", "--windows", "4,31"]].concat(), ["window", "30 levels"]),
        ([&tune[..], &["epsilon-scaling", "--scales", "1.0,0"]].concat(), ["epsilon-scaling", "above 0"]),
        ([&sample[..], &["ddim:eta=2", "--steps", "10"]].concat(), ["ddim:eta=2", "at most"]),
    ] {
        let (code, _, said) = output(&arguments);
        assert!(code == Some(2) && words.iter().all(|word| said.contains(word)), "{arguments:?}: {said}");
    }
    let (_, _, said) = output(&[&sample[..], &["ddim:eta=2", "--steps", "10"]].concat());
    let largest = said.split("at most ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let out = folder.path().join("samples.png");
    let solver = format!("ddim:eta={largest}");
    let (code, _, said) =
        output(&[&sample[..], &[&solver, "--steps", "10", "--count", "2", "--out", text(&out)]].concat());
    assert_eq!(code, Some(0), "the hint works: {said}");
}
