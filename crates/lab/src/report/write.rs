//! A report as a directory of files.

use std::path::Path;

use super::data::Report;
use super::error::ReportError;
use super::{html, markdown, plot};

/// Writes `report.md`, `report.html` (self-contained), `report.json` and the plots as SVG files
/// into a directory, which is made where it is missing; files of an earlier report are replaced.
///
/// Everything is drawn before the first file is written. The sample grids that the report names
/// must already be in the directory.
///
/// # Errors
/// [`ReportError::Grid`] where a sample grid cannot be read, [`ReportError::Write`] where a file
/// cannot be written, [`ReportError::Plot`] and [`ReportError::Json`] where the crates that draw
/// and serialise refuse.
pub fn write(report: &Report, dir: &Path) -> Result<(), ReportError> {
    let pictures = report.grids.iter().map(|grid| read(&dir.join(&grid.file)));
    let pictures = pictures.collect::<Result<Vec<_>, _>>()?;
    let plots = plot::all(report)?;
    let json = serde_json::to_string_pretty(report)? + "\n";
    let mut files = vec![
        ("report.json", json),
        ("report.md", markdown::page(report, &plots)),
        ("report.html", html::page(report, &plots, &pictures)),
    ];
    files.extend(plots.iter().map(|plot| (plot.file.as_str(), plot.standalone())));
    std::fs::create_dir_all(dir).map_err(|source| ReportError::Write { path: dir.into(), source })?;
    files.into_iter().try_for_each(|(name, text)| put(&dir.join(name), &text))
}

fn read(path: &Path) -> Result<Vec<u8>, ReportError> {
    std::fs::read(path).map_err(|source| ReportError::Grid { path: path.into(), source })
}

/// Writes a file whole or not at all: beside its place first.
pub(crate) fn put(path: &Path, text: &str) -> Result<(), ReportError> {
    let beside = path.with_added_extension("part");
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|source| ReportError::Write { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report_of, seed};
    use crate::report::{SampleGrid, grid_png};

    fn sample() -> Report {
        let mut seeds = [142.0, 110.0, 90.0, 95.0, 115.0, 30.0].map(|low| vec![seed(0, low), seed(1, low + 8.0)]);
        seeds[2] = vec![broken(0), seed(1, 90.0)];
        seeds[3] = vec![seed(0, f64::NAN), broken(1)];
        let mut report = report_of(seeds);
        report.grids = vec![SampleGrid { row: "eps-simple".into(), seed: 0, file: "samples.png".into() }];
        report
    }

    #[test]
    fn a_report_is_a_directory_and_can_be_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let png = grid_png(&[0; 64], 1, 4, 4, 2, 2).unwrap();
        std::fs::write(dir.path().join("samples.png"), png).unwrap();
        let report = sample();
        write(&report, dir.path()).unwrap();
        let mut names: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let expected = [
            "bits-per-step.svg",
            "loss.svg",
            "rate-distortion.svg",
            "report.html",
            "report.json",
            "report.md",
            "samples.png",
        ];
        assert_eq!(names, expected);
        let json = std::fs::read_to_string(dir.path().join("report.json")).unwrap();
        let back: Report = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), serde_json::to_string(&report).unwrap());
    }

    #[test]
    fn a_number_that_is_none_is_always_a_word() {
        let report = sample();
        let plots = plot::all(&report).unwrap();
        let pages =
            [markdown::page(&report, &plots), html::page(&report, &plots, &[]), crate::report::text_table(&report)];
        for page in pages {
            let bare = page.replace("loss is NaN at step 312", "");
            assert!(page.contains("not a number"));
            let at = bare.find("NaN").or(bare.find("inf ")).unwrap_or(bare.len());
            assert_eq!(&bare[at..bare.len().min(at + 20)], "");
        }
    }

    #[test]
    fn a_missing_grid_is_named_and_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let error = write(&sample(), dir.path()).unwrap_err().to_string();
        assert!(error.contains("samples.png") && error.contains("before the report"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_unwritable_directory_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut report = sample();
        report.grids.clear();
        let error = write(&report, &file.join("out")).unwrap_err().to_string();
        assert!(error.contains("file/out") && error.contains("cannot write"), "{error}");
    }
}
