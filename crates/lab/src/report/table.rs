//! The tables of a report, as text in cells, before anyone lays them out.

use super::data::{Published, Report, RowResult, Scores, SeedResult};
use super::mean::Mean;
use super::numbers;

/// A table whose first two columns name the line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) heads: Vec<String>,
    pub(crate) lines: Vec<Line>,
}

/// One line of a table; as many cells as the table has heads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) kind: Kind,
    pub(crate) cells: Vec<String>,
}

/// What a line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A row of the experiment: its only seed, or the mean over its seeds.
    Row,
    /// One of several seeds of the row above.
    Seed,
    /// Real images.
    Reference,
}

/// What stands where the paper or the reference has no number.
const BLANK: &str = "blank";
const NONE: &str = "-";

type Cells = fn(&RowResult, &[SeedResult]) -> Vec<String>;

/// Scores with the averaged weights, bits/dim and times, and the paper's numbers beside where it has any.
pub(crate) fn results(report: &Report) -> Table {
    let ours = [report.distance_name.as_str(), "IS", "bits/dim (rate + distortion)", "training", "sampling"];
    let mut table = match report.has_published() {
        true => table(report, &[&ours[..], &["paper: FID", "paper: IS"]].concat(), beside_the_paper),
        false => table(report, &ours, |_, seeds| scores(seeds)),
    };
    table.lines.extend(report.reference.map(|scores| reference(&scores, table.heads.len())));
    table
}

fn beside_the_paper(row: &RowResult, seeds: &[SeedResult]) -> Vec<String> {
    let mut cells = scores(seeds);
    if seeds.len() == row.seeds.len() {
        cells.extend(published(&row.published))
    }
    cells
}

fn scores(seeds: &[SeedResult]) -> Vec<String> {
    vec![
        measured(seeds, 2, |seed| Some(seed.ema?.frechet)),
        measured(seeds, 2, |seed| Some(seed.ema?.inception_score)),
        bound(seeds),
        lasted(seeds, |seed| Some(seed.train_seconds)),
        lasted(seeds, |seed| seed.ema.or(seed.raw).and(Some(seed.sample_seconds))),
    ]
}

/// Scores of the averaged and of the raw weights side by side.
pub(crate) fn weights(report: &Report) -> Table {
    let name = &report.distance_name;
    let heads = [format!("{name}, EMA"), format!("{name}, raw"), "IS, EMA".into(), "IS, raw".into()];
    table(report, &heads, |_, seeds| {
        vec![
            measured(seeds, 2, |seed| Some(seed.ema?.frechet)),
            measured(seeds, 2, |seed| Some(seed.raw?.frechet)),
            inception(seeds, |seed| seed.ema),
            inception(seeds, |seed| seed.raw),
        ]
    })
}

/// The variational bound and its parts.
pub(crate) fn bounds(report: &Report) -> Table {
    let heads = ["bits/dim", "rate", "distortion", "prior (in the rate)", "RMSE (0..255)", "images"];
    table(report, &heads, |_, seeds| {
        let images = |seed: &SeedResult| Some(seed.bits_per_dim.as_ref()?.images as f64);
        vec![
            measured(seeds, 3, |seed| Some(seed.bits_per_dim.as_ref()?.total)),
            measured(seeds, 3, |seed| Some(seed.bits_per_dim.as_ref()?.rate)),
            measured(seeds, 3, |seed| Some(seed.bits_per_dim.as_ref()?.distortion)),
            prior(seeds),
            measured(seeds, 2, |seed| Some(seed.bits_per_dim.as_ref()?.rmse)),
            Mean::over(seeds, images).map_or(NONE.into(), |mean| format!("{:.0}", mean.value)),
        ]
    })
}

fn table(report: &Report, heads: &[impl ToString], cells: Cells) -> Table {
    let names = ["prediction, objective, variance".to_string(), "seed".to_string()];
    let heads: Vec<String> = names.into_iter().chain(heads.iter().map(ToString::to_string)).collect();
    let lines = report.rows.iter().flat_map(|row| lines(row, heads.len(), cells)).collect();
    Table { heads, lines }
}

