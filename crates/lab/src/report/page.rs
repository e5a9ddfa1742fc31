//! A report as a page.

use super::bound;
use super::data::{Report, RowResult, SampleGrid};
use super::notes::reading;
use super::rows::comparison;
use std::path::Path;
use undrift_report::{
    Block, Comparison, Curve, Direction, Drawing, Page, Panel, Panels, Picture, Plot, READING, ReportError, Row, Score,
    Trial, put,
};

/// Points of a training curve that are drawn.
const POINTS: usize = 240;

/// Writes `report.md`, `report.html`, `report.json` and the plots into a directory, which is made where it is missing.
///
/// # Errors
/// [`ReportError`] where a sample grid cannot be read, a file cannot be written or a plot cannot be drawn.
///
/// # Panics
/// Never: plain data has a JSON form.
pub fn write(report: &Report, directory: &Path) -> Result<(), ReportError> {
    undrift_report::write(&page(report), directory)?;
    let json = serde_json::to_string_pretty(report).expect("plain data has a JSON form") + "\n";
    put(&directory.join("report.json"), &json)
}

/// The page: what answers the question first, and what folds.
pub fn page(report: &Report) -> Page {
    let rows = comparison(report);
    let notes = reading(report).into_iter().chain(READING.map(str::to_owned)).collect();
    let plots = [losses(report), bound::steps(report), bound::parts(report)].into_iter().flatten();
    let plots = plots.map(|plot| Block::Details(plot.heading.clone(), vec![Block::Plot(plot)]));
    let tables = [("The bound in numbers", bound::numbers_of(report)), ("Averaged and raw weights", weights(report))];
    let tables = tables
        .into_iter()
        .filter_map(|(heading, rows)| Some(Block::Details(heading.to_owned(), vec![Block::Table(rows?.seeds())])));
    let samples = report.grids.iter().map(|grid| picture(report, grid)).collect();
    let blocks = rows.opening().into_iter().chain([details("How to read this", Block::Notes(notes))]);
    let blocks = blocks.chain(rows.details()).chain([details("Samples", Block::Pictures(samples))]);
    let protocol = details("Protocol", Block::Facts(report.protocol.clone()));
    Page { title: report.title.clone(), blocks: blocks.chain(plots).chain(tables).chain([protocol]).collect() }
}

fn details(heading: &str, block: Block) -> Block {
    Block::Details(heading.to_owned(), vec![block])
}

fn picture(report: &Report, grid: &SampleGrid) -> Picture {
    Picture { file: grid.file.clone(), label: format!("{}, seed {}", report.label_of(&grid.row), grid.seed) }
}

/// Training loss against the step, a panel for each row and a line for each seed; none where nothing was trained.
fn losses(report: &Report) -> Option<Plot> {
    let panels: Vec<Panel> = report.rows.iter().map(panel).collect();
    panels.iter().any(|panel| !panel.curves.is_empty()).then(|| Plot {
        heading: "Training loss".into(),
        file: "loss.svg".into(),
        caption: "Training loss (logarithmic) against the optimiser step, averaged over short runs of steps, one line \
                  per seed. Every panel has its own scale: where objectives differ in unit, losses of different rows \
                  cannot be compared."
            .into(),
        drawing: Drawing::Panels(Panels { panels }),
    })
}

fn panel(row: &RowResult) -> Panel {
    let curves: Vec<Curve<'_>> = row.seeds.iter().map(|seed| Curve::new(&seed.loss)).collect();
    let broken: Vec<String> = curves.iter().filter_map(|curve| Some(curve.broken_at?.to_string())).collect();
    let note = match () {
        _ if row.seeds.is_empty() => Some("not run".to_owned()),
        _ if broken.is_empty() => None,
        _ => Some(format!("not finite from step {}", broken.join(", "))),
    };
    let curves = curves.iter().map(|curve| curve.thinned(POINTS)).collect();
    Panel { label: row.label.clone(), curves, note }
}

