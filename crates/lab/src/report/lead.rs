//! Whether one row is better than all others, published or not, by more than chance.

use super::data::{Report, RowResult, SeedResult};
use super::mean::Mean;
use super::numbers;
use super::ordering::Weights;

/// A score of which smaller is better, perhaps after a change of sign.
struct Measure {
    name: String,
    of: fn(&SeedResult, Weights) -> Option<f64>,
    sign: f64,
    decimals: usize,
    /// Whether the paper's best row by FID should lead here too.
    published: bool,
}

/// For every score: all rows in their order, and by how much the row that should lead does; it is the paper's best by
/// distance and inception score, and ours by bits per dimension or where nothing is published.
pub(crate) fn lead(report: &Report, weights: Weights) -> String {
    let name = |name: &str| name.to_owned();
    let distance: fn(&SeedResult, Weights) -> Option<f64> = |seed, weights| Some(weights.of(seed)?.frechet);
    let measures = [
        Measure { name: report.distance_name.clone(), of: distance, sign: 1.0, decimals: 2, published: true },
        Measure {
            name: name("inception score"),
            of: |seed, weights| Some(weights.of(seed)?.inception_score),
            sign: -1.0,
            decimals: 2,
            published: true,
        },
        Measure {
            name: name("bits/dim"),
            of: |seed, _| Some(seed.bits_per_dim.as_ref()?.total),
            sign: 1.0,
            decimals: 3,
            published: false,
        },
    ];
    let sentences = measures.map(|measure| measure.sentence(report, weights));
    sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Measure {
    fn sentence(&self, report: &Report, weights: Weights) -> String {
        let mean = |row: &RowResult| Mean::over(&row.seeds, |seed| (self.of)(seed, weights));
        let mut rows: Vec<(&RowResult, Mean)> = report.rows.iter().filter_map(|row| Some((row, mean(row)?))).collect();
        rows.sort_by(|(_, one), (_, other)| (self.sign * one.value).total_cmp(&(self.sign * other.value)));
        let published = |row: &RowResult| row.published.fid.unwrap_or(f64::INFINITY);
        let leader = match rows.iter().min_by(|(one, _), (other, _)| published(one).total_cmp(&published(other))) {
            Some((row, _)) if self.published && row.published.fid.is_some() => row.id.clone(),
            _ => rows.first().map(|(row, _)| row.id.clone()).unwrap_or_default(),
        };
        let Some(at) = rows.iter().position(|(row, _)| row.id == leader).filter(|_| rows.len() > 1) else {
            return String::new();
        };
        let order: Vec<String> = rows.iter().map(|row| self.named(row)).collect();
        let order = format!("All rows by {}, best first: {}.", self.name, order.join("; "));
        if at > 0 {
            return format!("{order} {} is not the best of them.", rows[at].0.label);
        }
        format!("{order} {}", self.margin(&rows))
    }

    /// By how much the first of the rows leads the others.
    fn margin(&self, rows: &[(&RowResult, Mean)]) -> String {
        let (leader, best) = &rows[0];
        let gaps = rows[1..].iter().map(|(row, mean)| {
            let error = mean.error.zip(best.error).map(|(one, other)| one.hypot(other));
            (row, self.sign * (mean.value - best.value), error)
        });
        let gaps: Vec<_> = gaps.collect();
        if gaps.iter().any(|(_, _, error)| error.is_none()) {
            return format!("{} is the best of them; with one seed it is not known how surely.", leader.label);
        }
        let unclear = gaps.iter().filter(|(_, gap, error)| error.is_some_and(|error| *gap <= 2.0 * error));
        let unclear: Vec<String> = unclear
            .map(|(row, gap, error)| format!("{} ({})", row.label, numbers::with_spread(*gap, *error, self.decimals)))
            .collect();
        let (nearest, gap, error) = gaps[0];
        match unclear.is_empty() {
            true => format!(
                "{} is better than every other row by more than two standard errors; the nearest, {}, is {} behind.",
                leader.label,
                nearest.label,
                numbers::with_spread(gap, error, self.decimals),
            ),
            false => format!(
                "{} is the best of them, but not by more than two standard errors before {}.",
                leader.label,
                unclear.join("; ")
            ),
        }
    }

    fn named(&self, (row, mean): &(&RowResult, Mean)) -> String {
        format!("{} ({})", row.label, numbers::mean(mean, self.decimals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{report, report_of, seed};

    fn around(distance: f64, spread: f64) -> Vec<SeedResult> {
        [-1.0, 0.0, 1.0].iter().zip(0..).map(|(side, n)| seed(n, distance + side * spread)).collect()
    }

    const ROWS: [f64; 6] = [142.0, 110.0, 40.0, 95.0, 115.0, 30.0];

    #[test]
    fn a_clear_lead_is_measured_against_the_nearest_row() {
        let text = lead(&report_of(ROWS.map(|distance| around(distance, 2.0))), Weights::Averaged);
        let clear = "eps, L_simple, fixed is better than every other row by more than two standard errors; \
                     the nearest, mu_tilde, MSE, fixed, is 10.00 ± 1.63 behind.";
        assert!(text.contains(clear), "{text}");
        assert_eq!(text.matches("by more than two standard errors").count(), 3, "{text}");
        let bits = "All rows by bits/dim, best first: eps, L_simple, fixed (";
        assert!(text.contains(bits), "{text}");
        assert!(text.starts_with("All rows by FD (Fashion-MNIST features), best first: eps, L_simple, fixed (30.00"));
    }

    #[test]
    fn a_lead_within_the_noise_names_the_rows() {
        let text = lead(&report_of(ROWS.map(|distance| around(distance, 8.0))), Weights::Averaged);
        assert!(
            text.contains("not by more than two standard errors before mu_tilde, MSE, fixed (10.00 ± 6.53)"),
            "{text}"
        );
    }

    #[test]
    fn another_best_row_and_a_single_seed_are_said() {
        let other = lead(&report([142.0, 110.0, 20.0, 95.0, 115.0, 30.0]), Weights::Averaged);
        assert!(other.contains("eps, L_simple, fixed is not the best of them."), "{other}");
        assert!(lead(&report(ROWS), Weights::Averaged).contains("with one seed it is not known how surely"));
    }

    #[test]
    fn without_published_numbers_our_best_row_is_judged() {
        let mut report = report_of(ROWS.map(|distance| around(distance, 2.0)));
        report.rows.iter_mut().for_each(|row| row.published = Default::default());
        assert!(lead(&report, Weights::Averaged).contains("eps, L_simple, fixed is better than every other row"));
        report.rows.truncate(1);
        assert_eq!(lead(&report, Weights::Averaged), "");
    }
}
