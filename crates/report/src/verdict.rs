//! What a comparison comes to, in at most three sentences.

use super::comparison::Comparison;
use super::numbers;
use super::ordering::{Pair, Tally, as_published, pairs};
use super::page::{Agreement, Verdict};
use super::standing::{enumerated, sentence};

/// Whether the published order is found again, which row is best by each score, and what limits both.
///
/// A difference is clear by Student's t test over the differences seed by seed ([`Mean::is_clear`](crate::Mean)).
pub(crate) fn verdict(comparison: &Comparison) -> Verdict {
    let agreement = agreement(comparison);
    let first = agreement.map(|agreement| order(comparison, agreement));
    let sentences = [first, sentence(comparison), limits(comparison)].into_iter().flatten().collect();
    Verdict { agreement, sentences }
}

/// By the main score; none where fewer than two rows have published numbers of it.
fn agreement(comparison: &Comparison) -> Option<Agreement> {
    let (score, _) = comparison.judged().next()?;
    let pairs = pairs(comparison, score);
    let tally = Tally::of(&pairs);
    (tally.all > 0).then(|| match () {
        _ if best_failed(comparison, score) => Agreement::Differs,
        _ if tally.agreeing < tally.compared && best_is_the_same(&pairs) => Agreement::Partly,
        _ if tally.agreeing < tally.compared => Agreement::Differs,
        _ if tally.compared == tally.all => Agreement::Agrees,
        _ => Agreement::Undecided,
    })
}

/// Whether the row that was published as the best one gave no usable scores.
fn best_failed(comparison: &Comparison, score: usize) -> bool {
    let best = as_published(comparison, score).first().map(|(row, _)| *row);
    best.is_some_and(|row| row.mean(score).is_none() && matches!(row.absent(score), "failed" | "not a number"))
}

/// Whether the row that was published as the best one is better here than every row it can be compared with.
fn best_is_the_same(pairs: &[Pair<'_>]) -> bool {
    let best = pairs.first().map(|pair| pair.better);
    let of_best = pairs.iter().filter(|pair| best.is_some_and(|best| std::ptr::eq(best, pair.better)));
    let agrees: Vec<bool> = of_best.filter_map(Pair::agrees).collect();
    !agrees.is_empty() && agrees.iter().all(|agrees| *agrees)
}

fn order(comparison: &Comparison, agreement: Agreement) -> String {
    let tallies: Vec<(usize, Tally)> = comparison
        .judged()
        .map(|(score, _)| (score, Tally::of(&pairs(comparison, score))))
        .filter(|(_, tally)| tally.compared > 0)
        .collect();
    let main = tallies.first().map(|(_, tally)| *tally);
    let counts: Vec<String> = tallies.iter().map(|(score, tally)| count(comparison, *score, tally)).collect();
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", enumerated(&counts)) };
    match (agreement, main) {
        (Agreement::Agrees, _) => format!("The published order is found again{counts}."),
        (Agreement::Partly, _) => {
            format!("The published order is found again in part, with the same best row{counts}.")
        }
        (Agreement::Differs, _) => format!("The published order is not found again{counts}."),
        (Agreement::Undecided, None) => "The published order cannot be judged: no two of its rows have scores.".into(),
        (Agreement::Undecided, Some(main)) => {
            let all = main.all;
            format!("The published order is found again as far as its {all} pairs of rows can be compared{counts}.")
        }
    }
}

fn count(comparison: &Comparison, score: usize, tally: &Tally) -> String {
    let clearly = tally.clearly.map_or(String::new(), |clearly| format!(", {clearly} clearly"));
    let pairs = numbers::count(tally.compared, "pair");
    format!("{} of {pairs} by {}{clearly}", tally.agreeing, comparison.scores[score].name)
}

/// What the scores do not stand on: seeds that failed, rows without scores, a single seed.
fn limits(comparison: &Comparison) -> Option<String> {
    let trials = || comparison.rows.iter().flat_map(|row| &row.trials);
    let failed = trials().filter(|trial| trial.failure.is_some()).count();
    let missing = comparison.rows.iter().filter(|row| row.trials.is_empty()).count();
    let parts = [
        (failed > 0).then(|| format!("{failed} of {} failed", numbers::count(trials().count(), "seed"))),
        (missing > 0).then(|| format!("{} of {} not run", missing, numbers::count(comparison.rows.len(), "row"))),
        (comparison.has_single_seeds() && missing < comparison.rows.len())
            .then(|| "with one seed of each row nothing tells how much of this is chance".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let text = parts.join("; ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str() + ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{around, broken, comparison, single, trial};

    const AS_PUBLISHED: [f64; 4] = [142.0, 110.0, 90.0, 30.0];

    fn of(errors: [f64; 4]) -> Verdict {
        verdict(&single(errors))
    }

    #[test]
    fn the_published_order_is_found_again_with_or_without_certainty() {
        let verdict = of(AS_PUBLISHED);
        assert_eq!(verdict.agreement, Some(Agreement::Agrees));
        let said = "The published order is found again: 3 of 3 pairs by error and 3 of 3 pairs by likeness.";
        assert_eq!(verdict.sentences[0], said);
        assert_eq!(verdict.sentences[2], "With one seed of each row nothing tells how much of this is chance.");
        let several = super::verdict(&comparison(AS_PUBLISHED.map(|error| around(error, 0.1))));
        assert!(
            several.sentences[0].ends_with("3 of 3 pairs by error, 3 clearly and 3 of 3 pairs by likeness, 3 clearly.")
        );
        assert_eq!(several.sentences.len(), 2);
    }

    #[test]
    fn a_swap_below_the_best_row_is_found_in_part_and_another_best_row_is_not() {
        assert_eq!(of([100.0, 110.0, 90.0, 30.0]).agreement, Some(Agreement::Partly));
        let other = of([142.0, 29.0, 90.0, 30.0]);
        assert_eq!(other.agreement, Some(Agreement::Differs));
        assert!(other.sentences[0].starts_with("The published order is not found again: 2 of 3 pairs by error"));
        assert!(other.sentences[1].starts_with("b is best by error (29.00)"), "{}", other.sentences[1]);
    }

    #[test]
    fn failed_rows_leave_pairs_open_unless_the_best_row_failed() {
        let mut trials = AS_PUBLISHED.map(|error| vec![trial(0, error)]);
        trials[0] = vec![broken(0)];
        let open = verdict(&comparison(trials.clone()));
        assert_eq!(open.agreement, Some(Agreement::Undecided));
        assert!(open.sentences[0].contains("as far as its 3 pairs of rows can be compared: 1 of 1 pair by error"));
        assert!(open.sentences[2].starts_with("1 of 4 seeds failed; with one seed"), "{}", open.sentences[2]);
        trials[3] = vec![broken(0)];
        assert_eq!(verdict(&comparison(trials)).agreement, Some(Agreement::Differs));
    }

    #[test]
    fn nothing_run_is_said_and_nothing_published_is_not() {
        let nothing = verdict(&comparison(Default::default()));
        assert_eq!(
            nothing.sentences,
            ["The published order cannot be judged: no two of its rows have scores.", "4 of 4 rows not run."]
        );
        let mut own = single(AS_PUBLISHED);
        own.rows.iter_mut().for_each(|row| row.published.clear());
        let own = verdict(&own);
        assert_eq!((own.agreement, own.sentences.len()), (None, 2));
        assert!(own.sentences[0].starts_with("d is best"));
    }
}
