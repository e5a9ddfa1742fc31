//! Every number of `fixtures/schedules`: tables made by running published implementations.

use std::path::PathBuf;

use serde_json::Value;
use undrift_schedules::{Chain, Grid, Labels, Level, Span, peers};

fn read(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/schedules").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    let number = |value: &Value| match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some(other) => panic!("{other} is no number"),
        None => value.as_f64().unwrap(),
    };
    value.as_array().unwrap().iter().map(number).collect()
}

fn whole(value: &Value) -> Vec<i64> {
    numbers(value).into_iter().map(|number| number as i64).collect()
}

fn signed(list: Vec<usize>) -> Vec<i64> {
    list.into_iter().map(|index| index as i64).collect()
}

/// Largest difference, relative to the reference; equal values (0, infinities) count as no difference.
fn gap(ours: &[f64], reference: &[f64]) -> f64 {
    assert_eq!(ours.len(), reference.len());
    let relative = |(a, b): (&f64, &f64)| if a == b { 0.0 } else { (a / b - 1.0).abs() };
    ours.iter().zip(reference).map(relative).fold(0.0, |a: f64, b| if b.is_nan() { f64::INFINITY } else { a.max(b) })
}

#[track_caller]
fn close(what: &str, ours: impl IntoIterator<Item = f64>, reference: &Value, tolerance: f64) {
    let ours: Vec<f64> = ours.into_iter().collect();
    let gap = gap(&ours, &numbers(reference));
    assert!(gap <= tolerance, "{what}: {gap:e} is more than {tolerance:e}");
}

/// The chain that a table's own arguments describe.
fn chain_of(table: &Value) -> Chain {
    let (args, len) = (&table["args"], table["T"].as_u64().unwrap() as usize);
    let name = args.get("schedule_name").or(args.get("beta_schedule")).unwrap().as_str().unwrap();
    let at = |key: &str| args[key].as_f64().unwrap();
    let chain = match (name, args.get("beta_start")) {
        ("linear", None) => Chain::linear_scaled(len),
        ("cosine", _) => Chain::cosine(len),
        ("linear", Some(_)) => Chain::linear_between(len, at("beta_start"), at("beta_end")),
        ("quad", _) => Chain::quadratic(len, at("beta_start"), at("beta_end")),
        ("const", _) => Chain::constant(len, at("beta_end")),
        ("jsd", _) => Chain::jsd(len),
        ("sigmoid", _) => Chain::sigmoid(len, at("beta_start"), at("beta_end")),
        ("warmup10", _) => Chain::warm_up(len, at("beta_start"), at("beta_end"), 0.1),
        ("warmup50", _) => Chain::warm_up(len, at("beta_start"), at("beta_end"), 0.5),
        (other, _) => panic!("no chain for {other}"),
    };
    chain.unwrap()
}

#[test]
fn every_table_of_every_named_chain() {
    let files = [
        "cosine_T1000.json",
        "cosine_T4000.json",
        "ddim_const_0.0001_0.02_T1000.json",
        "ddim_jsd_0.0001_0.02_T1000.json",
        "ddim_linear_0.0001_0.02_T1000.json",
        "ddim_quad_0.0001_0.02_T1000.json",
        "ddim_sigmoid_0.0001_0.02_T1000.json",
        "ddpm_tf_warmup10_T1000.json",
        "ddpm_tf_warmup50_T1000.json",
        "linear_T1000.json",
    ];
    let mut compared = 0;
    for file in files {
        let table = read(file);
        let chain = chain_of(&table);
        let long = if chain.len() > 1000 { 1e-10 } else { 1e-12 };
        for (key, reference) in table.as_object().unwrap() {
            let level = |f: fn(Level) -> f64| chain.levels().iter().map(|&level| f(level)).collect::<Vec<f64>>();
            let span = |f: fn(Span) -> f64| (1..=chain.len()).map(|t| f(chain.span(t).unwrap())).collect::<Vec<f64>>();
            let (ours, tolerance) = match key.as_str() {
                "betas" => (span(Span::beta), 1e-12),
                "alphas_cumprod" => (level(Level::alpha_bar), 1e-12),
                "alphas_cumprod_prev" => (span(Span::to_alpha_bar), 1e-12),
                "alphas_cumprod_next" => ([&level(Level::alpha_bar)[1..], &[0.0]].concat(), 1e-12),
                "sqrt_alphas_cumprod" => (level(Level::signal), 1e-12),
                "sqrt_one_minus_alphas_cumprod" => (level(Level::noise), 1e-12),
                "log_one_minus_alphas_cumprod" => (level(|level| level.one_minus_alpha_bar().ln()), 1e-12),
                "sqrt_recip_alphas_cumprod" => (level(|level| level.signal().recip()), 1e-12),
                "sqrt_recipm1_alphas_cumprod" => (level(Level::sigma), 1e-12),
                "posterior_variance" => (span(Span::beta_tilde), long),
                "posterior_log_variance_clipped" => (span(Span::log_beta_tilde_clipped), long),
                "posterior_mean_coef1" => (span(|span| span.posterior().x0), long),
                "posterior_mean_coef2" => (span(|span| span.posterior().x), long),
                _ => continue,
            };
            close(&format!("{file} {key}"), ours, reference, tolerance);
            compared += 1;
        }
    }
    assert_eq!(compared, 95);
}