/// A line for the row and, where it has several seeds, one for each of them.
fn lines(row: &RowResult, width: usize, cells: Cells) -> Vec<Line> {
    let name = [&*row.prediction, &*row.objective, &*row.variance].join(", ");
    let line = |kind, names: [String; 2], seeds: &[SeedResult]| {
        let mut all: Vec<String> = names.into_iter().chain(cells(row, seeds)).collect();
        all.resize(width, String::new());
        Line { kind, cells: all }
    };
    let seeds = match row.seeds.as_slice() {
        [] => NONE.into(),
        [one] => number(one),
        several => format!("mean of {}", several.len()),
    };
    let each = if row.seeds.len() > 1 { row.seeds.as_slice() } else { &[] };
    let each = each.iter().map(|seed| line(Kind::Seed, [String::new(), number(seed)], std::slice::from_ref(seed)));
    std::iter::once(line(Kind::Row, [name, seeds], &row.seeds)).chain(each).collect()
}

fn number(seed: &SeedResult) -> String {
    let mark = if seed.failure.is_some() { " (failed)" } else { "" };
    format!("{}{mark}", seed.seed)
}

/// A measure's mean over seeds with its standard error, or the word for why there is none.
pub(crate) fn measured(seeds: &[SeedResult], decimals: usize, measure: impl Fn(&SeedResult) -> Option<f64>) -> String {
    match (Mean::over(seeds, &measure), seeds) {
        (Some(mean), _) => numbers::mean(&mean, decimals),
        (None, [seed]) => measure(seed).map_or_else(|| absent(seeds), |value| numbers::fixed(value, decimals)),
        (None, _) if seeds.iter().any(|seed| measure(seed).is_some_and(f64::is_nan)) => "not a number".into(),
        (None, _) => absent(seeds),
    }
}

fn absent(seeds: &[SeedResult]) -> String {
    match seeds {
        [] => "not run",
        _ if seeds.iter().any(|seed| seed.failure.is_some()) => "failed",
        _ => "not measured",
    }
    .into()
}

/// An inception score; of a single seed with its standard deviation over splits.
fn inception(seeds: &[SeedResult], scores: impl Fn(&SeedResult) -> Option<Scores>) -> String {
    let value = measured(seeds, 2, |seed| Some(scores(seed)?.inception_score));
    let [seed] = seeds else { return value };
    match scores(seed).filter(|scores| scores.inception_score.is_finite()) {
        Some(scores) => format!("{value} ({})", numbers::fixed(scores.inception_score_std, 2)),
        None => value,
    }
}

/// The prior's term: so small that decimals would hide it, and hardly different between seeds.
fn prior(seeds: &[SeedResult]) -> String {
    let term = |seed: &SeedResult| Some(seed.bits_per_dim.as_ref()?.prior);
    let mean = Mean::over(seeds, term).map(|mean| numbers::significant(mean.value));
    mean.unwrap_or_else(|| measured(seeds, 3, term))
}

fn bound(seeds: &[SeedResult]) -> String {
    let total = measured(seeds, 3, |seed| Some(seed.bits_per_dim.as_ref()?.total));
    let part = |part: fn(&super::BitsPerDim) -> f64| {
        Mean::over(seeds, |seed| seed.bits_per_dim.as_ref().map(part)).map(|mean| numbers::fixed(mean.value, 3))
    };
    match (part(|bound| bound.rate), part(|bound| bound.distortion)) {
        (Some(rate), Some(distortion)) => format!("{total} ({rate} + {distortion})"),
        _ => total,
    }
}

fn lasted(seeds: &[SeedResult], seconds: fn(&SeedResult) -> Option<f64>) -> String {
    match (Mean::over(seeds, seconds), seeds) {
        (Some(mean), _) => numbers::mean_duration(&mean),
        (None, [seed]) => seconds(seed).map_or_else(|| absent(seeds), numbers::duration),
        (None, _) => absent(seeds),
    }
}

