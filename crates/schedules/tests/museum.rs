//! Real bugs of published schedules, each with the number that shows it and what stops it here.
//!
//! Noise of a wrong strength in a step is stopped in the samplers crate: the test
//! `one_step_is_line_4_of_algorithm_2` of `crates/samplers/src/ancestral.rs`.
//! A wrong scale on epsilon is left out: nothing that scales epsilon exists yet, so nothing stops it.

use undrift_schedules::{Chain, ChainError, GridError, Spacing, peers};

const SPACINGS: [Spacing; 5] =
    [Spacing::Uniform, Spacing::Quadratic, Spacing::Leading, Spacing::Trailing, Spacing::Linspace];

/// candle divided whole numbers in its cosine schedule, so that 999 of 1000 betas were 0.
#[test]
fn betas_of_zero_make_no_chain() {
    let f = |index: usize| ((index / 1000) as f64 + 0.008).min(1.008) / 1.008;
    let alpha_bar = |index: usize| (f(index) * std::f64::consts::FRAC_PI_2).cos().powi(2);
    let betas: Vec<f64> = (0..1000).map(|i| (1.0 - alpha_bar(i + 1) / alpha_bar(i)).min(0.999)).collect();
    assert_eq!(betas.iter().filter(|&&beta| beta == 0.0).count(), 999);
    assert_eq!(Chain::from_betas(betas), Err(ChainError::BetaOutOfRange { t: 1, len: 1000, beta: 0.0 }));
}

