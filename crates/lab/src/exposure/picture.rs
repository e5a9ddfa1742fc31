//! The picture that answers a study's question: what each cure changes, with its error.

use super::Study;
use super::finding::{Measure, Pair, cured, measures, trained};
use undrift_report::{Column, Drawing, Interval, Intervals, Plot, numbers};

/// Differences of every cure from plain sampling and of every row from the baseline, by each score, with 0 marked;
/// none where nothing was scored.
pub(super) fn picture(study: &Study) -> Option<Plot> {
    let pairs: Vec<(String, Pair<'_>)> = named(study);
    let columns = measures().map(|measure| column(&pairs, &measure));
    let any = columns.iter().any(|column| column.cells.iter().any(Result::is_ok));
    any.then(|| Plot {
        heading: "What each cure and training changes".into(),
        file: "differences.svg".into(),
        caption: "Differences of every cure from plain sampling on the same network, and of every row from the \
                  baseline, plain, seed by seed: means with their standard errors; the small dots are the seeds. A \
                  smaller distance and a larger inception score are better."
            .into(),
        drawing: Drawing::Intervals(Intervals {
            rows: pairs.iter().map(|(name, _)| name.clone()).collect(),
            columns: columns.to_vec(),
        }),
    })
}

fn named(study: &Study) -> Vec<(String, Pair<'_>)> {
    let label = |row: &str| study.rows.iter().find(|(id, _)| id == row).map_or("", |(_, label)| label).to_owned();
    let of_cures = cured(study).into_iter().map(|pair| {
        let what = format!("{}, {}, {}", label(&pair.one.row), pair.one.cure.label(), pair.at());
        (what, pair)
    });
    let of_rows =
        trained(study).into_iter().map(|pair| (format!("{}, plain, {}", label(&pair.one.row), pair.at()), pair));
    of_cures.chain(of_rows).collect()
}

fn column(pairs: &[(String, Pair<'_>)], measure: &Measure) -> Column {
    let cell = |(_, pair): &(String, Pair<'_>)| {
        let mean = pair.difference(measure).ok_or("not scored")?;
        let each = pair.one.scores.iter().zip(&pair.other.scores);
        let points = each.filter_map(|(one, other)| Some((measure.of)(one.as_ref()?) - (measure.of)(other.as_ref()?)));
        let points = if mean.used > 1 { points.collect() } else { vec![] };
        let word = match measure.score.word(&mean) {
            word @ ("better" | "worse") => format!(", {word}"),
            _ => String::new(),
        };
        Ok(Interval { value: mean.value, error: mean.error, points, text: numbers::mean(&mean, 2) + &word })
    };
    Column {
        name: measure.score.name.clone(),
        mark: Some((0.0, "no change".into())),
        cells: pairs.iter().map(cell).collect(),
    }
}
