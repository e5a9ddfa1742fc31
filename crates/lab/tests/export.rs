//! What is exported samples the same when it is read back, or is refused by the name of what has no words.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use burn::tensor::{DType, Device, Tensor};
use serde_json::{Value, json};
use tempfile::TempDir;
use undrift_checkpoints::{ClosedForm, Layout, Network, NetworkConfig, Settings, export};
use undrift_lab::methods::{Method, SpacingName};
use undrift_lab::published::{
    CheckpointArgs, Guidance, Opened, Process, PublishedSampling, SamplerChoice, Visits, X0Limit,
};
use undrift_lab::recipe::{ChainSettings, PredictionName, Settings as RowSettings, VarianceName, load};
use undrift_lab::run::{NETWORK, SETTINGS};
use undrift_training::{Optimisation, Trainer};

/// A network so small that hundreds of samples of it are drawn in seconds, with the groups that every layout has.
fn small(layout: Layout, twice: bool) -> NetworkConfig {
    let outputs = if twice { 6 } else { 3 };
    let settings = match layout {
        Layout::Diffusers => json!({"_class_name": "UNet2DModel", "sample_size": 4, "block_out_channels": [32],
            "out_channels": outputs, "layers_per_block": 1, "down_block_types": ["DownBlock2D"], "norm_eps": 1e-6,
            "up_block_types": ["UpBlock2D"], "attention_head_dim": null, "downsample_padding": 0, "freq_shift": 1,
            "flip_sin_to_cos": false}),
        Layout::Ermongroup => json!({"image_size": 4, "in_channels": 3, "out_ch": outputs, "ch": 32, "ch_mult": [1],
            "num_res_blocks": 1, "attn_resolutions": [], "resamp_with_conv": true}),
        Layout::Dit => json!({"input_size": 4, "patch_size": 2, "in_channels": 4, "hidden_size": 16, "depth": 1,
            "num_heads": 2, "num_classes": 5, "learn_sigma": twice}),
        _ => json!({"image_size": 4, "in_channels": 3, "model_channels": 32, "out_channels": outputs,
            "num_res_blocks": 1, "attention_resolutions": [1], "channel_mult": [1], "num_head_channels": 16,
            "use_new_attention_order": true, "use_scale_shift_norm": true}),
    };
    layout.config(&Settings::new(settings.as_object().unwrap().clone())).unwrap()
}

fn network(layout: Layout, twice: bool, device: &Device) -> Network {
    ClosedForm::default().network(layout, &small(layout, twice), device, DType::F32).unwrap()
}

/// DDPM's process over some chain.
fn process(chain: ChainSettings, prediction: PredictionName, variance: VarianceName) -> Process {
    Process {
        chain,
        prediction,
        variance,
        limit: X0Limit::Clip { range: 1.0 },
        time_factor: 1.0,
        solver: Method::named("ddpm"),
        visits: Visits::All,
        spacing: SpacingName::Trailing,
        assumed: Vec::new(),
    }
}

fn linear() -> ChainSettings {
    ChainSettings::LinearBetween { length: 4, start: 0.1, end: 0.4 }
}

fn zero_snr(of: ChainSettings) -> ChainSettings {
    ChainSettings::ZeroTerminalSnr { of: Box::new(of) }
}

/// Every kind of chain, and which layouts have a name for it.
fn chains() -> Vec<(ChainSettings, &'static [Layout])> {
    const ALL: &[Layout] = &[Layout::Diffusers, Layout::Ermongroup, Layout::GuidedDiffusion, Layout::Dit];
    let (length, start, end) = (4, 0.1, 0.4);
    let betas = vec![0.1, 0.2, 0.15, 0.4];
    vec![
        (ChainSettings::Linear { length: 1000 }, ALL),
        (ChainSettings::LinearScaled { length: 40 }, ALL),
        (ChainSettings::Cosine { length }, &[Layout::Diffusers, Layout::GuidedDiffusion, Layout::Dit]),
        (ChainSettings::LinearBetween { length, start, end }, &ALL[..2]),
        (ChainSettings::Quadratic { length, start, end }, &ALL[..2]),
        (ChainSettings::ScaledLinear { length, start, end }, &ALL[..2]),
        (ChainSettings::Constant { length, beta: 0.3 }, &ALL[..2]),
        (ChainSettings::Jsd { length }, &ALL[..2]),
        (ChainSettings::Sigmoid { length, start, end }, &ALL[..2]),
        (ChainSettings::WarmUp { length, start, end, fraction: 0.5 }, &ALL[..1]),
        (ChainSettings::Betas { betas: betas.clone() }, &ALL[..1]),
        (zero_snr(linear()), &ALL[..1]),
        (zero_snr(ChainSettings::Cosine { length }), &ALL[..1]),
        (zero_snr(ChainSettings::Betas { betas }), &ALL[..1]),
    ]
}

