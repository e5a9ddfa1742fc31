//! What the check of a recipe accepts also runs, and what it refuses does not: over every kind of chain, prediction,
//! variance, weighting, solver, wrapper and spacing.

use std::sync::LazyLock;

use burn::tensor::{DType, Device, Tensor};
use undrift_denoisers::{ClipX0, Denoiser, Levels, OutputVariance, Preconditioned};
use undrift_lab::methods::slots::{CHAINS, OBJECTIVES, PREDICTIONS, SOLVERS, VARIANCES, WEIGHTINGS, WRAPPERS};
use undrift_lab::methods::{Method, Methods, Row, SamplerSettings, Slot};
use undrift_lab::recipe::{Built, Experiment, Recipe, RecipeError, load};
use undrift_lab::run::Setup;
use undrift_losses::{InputPerturbation, hybrid, squared_error, variational_bound};
use undrift_metrics::bound_of_data;
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_samplers::{SampleError, steps};
use undrift_schedules::Span;

static METHODS: LazyLock<Methods> = LazyLock::new(Methods::standard);

fn method(text: &str) -> Method {
    text.parse().unwrap()
}

fn names<S: Slot>(rows: &[Row<S>]) -> Vec<&'static str> {
    rows.iter().map(|row| row.name).collect()
}

/// Every kind of chain at a length; a new kind has to be written here.
fn chains(length: usize) -> Vec<Method> {
    let ends = |end: f64| format!("length={length},start=0.001,end={end}");
    let betas = (1..=length).map(|t| (0.4 * t as f64 / length as f64).to_string()).collect::<Vec<_>>().join("+");
    let all = vec![
        method(&format!("linear:length={length}")),
        method(&format!("linear-between:{}", ends(0.3))),
        method(&format!("linear-between:{}", ends(1.0))),
        method(&format!("linear-scaled:length={length}")),
        method(&format!("cosine:length={length}")),
        method(&format!("sigmoid-alpha-bar:length={length}")),
        method(&format!("quadratic:{}", ends(0.3))),
        method(&format!("scaled-linear:{}", ends(0.3))),
        method(&format!("scaled-linear:{}", ends(1.0))),
        method(&format!("sigmoid:{}", ends(0.3))),
        method(&format!("constant:length={length},beta=0.2")),
        method(&format!("constant:length={length},beta=1")),
        method(&format!("jsd:length={length}")),
        method(&format!("warm-up:{},fraction=0.5", ends(0.3))),
        Method::named("betas").with("betas", betas),
        Method::named("zero-terminal-snr").with("of", format!("constant:length={length},beta=0.2")),
    ];
    for name in names(CHAINS).into_iter().filter(|name| *name != "betas-file") {
        assert!(all.iter().any(|chain| chain.name == name), "no example of {name}");
    }
    all
}

/// A recipe of one small row.
fn recipe(change: impl FnOnce(&mut Experiment)) -> Recipe {
    static BASE: LazyLock<Recipe> = LazyLock::new(|| {
        load("table2", Some("smoke"), &METHODS).unwrap().with_rows(&["eps-simple".to_owned()]).unwrap()
    });
    let mut recipe = BASE.clone();
    change(&mut recipe.rows[0]);
    recipe
}

/// An objective that fits a variance.
fn objective(variance: &str) -> Method {
    method(if variance.starts_with("fixed") { "simple" } else { "hybrid" })
}

/// A network that says nothing, with variance channels where there must be some.
fn silent(setup: &Setup) -> impl Denoiser<4> + '_ {
    Preconditioned {
        network: |x: Tensor<4>, _: Tensor<1>| match setup.output_variance {
            OutputVariance::None => x * 0.0,
            _ => Tensor::cat(vec![x.clone() * 0.0, x * 0.0 - 5.0], 1),
        },
        parameterisation: &setup.parameterisation,
        variance: setup.output_variance,
    }
}

/// Two images in single precision, as a run has them.
fn images() -> (SampleNoise, Tensor<4>) {
    let mut noise = SampleNoise::new(Key::new(3, Purpose::Sampling), 0, 2);
    let x = noise.normal(&Tensor::zeros([2, 1, 4, 4], (&Device::flex(), DType::F32)));
    (noise, x)
}

