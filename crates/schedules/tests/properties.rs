//! The mathematics of the forward process, for any chain.

use proptest::prelude::*;
use undrift_schedules::{Chain, Grid, Level, Spacing, Span};

const SPACINGS: [Spacing; 5] =
    [Spacing::Uniform, Spacing::Quadratic, Spacing::Leading, Spacing::Trailing, Spacing::Linspace];

/// Any chain: free betas, or one of the named schedules at any length.
fn chains() -> impl Strategy<Value = Chain> {
    let free = prop::collection::vec(1e-5..0.6f64, 1..60).prop_map(Chain::from_betas);
    let named = (2usize..400, 0usize..12).prop_map(|(len, which)| match which {
        0 => Chain::linear(len),
        1 => Chain::linear_scaled(len + 20),
        2 => Chain::quadratic(len, 1e-4, 0.02),
        3 => Chain::constant(len, 0.01),
        4 => Chain::jsd(len),
        5 => Chain::warm_up(len, 1e-4, 0.02, 0.5),
        6 => Chain::warm_up(len, 1e-4, 0.02, 0.1),
        7 => Chain::cosine(len),
        8 => Chain::sigmoid(len, 1e-4, 0.02),
        9 => Chain::linear(len).and_then(|chain| chain.zero_terminal_snr()),
        10 => Chain::cosine(len).and_then(|chain| chain.zero_terminal_snr()),
        _ => Chain::sigmoid_alpha_bar(len, -3.0, 3.0, 1.0, 0.999).and_then(|chain| chain.zero_terminal_snr()),
    });
    prop_oneof![free, named].prop_map(|chain| chain.expect("each of these is a chain"))
}

/// A chain and some of its `t`, at least two.
fn pairs() -> impl Strategy<Value = (Chain, Vec<usize>)> {
    jumps().prop_filter("two levels", |(_, ts)| ts.len() > 1)
}

/// A chain and some of its `t`, strictly decreasing.
fn jumps() -> impl Strategy<Value = (Chain, Vec<usize>)> {
    chains().prop_flat_map(|chain| {
        let ts: Vec<usize> = (1..=chain.len()).rev().collect();
        let some = prop::sample::subsequence(ts, 1..=chain.len());
        (Just(chain), some)
    })
}

fn assert_posterior_keeps_the_marginal(span: Span) -> Result<(), TestCaseError> {
    let (posterior, from) = (span.posterior(), span.from());
    let mean = posterior.x0 + posterior.x * from.signal();
    let variance = (posterior.x * from.noise()).powi(2) + span.beta_tilde() * span.to_scale().powi(2);
    prop_assert!((mean - span.to_signal()).abs() < 1e-11, "mean {mean} of {span:?}");
    prop_assert!(
        (variance - span.to_noise().powi(2)).abs() < 1e-11 * span.to_scale().powi(2),
        "variance {variance} of {span:?}"
    );
    Ok(())
}

/// Weights of `x0` and of the noisier `x`, and the variance, of one reverse step that knows `x0`.
fn reverse(span: Span) -> [f64; 3] {
    let posterior = span.posterior();
    [posterior.x0, posterior.x, span.beta_tilde() * span.to_scale().powi(2)]
}

/// The reverse step `second` after the reverse step `first`.
fn composed(first: [f64; 3], second: [f64; 3]) -> [f64; 3] {
    let [x0, x, variance] = first;
    [second[0] + second[1] * x0, second[1] * x, second[2] + second[1].powi(2) * variance]
}

