//! A page for a terminal.

use super::page::{Block, Page};
use super::table::{Kind, Table};

/// Headings are broken into lines of this width, or of their column's cells where those are wider.
const HEADING: usize = 15;
/// Sentences are broken into lines of this width.
const LINE: usize = 100;

/// The page as aligned plain text, without plots, pictures and what folds.
///
/// Widths are counted in characters that take a column: a combining tilde takes none.
pub fn text(page: &Page) -> String {
    let blocks = page.blocks.iter().filter(|block| !block.is_empty()).filter_map(block);
    std::iter::once(format!("{}\n", page.title)).chain(blocks).collect::<Vec<_>>().join("\n")
}

fn block(block: &Block) -> Option<String> {
    let lines = |sentences: &[String]| sentences.iter().map(|one| wrapped(one) + "\n").collect::<String>();
    match block {
        Block::Heading(text) => Some(format!("{text}\n")),
        Block::Verdict(verdict) => Some(lines(&verdict.sentences)),
        Block::Notes(notes) => Some(lines(notes)),
        Block::Table(table) => Some(aligned(table)),
        Block::Facts(facts) => Some(facts.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()),
        Block::Plot(_) | Block::Pictures(_) | Block::Details(..) => None,
    }
}

/// A paragraph broken into lines for a terminal.
pub fn wrapped(paragraph: &str) -> String {
    wrap(paragraph, LINE).join("\n")
}

fn aligned(table: &Table) -> String {
    let columns: Vec<Column> = (0..table.heads.len()).map(|index| Column::of(table, index)).collect();
    let height = columns.iter().map(|column| column.head.len()).max().unwrap_or(0);
    let head = |line: usize| columns.iter().map(|column| column.head.get(line).map_or("", |text| text)).collect();
    let rule = "-".repeat(columns.iter().map(|column| column.width + 2).sum::<usize>().saturating_sub(2));
    let laid_out = |cells: Vec<&str>| laid_out(cells, &columns, table.names);
    let mut lines: Vec<String> = (0..height).map(|line| laid_out(head(line))).collect();
    lines.push(rule.clone());
    for line in &table.lines {
        lines.extend((line.kind == Kind::Reference).then(|| rule.clone()));
        lines.push(laid_out(line.cells.iter().map(String::as_str).collect()));
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A heading broken into lines, and the width of the column.
struct Column {
    head: Vec<String>,
    width: usize,
}

impl Column {
    fn of(table: &Table, index: usize) -> Self {
        let cells = table.lines.iter().map(|line| width(&line.cells[index])).max().unwrap_or(0);
        let head = wrap(&table.heads[index], cells.max(HEADING));
        let width = head.iter().map(|line| width(line)).max().unwrap_or(0).max(cells);
        Self { head, width }
    }
}

/// One line: names to the left, numbers to the right.
fn laid_out(cells: Vec<&str>, columns: &[Column], names: usize) -> String {
    let padded = cells.iter().zip(columns).enumerate().map(|(index, (cell, column))| {
        let pad = " ".repeat(column.width.saturating_sub(width(cell)));
        if index < names { format!("{cell}{pad}") } else { format!("{pad}{cell}") }
    });
    padded.collect::<Vec<_>>().join("  ")
}

/// Columns that a text takes on a terminal.
fn width(text: &str) -> usize {
    text.chars().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter)).count()
}

fn wrap(text: &str, at: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= at => *line += &format!(" {word}"),
            _ => lines.push(word.into()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::page;
    use crate::table::Line;

    const TABLE: [&str; 7] = [
        "row                   seed        error (lower is  training",
        "                                          better)",
        "-----------------------------------------------------------",
        "μ\u{303}, L                  0             142.00 ± 0.10      42 s",
        "mu_tilde              0 (failed)           failed    failed",
        "-----------------------------------------------------------",
        "real held-out images  -                      0.90         -",
    ];

    #[test]
    fn the_table_is_aligned() {
        let line = |kind, cells: [&str; 4]| Line { kind, cells: cells.map(str::to_owned).to_vec() };
        let lines = vec![
            line(Kind::Row, ["μ\u{303}, L", "0", "142.00 ± 0.10", "42 s"]),
            line(Kind::Row, ["mu_tilde", "0 (failed)", "failed", "failed"]),
            line(Kind::Reference, ["real held-out images", "-", "0.90", "-"]),
        ];
        let heads = ["row", "seed", "error (lower is better)", "training"].map(str::to_owned).to_vec();
        let text = aligned(&Table { names: 2, heads, lines });
        assert_eq!(text.lines().collect::<Vec<_>>(), TABLE);
    }

    #[test]
    fn a_terminal_shows_what_does_not_fold() {
        let text = text(&page());
        assert!(text.starts_with("A study\n\nIt helps.\nClearly.\n"), "{text}");
        assert!(text.contains("1.50 ± 0.10") && text.contains("Read on.") && !text.contains("Protocol"), "{text}");
    }

    #[test]
    fn a_combining_tilde_takes_no_column() {
        assert_eq!(width("μ\u{303}, L ± 1"), 8);
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
    }
}