/// What training and the bound on the data do at every level of the chain.
fn trained(setup: &Setup) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let model = Preconditioned {
        network: |x: Tensor<4>, _: Tensor<1>| match setup.output_variance {
            OutputVariance::None => x * 0.0,
            _ => Tensor::cat(vec![x.clone() * 0.0, x * 0.0 - 5.0], 1),
        },
        parameterisation: &setup.parameterisation,
        variance: setup.output_variance,
    };
    let none = InputPerturbation::new(0.0).unwrap();
    let built = Built::of(&METHODS, &setup.settings).unwrap();
    let spans: Vec<Span> = (1..=setup.chain.len()).filter_map(|t| setup.chain.span(t)).collect();
    for span in spans {
        let ((mut noise, x), at) = (images(), Levels::from(span.from()));
        let x0 = (x.clamp(-1.0, 1.0) * 127.5 + 127.5).round() / 127.5 - 1.0;
        let loss = match setup.settings.model.objective.name.as_str() {
            "simple" => {
                let errors = squared_error(&model, &none, x0, &at, &mut noise);
                let weighted = errors.and_then(|errors| built.weighting.weigh(errors, &setup.parameterisation, &at));
                weighted.map_err(|error| said(&error))?
            }
            "hybrid" => {
                let parts = hybrid(&model, &none, x0, &[span], &mut noise).map_err(|error| said(&error))?;
                parts.total(0.001, setup.chain.len())
            }
            _ => variational_bound(&model, setup.variance, &none, x0, &[span], &mut noise)
                .map_err(|error| said(&error))?,
        };
        if loss.into_data().iter::<f64>().any(|loss| !loss.is_finite()) {
            return Err(format!("a loss at time {} is not finite", span.from().time()));
        }
    }
    let grey = (images().1.clamp(-1.0, 1.0) * 127.5 + 127.5).round() / 127.5 - 1.0;
    let key = Key::new(0, Purpose::Evaluation);
    let bound = bound_of_data(&ClipX0(model), setup.variance, &setup.chain.grid(), [grey], key);
    bound.map(drop).map_err(|error| said(&error))
}

/// Draws two images with the row's sampler, as a run does; `None` where it depends on them whether that works.
fn drawn(setup: &Setup, settings: &SamplerSettings) -> Option<Result<(), String>> {
    let sampler = match setup.sampler(settings) {
        Ok(sampler) => sampler,
        Err(error) => return Some(Err(error.to_string())),
    };
    let model = sampler.denoiser(Box::new(silent(setup))).unwrap();
    let (mut noise, x) = images();
    for step in steps(&*model, sampler.solver(), sampler.grid(), x, &mut noise) {
        match step {
            Ok(_) => {}
            Err(SampleError::ShiftUp { .. } | SampleError::ShiftPastData { .. }) => return None,
            Err(error) => return Some(Err(error.to_string())),
        }
    }
    Some(Ok(()))
}

/// Every chain, prediction, objective, variance and weighting: what is accepted has a loss at every level.
#[test]
fn whatever_is_accepted_can_be_trained_and_what_cannot_is_refused_by_its_key() {
    let weightings = ["uniform", "p2:k=1,gamma=1", "min-snr:gamma=5", "edm:sigma_data=0.5", "snr"].map(method);
    assert!(names(WEIGHTINGS).iter().all(|name| weightings.iter().any(|one| one.name == *name)));
    let (mut accepted, mut refused) = (0, 0);
    for (length, chain) in
        [1, 6, 20].into_iter().flat_map(|length| chains(length).into_iter().map(move |c| (length, c)))
    {
        for prediction in names(PREDICTIONS) {
            for (variance, objective) in
                names(VARIANCES).into_iter().flat_map(|v| names(OBJECTIVES).into_iter().map(move |o| (v, o)))
            {
                // Weights do not look at the length.
                for weighting in &weightings[..if length == 6 { weightings.len() } else { 1 }] {
                    let recipe = recipe(|row| {
                        let s = &mut row.settings;
                        s.chain = chain.clone();
                        (s.model.prediction, s.model.variance) = (method(prediction), method(variance));
                        (s.model.objective, s.model.weighting) = (method(objective), weighting.clone());
                        s.sampling.sampler.wrappers = vec![method("clip")];
                    });
                    let what = format!("{chain} {prediction} {variance} {objective} {weighting}");
                    match recipe.validate(&METHODS) {
                        Ok(()) => {
                            accepted += 1;
                            let setup = Setup::new(&METHODS, &recipe.rows[0], &Device::flex()).unwrap();
                            trained(&setup).unwrap_or_else(|why| panic!("{what}: {why}"));
                            let ran = drawn(&setup, &setup.settings.sampling.sampler);
                            ran.unwrap().unwrap_or_else(|why| panic!("{what}: {why}"));
                        }
                        Err(error) => {
                            refused += 1;
                            let text = error.to_string();
                            let keys = ["`chain`", "`model.prediction`", "`model.objective`", "`model.weighting`"];
                            assert!(keys.iter().any(|key| text.contains(key)), "{what}: {text}");
                        }
                    }
                }
            }
        }
    }
    assert!(accepted > 200 && refused > 200, "{accepted} {refused}");
}

