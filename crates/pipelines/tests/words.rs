//! What is exported samples the same when it is read back, or is refused by the name of what has no words.

use std::ops::ControlFlow;
use std::path::PathBuf;

use burn::tensor::{DType, Device, Tensor};
use serde_json::json;
use tempfile::TempDir;
use undrift_checkpoints::{ClosedForm, Layout, Network, NetworkConfig, Settings, export};
use undrift_pipelines::{
    Betas, Choice, Guidance, Pipeline, Placing, Plan, Predicted, Process, PublishedSolver, Said, Sampling,
    StepVariance, Visits, X0Limit,
};
use undrift_schedules::Spacing;

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
fn process(chain: Betas, prediction: Predicted, variance: StepVariance) -> Process {
    Process {
        chain,
        prediction,
        variance,
        limit: X0Limit::Clip { range: 1.0 },
        time_factor: 1.0,
        solver: PublishedSolver::Ddpm,
        visits: Visits::All,
        spacing: Spacing::Trailing,
        assumed: Vec::new(),
    }
}

fn linear() -> Betas {
    Betas::LinearBetween { length: 4, start: 0.1, end: 0.4 }
}

fn zero_snr(of: Betas) -> Betas {
    Betas::ZeroTerminalSnr { of: Box::new(of) }
}

/// Every kind of chain, and which layouts have a name for it.
fn chains() -> Vec<(Betas, &'static [Layout])> {
    const ALL: &[Layout] = &[Layout::Diffusers, Layout::Ermongroup, Layout::GuidedDiffusion, Layout::Dit];
    let (length, start, end) = (4, 0.1, 0.4);
    let betas = vec![0.1, 0.2, 0.15, 0.4];
    vec![
        (Betas::Linear { length: 1000 }, ALL),
        (Betas::LinearScaled { length: 40 }, ALL),
        (Betas::Cosine { length }, &[Layout::Diffusers, Layout::GuidedDiffusion, Layout::Dit]),
        (Betas::LinearBetween { length, start, end }, &ALL[..2]),
        (Betas::Quadratic { length, start, end }, &ALL[..2]),
        (Betas::ScaledLinear { length, start, end }, &ALL[..2]),
        (Betas::Constant { length, beta: 0.3 }, &ALL[..2]),
        (Betas::Jsd { length }, &ALL[..2]),
        (Betas::Sigmoid { length, start, end }, &ALL[..2]),
        (Betas::WarmUp { length, start, end, fraction: 0.5 }, &ALL[..1]),
        (Betas::Listed { betas: betas.clone() }, &ALL[..1]),
        (zero_snr(linear()), &ALL[..1]),
        (zero_snr(Betas::Cosine { length }), &ALL[..1]),
        (zero_snr(Betas::Listed { betas }), &ALL[..1]),
    ]
}

const PREDICTIONS: [Predicted; 4] = [Predicted::Eps, Predicted::X0, Predicted::V, Predicted::MuTilde];

const VARIANCES: [StepVariance; 4] =
    [StepVariance::FixedSmall, StepVariance::FixedLarge, StepVariance::Learned, StepVariance::LearnedRange];

/// A word of the reason why a layout refuses a process, if it does.
fn refusal(layout: Layout, named: &[Layout], process: &Process) -> Option<&'static str> {
    let ermongroup = layout == Layout::Ermongroup;
    Some(match (process.prediction, process.variance) {
        (Predicted::MuTilde, _) => "mu_tilde",
        (_, StepVariance::Learned) => "log-variance",
        (Predicted::X0, _) if ermongroup => "x0",
        (Predicted::V, _) if layout != Layout::Diffusers => "`v`",
        _ if !named.contains(&layout) => "chain",
        _ => return None,
    })
}

/// Whether there is no signal at the end, where an eps model says nothing and no sample can be drawn.
fn ends_in_noise(chain: &Betas) -> bool {
    matches!(chain, Betas::Jsd { .. } | Betas::ZeroTerminalSnr { .. })
}

fn ddim() -> Choice {
    Choice { solver: Some(PublishedSolver::DDIM.into()), ..Choice::default() }
}

fn bits(network: &Network, process: &Process, choice: &Choice) -> Vec<u32> {
    let classes = if network.config().classes().is_some() { vec![1, 3] } else { Vec::new() };
    let device = Device::flex();
    let plan = Plan::new(process, choice, &device).unwrap();
    let sampling = Sampling::new(network, process, &plan, Guidance::None, classes, &device, 3).unwrap();
    let x: Tensor<4> = sampling.draw(0, 2, || ControlFlow::Continue(())).unwrap().unwrap();
    x.into_data().iter::<f32>().map(f32::to_bits).collect()
}

fn place(folder: &TempDir, layout: Layout) -> PathBuf {
    folder.path().join(if layout == Layout::Diffusers { "folder" } else { "model.pt" })
}

