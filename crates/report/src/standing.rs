//! Which row is best by each score, and how surely.

use super::comparison::{Comparison, Row};
use super::mean::Mean;

/// The best row by one score, and what is known of the others.
#[derive(Clone, Debug)]
pub(crate) struct Standing<'a> {
    pub(crate) score: usize,
    pub(crate) best: &'a Row,
    /// The other rows, best first, with how far each is behind, turned so that more is further.
    pub(crate) others: Vec<(&'a Row, Option<Mean>)>,
}

impl<'a> Standing<'a> {
    /// None where fewer than two rows have the score.
    pub(crate) fn of(comparison: &'a Comparison, score: usize) -> Option<Self> {
        let rows = comparison.best_first(score);
        let ((best, _), others) = rows.split_first().filter(|(_, others)| !others.is_empty())?;
        let turned = |mean: Mean| Mean { value: comparison.scores[score].turned(mean.value), ..mean };
        let behind = others.iter().map(|(row, _)| (*row, row.minus(best, score).map(turned)));
        Some(Standing { score, best, others: behind.collect() })
    }

    /// How surely the best row is best, in words; empty where that is not known.
    pub(crate) fn lead(&self) -> String {
        let clear = |wanted| self.others.iter().filter(move |(_, gap)| gap.and_then(|gap| gap.is_clear()) == wanted);
        let names = |rows: Vec<&(&Row, Option<Mean>)>| match rows.as_slice() {
            rows if rows.len() == self.others.len() && rows.len() > 2 => "any other row".to_owned(),
            [(one, _)] => one.label.clone(),
            [(one, _), (other, _)] => format!("{} and {}", one.label, other.label),
            rows => format!("{} of {} other rows", rows.len(), self.others.len()),
        };
        let unclear: Vec<_> = clear(Some(false)).collect();
        match (clear(None).count(), self.others.as_slice()) {
            (unknown, all) if unknown == all.len() => String::new(),
            _ if !unclear.is_empty() => format!("not clearly ahead of {}", names(unclear)),
            (0, [(only, _)]) => format!("clearly ahead of {}", only.label),
            (0, _) => "clearly ahead of every other row".to_owned(),
            (unknown, _) => format!("clearly ahead of all but {unknown} whose seeds do not tell"),
        }
    }
}

/// The best rows of every judged score that two rows have.
pub(crate) fn standings(comparison: &Comparison) -> Vec<Standing<'_>> {
    comparison.judged().filter_map(|(score, _)| Standing::of(comparison, score)).collect()
}

/// One sentence of them, scores of the same best row and certainty together.
pub(crate) fn sentence(comparison: &Comparison) -> Option<String> {
    let mut groups: Vec<(&Row, String, Vec<String>)> = Vec::new();
    for standing in standings(comparison) {
        let score = standing.score;
        let by = format!("by {} ({})", comparison.scores[score].name, standing.best.text(&comparison.scores, score));
        let lead = standing.lead();
        match groups.iter_mut().find(|(row, known, _)| std::ptr::eq(*row, standing.best) && *known == lead) {
            Some((_, _, scores)) => scores.push(by),
            None => groups.push((standing.best, lead, vec![by])),
        }
    }
    let said = groups.iter().map(|(row, lead, scores)| {
        let lead = if lead.is_empty() { String::new() } else { format!(", {lead}") };
        format!("{} is best {}{lead}", row.label, enumerated(scores))
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| said.join("; ") + ".")
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn enumerated(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{around, comparison, single, trial};

    #[test]
    fn scores_with_the_same_best_row_share_a_sentence() {
        let clear = comparison([142.0, 110.0, 40.0, 30.0].map(|error| around(error, 2.0)));
        let said = "d is best by error (30.00 ± 1.06) and by likeness (7.69 ± 0.06), clearly ahead of every other row.";
        assert_eq!(sentence(&clear).unwrap(), said);
    }

    #[test]
    fn rows_that_are_not_told_apart_are_named() {
        let near = vec![trial(0, 30.5), trial(1, 33.0), trial(2, 29.0)];
        let comparison = comparison([around(142.0, 2.0), around(110.0, 2.0), near, around(30.0, 2.0)]);
        let said = sentence(&comparison).unwrap();
        assert!(said.starts_with("d is best by error (30.00 ± 1.06) and by likeness"), "{said}");
        assert!(said.ends_with("not clearly ahead of c."), "{said}");
    }

    #[test]
    fn one_seed_tells_no_certainty_and_one_row_is_not_best() {
        assert_eq!(
            sentence(&single([4.0, 3.0, 2.0, 1.0])).unwrap(),
            "d is best by error (1.00) and by likeness (9.90)."
        );
        let mut alone = single([1.0; 4]);
        alone.rows.truncate(1);
        assert_eq!(sentence(&alone), None);
    }

    #[test]
    fn each_score_has_its_own_best_row() {
        let mut comparison = comparison([142.0, 110.0, 40.0, 30.0].map(|error| around(error, 0.1)));
        comparison.rows[1].trials.iter_mut().for_each(|trial| trial.values[1] = trial.values[1].map(|v| v + 9.0));
        let said = sentence(&comparison).unwrap();
        assert!(
            said.contains("d is best by error (30.00 ± 0.05), clearly ahead of every other row; b is best by likeness"),
            "{said}"
        );
    }
}
