//! A report as a list of headed parts, for reports that are not a table of rows.

use super::error::ReportError;
use super::plot::Plot;
use super::table::Table;
use super::{html, markdown, put};
use std::path::Path;

/// A report: a title, what was found, and parts.
pub(crate) struct Page {
    pub(crate) title: String,
    /// One sentence each.
    pub(crate) findings: Vec<String>,
    pub(crate) sections: Vec<Section>,
}

/// A headed part; it is left out where it has no blocks.
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) blocks: Vec<Block>,
}

/// What a part is made of.
pub(crate) enum Block {
    Notes(Vec<String>),
    Table(Table),
    Plot(Plot),
    Pictures(Vec<Picture>),
    /// Names with values.
    Facts(Vec<(String, String)>),
}

/// A PNG that is already in the directory: its name there, what it shows, and its bytes.
pub(crate) struct Picture {
    pub(crate) file: String,
    pub(crate) label: String,
    pub(crate) png: Vec<u8>,
}

impl Section {
    pub(crate) fn new(heading: &str, blocks: Vec<Block>) -> Self {
        Section { heading: heading.to_owned(), blocks }
    }
}

impl Page {
    /// Writes `report.md`, `report.html` and every plot as SVG into an existing directory.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), ReportError> {
        put(&directory.join("report.md"), &markdown::document(self))?;
        put(&directory.join("report.html"), &html::document(self))?;
        self.plots().try_for_each(|plot| put(&directory.join(&plot.file), &plot.standalone()))
    }

    fn plots(&self) -> impl Iterator<Item = &Plot> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks.filter_map(|block| match block {
            Block::Plot(plot) => Some(plot),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::{Kind, Line};

    fn page() -> Page {
        let line = Line { kind: Kind::Row, cells: vec!["ddim".into(), "10".into(), "1.50 ± 0.10".into()] };
        let table = Table { heads: ["solver", "steps", "FD"].map(str::to_owned).to_vec(), lines: vec![line] };
        let picture = Picture { file: "a.png".into(), label: "A <b>".into(), png: vec![1, 2, 3] };
        let picture = Block::Pictures(vec![picture]);
        Page {
            title: "A study".into(),
            findings: vec!["It helps.".into()],
            sections: vec![
                Section::new("Scores", vec![Block::Table(table), picture]),
                Section::new("Empty", vec![]),
                Section::new("Protocol", vec![Block::Facts(vec![("seeds".into(), "0, 1".into())])]),
            ],
        }
    }

    #[test]
    fn both_forms_have_every_part_and_no_empty_heading() {
        let (md, html) = (markdown::document(&page()), html::document(&page()));
        for text in [&md, &html] {
            for part in ["A study", "It helps.", "Scores", "1.50 ± 0.10", "Protocol", "0, 1"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains("Empty"));
        }
        assert!(md.contains("![A \\<b\\>](a.png)") && html.contains("base64,AQID") && html.contains("A &lt;b&gt;"));
    }

    #[test]
    fn a_page_is_files() {
        let folder = tempfile::tempdir().unwrap();
        page().write(folder.path()).unwrap();
        assert!(folder.path().join("report.md").exists() && folder.path().join("report.html").exists());
    }
}