const PREDICTIONS: [PredictionName; 4] =
    [PredictionName::Eps, PredictionName::X0, PredictionName::V, PredictionName::MuTilde];

const VARIANCES: [VarianceName; 4] =
    [VarianceName::FixedSmall, VarianceName::FixedLarge, VarianceName::Learned, VarianceName::LearnedRange];

/// A word of the reason why a layout refuses a process, if it does.
fn refusal(layout: Layout, named: &[Layout], process: &Process) -> Option<&'static str> {
    let ermongroup = layout == Layout::Ermongroup;
    Some(match (process.prediction, process.variance) {
        (PredictionName::MuTilde, _) => "mu_tilde",
        (_, VarianceName::Learned) => "log-variance",
        (PredictionName::X0, _) if ermongroup => "x0",
        (PredictionName::V, _) if layout != Layout::Diffusers => "`v`",
        _ if !named.contains(&layout) => "chain",
        _ => return None,
    })
}

/// Whether there is no signal at the end, where an eps model says nothing and no sample can be drawn.
fn ends_in_noise(chain: &ChainSettings) -> bool {
    matches!(chain, ChainSettings::Jsd { .. } | ChainSettings::ZeroTerminalSnr { .. })
}

fn ddim() -> SamplerChoice {
    SamplerChoice { solver: Some(Method::named("ddim")), ..SamplerChoice::default() }
}

fn bits(network: &Network, process: &Process, choice: &SamplerChoice) -> Vec<u32> {
    let classes = if network.config().classes().is_some() { vec![1, 3] } else { Vec::new() };
    let device = Device::flex();
    let sampling = PublishedSampling::new(network, process, choice, Guidance::None, classes, &device, 3).unwrap();
    let x: Tensor<4> = sampling.draw(0, 2, || ()).unwrap();
    x.into_data().iter::<f32>().map(f32::to_bits).collect()
}

fn place(folder: &TempDir, layout: Layout) -> PathBuf {
    folder.path().join(if layout == Layout::Diffusers { "folder" } else { "model.pt" })
}

/// Exports, reads as `sample --checkpoint` does, and compares samples of the own sampler and of DDIM.
fn goes_round(layout: Layout, network: &Network, process: &Process, said: &Settings) {
    let folder = TempDir::new().unwrap();
    let out = place(&folder, layout);
    let words = process.words(layout, &network.config(), said).unwrap();
    export(network, layout, Some(&words), &out).unwrap();
    let opened = Opened::new(&out, &CheckpointArgs::of(None, Vec::new())).unwrap();
    let again = opened.load(&Device::flex(), DType::F32).unwrap();
    for choice in [
        SamplerChoice::default(),
        ddim(),
        SamplerChoice { steps: Some(4), spacing: Some(SpacingName::Trailing), ..ddim() },
    ] {
        let before = bits(network, process, &choice);
        assert!(before.iter().all(|bits| f32::from_bits(*bits).is_finite()));
        assert!(bits(&again, &opened.process, &choice) == before, "{} {process:?} by {choice:?}", layout.name());
    }
}

