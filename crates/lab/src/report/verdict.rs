//! The paragraph that says whether the paper's ordering is reproduced, and how sure that is.

use super::data::Report;
use super::lead::lead;
use super::numbers;
use super::ordering::{Pair, Ranked, Weights, by_distance, by_inception_score, pairs};

/// What came of the comparison with the paper's ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every pair of published rows is ordered as in the paper.
    Reproduced,
    /// The best row is the paper's, but some other pair is not ordered as in the paper.
    Partly,
    /// Another row is best, or the paper's best row failed.
    NotReproduced,
    /// Rows are missing or failed, and what can be compared agrees with the paper.
    Undecided,
}

/// Whether the paper's ordering is reproduced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome by distance.
    pub outcome: Outcome,
    /// Pairs of published rows that we order as the paper does.
    pub agreeing: usize,
    /// Pairs of published rows that could be compared.
    pub compared: usize,
    /// Pairs of published rows in the report.
    pub pairs: usize,
    /// The first sentence of the text.
    pub headline: String,
    /// One paragraph of plain text.
    pub text: String,
}

impl Verdict {
    /// The text after the headline.
    pub fn details(&self) -> &str {
        self.text.strip_prefix(&self.headline).unwrap_or(&self.text).trim_start()
    }
}

/// Compares the ordering of the rows by distance with the paper's (Ho, Jain, Abbeel 2020,
/// arXiv:2006.11239, table 2), pair by pair.
///
/// Scores are those of the averaged weights, means over the seeds that did not fail; a failed row
/// takes part in no pair. The inception score is mentioned and does not decide.
pub fn verdict(report: &Report) -> Verdict {
    let weights = Weights::judged(report);
    let rows = by_distance(report, weights);
    let pairs = pairs(&rows);
    let (agreeing, compared) = tally(&pairs);
    let outcome = outcome(&rows, weights, agreeing, compared, pairs.len());
    let headline = headline(outcome, &pairs);
    let sentences = [
        headline.clone(),
        orders(report, weights, &rows),
        unusable(&rows, weights, &pairs),
        by_score(report, weights),
        certainty(&rows, &pairs),
        lead(report, weights),
        caveat(&pairs),
    ];
    let text = sentences.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" ");
    Verdict { outcome, agreeing, compared, pairs: pairs.len(), headline, text }
}

