//! Made-up comparisons for the tests of this crate.

use super::comparison::{Comparison, Published, Row, Trial};
use super::page::{Block, Page, Picture, Verdict};
use super::plot::{Column, Drawing, Interval, Intervals, Plot};
use super::score::{Direction, Score};
use super::table::Table;

/// A seed of which everything follows from its error.
pub(crate) fn trial(seed: u64, error: f64) -> Trial {
    let likeness = 10.0 / (1.0 + error / 100.0);
    Trial { seed, values: vec![Some(error), Some(likeness), Some(605.0)], failure: None }
}

/// A seed that broke off.
pub(crate) fn broken(seed: u64) -> Trial {
    Trial { values: vec![], failure: Some("loss is NaN at step 312".into()), ..trial(seed, 1.0) }
}

/// Three seeds around an error, at equal distance.
pub(crate) fn around(error: f64, spread: f64) -> Vec<Trial> {
    [-1.0, 0.2, 0.8].iter().zip(0..).map(|(side, n)| trial(n, error + side * spread)).collect()
}

const PUBLISHED: [Option<f64>; 4] = [Some(23.69), Some(13.22), None, Some(3.17)];

/// The rows `a` to `d`, of which all but `c` have published errors, `d` the smallest.
pub(crate) fn comparison(trials: [Vec<Trial>; 4]) -> Comparison {
    let of_paper = |value: f64| {
        vec![Some(Published { value, spread: None }), Some(Published { value: -value, spread: Some(0.1) })]
    };
    let rows = ["a", "b", "c", "d"].into_iter().zip(trials).zip(PUBLISHED).map(|((label, trials), published)| Row {
        settings: vec![("target".into(), label.to_uppercase())],
        trials,
        published: published.map(of_paper).unwrap_or_default(),
        ..Row::new(label)
    });
    let named = |score: Score, name: &str| Score { published: Some(name.into()), ..score };
    Comparison {
        scores: vec![
            named(Score::new("error", Direction::Lower, 2), "E"),
            named(Score::new("likeness", Direction::Higher, 2), "L"),
            Score::seconds("training"),
        ],
        rows: rows.collect(),
        baseline: 0,
        reference: Some(("real images".into(), vec![Some(0.9), Some(9.9)])),
    }
}

/// One seed of each row.
pub(crate) fn single(errors: [f64; 4]) -> Comparison {
    comparison(errors.map(|error| vec![trial(0, error)]))
}

/// A page with every kind of block.
pub(crate) fn page() -> Page {
    let table = Table::rows(1, &["solver", "steps", "FD"], [["ddim", "10", "1.50 ± 0.10"].map(str::to_owned).to_vec()]);
    let interval = Interval { value: 1.0, error: Some(0.5), points: vec![0.5, 1.5], text: "1.0 ± 0.5".into() };
    let cells = vec![Ok(interval), Err("not run".into())];
    let columns = vec![Column { name: "x".into(), mark: Some((0.2, "real".into())), cells }];
    let drawing = Drawing::Intervals(Intervals { rows: vec!["a".into(), "b".into()], columns });
    let (heading, file, caption) = ("\"Rows\" <by> x".into(), "rows.svg".into(), "Rows.".into());
    let protocol = vec![Block::Heading("Inside".into()), Block::Facts(vec![("seeds".into(), "0, 1".into())])];
    Page {
        title: "A study".into(),
        blocks: vec![
            Block::Plot(Plot { heading, file, caption, drawing }),
            Block::Verdict(Verdict { agreement: None, sentences: vec!["It helps.".into(), "Clearly.".into()] }),
            Block::Details("Protocol".into(), protocol),
            Block::Details("Nothing here".into(), vec![Block::Notes(vec![])]),
            Block::Table(table),
            Block::Pictures(vec![Picture { file: "a.png".into(), label: "A <b>".into() }]),
            Block::Notes(vec!["Read on.".into()]),
        ],
    }
}