#[test]
fn every_process_comes_back_or_is_refused_by_name() {
    let mut written = 0;
    for layout in [Layout::Diffusers, Layout::Ermongroup, Layout::GuidedDiffusion, Layout::Dit] {
        let plain = network(layout, false, &Device::flex());
        let twice = network(layout, true, &Device::flex());
        for (chain, named) in chains() {
            for (prediction, variance) in
                PREDICTIONS.into_iter().flat_map(|prediction| VARIANCES.map(|variance| (prediction, variance)))
            {
                let mut process = process(chain.clone(), prediction, variance);
                if layout == Layout::Dit {
                    process.limit = X0Limit::None;
                }
                let learned = matches!(variance, VarianceName::Learned | VarianceName::LearnedRange);
                let network = if learned { &twice } else { &plain };
                match refusal(layout, named, &process) {
                    None if prediction == PredictionName::Eps && ends_in_noise(&process.chain) => {
                        let refused = process.words(layout, &network.config(), &Settings::default()).unwrap_err();
                        assert!(refused.to_string().contains("signal is 0"), "{process:?}: {refused}");
                    }
                    None => {
                        // A thousand steps are walked once for each layout.
                        if chain.length() < 100 || (prediction, variance) == (PredictionName::Eps, VARIANCES[1]) {
                            goes_round(layout, network, &process, &Settings::default());
                            written += 1;
                        }
                    }
                    Some(word) => {
                        let refused = process.words(layout, &network.config(), &Settings::default()).unwrap_err();
                        let text = refused.to_string();
                        assert!(text.contains(layout.name()) && text.contains(word), "{process:?}: {text}");
                    }
                }
            }
        }
    }
    assert!(written > 100, "{written}");
}

#[test]
fn a_range_of_clipping_goes_round_where_it_has_words() {
    let plain = |layout| network(layout, false, &Device::flex());
    let eps = process(linear(), PredictionName::Eps, VarianceName::FixedLarge);
    let refused = |layout: Layout, process: &Process| {
        process.words(layout, &small(layout, false), &Settings::default()).unwrap_err().to_string()
    };
    for limit in [X0Limit::None, X0Limit::Clip { range: 2.0 }] {
        let process = Process { limit, ..eps.clone() };
        goes_round(Layout::Diffusers, &plain(Layout::Diffusers), &process, &Settings::default());
        assert!(refused(Layout::Ermongroup, &process).contains("x0"), "{limit:?}");
    }
    let process = Process { limit: X0Limit::Threshold { ratio: 0.9, most: 2.0 }, ..eps };
    assert!(refused(Layout::Diffusers, &process).contains("quantile 0.9"));
    let wider = Process { chain: ChainSettings::Cosine { length: 8 }, limit: X0Limit::Clip { range: 2.0 }, ..process };
    assert!(refused(Layout::GuidedDiffusion, &wider).contains("clipped to 2"));
}

#[test]
fn other_samplers_and_labels_go_round_or_are_named() {
    let eps = process(linear(), PredictionName::Eps, VarianceName::FixedLarge);
    let by = |solver: &str, limit| Process { solver: solver.parse().unwrap(), limit, ..eps.clone() };
    let clip = X0Limit::Clip { range: 1.0 };
    let none = Settings::default();
    let unet = |layout| network(layout, false, &Device::flex());
    goes_round(Layout::Diffusers, &unet(Layout::Diffusers), &by("ddim", X0Limit::None), &none);
    goes_round(Layout::Diffusers, &unet(Layout::Diffusers), &by("ddim-keep-eps", clip), &none);
    goes_round(Layout::Diffusers, &unet(Layout::Diffusers), &by("ddpm-small", clip), &none);
    goes_round(Layout::Ermongroup, &unet(Layout::Ermongroup), &by("ddim:eta=0.5", X0Limit::None), &none);
    goes_round(Layout::Ermongroup, &unet(Layout::Ermongroup), &by("ddpm-large", clip), &none);
    let guided = Process { chain: ChainSettings::Cosine { length: 8 }, ..by("ddim", clip) };
    goes_round(Layout::GuidedDiffusion, &unet(Layout::GuidedDiffusion), &guided, &none);
    let rescaled = Process { time_factor: 125.0, ..guided };
    goes_round(Layout::GuidedDiffusion, &unet(Layout::GuidedDiffusion), &rescaled, &none);
    let refused =
        |layout, process: &Process| process.words(layout, &small(layout, false), &none).unwrap_err().to_string();
    assert!(refused(Layout::Diffusers, &by("heun", clip)).contains("`heun`"));
    assert!(refused(Layout::Diffusers, &by("ddim", clip)).contains("`ddim`"), "diffusers keeps the model's eps");
    assert!(refused(Layout::Diffusers, &by("ddim:eta=0.5", X0Limit::None)).contains("eta=0.5"));
    assert!(
        refused(Layout::Diffusers, &Process { time_factor: 0.25, ..eps.clone() }).contains("time labels times 0.25")
    );
    assert!(refused(Layout::Ermongroup, &by("ddpm-small", clip)).contains("ddpm-small"));
    let chosen = Process { visits: Visits::Chosen(vec![3, 1]), ..eps.clone() };
    assert!(refused(Layout::Diffusers, &chosen).contains("2 levels"));
}

