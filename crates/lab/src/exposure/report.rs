//! A study as a page.

use super::finding::{Pair, cured, findings, measures, trained, verdict};
use super::picture::picture;
use super::plots::{bias, gaussianity, lengths, searched};
use super::{Cure, Search, Study};
use crate::methods::Method;
use crate::report::{Scores, real_images};
use std::path::Path;
use undrift_report::{Block, Mean, Page, Picture, ReportError, Table, numbers, put};

/// Writes `report.md`, `report.html`, `study.json` and the plots into an existing directory.
///
/// # Errors
/// [`ReportError`] where a file cannot be written or a plot cannot be drawn.
///
/// # Panics
/// Never: plain data has a JSON form.
pub fn write_study(study: &Study, directory: &Path) -> Result<(), ReportError> {
    let json = serde_json::to_string_pretty(study).expect("plain data has a JSON form") + "\n";
    put(&directory.join("study.json"), &json)?;
    undrift_report::write(&study_page(study), directory)
}

/// The page: the cures' differences as a picture, what they come to, the scores; and what folds.
pub fn study_page(study: &Study) -> Page {
    let pictures = study.pictures.iter();
    let pictures = pictures.map(|(label, file)| Picture { file: file.clone(), label: label.clone() }).collect();
    let opening = picture(study).map(Block::Plot).into_iter().chain([Block::Verdict(verdict(study))]);
    let folded = [
        ("What was found, in sentences", vec![Block::Notes(findings(study))]),
        ("Differences from plain sampling, seed by seed", differences(study)),
        ("Differences from the baseline at equal training", vec![training(study)]),
        ("Failed seeds", vec![Block::Notes(study.failures.clone())]),
        ("Samples", vec![Block::Pictures(pictures)]),
        ("The bias along a chain", bias(study).into_iter().map(Block::Plot).chain([gaussianity(study)]).collect()),
        ("Chains of several lengths", lengths(study).into_iter().map(Block::Plot).collect()),
        ("How the constants were found", searches(study)),
        ("Published effects (CIFAR-10, FID, 50,000 samples)", published(study)),
        ("Protocol", vec![Block::Facts(study.protocol.clone())]),
    ];
    let folded = folded.into_iter().map(|(heading, blocks)| Block::Details(heading.to_owned(), blocks));
    Page { title: study.title.clone(), blocks: opening.chain(scores(study)).chain(folded).collect() }
}

fn table(names: usize, heads: &[String], lines: Vec<Vec<String>>) -> Block {
    Block::Table(Table::rows(names, heads, lines))
}

fn said(mean: Option<Mean>) -> String {
    mean.map_or_else(|| "-".to_owned(), |mean| numbers::mean(&mean, 2))
}

/// Distance and inception score of every sampler, a table each: a line for row, solver and steps, a column for each
/// cure.
fn scores(study: &Study) -> Vec<Block> {
    let cures = Cure::ALL.into_iter().filter(|cure| study.entries.iter().any(|entry| entry.cure == *cure));
    let cures: Vec<Cure> = cures.collect();
    let heads = ["row", "solver", "steps"].into_iter().chain(cures.iter().map(|cure| cure.label()));
    let heads: Vec<String> = heads.map(str::to_owned).collect();
    let lines = |of: fn(&Scores) -> f64| {
        let mut lines = Vec::new();
        for (row, label) in &study.rows {
            for (solver, steps) in study.settings() {
                let cells = cures.iter().map(|cure| study.entry(row, solver, steps, *cure));
                let cells = cells.map(|entry| said(entry.and_then(|entry| entry.mean(of))));
                lines.push([label.clone(), solver.to_owned(), steps.to_string()].into_iter().chain(cells).collect());
            }
        }
        lines
    };
    let seeds = numbers::count(study.seeds.len(), "seed");
    let mut blocks = Vec::new();
    for measure in measures() {
        let name = if measure.score.name == "distance" { &study.distance_name } else { &measure.score.name };
        let direction = measure.score.head().replace(&measure.score.name, "");
        blocks.push(Block::Notes(vec![format!("{name}{direction}, mean and standard error over {seeds}:")]));
        blocks.push(table(3, &heads, lines(measure.of)));
    }
    blocks.push(Block::Notes(real(study)));
    blocks
}

fn real(study: &Study) -> Vec<String> {
    let Some(scores) = study.reference else { return vec![] };
    let scores = format!(
        "Real held-out images have a distance of {} and an inception score of {}.",
        numbers::fixed(scores.frechet, 2),
        numbers::fixed(scores.inception_score, 2)
    );
    vec![scores, real_images(study.counts)]
}

