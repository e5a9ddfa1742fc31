//! A page as Markdown.

use super::page::{Block, Page, Picture, Verdict};
use super::plot::Plot;
use super::table::Table;

/// The page as Markdown: what folds comes below everything else, pictures and plots are linked by file name.
pub fn markdown(page: &Page) -> String {
    let mut parts = vec![format!("# {}", escape(&page.title))];
    let shown = page.blocks.iter().filter(|block| !block.is_empty());
    let (folded, open): (Vec<&Block>, Vec<&Block>) = shown.partition(|block| matches!(block, Block::Details(..)));
    parts.extend(open.into_iter().chain(folded).map(|block| self::block(block, 2)));
    parts.join("\n\n") + "\n"
}

fn block(block: &Block, level: usize) -> String {
    let heading = |text: &str| format!("{} {}", "#".repeat(level), escape(text));
    match block {
        Block::Heading(text) => heading(text),
        Block::Verdict(verdict) => judgement(verdict),
        Block::Notes(notes) => notes.iter().map(|note| format!("- {}", escape(note))).collect::<Vec<_>>().join("\n"),
        Block::Table(table) => grid(table),
        Block::Plot(plot) => picture(plot),
        Block::Pictures(pictures) => pictures.iter().map(sample).collect::<Vec<_>>().join("\n\n"),
        Block::Facts(facts) => self::facts(facts),
        Block::Details(summary, blocks) => {
            let inside = blocks.iter().filter(|block| !block.is_empty()).map(|block| self::block(block, level + 1));
            std::iter::once(heading(summary)).chain(inside).collect::<Vec<_>>().join("\n\n")
        }
    }
}

fn judgement(verdict: &Verdict) -> String {
    let sentences = verdict.sentences.iter().enumerate();
    let marked = sentences.map(|(place, sentence)| match place {
        0 => format!("**{}**", escape(sentence)),
        _ => escape(sentence),
    });
    marked.collect::<Vec<_>>().join("\n")
}

fn grid(table: &Table) -> String {
    let rule = (0..table.heads.len()).map(|column| if column < table.names { "---" } else { "---:" });
    let rule = format!("| {} |", rule.collect::<Vec<_>>().join(" | "));
    let lines = table.lines.iter().map(|line| cells(&line.cells));
    [cells(&table.heads), rule].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

fn cells(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| escape(cell).replace('|', "\\|")).collect();
    format!("| {} |", cells.join(" | "))
}

fn picture(plot: &Plot) -> String {
    let heading = escape(&plot.heading);
    format!("![{heading}]({})\n\n{}", plot.file, escape(&plot.caption))
}

fn sample(picture: &Picture) -> String {
    let label = escape(&picture.label);
    format!("**{label}**\n\n![{label}]({})", picture.file)
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
    use crate::sample::page;

    #[test]
    fn what_folds_stands_below_and_what_is_empty_leaves_no_heading() {
        let text = markdown(&page());
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
        assert!(at("**It helps.**") < at("| solver |") && at("| solver |") < at("Read on."));
        assert!(at("Read on.") < at("## Protocol") && at("## Protocol") < at("| seeds | 0, 1 |"));
        assert!(text.contains("### Inside") && !text.contains("Nothing here"));
    }

    #[test]
    fn every_line_of_a_table_has_the_same_number_of_cells_and_names_stand_left() {
        let text = markdown(&page());
        let table: Vec<&str> = text.lines().skip_while(|line| !line.starts_with('|')).take(3).collect();
        assert!(table.iter().all(|line| line.matches(" | ").count() == 2), "{table:#?}");
        assert_eq!(table[1], "| --- | ---: | ---: |");
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(cells(&["a|b_c".into()]), r"| a\|b\_c |");
        assert!(markdown(&page()).contains(r"![A \<b\>](a.png)"));
    }
}