/// A scheduler's file is written as it was read, whatever its class.
#[test]
fn a_scheduler_of_diffusers_stays_the_one_that_it_was() {
    let folder = TempDir::new().unwrap();
    let unet = network(Layout::Diffusers, false, &Device::flex());
    for (class, more) in [
        ("DDIMScheduler", json!({"set_alpha_to_one": false, "steps_offset": 1, "clip_sample": false})),
        ("DDPMScheduler", json!({"variance_type": "fixed_small_log", "thresholding": true})),
        ("PNDMScheduler", json!({"skip_prk_steps": true})),
        ("EulerDiscreteScheduler", json!({"use_karras_sigmas": true})),
        ("DPMSolverMultistepScheduler", json!({"lambda_min_clipped": "-Infinity"})),
    ] {
        let mut scheduler = more.as_object().unwrap().clone();
        scheduler.extend([("_class_name".to_owned(), json!(class)), ("num_train_timesteps".to_owned(), json!(8))]);
        scheduler.insert("trained_betas".to_owned(), json!([0.05, 0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3]));
        let first = folder.path().join(format!("{class}-first"));
        export(&unet, Layout::Diffusers, Some(&Settings::new(scheduler.clone())), &first).unwrap();
        let opened = Opened::new(&first, &CheckpointArgs::of(None, Vec::new())).unwrap();
        let words = opened.process.words(Layout::Diffusers, &opened.config, &Settings::default()).unwrap();
        scheduler.remove("lambda_min_clipped");
        assert_eq!(words, Settings::new(scheduler));
        let second = folder.path().join(format!("{class}-second"));
        export(&unet, Layout::Diffusers, Some(&words), &second).unwrap();
        assert_eq!(second.join("model_index.json").is_file(), class.starts_with("DD"), "{class}");
        let again = Opened::new(&second, &CheckpointArgs::of(None, Vec::new())).unwrap();
        let five = SamplerChoice { steps: Some(5), ..SamplerChoice::default() };
        assert_eq!(bits(&unet, &again.process, &five), bits(&unet, &opened.process, &five), "{class}");
    }
}

fn undrift(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_undrift")).args(args).output().unwrap()
}