/// A difference of each score, and the word for it.
fn judged(pair: &Pair<'_>) -> Vec<String> {
    let measures = measures();
    let of = measures.iter().flat_map(|measure| {
        let difference = pair.difference(measure);
        let word = difference.as_ref().map_or("-", |difference| measure.score.word(difference));
        [said(difference), word.to_owned()]
    });
    of.collect()
}

/// The heads of what [`judged`] gives.
fn judged_heads() -> Vec<String> {
    measures().iter().flat_map(|measure| [measure.score.name.clone(), String::new()]).collect()
}

fn label(study: &Study, row: &str) -> String {
    study.rows.iter().find(|(id, _)| id == row).map(|(_, label)| label.clone()).unwrap_or_default()
}

/// Every cured entry against the plain one.
fn differences(study: &Study) -> Vec<Block> {
    let names = ["row", "solver", "steps", "cure"].map(str::to_owned).to_vec();
    let heads = [names, judged_heads(), vec!["constants".to_owned()]].concat();
    let lines = cured(study).into_iter().map(|pair| {
        let entry = pair.one;
        let (solver, steps, cure) = (entry.solver.clone(), entry.steps.to_string(), entry.cure.label().to_owned());
        let constants = entry.wrappers.iter().map(Method::to_string).collect::<Vec<_>>().join(" > ");
        [vec![label(study, &entry.row), solver, steps, cure], judged(&pair), vec![constants]].concat()
    });
    vec![table(4, &heads, lines.collect()), Block::Notes(vec![PAIRED.to_owned()])]
}

const PAIRED: &str = "Cured minus plain on the same network and the same noise, mean and standard error of the \
                      differences over the seeds; better or worse where the mean is further from 0 than chance puts it in \
                      one of twenty cases (Student's t test): of twenty comparisons without any effect one is expected \
                      to look clear, and each score is a comparison of its own. Epsilon scaling may choose the neutral 1, time shift has to choose a shift.";

/// Every other row's plain entries against those of the first.
fn training(study: &Study) -> Block {
    let heads = [["row", "solver", "steps"].map(str::to_owned).to_vec(), judged_heads()].concat();
    let lines = trained(study).into_iter().map(|pair| {
        let (solver, steps) = (pair.one.solver.clone(), pair.one.steps.to_string());
        [vec![label(study, &pair.one.row), solver, steps], judged(&pair)].concat()
    });
    table(3, &heads, lines.collect())
}

/// The curve of epsilon scaling for each row, and every time shift that was tried.
fn searches(study: &Study) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (row, label) in &study.rows {
        let of_row = study.searches.iter().filter(|search| search.row == *row);
        blocks.extend(searched(row, label, of_row.clone()).map(Block::Plot));
        let shifts: Vec<Vec<String>> =
            of_row.clone().filter(|search| search.cure == Cure::TimeShift).flat_map(shift).collect();
        if !shifts.is_empty() {
            let heads = ["solver", "steps", "time shift", "distance on the tuning seeds", ""].map(str::to_owned);
            blocks.extend([Block::Notes(vec![format!("Time shift, {label}:")]), table(3, &heads, shifts)]);
        }
        blocks.push(Block::Notes(of_row.filter_map(|search| edge(search, label)).collect()));
    }
    blocks
}

fn edge(search: &Search, label: &str) -> Option<String> {
    let (cure, solver, steps, edge) = (search.cure.label(), &search.solver, search.steps, search.edge()?);
    Some(format!("{label}, {cure}, {solver}, {steps} steps: {edge} ends its list; a better one may lie beyond it."))
}

fn shift(search: &Search) -> Vec<Vec<String>> {
    let best = search.best();
    let line = |tried: &super::Tried| {
        let name = tried.wrappers.iter().map(Method::to_string).collect::<Vec<_>>().join(" > ");
        let mark = if best == Some(tried) { "chosen" } else { "" };
        vec![search.solver.clone(), search.steps.to_string(), name, numbers::fixed(tried.mean(), 2), mark.to_owned()]
    };
    search.tried.iter().map(line).collect()
}

fn published(study: &Study) -> Vec<Block> {
    let heads = ["model and sampler", "steps", "plain", "cured", "source"].map(str::to_owned);
    let lines = study.published.iter().map(|one| {
        let number = |value| numbers::fixed(value, 2);
        vec![one.what.clone(), one.steps.to_string(), number(one.plain), number(one.cured), one.source.clone()]
    });
    let note = "Another data set, network and extractor than ours: to compare in direction, not in value.".to_owned();
    let note = if study.published.is_empty() { vec![] } else { vec![note] };
    vec![table(1, &heads, lines.collect()), Block::Notes(note)]
}
