//! A study as a report.

use super::finding::{MEASURES, Measure, effect, findings};
use super::results::Paired;
use super::{Cure, Curve, CurvePoint, Search, Study};
use crate::methods::Method;
use crate::report::page::{Block, Page, Picture, Section};
use crate::report::plot::Plot;
use crate::report::plot::lines::{Axis, Lines, Series, plot};
use crate::report::table::{Kind, Line, Table};
use crate::report::{ReportError, Scores, notes::real_images, numbers, put};
use std::path::Path;

/// Writes `report.md`, `report.html`, `study.json` and the plots into an existing directory.
///
/// # Errors
/// [`ReportError`] where a file cannot be written or a plot cannot be drawn.
pub fn write_study(study: &Study, directory: &Path) -> Result<(), ReportError> {
    let json = serde_json::to_string_pretty(study)? + "\n";
    put(&directory.join("study.json"), &json)?;
    page(study, directory)?.write(directory)
}

fn page(study: &Study, directory: &Path) -> Result<Page, ReportError> {
    let sections = vec![
        Section::new("Scores", scores(study)),
        Section::new("Differences from plain sampling, seed by seed", differences(study)),
        Section::new("Differences from the baseline at equal training", training(study)),
        Section::new("Failed seeds", notes(study.failures.clone())),
        Section::new("Samples", pictures(study, directory)?),
        Section::new("The bias along a chain", bias(study)?),
        Section::new("Chains of several lengths", lengths(study)?),
        Section::new("How the constants were found", searches(study)?),
        Section::new("Published effects (CIFAR-10, FID, 50,000 samples)", published(study)),
        Section::new("Protocol", vec![Block::Facts(study.protocol.clone())]),
    ];
    Ok(Page { title: study.title.clone(), findings: findings(study), sections })
}

fn notes(notes: Vec<String>) -> Vec<Block> {
    if notes.is_empty() { vec![] } else { vec![Block::Notes(notes)] }
}

fn table(heads: &[String], lines: Vec<Vec<String>>) -> Block {
    let lines = lines.into_iter().map(|cells| Line { kind: Kind::Row, cells }).collect();
    Block::Table(Table { heads: heads.to_vec(), lines })
}

fn said(paired: Option<Paired>, seeds: usize) -> String {
    match paired {
        Some(paired) => {
            let short = if paired.seeds < seeds { format!(" [{} of {seeds}]", paired.seeds) } else { String::new() };
            numbers::with_spread(paired.mean, paired.error, 2) + &short
        }
        None => "-".to_owned(),
    }
}

