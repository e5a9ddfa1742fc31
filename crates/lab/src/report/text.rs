//! The report's first table for a terminal.

use super::data::Report;
use super::table::{Kind, Table};
use super::{notes, table};

/// Headings are broken into lines of this width, or of their column's cells where those are wider.
const HEADING: usize = 15;
/// Notes are broken into lines of this width.
const LINE: usize = 100;

/// The table of results with its notes, as aligned plain text.
///
/// Widths are counted in characters that take a column: a combining tilde takes none.
pub fn text_table(report: &Report) -> String {
    let notes = notes::reading(report).into_iter().chain(notes::failures(report));
    let notes: Vec<String> = notes.map(|note| wrap(&note, LINE).join("\n")).collect();
    format!("{}\n\n{}\n{}\n", report.title, aligned(&table::results(report)), notes.join("\n"))
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
    let mut lines: Vec<String> = (0..height).map(|line| laid_out(head(line), &columns)).collect();
    lines.push(rule.clone());
    for line in &table.lines {
        lines.extend((line.kind == Kind::Reference).then(|| rule.clone()));
        lines.push(laid_out(line.cells.iter().map(String::as_str).collect(), &columns));
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

/// One line: the first two columns to the left, the others to the right.
fn laid_out(cells: Vec<&str>, columns: &[Column]) -> String {
    let padded = cells.iter().zip(columns).enumerate().map(|(index, (cell, column))| {
        let pad = " ".repeat(column.width.saturating_sub(width(cell)));
        if index < 2 { format!("{cell}{pad}") } else { format!("{pad}{cell}") }
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
    use crate::report::sample::{broken, report_of, seed};

    const TABLE: [&str; 8] = [
        "prediction,           seed                    FD      IS         bits/dim (rate +     training  sampling  paper: FID    paper: IS",
        "objective, variance               (Fashion-MNIST                      distortion)",
        "                                       features)",
        "---------------------------------------------------------------------------------------------------------------------------------",
        "μ\u{303}, L, learned         0                   142.00    4.13  15.110 (11.270 + 3.840)  10 min 05 s      42 s       23.69  7.28 ± 0.10",
        "mu_tilde, MSE, fixed  0 (failed)          failed  failed                   failed  10 min 05 s    failed       blank        blank",
        "---------------------------------------------------------------------------------------------------------------------------------",
        "real held-out images  -                     0.90    9.91                        -            -         -           -            -",
    ];

    #[test]
    fn the_table_is_aligned() {
        let mut seeds = [142.0, 110.0, 90.0, 95.0, 115.0, 30.0].map(|distance| vec![seed(0, distance)]);
        seeds[2] = vec![broken(0)];
        let mut report = report_of(seeds);
        report.rows.truncate(3);
        report.rows.remove(1);
        report.rows[0].prediction = "μ\u{303}".into();
        let text = text_table(&report);
        let table: Vec<&str> = text.lines().skip(2).take_while(|line| !line.is_empty()).collect();
        assert_eq!(table, TABLE);
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