/// The samplers of every solver, wrapper and spacing, with values that are no obstacle.
fn samplers(length: usize) -> Vec<SamplerSettings> {
    let written = |name: &str| match name {
        "time-shift" | "time-shift-pnm" | "time-shift-adm" => format!("{name}:window=2,cutoff={length}"),
        "epsilon-scaling" => format!("{name}:b=1.02"),
        "moving-average" => format!("{name}:weight=0.5"),
        _ => name.to_owned(),
    };
    let method = |name: &str| method(&written(name));
    let wrappers = WRAPPERS.iter().map(|row| vec![method(row.name)]);
    let wrappers: Vec<Vec<Method>> = [Vec::new()].into_iter().chain(wrappers).collect();
    let grids = [
        (None, "trailing"),
        (Some(1), "linspace"),
        (Some(3), "trailing"),
        (Some(3), "leading"),
        (Some(3), "quadratic"),
        (Some(4), "karras"),
        (Some(length + 1), "uniform"),
    ];
    let mut all = Vec::new();
    for row in SOLVERS {
        for wrappers in &wrappers {
            all.extend(grids.map(|(steps, spacing)| SamplerSettings {
                solver: method(row.name),
                steps,
                spacing: spacing.parse().unwrap(),
                wrappers: wrappers.clone(),
            }));
        }
    }
    all
}

/// The check of a sampler against its run with another network, in another precision; both ways.
fn check_samplers(length: usize, chain: &str) {
    let (mut accepted, mut refused) = (0, 0);
    for (prediction, variance) in
        names(PREDICTIONS).into_iter().flat_map(|p| names(VARIANCES).into_iter().map(move |v| (p, v)))
    {
        let mut recipe = recipe(|row| {
            row.settings.chain = method(&format!("{chain}length={length}"));
            row.settings.model.prediction = method(prediction);
            (row.settings.model.variance, row.settings.model.objective) = (method(variance), objective(variance));
        });
        if matches!(recipe.validate(&METHODS), Err(RecipeError::Impossible { .. })) {
            continue;
        }
        let setup = Setup::new(&METHODS, &recipe.rows[0], &Device::flex()).unwrap();
        for sampler in samplers(length) {
            let what = format!("{chain} {prediction} {variance} {}", sampler.text());
            recipe.rows[0].settings.sampling.sampler = sampler.clone();
            let said = recipe.validate(&METHODS);
            match (said, drawn(&setup, &sampler)) {
                (Ok(()), Some(Err(why))) => panic!("{what} is accepted, and then: {why}"),
                (Err(error), Some(Ok(()))) => panic!("{what} runs, and is refused: {error}"),
                (Err(error), _) => {
                    refused += 1;
                    assert!(error.to_string().contains("`sampling.sampler`"), "{what}: {error}");
                }
                (Ok(()), _) => accepted += 1,
            }
        }
    }
    assert!(accepted > 100 && refused > 100, "{chain}: {accepted} {refused}");
}

#[test]
fn samplers_over_a_chain_with_signal_run_if_and_only_if_they_are_accepted() {
    check_samplers(6, "linear-between:start=0.001,end=0.3,");
}