/// Distance and inception score of every sampler, a table each: a line for solver and steps, a column for row and cure.
fn scores(study: &Study) -> Vec<Block> {
    let columns: Vec<(&str, &str, Cure)> = study
        .rows
        .iter()
        .flat_map(|(id, label)| Cure::ALL.map(|cure| (id.as_str(), label.as_str(), cure)))
        .filter(|(id, _, cure)| study.entries.iter().any(|entry| entry.row == *id && entry.cure == *cure))
        .collect();
    let heads = ["solver", "steps"].map(str::to_owned).into_iter();
    let heads: Vec<String> =
        heads.chain(columns.iter().map(|(_, label, cure)| format!("{label}, {}", cure.label()))).collect();
    let lines = |of: fn(&Scores) -> f64| {
        let line = |(solver, steps): (&str, usize)| {
            let cells = columns.iter().map(|(row, _, cure)| study.entry(row, solver, steps, *cure));
            let cells = cells.map(|entry| said(entry.and_then(|entry| entry.mean(of)), study.seeds.len()));
            [solver.to_owned(), steps.to_string()].into_iter().chain(cells).collect()
        };
        study.settings().into_iter().map(line).collect()
    };
    let reading = vec![
        format!("{}: lower is better.", study.distance_name),
        format!("Mean and standard error over {}.", numbers::count(study.seeds.len(), "seed")),
    ];
    let [distance, inception] = MEASURES.map(|measure| table(&heads, lines(measure.of)));
    let below = [vec!["Inception score: higher is better.".to_owned()], real(study)].concat();
    vec![distance, Block::Notes(reading), inception, Block::Notes(below)]
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
fn judged(study: &Study, paired: impl Fn(fn(&Scores) -> f64) -> Option<Paired>) -> Vec<String> {
    let of = |measure: &Measure| {
        let difference = paired(measure.of);
        let word = difference.as_ref().map_or("-", |difference| measure.word(difference));
        [said(difference, study.seeds.len()), word.to_owned()]
    };
    MEASURES.iter().flat_map(of).collect()
}

/// The heads of what [`judged`] gives.
fn judged_heads() -> Vec<String> {
    MEASURES.iter().flat_map(|measure| [measure.name.to_owned(), String::new()]).collect()
}

/// Every cured entry against the plain one.
fn differences(study: &Study) -> Vec<Block> {
    let names = ["row", "solver", "steps", "cure"].map(str::to_owned).to_vec();
    let heads = [names, judged_heads(), vec!["constants".to_owned()]].concat();
    let cured = study.entries.iter().filter(|entry| entry.cure != Cure::Plain);
    let lines = cured.map(|entry| {
        let label = study.rows.iter().find(|(id, _)| *id == entry.row).map(|(_, label)| label.clone());
        let (solver, steps, cure) = (entry.solver.clone(), entry.steps.to_string(), entry.cure.label().to_owned());
        let constants = entry.wrappers.iter().map(Method::to_string).collect::<Vec<_>>().join(" > ");
        let judged = judged(study, |of| effect(study, entry, of));
        [vec![label.unwrap_or_default(), solver, steps, cure], judged, vec![constants]].concat()
    });
    vec![table(&heads, lines.collect()), Block::Notes(vec![PAIRED.to_owned()])]
}

const PAIRED: &str = "Cured minus plain on the same network and the same noise, mean and standard error of the \
                      differences over the seeds; better or worse where the mean is further from 0 than chance puts it in \
                      one of twenty cases (Student's t test): of twenty comparisons without any effect one is expected \
                      to look clear, and each score is a comparison of its own. Epsilon scaling may choose the neutral 1, time shift has to choose a shift.";

/// Every other row's plain entries against those of the first.
fn training(study: &Study) -> Vec<Block> {
    let Some(((baseline, _), others)) = study.rows.split_first() else { return vec![] };
    let heads = [["row", "solver", "steps"].map(str::to_owned).to_vec(), judged_heads()].concat();
    let lines = others.iter().flat_map(|(row, label)| {
        study.settings().into_iter().filter_map(move |(solver, steps)| {
            let plain = |row| study.entry(row, solver, steps, Cure::Plain);
            let (ours, base) = (plain(row)?, plain(baseline)?);
            let judged = judged(study, |of| ours.minus(base, of));
            Some([vec![label.clone(), solver.to_owned(), steps.to_string()], judged].concat())
        })
    });
    let lines: Vec<Vec<String>> = lines.collect();
    if lines.is_empty() { vec![] } else { vec![table(&heads, lines)] }
}

fn pictures(study: &Study, directory: &Path) -> Result<Vec<Block>, ReportError> {
    let picture = |(label, file): &(String, String)| {
        let path = directory.join(file);
        let png = std::fs::read(&path).map_err(|source| ReportError::Grid { path, source })?;
        Ok(Picture { file: file.clone(), label: label.clone(), png })
    };
    let pictures: Vec<Picture> = study.pictures.iter().map(picture).collect::<Result<_, ReportError>>()?;
    Ok(if pictures.is_empty() { vec![] } else { vec![Block::Pictures(pictures)] })
}

/// How a number of a curve's point is drawn.
struct View {
    heading: &'static str,
    file: &'static str,
    caption: &'static str,
    logarithmic: bool,
    of: fn(&CurvePoint) -> f64,
}

const VIEWS: [View; 3] = [
    View {
        heading: "Marginal bias",
        file: "bias-marginal",
        caption: "standard deviation of x_t along the chain minus that of the forward process at the same level, per \
                  pixel, averaged over pixels; above 0 the chain is noisier than what the network was trained on. The \
                  chain starts from real images noised to the grid's first level.",
        logarithmic: false,
        of: |point| point.std - point.expected_std,
    },
    View {
        heading: "delta_t, paired with the image that the chain started from",
        file: "bias-paired",
        caption: "(std - sqrt(1 - alpha_bar_t))^2 of the residual against the image that the chain started from; it \
                  saturates where the chain has drifted to another image.",
        logarithmic: true,
        of: |point| point.paired_delta,
    },
    View {
        heading: "Norm of eps while sampling over that in training",
        file: "bias-eps",
        caption: "mean norm of eps along the chain, behind clipping and the cure, over the mean norm on q(x_t | x_0) at \
                  the same level, behind clipping alone; above 1 more noise is seen while sampling than in training.",
        logarithmic: false,
        of: |point| point.eps_norm / point.expected_eps_norm,
    },
];

fn bias(study: &Study) -> Result<Vec<Block>, ReportError> {
    let mut solvers: Vec<&str> = study.curves.iter().map(|curve| curve.solver.as_str()).collect();
    solvers.sort_unstable();
    solvers.dedup();
    let mut blocks = Vec::new();
    for view in &VIEWS {
        for solver in &solvers {
            let curves: Vec<&Curve> = study.curves.iter().filter(|curve| curve.solver == *solver).collect();
            blocks.push(Block::Plot(drawn(view, solver, &curves)?));
        }
    }
    if let Some(solver) = solvers.first() {
        let plain = study.curves.iter().filter(|curve| curve.solver == *solver && curve.wrappers.is_empty());
        blocks.push(Block::Plot(drawn(&X0_ERROR, "without cures", &plain.clone().collect::<Vec<_>>())?));
        blocks.push(gaussianity(plain));
    }
    Ok(blocks)
}

const X0_ERROR: View = View {
    heading: "Error of the predicted x0 in training",
    file: "x0-error",
    caption: "standard deviation of x0 minus its clipped prediction on q(x_t | x_0), per pixel, averaged over pixels; \
              input perturbation imitates about half of it.",
    logarithmic: false,
    of: |point| point.x0_error,
};

fn drawn(view: &View, of_what: &str, curves: &[&Curve]) -> Result<Plot, ReportError> {
    let series = curves.iter().map(|curve| Series {
        label: curve.label.clone(),
        points: curve.points.iter().map(|point| (point.t, (view.of)(point))).collect(),
    });
    plot(&Lines {
        heading: &format!("{}, {of_what}", view.heading),
        file: &format!("{}-{}.svg", view.file, of_what.replace([':', '=', '.', ' '], "-")),
        caption: &format!("{of_what}: {}", view.caption),
        x: Axis { name: "t", logarithmic: false },
        y: Axis { name: "", logarithmic: view.logarithmic },
        series: series.collect(),
    })
}

/// For each row, how many pixels have an error that is not told from a Gaussian, level by level.
fn gaussianity<'a>(curves: impl Iterator<Item = &'a Curve> + Clone) -> Block {
    let levels = curves.clone().next().map_or(&[][..], |curve| &curve.points);
    let heads = ["row", "t:"].map(str::to_owned).into_iter();
    let heads: Vec<String> = heads.chain(levels.iter().map(|point| format!("{:.0}", point.t))).collect();
    let lines = curves.map(|curve| {
        let shares = curve
            .points
            .iter()
            .map(|point| point.x0_error_gaussian.map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share)));
        [curve.label.clone(), "Gaussian".to_owned()].into_iter().chain(shares).collect()
    });
    table(&heads, lines.collect())
}