#[test]
fn tables_of_diffusers_up_to_their_single_precision() {
    let table = read("diffusers_betas.json");
    let args = |name: &str, key: &str| table[name]["args"][key].as_f64().unwrap();
    let ends =
        |name: &str| (args(name, "num_train_timesteps") as usize, args(name, "beta_start"), args(name, "beta_end"));
    for name in ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace"] {
        let (len, start, end) = ends(name);
        let chain = match name {
            "linear" => Chain::linear_between(len, start, end),
            "scaled_linear" => Chain::scaled_linear(len, start, end),
            "squaredcos_cap_v2" => Chain::cosine(len),
            "sigmoid" => Chain::sigmoid(len, start, end),
            _ => Chain::from_betas(peers::diffusers_laplace_betas(len)),
        };
        let chain = chain.unwrap();
        for (ours, reference) in chain.betas().iter().zip(numbers(&table[name]["betas"])) {
            assert!((ours - reference).abs() < 3e-8, "{name}: {ours} is not {reference}");
        }
        let single = peers::diffusers_chain(&chain).unwrap();
        close(name, single.levels().iter().map(|level| level.alpha_bar()), &table[name]["alphas_cumprod"], 1e-6);
        if name != "laplace" {
            close(name, chain.betas().iter().copied(), &table[name]["betas_f64_own_formula"], 1e-12);
        }
    }
}

#[test]
fn betas_of_lucidrains() {
    let table = read("lucidrains_betas.json");
    let linear = Chain::linear_scaled(1000).unwrap();
    close("linear", linear.betas().iter().copied(), &table["linear_beta_schedule_T1000"], 1e-12);
    close("cosine", peers::lucidrains_cosine_betas(1000), &table["cosine_beta_schedule_T1000"], 1e-12);
    let sigmoid = peers::lucidrains_sigmoid_betas(1000, -3.0, 3.0, 1.0);
    close("sigmoid", sigmoid, &table["sigmoid_beta_schedule_T1000"], 1e-12);
}

#[test]
fn zero_terminal_snr() {
    let table = read("diffusers_zero_terminal_snr.json");
    for name in ["linear_1000", "scaled_linear_1000"] {
        let given = Chain::from_betas(numbers(&table[name]["betas_in"])).unwrap();
        let chain = given.zero_terminal_snr().unwrap();
        close(name, chain.betas().iter().copied(), &table[name]["betas_out_f64"], 1e-12);
        let alpha_bars = chain.levels().iter().map(|level| level.alpha_bar());
        close(name, alpha_bars, &table[name]["alphas_cumprod_out_f64"], 1e-12);
        for (ours, reference) in chain.betas().iter().zip(numbers(&table[name]["betas_out_f32"])) {
            assert!((ours - reference).abs() < 5e-6, "{name}: {ours} is not {reference}");
        }
    }
}

#[test]
fn section_wise_respacing() {
    for case in read("respacing.json")["cases"].as_array().unwrap() {
        let (len, counts) = (case["T"].as_u64().unwrap() as usize, case["section_counts"].as_str().unwrap());
        let chain = match case.get("schedule").and_then(Value::as_str) {
            Some("cosine") => Chain::cosine(len).unwrap(),
            _ => Chain::linear_scaled(len).unwrap(),
        };
        let grid = match counts.strip_prefix("ddim") {
            Some(steps) => peers::ddim_stride(len, steps.parse().unwrap()).ok().map(|indices| {
                chain.grid_at(&indices.iter().rev().map(|index| index + 1).collect::<Vec<_>>()).unwrap()
            }),
            None => chain.respace_sections(&counts.split(',').map(|n| n.parse().unwrap()).collect::<Vec<_>>()).ok(),
        };
        assert_eq!(grid.is_none(), case.get("must_error").is_some(), "{counts} of {len}");
        let Some(grid) = grid else { continue };
        let times: Vec<i64> = grid.levels().rev().map(|level| level.time() as i64).collect();
        assert_eq!(times, whole(&case["used_timesteps"]), "{counts} of {len}");
        let spans = grid.spans().iter().rev();
        let betas = case.get("new_betas").or(case.get("new_betas_own_formula")).unwrap();
        close(counts, spans.clone().map(|span| span.beta()), betas, 1e-12);
        if let Some(reference) = case.get("posterior_log_variance_clipped") {
            let tolerance = if len > 1000 { 1e-10 } else { 1e-12 };
            close(counts, spans.map(|span| span.log_beta_tilde_clipped()), reference, tolerance);
        }
    }
}