#[test]
fn samplers_over_a_chain_without_signal_run_if_and_only_if_they_are_accepted() {
    check_samplers(6, "jsd:");
}

#[test]
fn rows_that_are_the_same_are_told() {
    let twins = |change: fn(&mut Experiment)| {
        let mut recipe = recipe(|_| ());
        let mut other = recipe.rows[0].clone();
        other.id = "other".to_owned();
        change(&mut other);
        recipe.rows.push(other);
        recipe.validate(&METHODS).map_err(|error| error.to_string())
    };
    let same: &[fn(&mut Experiment)] = &[
        |_| (),
        |row| row.label = "another name".to_owned(),
        |row| row.settings.sampling.sampler.solver = Method::named("ddpm-large"),
        |row| row.settings.sampling.sampler.wrappers.push("moving-average:weight=1".parse().unwrap()),
        |row| row.settings.training.checkpoint_every += 1,
        |row| row.settings.sampling.batch += 1,
    ];
    for (index, change) in same.iter().enumerate() {
        let error = twins(*change).expect_err("the same samples");
        assert!(error.contains("sampling.sampler") && error.contains("`eps-simple`"), "{index}: {error}");
    }
    let told_apart: &[fn(&mut Experiment)] = &[
        |row| row.settings.sampling.sampler.solver = Method::named("ddpm-small"),
        |row| row.settings.sampling.sampler.wrappers.clear(),
        |row| row.settings.model.variance = method("fixed-small"),
        |row| row.settings.sampling.count += 1,
        |row| row.settings.training.steps += 1,
        |row| row.settings.metrics.bits_per_dim_images += 1,
    ];
    for (index, change) in told_apart.iter().enumerate() {
        assert_eq!(twins(*change), Ok(()), "{index}");
    }
}

#[test]
fn the_part_of_a_sampler_that_refuses_is_named() {
    let refused = |solver: &str, wrappers: &[&str], steps: Option<usize>, prediction: &str, variance: &str| {
        let recipe = recipe(|row| {
            let s = &mut row.settings;
            s.chain = method("jsd:length=6");
            s.model.prediction = method(prediction);
            (s.model.variance, s.model.objective) = (method(variance), objective(variance));
            let wrappers = wrappers.iter().map(|wrapper| wrapper.parse().unwrap()).collect();
            s.sampling.sampler =
                SamplerSettings { solver: solver.parse().unwrap(), steps, spacing: method("trailing"), wrappers };
        });
        recipe.validate(&METHODS).unwrap_err().to_string()
    };
    let (v, small) = ("v", "fixed-small");
    let cases: &[(&str, &[&str], &str)] = &[
        ("ddim", &["epsilon-scaling:b=1.02", "clip"], "`epsilon-scaling:b=1.02`"),
        ("ddim", &["clip", "epsilon-scaling:b=1.02"], "`epsilon-scaling:b=1.02`"),
        ("heun", &["clip"], "`heun`"),
        ("ddim:eta=9", &["clip"], "`ddim:eta=9`"),
        ("ddim", &["time-shift:window=2,cutoff=7"], "6 levels"),
        ("time-shift-pnm:window=7,cutoff=2", &[], "6 levels"),
        ("ddim", &["epsilon-scaling:b=0"], "`epsilon-scaling"),
    ];
    for (solver, wrappers, named) in cases {
        let error = refused(solver, wrappers, None, v, small);
        let key = "row `eps-simple`: `sampling.sampler`: ";
        assert!(error.starts_with(key) && error.contains(named), "{solver} {wrappers:?}: {error}");
    }
    let learned = refused("ddpm", &["clip"], Some(3), v, "learned");
    assert!(learned.contains("`ddpm`: ") && learned.contains("learned log-variance"), "{learned}");
    let mu_tilde = refused("ddpm", &["clip"], Some(3), "mu-tilde", small);
    assert!(mu_tilde.contains("`ddpm`: ") && mu_tilde.contains("mu_tilde"), "{mu_tilde}");
    let eps = refused("ddim", &[], None, "eps", small);
    assert!(eps.contains("`model.prediction` is eps") && eps.contains("signal is 0"), "{eps}");
}