/// Exports, reads as `sample --checkpoint` does, and compares samples of the own sampler and of DDIM.
fn goes_round(layout: Layout, network: &Network, process: &Process, said: &Settings) {
    let folder = TempDir::new().unwrap();
    let out = place(&folder, layout);
    let words = process.words(layout, &network.config(), said, &Device::flex()).unwrap();
    export(network, layout, Some(&words), &out).unwrap();
    let opened = Pipeline::open(&out, &Said::default()).unwrap();
    let again = opened.published.load(&Device::flex(), DType::F32).unwrap();
    for choice in [
        Choice::default(),
        ddim(),
        Choice { steps: Some(4), placing: Some(Placing::Spaced(Spacing::Trailing)), ..ddim() },
    ] {
        let before = bits(network, process, &choice);
        let by = Plan::new(process, &choice, &Device::flex()).unwrap().text();
        assert!(before.iter().all(|bits| f32::from_bits(*bits).is_finite()));
        assert!(bits(&again, &opened.process, &choice) == before, "{} {process:?} by {}", layout.name(), by);
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
                let learned = matches!(variance, StepVariance::Learned | StepVariance::LearnedRange);
                let network = if learned { &twice } else { &plain };
                match refusal(layout, named, &process) {
                    None if prediction == Predicted::Eps && ends_in_noise(&process.chain) => {
                        let refused = process
                            .words(layout, &network.config(), &Settings::default(), &Device::flex())
                            .unwrap_err();
                        assert!(refused.to_string().contains("signal is 0"), "{process:?}: {refused}");
                    }
                    None => {
                        // A thousand steps are walked once for each layout.
                        if chain.length() < 100 || (prediction, variance) == (Predicted::Eps, VARIANCES[1]) {
                            goes_round(layout, network, &process, &Settings::default());
                            written += 1;
                        }
                    }
                    Some(word) => {
                        let refused = process
                            .words(layout, &network.config(), &Settings::default(), &Device::flex())
                            .unwrap_err();
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
    let eps = process(linear(), Predicted::Eps, StepVariance::FixedLarge);
    let refused = |layout: Layout, process: &Process| {
        process.words(layout, &small(layout, false), &Settings::default(), &Device::flex()).unwrap_err().to_string()
    };
    for limit in [X0Limit::None, X0Limit::Clip { range: 2.0 }] {
        let process = Process { limit, ..eps.clone() };
        goes_round(Layout::Diffusers, &plain(Layout::Diffusers), &process, &Settings::default());
        assert!(refused(Layout::Ermongroup, &process).contains("x0"), "{limit:?}");
    }
    let process = Process { limit: X0Limit::Threshold { ratio: 0.9, most: 2.0 }, ..eps };
    assert!(refused(Layout::Diffusers, &process).contains("quantile 0.9"));
    let wider = Process { chain: Betas::Cosine { length: 8 }, limit: X0Limit::Clip { range: 2.0 }, ..process };
    assert!(refused(Layout::GuidedDiffusion, &wider).contains("clipped to 2"));
}

#[test]
fn other_samplers_and_labels_go_round_or_are_named() {
    let eps = process(linear(), Predicted::Eps, StepVariance::FixedLarge);
    let by = |solver: &str, limit| {
        let (name, eta) = solver.split_once(":eta=").unwrap_or((solver, "0"));
        let solver = PublishedSolver::named(name, eta.parse().unwrap()).unwrap();
        Process { solver, limit, ..eps.clone() }
    };
    let clip = X0Limit::Clip { range: 1.0 };
    let none = Settings::default();
    let unet = |layout| network(layout, false, &Device::flex());
    goes_round(Layout::Diffusers, &unet(Layout::Diffusers), &by("ddim", X0Limit::None), &none);
    goes_round(Layout::Diffusers, &unet(Layout::Diffusers), &by("ddim-keep-eps", clip), &none);
    goes_round(Layout::Diffusers, &unet(Layout::Diffusers), &by("ddpm-small", clip), &none);
    goes_round(Layout::Ermongroup, &unet(Layout::Ermongroup), &by("ddim:eta=0.5", X0Limit::None), &none);
    goes_round(Layout::Ermongroup, &unet(Layout::Ermongroup), &by("ddpm-large", clip), &none);
    let guided = Process { chain: Betas::Cosine { length: 8 }, ..by("ddim", clip) };
    goes_round(Layout::GuidedDiffusion, &unet(Layout::GuidedDiffusion), &guided, &none);
    let rescaled = Process { time_factor: 125.0, ..guided };
    goes_round(Layout::GuidedDiffusion, &unet(Layout::GuidedDiffusion), &rescaled, &none);
    let refused = |layout, process: &Process| {
        process.words(layout, &small(layout, false), &none, &Device::flex()).unwrap_err().to_string()
    };
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
        let opened = Pipeline::open(&first, &Said::default()).unwrap();
        let words = opened
            .process
            .words(Layout::Diffusers, opened.published.config(), &Settings::default(), &Device::flex())
            .unwrap();
        scheduler.remove("lambda_min_clipped");
        assert_eq!(words, Settings::new(scheduler));
        let second = folder.path().join(format!("{class}-second"));
        export(&unet, Layout::Diffusers, Some(&words), &second).unwrap();
        assert_eq!(second.join("model_index.json").is_file(), class.starts_with("DD"), "{class}");
        let again = Pipeline::open(&second, &Said::default()).unwrap();
        let five = Choice { steps: Some(5), ..Choice::default() };
        assert_eq!(bits(&unet, &again.process, &five), bits(&unet, &opened.process, &five), "{class}");
    }
}