#[test]
fn skip_lists_of_ddim_and_of_the_time_shift_sampler() {
    for (key, lists) in read("ddim_skip_types.json").as_object().unwrap() {
        let Some(steps) = key.strip_prefix('S').and_then(|steps| steps.parse::<usize>().ok()) else { continue };
        for (name, list) in lists.as_object().unwrap() {
            let ours = match name.as_str() {
                "ermongroup_uniform" => peers::ermongroup_uniform(1000, steps),
                "ermongroup_quad" => peers::ermongroup_quadratic(1000, steps),
                "tsdpm_uniform" => peers::ts_dpm_uniform(1000, steps),
                "tsdpm_quad" => peers::ts_dpm_quadratic(1000, steps),
                other => panic!("no list {other}"),
            };
            assert_eq!(signed(ours.unwrap()), whole(list), "{name} {steps}");
        }
    }
}

/// A list of diffusers by the names in the fixture.
fn diffusers_list(scheduler: &str, spacing: &str, len: usize, steps: usize, offset: usize) -> Vec<f64> {
    let multistep = scheduler.starts_with("DPMSolver");
    let list = match (spacing, multistep) {
        ("linspace", _) if scheduler.starts_with("Euler") => {
            let rounded = |index: f64| f64::from(index as f32);
            return peers::diffusers_euler_linspace(len, steps).unwrap().into_iter().map(rounded).collect();
        }
        ("trailing", _) => peers::diffusers_trailing(len, steps).unwrap(),
        ("leading", false) => signed(peers::diffusers_leading(len, steps, offset).unwrap()),
        ("leading", true) => signed(peers::diffusers_multistep_leading(len, steps, offset).unwrap()),
        (_, false) => signed(peers::diffusers_linspace(len, steps).unwrap()),
        (_, true) => signed(peers::diffusers_multistep_linspace(len, steps).unwrap()),
    };
    list.into_iter().map(|index| index as f64).collect()
}

#[test]
fn timestep_lists_of_diffusers() {
    for case in read("diffusers_timestep_spacing.json")["cases"].as_array().unwrap() {
        let text = |key: &str| case[key].as_str().unwrap();
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let list = diffusers_list(text("scheduler"), text("spacing"), number("T"), number("n"), number("steps_offset"));
        assert_eq!(list, numbers(&case["timesteps"]), "{} {} {}", text("scheduler"), text("spacing"), number("n"));
    }
    for case in read("diffusers_ddim_prev_timestep.json")["cases"].as_array().unwrap() {
        let (spacing, steps) = (case["spacing"].as_str().unwrap(), case["n"].as_u64().unwrap() as usize);
        let list: Vec<i64> =
            diffusers_list("DDIMScheduler", spacing, 1000, steps, 0).iter().map(|&t| t as i64).collect();
        let previous = |&t: &i64| peers::diffusers_ddim_previous(t as usize, 1000, steps).unwrap();
        let pairs: Vec<Vec<i64>> = list.iter().map(|t| vec![*t, previous(t)]).collect();
        let reference: Vec<Vec<i64>> = case["ddim_t_and_prev"].as_array().unwrap().iter().map(whole).collect();
        assert_eq!(pairs, reference);
        assert_eq!(peers::diffusers_ddpm_previous(&list), whole(&case["ddpm_prev"]));
    }
}

fn sigmas(grid: &Grid) -> Vec<f64> {
    grid.levels().map(Level::sigma).chain([0.0]).collect()
}

#[test]
fn sigma_grids_of_edm() {
    let table = read("sigma_grids.json");
    for case in table["edm"].as_array().unwrap() {
        let at = |key: &str| case[key].as_f64().unwrap();
        let grid = Grid::karras(at("num_steps") as usize, at("sigma_min"), at("sigma_max"), at("rho")).unwrap();
        close("edm", sigmas(&grid), &case["sigmas"], 1e-12);
    }
    for case in table["edm_ablation"].as_array().unwrap() {
        let steps = case["num_steps"].as_u64().unwrap() as usize;
        let name = case["discretization"].as_str().unwrap();
        let grid = match name {
            "vp" => Grid::vp_continuous(steps, 19.9, 0.1, 1e-3),
            "ve" => Grid::exponential(steps, 0.02, 100.0),
            "iddpm" => Grid::of_sigmas(peers::edm_iddpm_sigmas(steps, (0.002, 81.0), 1000, 0.001, 0.008).unwrap()),
            _ => Grid::karras(steps, 0.002, 80.0, 7.0),
        };
        let tolerance = if name == "iddpm" { 1e-6 } else { 1e-12 };
        close(name, grid.unwrap().levels().map(Level::sigma), &case["sigma_steps"], tolerance);
    }
}