fn lengths(study: &Study) -> Result<Vec<Block>, ReportError> {
    if study.chain_lengths.is_empty() {
        return Ok(vec![]);
    }
    let series = study.rows.iter().map(|(row, label)| Series {
        label: label.clone(),
        points: study
            .chain_lengths
            .iter()
            .filter(|one| one.row == *row)
            .map(|one| (one.t0 as f64, one.distance))
            .collect(),
    });
    Ok(vec![Block::Plot(plot(&Lines {
        heading: "Chains that start from real images",
        file: "chain-length.svg",
        caption: "Distance of real images noised to t0 and sampled back over every level below it, against t0: errors \
                  add up along the chain.",
        x: Axis { name: "t0", logarithmic: false },
        y: Axis { name: "distance", logarithmic: false },
        series: series.collect(),
    })?)])
}

/// The curve of epsilon scaling for each row, and every time shift that was tried.
fn searches(study: &Study) -> Result<Vec<Block>, ReportError> {
    let mut blocks = Vec::new();
    for (row, label) in &study.rows {
        let of_row = study.searches.iter().filter(|search| search.row == *row);
        let scalings = of_row.clone().filter(|search| search.cure != Cure::TimeShift);
        let series: Vec<Series> = scalings.map(scaling).collect();
        if !series.is_empty() {
            blocks.push(Block::Plot(plot(&Lines {
                heading: &format!("Search of epsilon scaling, {label}"),
                file: &format!("search-{row}.svg"),
                caption: "Distance on the tuning seeds against the scale b.",
                x: Axis { name: "b", logarithmic: false },
                y: Axis { name: "distance", logarithmic: true },
                series,
            })?));
        }
        let shifts: Vec<Vec<String>> = of_row.filter(|search| search.cure == Cure::TimeShift).flat_map(shift).collect();
        if !shifts.is_empty() {
            let heads = ["solver", "steps", "time shift", "distance on the tuning seeds", ""].map(str::to_owned);
            blocks.extend([Block::Notes(vec![format!("Time shift, {label}:")]), table(&heads, shifts)]);
        }
        let edges = study.searches.iter().filter(|search| search.row == *row).filter_map(|search| edge(search, label));
        blocks.extend(notes(edges.collect()));
    }
    Ok(blocks)
}

fn edge(search: &Search, label: &str) -> Option<String> {
    let (cure, solver, steps, edge) = (search.cure.label(), &search.solver, search.steps, search.edge()?);
    Some(format!("{label}, {cure}, {solver}, {steps} steps: {edge} ends its list; a better one may lie beyond it."))
}

fn scaling(search: &Search) -> Series {
    let beside = if search.cure == Cure::Both { ", with time shift" } else { "" };
    let points = search.tried.iter().filter_map(|tried| Some((tried.number("epsilon-scaling", "b")?, tried.mean())));
    Series { label: format!("{}, {} steps{beside}", search.solver, search.steps), points: points.collect() }
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
    if study.published.is_empty() {
        return vec![];
    }
    let heads = ["model and sampler", "steps", "plain", "cured", "source"].map(str::to_owned);
    let lines = study.published.iter().map(|one| {
        let number = |value| numbers::fixed(value, 2);
        vec![one.what.clone(), one.steps.to_string(), number(one.plain), number(one.cured), one.source.clone()]
    });
    let note = "Another data set, network and extractor than ours: to compare in direction, not in value.".to_owned();
    vec![table(&heads, lines.collect()), Block::Notes(vec![note])]
}
