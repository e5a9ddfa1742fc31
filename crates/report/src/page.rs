//! A page as plain data: a title and blocks in the order in which they are read.

use super::plot::Plot;
use super::table::Table;

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Heading of the whole.
    pub title: String,
    /// What it is made of; a block without content leaves no trace.
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A heading of the blocks below it.
    Heading(String),
    /// What was found, in few sentences.
    Verdict(Verdict),
    /// One sentence or a few each.
    Notes(Vec<String>),
    /// Lines of cells.
    Table(Table),
    /// Numbers as a drawing.
    Plot(Plot),
    /// Images that are already in the page's directory.
    Pictures(Vec<Picture>),
    /// Names with values.
    Facts(Vec<(String, String)>),
    /// What folds, under a heading of its own: closed in HTML, below everything else in Markdown, left out of a
    /// terminal.
    Details(String, Vec<Block>),
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How it compares with what was published, where anything was.
    pub agreement: Option<Agreement>,
    /// At most three sentences.
    pub sentences: Vec<String>,
}

/// How an order of rows compares with the published one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Every pair of published rows stands as published.
    Agrees,
    /// The best row is the same, but some other pair is not.
    Partly,
    /// Another row is best, or the one that was published as best has failed.
    Differs,
    /// Rows are missing or failed, and what can be compared agrees.
    Undecided,
}

/// A PNG that is already in the page's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its path in the directory.
    pub file: String,
    /// What it shows.
    pub label: String,
}

impl Page {
    /// Every block, also those that fold, in their order.
    pub fn all(&self) -> Vec<&Block> {
        let mut found = Vec::new();
        collect(&self.blocks, &mut found);
        found
    }
}

fn collect<'a>(blocks: &'a [Block], into: &mut Vec<&'a Block>) {
    for block in blocks {
        into.push(block);
        if let Block::Details(_, inside) = block {
            collect(inside, into);
        }
    }
}

impl Block {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        match self {
            Block::Heading(text) => text.is_empty(),
            Block::Verdict(verdict) => verdict.sentences.is_empty(),
            Block::Notes(notes) => notes.is_empty(),
            Block::Table(table) => table.lines.is_empty(),
            Block::Plot(_) => false,
            Block::Pictures(pictures) => pictures.is_empty(),
            Block::Facts(facts) => facts.is_empty(),
            Block::Details(_, blocks) => blocks.iter().all(Block::is_empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_folds_is_found_and_what_is_empty_is_told() {
        let notes = |text: &str| Block::Notes(vec![text.into()]);
        let details = Block::Details("more".into(), vec![notes("inside"), Block::Facts(vec![])]);
        let page = Page { title: "t".into(), blocks: vec![notes("outside"), details.clone()] };
        assert_eq!(page.all().len(), 4);
        assert!(!details.is_empty() && Block::Details("none".into(), vec![Block::Notes(vec![])]).is_empty());
    }
}