#[test]
fn sigma_grids_of_k_diffusion() {
    let table = read("sigma_grids.json");
    for case in table["k_diffusion"].as_array().unwrap() {
        let at = |key: &str| case["args"].get(key).and_then(Value::as_f64);
        let name = case["peer"].as_str().unwrap().rsplit('.').next().unwrap();
        let (steps, low, high) = (at("n").unwrap() as usize, at("sigma_min"), at("sigma_max"));
        let grid = match name {
            "get_sigmas_karras" => Grid::karras(steps, low.unwrap(), high.unwrap(), at("rho").unwrap_or(7.0)),
            "get_sigmas_exponential" => Grid::exponential(steps, low.unwrap(), high.unwrap()),
            "get_sigmas_polyexponential" => {
                Grid::polyexponential(steps, low.unwrap(), high.unwrap(), at("rho").unwrap())
            }
            _ => Grid::vp_continuous(steps, 19.9, 0.1, 1e-3),
        };
        // The last sigma of get_sigmas_vp cancels in the peer's f32: 2e-4 of its value.
        let tolerance = if name == "get_sigmas_vp" { 3e-4 } else { 1e-5 };
        close(name, sigmas(&grid.unwrap()), &case["sigmas"], tolerance);
    }
    for case in table["k_diffusion_ancestral"].as_array().unwrap() {
        let at = |key: &str| case[key].as_f64().unwrap();
        let end = Level::edm(at("sigma_to"), 0.0).unwrap();
        let grid = Grid::ending_at([Level::edm(at("sigma_from"), 0.0).unwrap()], end).unwrap();
        let ancestry = grid.spans()[0].ancestry(at("eta"));
        assert!((ancestry.down / at("sigma_down") - 1.0).abs() < 1e-12);
        assert!((ancestry.up - at("sigma_up")).abs() <= 1e-12 * at("sigma_up"));
    }
}

#[test]
fn sigma_grids_of_diffusers() {
    for case in read("sigma_grids.json")["diffusers"].as_array().unwrap() {
        let scheduler = case["peer"].as_str().unwrap().rsplit(' ').next().unwrap();
        let steps = case["num_inference_steps"].as_u64().unwrap() as usize;
        let flag = |key: &str| case["args"].get(key).is_some();
        let chain = match scheduler {
            "HeunDiscreteScheduler" => Chain::linear_between(1000, 0.00085, 0.012).unwrap(),
            _ => Chain::linear(1000).unwrap(),
        };
        let chain = peers::diffusers_chain(&chain).unwrap();
        let labels = if scheduler.starts_with("DPM") { Labels::Rounded } else { Labels::Interpolated };
        let grid = match scheduler {
            "EDMEulerScheduler" => {
                Grid::karras(steps, 0.002, 80.0, 7.0).unwrap().with_times(|level| 0.25 * level.sigma().ln())
            }
            _ if flag("use_karras_sigmas") => chain.karras(steps, 7.0, labels),
            "DPMSolverMultistepScheduler" => {
                let list = peers::diffusers_multistep_linspace(1000, steps).unwrap();
                chain.grid_at(&list.iter().map(|index| index + 1).collect::<Vec<_>>())
            }
            _ => chain.respace_between(steps),
        };
        let grid = grid.unwrap();
        let (mut times, mut values) = (grid.levels().map(Level::time).collect::<Vec<_>>(), sigmas(&grid));
        if scheduler == "HeunDiscreteScheduler" {
            values.pop();
            (times, values) = (peers::diffusers_heun_doubled(&times), peers::diffusers_heun_doubled(&values));
            values.push(0.0);
        }
        if flag("final_sigmas_type") {
            *values.last_mut().unwrap() = chain.level(1).unwrap().sigma();
        }
        for (ours, reference) in times.iter().zip(numbers(&case["timesteps"])) {
            assert!(
                (ours - reference).abs() < 1e-5 * (1.0 + reference.abs()),
                "{scheduler}: {ours} is not {reference}"
            );
        }
        assert_eq!(times.len(), numbers(&case["timesteps"]).len());
        close(scheduler, values, &case["sigmas"], 1e-5);
    }
}
