//! `report.md`.

use super::data::{Report, SampleGrid};
use super::page::{Block, Page};
use super::plot::Plot;
use super::table::{self, Table};
use super::{notes, verdict::verdict};

/// The whole report as Markdown; pictures are linked by file name.
pub(crate) fn page(report: &Report, plots: &[Plot]) -> String {
    let verdict = verdict(report);
    let paragraph = format!("**{}** {}", escape(&verdict.headline), escape(verdict.details()));
    let mut parts = vec![format!("# {}", escape(&report.title)), paragraph];
    parts.push(grid(&table::results(report)));
    parts.push(list(&notes::reading(report)));
    section(&mut parts, "Failed seeds", list(&notes::failures(report)));
    section(&mut parts, "Rows that the paper leaves blank", list(&notes::blank_rows(report)));
    let samples: Vec<String> = report.grids.iter().map(|one| sample(report, one)).collect();
    section(&mut parts, "Samples", samples.join("\n\n"));
    plots.iter().for_each(|plot| section(&mut parts, &plot.heading, picture(plot)));
    section(&mut parts, "The bound in numbers", grid(&table::bounds(report)));
    let weights = [grid(&table::weights(report)), list(&notes::reading_weights())].join("\n\n");
    section(&mut parts, "Averaged and raw weights", weights);
    section(&mut parts, "Protocol", facts(&report.protocol));
    parts.join("\n\n") + "\n"
}

/// A page of headed parts as Markdown.
pub(crate) fn document(page: &Page) -> String {
    let mut parts = vec![format!("# {}", escape(&page.title)), list(&page.findings)];
    for part in &page.sections {
        let blocks: Vec<String> = part.blocks.iter().map(block).collect();
        section(&mut parts, &part.heading, blocks.join("\n\n"));
    }
    parts.join("\n\n") + "\n"
}

fn block(block: &Block) -> String {
    match block {
        Block::Notes(notes) => list(notes),
        Block::Table(table) => grid(table),
        Block::Plot(plot) => picture(plot),
        Block::Pictures(pictures) => {
            let each = pictures.iter().map(|one| format!("**{0}**\n\n![{0}]({1})", escape(&one.label), one.file));
            each.collect::<Vec<_>>().join("\n\n")
        }
        Block::Facts(facts) => self::facts(facts),
    }
}

fn section(parts: &mut Vec<String>, heading: &str, body: String) {
    if !body.is_empty() {
        parts.push(format!("## {heading}\n\n{body}"));
    }
}

fn grid(table: &Table) -> String {
    let rule = (0..table.heads.len()).map(|column| if column < 2 { "---" } else { "---:" });
    let rule = format!("| {} |", rule.collect::<Vec<_>>().join(" | "));
    let lines = table.lines.iter().map(|line| cells(&line.cells));
    [cells(&table.heads), rule].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

fn cells(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| escape(cell).replace('|', "\\|")).collect();
    format!("| {} |", cells.join(" | "))
}

fn list(notes: &[String]) -> String {
    notes.iter().map(|note| format!("- {}", escape(note))).collect::<Vec<_>>().join("\n")
}

fn picture(plot: &Plot) -> String {
    format!("![{}]({})\n\n{}", plot.heading, plot.file, escape(&plot.caption))
}

fn sample(report: &Report, grid: &SampleGrid) -> String {
    let label = escape(&report.label_of(&grid.row));
    format!("**{label}, seed {}**\n\n![Samples of {label}]({})", grid.seed, grid.file)
}

fn facts(facts: &[(String, String)]) -> String {
    let heads = ["".to_string(), "".to_string()];
    let lines = facts.iter().map(|(name, value)| cells(&[name.clone(), value.clone()]));
    let head = [cells(&heads), "| --- | --- |".to_string()];
    head.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// Text of one line that neither Markdown nor the HTML inside it takes for markup.
fn escape(text: &str) -> String {
    let special = |letter| matches!(letter, '_' | '*' | '`' | '$' | '<' | '>' | '[' | ']');
    let one_line = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    one_line.fold(String::new(), |mut escaped, letter| {
        if special(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::report;

    #[test]
    fn every_line_of_a_table_has_the_same_number_of_cells() {
        let text = page(&report([142.0, 110.0, 90.0, 95.0, 115.0, 30.0]), &[]);
        let table: Vec<&str> = text.lines().skip_while(|line| !line.starts_with('|')).take(9).collect();
        assert!(table.iter().all(|line| line.matches('|').count() == 10), "{table:#?}");
        assert!(table[2].starts_with(r"| mu\_tilde, L, learned | 0 | 142.00 |"), "{}", table[2]);
    }

    #[test]
    fn protocol_values_are_listed_and_escaped() {
        let text = page(&report([1.0; 6]), &[]);
        assert!(text.contains("| T | 250 |"));
        assert!(text.contains(r"| data | Fashion-MNIST \<16x16\> |"));
        assert_eq!(cells(&["a|b".into()]), r"| a\|b |");
    }
}