fn assert_reverse_steps_compose(grid: &Grid, long: Span) -> Result<(), TestCaseError> {
    let steps = grid.spans().iter().copied().map(reverse);
    let found = steps.reduce(composed).expect("a grid has a step");
    for (found, expected, unit) in [
        (found[0], reverse(long)[0], long.to_signal()),
        (found[1] * long.from().noise(), reverse(long)[1] * long.from().noise(), long.to_scale()),
        (found[2], reverse(long)[2], long.to_scale().powi(2)),
    ] {
        prop_assert!((found - expected).abs() < 1e-11 * unit.max(1.0), "{found} is not {expected} of {long:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn alpha_bar_falls_strictly_within_0_and_1(chain in chains()) {
        for pair in chain.levels().windows(2) {
            prop_assert!(pair[1].alpha_bar() < pair[0].alpha_bar() && pair[1].sigma() > pair[0].sigma());
        }
        for (index, level) in chain.levels().iter().enumerate() {
            prop_assert!(level.alpha_bar() < 1.0 && level.noise() > 0.0);
            prop_assert!(level.alpha_bar() > 0.0 || index + 1 == chain.len());
            prop_assert_eq!((level.is_pure_noise(), level.scale()), (level.alpha_bar() == 0.0, 1.0));
            let total = level.signal().powi(2) + level.noise().powi(2);
            prop_assert!((total - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn posteriors_reproduce_the_marginal((chain, ts) in jumps()) {
        for span in chain.grid().spans().iter().chain(chain.grid_at(&ts).unwrap().spans()) {
            assert_posterior_keeps_the_marginal(*span)?;
        }
        if let Ok(edm) = chain.grid_at(&ts).unwrap().unscaled() {
            for span in edm.spans() {
                assert_posterior_keeps_the_marginal(*span)?;
            }
        }
    }

    #[test]
    fn posteriors_reproduce_the_marginal_where_the_grid_ends_at_a_level((chain, ts) in pairs()) {
        let mut levels: Vec<Level> = ts.iter().map(|&t| chain.level(t).unwrap()).collect();
        let end = levels.pop().unwrap();
        let grid = Grid::ending_at(levels, end).unwrap();
        prop_assert_eq!((grid.steps(), grid.end()), (ts.len() - 1, Some(end)));
        for grid in [Some(grid.clone()), grid.unscaled().ok()].into_iter().flatten() {
            for span in grid.spans() {
                assert_posterior_keeps_the_marginal(*span)?;
                prop_assert!(span.beta_tilde() > 0.0 && span.log_beta_tilde_clipped() == span.beta_tilde().ln());
            }
        }
    }

    #[test]
    fn two_posteriors_compose_to_that_of_the_long_span((chain, ts) in pairs()) {
        let mut levels: Vec<Level> = ts.iter().map(|&t| chain.level(t).unwrap()).collect();
        let to_data = (Grid::new(levels.clone()).unwrap(), Grid::new([levels[0]]).unwrap());
        let end = levels.pop().unwrap();
        let to_a_level = (Grid::ending_at(levels.clone(), end).unwrap(), Grid::ending_at([levels[0]], end).unwrap());
        for (short, long) in [to_data, to_a_level] {
            assert_reverse_steps_compose(&short, long.spans()[0])?;
            if let (Ok(short), Ok(long)) = (short.unscaled(), long.unscaled()) {
                assert_reverse_steps_compose(&short, long.spans()[0])?;
            }
        }
    }

    #[test]
    fn respaced_levels_keep_their_labels(chain in chains(), share in 0.0..1.0f64) {
        let label = |t: usize| 1000.0 * t as f64 + 0.5;
        let chain = chain.with_times(label).unwrap();
        let steps = 1 + (share * (chain.len() - 1) as f64) as usize;
        for spacing in SPACINGS {
            let grid = chain.respace(spacing, steps).unwrap();
            for (level, t) in grid.levels().zip(spacing.pick(chain.len(), steps).unwrap()) {
                prop_assert_eq!((Some(level), level.time()), (chain.level(t), label(t)));
            }
        }
        for level in chain.respace_sections(&[steps]).unwrap().levels() {
            let t = ((level.time() - 0.5) / 1000.0) as usize;
            prop_assert_eq!((Some(level), level.time()), (chain.level(t), label(t)));
        }
    }

    #[test]
    fn beta_tilde_is_at_most_beta((chain, ts) in jumps()) {
        for span in chain.grid().spans().iter().chain(chain.grid_at(&ts).unwrap().spans()) {
            prop_assert!(0.0 <= span.beta_tilde() && span.beta_tilde() <= span.beta() && span.beta() <= 1.0);
            prop_assert_eq!(span.beta_tilde() == 0.0, span.to().is_none());
            prop_assert!(span.log_beta_tilde_clipped().is_finite());
            prop_assert!(span.to().is_none() || span.log_beta_tilde_clipped() <= span.log_beta());
        }
    }

    #[test]
    fn short_spans_compose_to_the_long_one((chain, ts) in jumps()) {
        let (first, last) = (ts[0], ts[ts.len() - 1]);
        let composed: f64 = chain.grid_at(&ts).unwrap().spans().iter().map(|span| 1.0 - span.beta()).product();
        prop_assert!((composed - chain.level(first).unwrap().alpha_bar()).abs() < 1e-12);
        let long = chain.grid_at(&[first]).unwrap().spans()[0];
        prop_assert!((1.0 - long.beta() - composed).abs() < 1e-12);
        if first > last {
            let own: f64 = (last + 1..=first).map(|t| 1.0 - chain.span(t).unwrap().beta()).product();
            let jump = chain.grid_at(&[first, last]).unwrap().spans()[0];
            prop_assert!((1.0 - jump.beta() - own).abs() < 1e-12);
        }
    }

    #[test]
    fn own_betas_and_recomputed_ones_agree(chain in chains()) {
        let ts: Vec<usize> = (1..=chain.len()).rev().collect();
        let again = chain.grid_at(&ts).unwrap();
        for (own, again) in chain.grid().spans().iter().zip(again.spans()) {
            prop_assert_eq!((own.from(), own.to()), (again.from(), again.to()));
            prop_assert!((own.beta() - again.beta()).abs() < 1e-15);
        }
        prop_assert_eq!(chain.grid().spans().iter().rev().map(|span| span.beta()).collect::<Vec<_>>(), chain.betas());
    }

    #[test]
    fn grids_are_unbroken_and_keep_the_labels((chain, ts) in jumps()) {
        let chain = chain.with_times(|t| 1000.0 * t as f64 + 0.5).unwrap();
        let grid = chain.grid_at(&ts).unwrap();
        prop_assert_eq!(grid.steps(), ts.len());
        for pair in grid.spans().windows(2) {
            prop_assert_eq!(pair[0].to(), Some(pair[1].from()));
        }
        for (level, t) in grid.levels().zip(&ts) {
            prop_assert_eq!(level, chain.level(*t).unwrap());
            prop_assert_eq!(level.time(), 1000.0 * *t as f64 + 0.5);
        }
        prop_assert_eq!((grid.end(), grid.start()), (None, chain.level(ts[0]).unwrap()));
    }

    #[test]
    fn coordinates_do_not_matter((chain, ts) in jumps()) {
        let vp = chain.grid_at(&ts).unwrap();
        let Ok(edm) = vp.unscaled() else { return Ok(()) };
        let fresh = Grid::of_sigmas(edm.levels().map(Level::sigma)).unwrap();
        for ((vp, edm), fresh) in vp.spans().iter().zip(edm.spans()).zip(fresh.spans()) {
            prop_assert_eq!((vp.beta(), vp.beta_tilde()), (edm.beta(), edm.beta_tilde()));
            prop_assert!((fresh.beta() - vp.beta()).abs() < 1e-13);
            let (a, b) = (vp.posterior(), edm.posterior());
            prop_assert!((b.x0 * vp.to_signal() - a.x0).abs() < 1e-12);
            prop_assert!((b.x * vp.to_signal() / vp.from().signal() - a.x).abs() < 1e-12 * (1.0 + a.x));
        }
    }

    #[test]
    fn ancestry_of_one_has_the_posterior_variance((chain, ts) in jumps(), eta in 0.0..1.0f64) {
        for span in chain.grid_at(&ts).unwrap().spans() {
            let (one, some) = (span.ancestry(1.0), span.ancestry(eta));
            prop_assert!((one.up.powi(2) * span.to_alpha_bar() - span.beta_tilde()).abs() < 1e-12);
            for step in [one, some] {
                prop_assert!((step.down.hypot(step.up) - span.to_sigma()).abs() <= 1e-12 * span.to_sigma());
            }
            prop_assert!((some.up - eta * one.up).abs() <= 1e-12 * one.up);
        }
    }

    #[test]
    fn karras_grids_stay_within_their_ends(steps in 1usize..200, low in 1e-4..0.1f64, high in 1.0..200.0f64, rho in 1.0..9.0f64) {
        let grid = Grid::karras(steps, low, high, rho).unwrap();
        prop_assert_eq!((grid.steps(), grid.start().sigma()), (steps, high));
        prop_assert!(steps == 1 || grid.spans()[steps - 1].from().sigma() == low);
        for span in grid.spans() {
            assert_posterior_keeps_the_marginal(*span)?;
        }
    }

    #[test]
    fn sections_give_the_steps_asked_for(len in 1usize..300, wanted in prop::collection::vec(0usize..40, 1..6)) {
        let size = len / wanted.len();
        let counts: Vec<usize> = wanted.iter().map(|&count| count.min(size)).collect();
        let total: usize = counts.iter().sum();
        match Chain::constant(len, 0.01).unwrap().respace_sections(&counts) {
            Ok(grid) => prop_assert_eq!(grid.steps(), total),
            Err(error) => prop_assert!(total == 0, "{}", error),
        }
    }
}

/// Not a sample: every number of steps of every length up to 130, and of the usual 1000.
#[test]
fn every_spacing_gives_exactly_the_steps_asked_for() {
    for len in (1..=130).chain([1000]) {
        for spacing in SPACINGS {
            for steps in 1..=len {
                let ts = spacing.pick(len, steps).unwrap();
                assert_eq!(ts.len(), steps, "{spacing:?} {steps} of {len}");
                assert!(ts.windows(2).all(|pair| pair[0] > pair[1]), "{spacing:?} {steps} of {len}");
                assert!(ts[0] <= len && ts[steps - 1] >= 1, "{spacing:?} {steps} of {len}");
                let ends = matches!(spacing, Spacing::Trailing | Spacing::Linspace);
                assert!(!ends || ts[0] == len, "{spacing:?} starts at the noisiest level");
                assert!(ends && steps == 1 || spacing == Spacing::Trailing || ts[steps - 1] == 1);
            }
            assert_eq!(spacing.pick(len, len).unwrap(), (1..=len).rev().collect::<Vec<_>>(), "{spacing:?}");
        }
    }
}