fn succeeds(args: &[&str]) -> String {
    let output = undrift(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(args: &[&str]) -> String {
    let output = undrift(args);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
    // Long lines are broken where the terminal ends, also at hyphens.
    message.chars().filter(|letter| !letter.is_whitespace() && *letter != '│').collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A training state as a user of the library saves it, or, with the notes of a run, as `undrift run` does.
fn state(folder: &TempDir, name: &str, row: Option<&RowSettings>) -> PathBuf {
    let twice = row.is_some_and(|row| row.model.variance == VarianceName::Learned);
    let Network::Ddpm(net) = network(Layout::Diffusers, twice, &Device::flex().autodiff()) else { panic!("no U-Net") };
    let mut notes = BTreeMap::from([("mine".to_owned(), "a note".to_owned())]);
    if let Some(row) = row {
        let config = serde_json::to_string(net.config()).unwrap();
        notes.extend([(SETTINGS.to_owned(), toml::to_string(row).unwrap()), (NETWORK.to_owned(), config)]);
    }
    let path = folder.path().join(name);
    Trainer::new(net, Optimisation::constant(1e-3)).unwrap().state(notes).save(&path).unwrap();
    path
}

fn row(change: impl FnOnce(&mut RowSettings)) -> RowSettings {
    let mut row = load("table2", Some("smoke")).unwrap().rows.remove(5).settings;
    row.chain = linear();
    change(&mut row);
    row
}

#[test]
fn a_row_of_ours_is_the_same_in_a_folder_of_diffusers() {
    let folder = TempDir::new().unwrap();
    let file = state(&folder, "row.safetensors", Some(&row(|row| row.model.variance = VarianceName::FixedSmall)));
    let out = folder.path().join("folder");
    let written = succeeds(&["export", text(&file), "--layout", "diffusers", "--out", text(&out)]);
    for name in ["model_index.json", "unet/config.json", "scheduler/scheduler_config.json"] {
        assert!(written.contains(text(&out.join(name))), "{written}");
    }
    let scheduler: Value =
        serde_json::from_slice(&fs::read(out.join("scheduler/scheduler_config.json")).unwrap()).unwrap();
    assert_eq!(
        (&scheduler["_class_name"], &scheduler["variance_type"]),
        (&json!("DDPMScheduler"), &json!("fixed_small"))
    );
    let samples = |checkpoint: &Path, more: &[&str]| {
        let npz = folder.path().join("x.npz");
        let base = ["sample", "--checkpoint", text(checkpoint), "--count", "2", "--out", text(&npz)];
        succeeds(&[&base[..], more].concat());
        fs::read(npz).unwrap()
    };
    for more in [&[][..], &["--sampler", "ddim"], &["--sampler", "ddim", "--steps", "2"]] {
        assert!(samples(&out, more) == samples(&file, more), "{more:?}");
    }
}

#[test]
fn what_has_no_words_is_written_as_weights_alone_if_that_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("folder");
    let export = |file: &Path, more: &[&str]| {
        let base = ["export", text(file), "--layout", "diffusers", "--out", text(&out)];
        [&base[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let arguments = |all: &[String]| -> String { refused(&all.iter().map(String::as_str).collect::<Vec<_>>()) };
    let mu_tilde = state(&folder, "mu.safetensors", Some(&row(|row| row.model.prediction = PredictionName::MuTilde)));
    let message = arguments(&export(&mu_tilde, &[]));
    assert!(message.contains("mu_tilde") && message.contains("--weights-only"), "{message}");
    assert!(!out.exists(), "nothing is left behind");
    let learned = state(&folder, "learned.safetensors", Some(&row(|row| row.model.variance = VarianceName::Learned)));
    assert!(arguments(&export(&learned, &[])).contains("log-variance"));
    assert!(arguments(&export(&learned, &["--weights-only"])).contains("log-variance"), "it would be read as a range");
    let all = export(&mu_tilde, &["--weights-only"]);
    succeeds(&all.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!out.join("scheduler").exists() && !out.join("model_index.json").exists());
    fs::write(out.join("scheduler_config.json"), "{}").unwrap();
    let stale = arguments(&all);
    assert!(stale.contains("scheduler_config.json") && stale.contains("remove"), "{stale}");
}

#[test]
fn a_state_of_a_library_user_is_inspected() {
    let folder = TempDir::new().unwrap();
    let file = state(&folder, "mine.safetensors", None);
    let said: Value = serde_json::from_str(&succeeds(&["inspect", text(&file), "--json"])).unwrap();
    let count: usize = network(Layout::Diffusers, false, &Device::flex()).parameter_count();
    assert_eq!((&said["parameters"], &said["steps trained"]), (&json!(count), &json!(0)));
    assert_eq!((&said["groups"], &said["stored as"]), (&json!(["ema", "raw"]), &json!("F32")));
    assert_eq!((&said["shapes"]["conv_in.weight"], &said["notes"]), (&json!([32, 3, 3, 3]), &json!(["mine"])));
    let plain = succeeds(&["inspect", text(&file)]);
    assert!(plain.contains("moments") && plain.contains("network and process: not said"), "{plain}");
    let sampled = refused(&["sample", "--checkpoint", text(&file)]);
    assert!(sampled.contains("whichnetwork") && sampled.contains("inspect"), "{sampled}");
    let named = state(&folder, "row.safetensors", Some(&row(|_| ())));
    assert!(succeeds(&["inspect", text(&named)]).contains("settings of its row"));
}