/// lucidrains, jannerm/diffuser and MONAI had a cosine table one entry too long, with alpha_bar = 1 in it.
#[test]
fn the_cosine_table_is_neither_shifted_nor_clean_at_its_start() {
    let f = |u: f64| ((u + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    for len in [10, 50, 1000, 4000] {
        let chain = Chain::cosine(len).unwrap();
        assert_eq!(chain.len(), len);
        assert!((chain.level(len / 2).unwrap().alpha_bar() / (f(0.5) / f(0.0)) - 1.0).abs() < 1e-11);
        assert!(chain.levels().iter().all(|level| level.noise() > 0.0 && level.alpha_bar() < 1.0));
    }
}

/// ermongroup/ddim, MONAI and candle gave 31 steps for 30, 56 for 53, 63 for 60, 334 for 300.
#[test]
fn the_steps_are_as_many_as_asked_for() {
    let chain = Chain::linear(1000).unwrap();
    for (asked, given) in [(30, 31), (53, 56), (60, 63), (300, 334)] {
        assert_eq!(peers::ermongroup_uniform(1000, asked).unwrap().len(), given);
        for spacing in SPACINGS {
            assert_eq!(chain.respace(spacing, asked).unwrap().steps(), asked);
        }
    }
}

/// candle's "trailing" walks down by a whole stride until it is used up: 31 steps for 30, 63 for 60.
#[test]
fn trailing_steps_are_as_many_as_asked_for() {
    let chain = Chain::linear(1000).unwrap();
    for (asked, given) in [(30, 31), (60, 63)] {
        let stride = 1000 / asked;
        let walked = std::iter::successors(Some(1000), |&t| (t > stride).then(|| t - stride));
        assert_eq!(walked.count(), given);
        assert_eq!(chain.respace(Spacing::Trailing, asked).unwrap().steps(), asked);
    }
}

/// diffusers adds up a floating-point stride, and for some numbers lands once more above zero.
#[test]
fn a_stride_added_up_in_floating_point_overshoots() {
    let too_many: Vec<usize> =
        (1..=1000).filter(|&steps| peers::diffusers_trailing(1000, steps).unwrap().len() != steps).collect();
    assert!(!too_many.is_empty());
    for steps in too_many {
        assert_eq!(peers::diffusers_trailing(1000, steps).unwrap().len(), steps + 1);
        assert_eq!(peers::diffusers_trailing(1000, steps).unwrap()[steps], -1, "a step below the table");
        assert_eq!(Spacing::Trailing.pick(1000, steps).unwrap().len(), steps);
    }
}

/// `ddimN` of guided-diffusion exists for 62 of 1000 values of N.
#[test]
fn a_number_of_steps_need_not_divide_the_chain() {
    let exists = |steps: &usize| peers::ddim_stride(1000, *steps).is_ok();
    assert_eq!((1..=1000).filter(exists).count(), 62);
    assert_eq!(Spacing::Uniform.pick(1000, 60).unwrap().len(), 60);
}

/// The DDIM step of diffusers lands elsewhere than its next timestep: 10 of 29, 399 of 599, and 9 of 9 steps.
#[test]
fn every_span_starts_where_the_last_one_ended() {
    let astray = |list: &[i64], steps: usize| {
        let lands = |t: i64| peers::diffusers_ddim_previous(t as usize, 1000, steps).unwrap();
        list.windows(2).filter(|pair| lands(pair[0]) != pair[1]).count()
    };
    assert_eq!(astray(&peers::diffusers_trailing(1000, 30).unwrap(), 30), 10);
    assert_eq!(astray(&peers::diffusers_trailing(1000, 600).unwrap(), 600), 399);
    let linspace: Vec<i64> = peers::diffusers_linspace(1000, 10).unwrap().into_iter().map(|t| t as i64).collect();
    assert_eq!(astray(&linspace, 10), 9);
    let chain = Chain::linear(1000).unwrap();
    for spacing in SPACINGS {
        for steps in [10, 30, 600] {
            let grid = chain.respace(spacing, steps).unwrap();
            assert!(grid.spans().windows(2).all(|pair| pair[0].to() == Some(pair[1].from())));
        }
    }
}

/// `steps_offset = 1` with as many steps as levels asks diffusers and candle for entry T of T entries.
#[test]
fn there_is_no_level_beyond_the_last() {
    assert_eq!(peers::diffusers_leading(1000, 1000, 1).unwrap()[0], 1000);
    let chain = Chain::linear(1000).unwrap();
    assert_eq!(chain.level(1001), None);
    assert_eq!(chain.grid_at(&[1001]), Err(GridError::NoSuchLevel { t: 1001, len: 1000 }));
    assert_eq!(chain.respace(Spacing::Leading, 1000).unwrap().start(), chain.last());
}

/// A floored stride from the noisiest level down leaves the other end unvisited: 600 of 1000 stops at 401.
#[test]
fn no_jump_is_wider_than_the_stride() {
    let (len, steps) = (1000, 600);
    let floored: Vec<usize> = (0..steps).map(|i| len - i * (len / steps)).collect();
    assert_eq!(floored[599], 401);
    for len in [7, 100, 1000] {
        for steps in 1..=len {
            let mut ts = Spacing::Trailing.pick(len, steps).unwrap();
            ts.push(0); // the data
            assert!(ts.windows(2).all(|pair| pair[0] - pair[1] <= len.div_ceil(steps)), "trailing {steps} of {len}");
            let mut ts = Spacing::Uniform.pick(len, steps).unwrap();
            ts.insert(0, len + 1);
            assert!(ts.windows(2).all(|pair| pair[0] - pair[1] <= len.div_ceil(steps)), "uniform {steps} of {len}");
            let ts = Spacing::Linspace.pick(len, steps).unwrap();
            let stride = (len - 1).div_ceil(steps.max(2) - 1);
            assert!(ts.windows(2).all(|pair| pair[0] - pair[1] <= stride), "linspace {steps} of {len}");
        }
    }
}

/// The radicand of an ancestral step went negative in f32 (diffusers), and every image became NaN.
#[test]
fn no_radicand_is_negative() {
    for chain in [Chain::linear(1000), Chain::cosine(1000), Chain::jsd(1000), Chain::sigmoid(1000, 1e-4, 0.02)] {
        let chain = chain.unwrap();
        for spacing in SPACINGS {
            for steps in [1, 2, 30, 999, 1000] {
                for span in chain.respace(spacing, steps).unwrap().spans() {
                    assert!(0.0 <= span.beta_tilde() && span.beta_tilde() <= span.beta() && span.beta() <= 1.0);
                    assert!(span.beta_tilde() <= span.to_one_minus_alpha_bar());
                    assert!(!span.ancestry(1.0).down.is_nan() && !span.ancestry(1.0).up.is_nan());
                }
            }
        }
    }
}

/// A chain respaced to one step crashed guided-diffusion, which looks up the variance of a second one.
#[test]
fn one_step_is_enough() {
    let grid = Chain::linear(1000).unwrap().respace_sections(&[1]).unwrap();
    let span = grid.spans()[0];
    assert_eq!((grid.steps(), span.log_beta_tilde_clipped()), (1, span.log_beta()));
}

/// The list of the time-shift code spans 0 to 0.8 of the number of steps instead of 0.8 of the chain.
#[test]
fn a_quadratic_list_spans_the_chain() {
    assert_eq!(peers::ts_dpm_quadratic(1000, 10).unwrap().last(), Some(&7));
    assert_eq!(Spacing::Quadratic.pick(1000, 10).unwrap()[0], 801);
}

/// The quadratic list of ermongroup/ddim visits the first level up to four times.
#[test]
fn no_level_is_visited_twice() {
    let list = peers::ermongroup_quadratic(1000, 100).unwrap();
    assert_eq!(list.iter().filter(|&&index| index == 0).count(), 4);
    let ts = Spacing::Quadratic.pick(1000, 100).unwrap();
    assert!(ts.windows(2).all(|pair| pair[0] > pair[1]));
}
