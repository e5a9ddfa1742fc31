//! A page as a directory of files.

use std::path::Path;

use super::error::ReportError;
use super::html::html;
use super::markdown::markdown;
use super::page::{Block, Page};
use super::svg::svg;

/// Writes `report.md`, `report.html` (self-contained) and the plots as SVG files into a directory, which is made where
/// it is missing; files of an earlier report are replaced.
///
/// Everything is drawn before the first file is written. The pictures that the page shows must already be in the
/// directory.
///
/// # Errors
/// [`ReportError::Picture`] where a picture cannot be read, [`ReportError::Write`] where a file cannot be written,
/// [`ReportError::Plot`] where the crate that draws refuses.
pub fn write(page: &Page, directory: &Path) -> Result<(), ReportError> {
    let mut files = vec![("report.html", html(page, directory)?), ("report.md", markdown(page))];
    for block in page.all() {
        if let Block::Plot(plot) = block {
            files.push((plot.file.as_str(), svg(plot)?));
        }
    }
    std::fs::create_dir_all(directory).map_err(|source| ReportError::Write { path: directory.into(), source })?;
    files.into_iter().try_for_each(|(name, text)| put(&directory.join(name), &text))
}

/// Writes a file whole or not at all: beside its place first.
///
/// # Errors
/// [`ReportError::Write`] where it cannot be written.
pub fn put(path: &Path, text: &str) -> Result<(), ReportError> {
    let beside = path.with_added_extension("part");
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|source| ReportError::Write { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::page;

    #[test]
    fn a_page_is_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.png"), "").unwrap();
        write(&page(), folder.path()).unwrap();
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a.png", "report.html", "report.md", "rows.svg"]);
    }

    #[test]
    fn with_a_picture_missing_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(&page(), folder.path()).unwrap_err().to_string().contains("a.png"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_unwritable_directory_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = write(&Page { title: "t".into(), blocks: vec![] }, &file.join("out")).unwrap_err().to_string();
        assert!(error.contains("file/out") && error.contains("cannot write"), "{error}");
    }
}