fn tally(pairs: &[Pair<'_>]) -> (usize, usize) {
    let verdicts: Vec<bool> = pairs.iter().filter_map(Pair::agrees).collect();
    (verdicts.iter().filter(|&&agrees| agrees).count(), verdicts.len())
}

fn outcome(rows: &[Ranked<'_>], weights: Weights, agreeing: usize, compared: usize, pairs: usize) -> Outcome {
    let best_failed =
        rows.first().is_some_and(|row| row.ours.is_none() && matches!(why_absent(row, weights), FAILED | NO_NUMBER));
    match () {
        _ if pairs > 0 && best_failed => Outcome::NotReproduced,
        _ if agreeing < compared && best_is_the_papers(rows) => Outcome::Partly,
        _ if agreeing < compared => Outcome::NotReproduced,
        _ if pairs > 0 && compared == pairs => Outcome::Reproduced,
        _ => Outcome::Undecided,
    }
}

/// Whether the paper's best row is better here than every other row.
fn best_is_the_papers(rows: &[Ranked<'_>]) -> bool {
    let value = |row: &Ranked<'_>| row.ours.map(|mean| mean.value);
    let Some((best, others)) = rows.split_first() else {
        return false;
    };
    value(best).is_some_and(|best| others.iter().filter_map(value).all(|other| best < other))
}

fn headline(outcome: Outcome, pairs: &[Pair<'_>]) -> String {
    let (agreeing, compared) = tally(pairs);
    let count = format!("{agreeing} of {} are ordered as in the paper", numbers::count(compared, "pair"));
    match outcome {
        _ if pairs.is_empty() => "There is nothing to order: fewer than two rows have published numbers.".into(),
        _ if compared == 0 => "The paper's ordering cannot be judged: no pair of rows can be compared.".into(),
        Outcome::Reproduced => format!("The paper's ordering is reproduced{}: {count}.", strength(pairs)),
        Outcome::Partly => {
            format!("The paper's ordering is reproduced in part: its best row is best here too, but only {count}.")
        }
        Outcome::NotReproduced => format!("The paper's ordering is not reproduced: {count}."),
        Outcome::Undecided => format!(
            "The paper's ordering is confirmed only as far as it can be compared: {count}, out of {} in all.",
            pairs.len()
        ),
    }
}

/// How far the order of the means can be trusted, where that is not fully.
fn strength(pairs: &[Pair<'_>]) -> &'static str {
    let clear: Vec<Option<bool>> = pairs.iter().map(Pair::is_clear).collect();
    match () {
        _ if clear.contains(&Some(false)) => ", though not every difference exceeds the noise",
        _ if clear.contains(&None) => ", with what certainty is unknown",
        _ => "",
    }
}

/// The paper's order and ours, best first.
fn orders(report: &Report, weights: Weights, rows: &[Ranked<'_>]) -> String {
    let published: Vec<_> = rows.iter().map(|row| named(row, numbers::fixed(row.published, 2))).collect();
    let mut usable: Vec<_> = rows.iter().filter_map(|row| Some((row, row.ours?))).collect();
    usable.sort_by(|one, other| one.1.value.total_cmp(&other.1.value));
    let ours: Vec<_> = usable.iter().map(|(row, mean)| named(row, numbers::mean(mean, 2))).collect();
    let weights = if weights == Weights::Averaged { "averaged" } else { "raw" };
    if ours.is_empty() {
        return String::new();
    }
    format!(
        "Best first, the paper has by FID {}; here, by {} of samples from the {weights} weights, {}.",
        published.join(" < "),
        report.distance_name,
        ours.join(" < ")
    )
}

fn named(row: &Ranked<'_>, number: String) -> String {
    format!("{} ({number})", row.row.label)
}

const FAILED: &str = "failed";
const NO_NUMBER: &str = "not a number";

/// Why a row has no distance.
fn why_absent(row: &Ranked<'_>, weights: Weights) -> &'static str {
    let seeds = &row.row.seeds;
    match () {
        _ if seeds.is_empty() => "not run",
        _ if seeds.iter().any(|seed| seed.failure.is_some()) => FAILED,
        _ if seeds.iter().any(|seed| weights.of(seed).is_some()) => NO_NUMBER,
        _ => "not measured",
    }
}

fn unusable(rows: &[Ranked<'_>], weights: Weights, pairs: &[Pair<'_>]) -> String {
    let absent: Vec<String> =
        rows.iter().filter(|row| row.ours.is_none()).map(|row| named(row, why_absent(row, weights).into())).collect();
    if absent.is_empty() {
        return String::new();
    }
    let (_, compared) = tally(pairs);
    let missing = pairs.len() - compared;
    format!(
        "Without a usable distance: {}, which leaves out {missing} of {}.",
        absent.join("; "),
        numbers::count(pairs.len(), "pair")
    )
}

fn by_score(report: &Report, weights: Weights) -> String {
    let rows = by_inception_score(report, weights);
    let pairs = pairs(&rows);
    let (agreeing, compared) = tally(&pairs);
    if compared == 0 {
        return String::new();
    }
    let known: Vec<bool> = pairs.iter().filter_map(Pair::is_clear).collect();
    let clear = known.iter().filter(|&&clear| clear).count();
    let certainty = match known.len() {
        0 => String::new(),
        of => format!(", and {clear} of {} exceed two combined standard errors", numbers::count(of, "difference")),
    };
    format!("By inception score {agreeing} of {} agree{certainty}.", numbers::count(compared, "pair"))
}

fn certainty(rows: &[Ranked<'_>], pairs: &[Pair<'_>]) -> String {
    let compared: Vec<&Pair<'_>> = pairs.iter().filter(|pair| pair.difference().is_some()).collect();
    if compared.is_empty() {
        return String::new();
    }
    if rows.iter().all(|row| row.ours.is_none_or(|mean| mean.of == 1)) {
        return "Each row was trained with one seed, so no uncertainty can be given: how much of this \
                order is chance is not known."
            .into();
    }
    let known = compared.iter().filter(|pair| pair.is_clear().is_some()).count();
    [clear(&compared, known), noisy(&compared), unknown(compared.len() - known)]
        .into_iter()
        .filter(|one| !one.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn clear(compared: &[&Pair<'_>], known: usize) -> String {
    if known == 0 {
        return String::new();
    }
    let clear = compared.iter().filter(|pair| pair.is_clear() == Some(true)).count();
    format!(
        "Of the {} with an error, {clear} exceed two combined standard errors over seeds; with so \
         few seeds these errors are rough themselves.",
        numbers::count(known, "difference")
    )
}

fn noisy(compared: &[&Pair<'_>]) -> String {
    let within = |pair: &&&Pair<'_>| pair.is_clear() == Some(false);
    let list: Vec<String> = compared.iter().filter(within).map(|pair| difference(pair)).collect();
    if list.is_empty() { String::new() } else { format!("Within noise: {}.", list.join("; ")) }
}

fn difference(pair: &Pair<'_>) -> String {
    let difference = pair.difference().unwrap_or(f64::NAN).abs();
    let number = numbers::with_spread(difference, pair.error(), 2);
    format!("{} against {} (difference {number})", pair.better.row.label, pair.worse.row.label)
}

fn unknown(pairs: usize) -> String {
    match pairs {
        0 => String::new(),
        _ => format!(
            "For {} no uncertainty can be given, because a row has only one usable seed.",
            numbers::count(pairs, "pair")
        ),
    }
}

fn caveat(pairs: &[Pair<'_>]) -> String {
    let close: Vec<String> = pairs.iter().filter(|pair| pair.is_close_in_the_paper()).map(published).collect();
    match close.is_empty() {
        true => String::new(),
        false => format!(
            "The paper gives no error of its FIDs over training runs, and itself hardly separates {}.",
            close.join("; ")
        ),
    }
}

fn published(pair: &Pair<'_>) -> String {
    let number = |row: &Ranked<'_>| named(row, numbers::fixed(row.published, 2));
    format!("{} from {}", number(&pair.better), number(&pair.worse))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report, report_of, seed};

    const LIKE_THE_PAPER: [f64; 6] = [142.0, 110.0, 90.0, 95.0, 115.0, 30.0];

    fn around(distance: f64, spread: f64) -> Vec<super::super::SeedResult> {
        [-1.0, 0.0, 1.0].iter().zip(0..).map(|(side, n)| seed(n, distance + side * spread)).collect()
    }

    #[test]
    fn the_papers_order_is_reproduced() {
        let verdict = verdict(&report(LIKE_THE_PAPER));
        assert_eq!(verdict.outcome, Outcome::Reproduced);
        assert_eq!((verdict.agreeing, verdict.compared, verdict.pairs), (6, 6, 6));
        assert!(verdict.text.starts_with(&verdict.headline));
        let headline = "The paper's ordering is reproduced, with what certainty is unknown: 6 of 6 pairs are ordered as in the paper.";
        assert_eq!(verdict.headline, headline);
        assert!(verdict.text.contains("eps, L_simple, fixed (3.17) < mu_tilde, L, fixed (13.22)"));
        assert!(verdict.text.contains("By inception score 6 of 6 pairs agree."));
    }

    #[test]
    fn one_seed_gives_no_uncertainty_and_says_so() {
        let text = verdict(&report(LIKE_THE_PAPER)).text;
        assert!(text.contains("one seed, so no uncertainty can be given"), "{text}");
        assert!(!text.contains('±'), "{text}");
    }

    #[test]
    fn a_swap_below_the_best_row_is_reproduced_in_part() {
        let verdict = verdict(&report([100.0, 110.0, 90.0, 95.0, 115.0, 30.0]));
        assert_eq!((verdict.outcome, verdict.agreeing), (Outcome::Partly, 4));
        assert!(verdict.text.contains("only 4 of 6 pairs"), "{}", verdict.text);
    }

    #[test]
    fn another_best_row_is_not_reproduced() {
        let verdict = verdict(&report([142.0, 29.0, 90.0, 95.0, 115.0, 30.0]));
        assert_eq!((verdict.outcome, verdict.agreeing), (Outcome::NotReproduced, 5));
    }

    #[test]
    fn differences_are_set_against_combined_standard_errors() {
        let near = [142.0, 110.0, 90.0, 95.0, 111.0, 30.0].map(|distance| around(distance, 3.0));
        let text = verdict(&report_of(near)).text;
        assert!(text.contains("Of the 6 differences with an error, 5 exceed"), "{text}");
        let noise = "Within noise: mu_tilde, L, fixed against eps, L, fixed (difference 1.00 ± 2.45).";
        assert!(text.contains(noise), "{text}");
        assert!(text.contains("By inception score 6 of 6 pairs agree, and 5 of 6 differences exceed two"), "{text}");
        assert!(!text.contains("one seed"), "{text}");
    }

    #[test]
    fn the_headline_is_unqualified_only_beyond_noise() {
        let headline = |spread| verdict(&report_of(LIKE_THE_PAPER.map(|distance| around(distance, spread)))).headline;
        assert!(headline(0.1).starts_with("The paper's ordering is reproduced: 6 of 6"));
        assert!(headline(9.0).starts_with("The paper's ordering is reproduced, though not every difference"));
    }

    #[test]
    fn a_failed_row_leaves_its_pairs_undecided() {
        let mut seeds = LIKE_THE_PAPER.map(|distance| vec![seed(0, distance)]);
        seeds[0] = vec![broken(0)];
        let verdict = verdict(&report_of(seeds));
        assert_eq!((verdict.outcome, verdict.compared), (Outcome::Undecided, 3));
        assert!(verdict.text.contains("mu_tilde, L, learned (failed), which leaves out 3 of 6 pairs"));
        assert!(!verdict.text.contains("NaN"));
    }

    #[test]
    fn a_failure_of_the_papers_best_row_is_no_reproduction() {
        let mut seeds = LIKE_THE_PAPER.map(|distance| vec![seed(0, distance)]);
        seeds[5] = vec![broken(0)];
        assert_eq!(verdict(&report_of(seeds)).outcome, Outcome::NotReproduced);
    }

    #[test]
    fn a_seed_that_failed_among_others_leaves_the_pair_without_an_error() {
        let mut seeds = LIKE_THE_PAPER.map(|distance| around(distance, 3.0));
        seeds[0] = vec![broken(0), broken(1), seed(2, 142.0)];
        let verdict = verdict(&report_of(seeds));
        assert_eq!((verdict.outcome, verdict.compared), (Outcome::Reproduced, 6));
        assert!(verdict.text.contains("For 3 pairs no uncertainty can be given"), "{}", verdict.text);
        assert!(verdict.text.contains("mu_tilde, L, learned (142.00 [1 of 3])"), "{}", verdict.text);
    }

    #[test]
    fn rows_that_were_not_run_are_undecided_not_failed() {
        let mut report = report(LIKE_THE_PAPER);
        report.rows.iter_mut().for_each(|row| row.seeds.clear());
        let verdict = verdict(&report);
        assert_eq!((verdict.outcome, verdict.compared), (Outcome::Undecided, 0));
        assert!(verdict.text.contains("eps, L_simple, fixed (not run)"), "{}", verdict.text);
    }

    #[test]
    fn rows_without_an_extractor_were_not_measured_and_did_not_fail() {
        let mut report = report(LIKE_THE_PAPER);
        for seed in report.rows.iter_mut().flat_map(|row| &mut row.seeds) {
            (seed.ema, seed.raw) = (None, None);
        }
        let verdict = verdict(&report);
        assert_eq!((verdict.outcome, verdict.compared), (Outcome::Undecided, 0));
        assert!(verdict.text.contains("eps, L_simple, fixed (not measured)"), "{}", verdict.text);
        let tables = [crate::report::text_table(&report), crate::report::markdown::page(&report, &[])];
        assert!(tables.iter().all(|text| !text.contains("failed")), "{tables:?}");
    }
}