/// Scores of the averaged and of the raw weights side by side, where both were sampled.
fn weights(report: &Report) -> Option<Comparison> {
    let name = &report.distance_name;
    let known = |name: String| Score::new(name, Direction::Neither, 2);
    let scores =
        [format!("{name}, EMA"), format!("{name}, raw"), "inception score, EMA".into(), "inception score, raw".into()];
    let trial = |seed: &super::SeedResult| Trial {
        seed: seed.seed,
        values: vec![
            seed.ema.map(|scores| scores.frechet),
            seed.raw.map(|scores| scores.frechet),
            seed.ema.map(|scores| scores.inception_score),
            seed.raw.map(|scores| scores.inception_score),
        ],
        failure: seed.failure.clone(),
    };
    let mut seeds = report.rows.iter().flat_map(|row| &row.seeds);
    let rows =
        report.rows.iter().map(|row| Row { trials: row.seeds.iter().map(trial).collect(), ..Row::new(&row.label) });
    seeds.any(|seed| seed.ema.is_some() && seed.raw.is_some()).then(|| Comparison {
        scores: scores.map(known).to_vec(),
        rows: rows.collect(),
        ..Comparison::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report, report_of, seed};
    use undrift_report::{Agreement, html, markdown, text};

    fn sample() -> Report {
        let mut seeds = [142.0, 110.0, 90.0, 95.0, 115.0, 30.0].map(|low| vec![seed(0, low), seed(1, low + 8.0)]);
        seeds[2] = vec![broken(0), seed(1, 90.0)];
        seeds[3] = vec![seed(0, f64::NAN), broken(1)];
        report_of(seeds)
    }

    #[test]
    fn the_picture_comes_first_then_the_verdict_then_tables_and_the_rest_folds() {
        let page = page(&report([142.0, 110.0, 90.0, 95.0, 115.0, 30.0]));
        assert!(matches!(&page.blocks[0], Block::Plot(plot) if plot.file == "rows.svg"));
        let Block::Verdict(verdict) = &page.blocks[1] else { panic!("{:?}", page.blocks[1]) };
        assert!(verdict.sentences.len() <= 3 && verdict.agreement == Some(Agreement::Agrees), "{verdict:?}");
        let tables = page.blocks.iter().skip(2).take_while(|block| matches!(block, Block::Table(_))).count();
        assert_eq!(tables, 3);
        assert!(page.blocks[2 + tables..].iter().all(|block| matches!(block, Block::Details(..))));
    }

    #[test]
    fn rows_go_by_their_labels_and_the_settings_in_which_they_differ() {
        let mut report = report([1.0; 6]);
        report.rows.truncate(2);
        for (row, label) in report.rows.iter_mut().zip(["plain", "P2"]) {
            (row.label, row.settings) = (label.to_owned(), vec![("weighting".to_owned(), label.to_lowercase())]);
        }
        let text = markdown(&page(&report));
        assert!(text.contains("| P2 |") && text.contains("| P2 | p2 |") && text.contains("weighting"), "{text}");
    }

    #[test]
    fn without_published_numbers_nothing_is_said_of_any() {
        let mut report = report([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        report.rows.iter_mut().for_each(|row| row.published = Default::default());
        let text = markdown(&page(&report));
        for word in ["published", "paper", "blank"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn a_report_is_files_and_its_results_can_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let report = sample();
        write(&report, folder.path()).unwrap();
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let expected = [
            "bits-per-step.svg",
            "loss.svg",
            "rate-distortion.svg",
            "report.html",
            "report.json",
            "report.md",
            "rows.svg",
        ];
        assert_eq!(names, expected);
        let json = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
        let back: Report = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), serde_json::to_string(&report).unwrap());
    }

    #[test]
    fn results_of_an_earlier_version_are_still_read() {
        let mut value = serde_json::to_value(report([1.0; 6])).unwrap();
        let rows = value["rows"].as_array_mut().unwrap();
        for row in rows.iter_mut().map(|row| row.as_object_mut().unwrap()) {
            row.remove("settings");
            row.remove("evaluations");
            for key in ["prediction", "objective", "variance"] {
                row.insert(key.into(), "eps".into());
            }
        }
        value.as_object_mut().unwrap().remove("notes");
        value["comparable"] = false.into();
        let old: Report = serde_json::from_value(value).unwrap();
        assert_eq!((old.rows.len(), old.rows[0].evaluations), (6, None));
        assert!(markdown(&page(&old)).contains("1.00"));
    }

    #[test]
    fn a_number_that_is_none_is_always_a_word() {
        let page = page(&sample());
        let folder = tempfile::tempdir().unwrap();
        for text in [markdown(&page), html(&page, folder.path()).unwrap(), text(&page)] {
            let bare = text.replace("loss is NaN at step 312", "");
            assert!(text.contains("not a number"), "{text}");
            let at = bare.find("NaN").or(bare.find("inf ")).unwrap_or(bare.len());
            assert_eq!(&bare[at..bare.len().min(at + 20)], "");
        }
    }

    #[test]
    fn failed_seeds_and_broken_curves_are_said() {
        let page = page(&sample());
        let text = markdown(&page);
        assert!(text.contains("mu\\_tilde, MSE, fixed, seed 0: loss is NaN at step 312."), "{text}");
        let drawn = page.all().into_iter().find_map(|block| match block {
            Block::Plot(plot) if plot.file == "loss.svg" => Some(undrift_report::svg(plot).unwrap()),
            _ => None,
        });
        assert!(drawn.unwrap().contains("not finite from step 312"));
    }
}