fn published(paper: &Published) -> [String; 2] {
    let blank = || BLANK.to_string();
    let score = |score| numbers::with_spread(score, paper.inception_score_std, 2);
    [paper.fid.map_or_else(blank, |fid| numbers::fixed(fid, 2)), paper.inception_score.map_or_else(blank, score)]
}

fn reference(scores: &Scores, width: usize) -> Line {
    let mut cells = vec![
        "real held-out images".to_string(),
        NONE.into(),
        numbers::fixed(scores.frechet, 2),
        numbers::fixed(scores.inception_score, 2),
    ];
    cells.resize(width, NONE.into());
    Line { kind: Kind::Reference, cells }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report, report_of, seed};

    fn cells(table: &Table, line: usize) -> Vec<&str> {
        table.lines[line].cells.iter().map(String::as_str).collect()
    }

    #[test]
    fn one_seed_is_one_line_without_an_error() {
        let table = results(&report([142.0, 110.0, 90.0, 95.0, 115.0, 30.0]));
        assert_eq!(table.lines.len(), 7);
        let line = cells(&table, 0);
        assert_eq!(line[..4], ["mu_tilde, L, learned", "0", "142.00", "4.13"]);
        assert_eq!(line[5..], ["10 min 05 s", "42 s", "23.69", "7.28 ± 0.10"]);
        assert_eq!(cells(&table, 2)[7..], ["blank", "blank"]);
        assert_eq!(cells(&table, 6)[..4], ["real held-out images", "-", "0.90", "9.91"]);
    }

    #[test]
    fn without_published_numbers_there_are_no_columns_for_them() {
        let mut report = report([1.0; 6]);
        report.rows.iter_mut().for_each(|row| row.published = Default::default());
        let table = results(&report);
        assert_eq!(table.heads.last().unwrap(), "sampling");
        assert!(table.lines.iter().all(|line| line.cells.len() == table.heads.len()));
    }

    #[test]
    fn several_seeds_are_a_mean_with_its_error_and_a_line_each() {
        let pair = [1.0, 3.0, 5.0, 7.0, 9.0, 11.0].map(|low| vec![seed(0, low), seed(1, low + 2.0)]);
        let table = results(&report_of(pair));
        assert_eq!(cells(&table, 0)[1..3], ["mean of 2", "2.00 ± 1.00"]);
        assert_eq!(cells(&table, 1)[..3], ["", "0", "1.00"]);
        assert_eq!(cells(&table, 2)[7..], ["", ""]);
    }

    #[test]
    fn failures_and_nan_are_words() {
        let mut seeds = [1.0; 6].map(|low| vec![seed(0, low)]);
        seeds[0] = vec![broken(0)];
        seeds[1] = vec![broken(0), seed(1, 5.0)];
        seeds[2] = vec![seed(0, f64::NAN)];
        seeds[3] = vec![];
        let table = results(&report_of(seeds));
        assert_eq!(cells(&table, 0)[1..5], ["0 (failed)", "failed", "failed", "failed"]);
        assert_eq!(cells(&table, 1)[1..3], ["mean of 2", "5.00 [1 of 2]"]);
        assert_eq!(cells(&table, 2)[1..3], ["0 (failed)", "failed"]);
        assert_eq!(cells(&table, 4)[2..5], ["not a number"; 3]);
        assert_eq!(cells(&table, 5)[1..4], ["-", "not run", "not run"]);
    }

    #[test]
    fn raw_scores_stand_beside_the_averaged_ones() {
        let table = weights(&report([100.0; 6]));
        assert_eq!(cells(&table, 0)[2..], ["100.00", "125.00", "5.00 (0.05)", "4.44 (0.05)"]);
    }

    #[test]
    fn the_bound_is_shown_with_its_parts() {
        let table = bounds(&report([0.0; 6]));
        let line = cells(&table, 0);
        assert_eq!((line[4], line[5], line[6], line[7]), ("1.000", "1.00e-5", "1.20", "1000"));
    }
}
