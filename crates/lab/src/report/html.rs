//! `report.html`: one file that needs nothing else.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::data::Report;
use super::notes;
use super::page::{Block, Page};
use super::plot::Plot;
use super::table::{self, Kind, Table};
use super::verdict::{Outcome, Verdict, verdict};

const STYLE: &str = include_str!("style.css");

/// The whole report as HTML, with its style, plots and pictures inside.
///
/// `pictures`: the PNG files of the report's grids, in their order.
pub(crate) fn page(report: &Report, plots: &[Plot], pictures: &[Vec<u8>]) -> String {
    let title = escape(&report.title);
    let drawn: String = plots.iter().map(|plot| section(&plot.heading, &figure(plot))).collect();
    let body = [
        format!("<h1>{title}</h1>\n"),
        judgement(&verdict(report)),
        grid(&table::results(report)),
        list("notes", &notes::reading(report)),
        section("Failed seeds", &list("failures", &notes::failures(report))),
        section("Rows that the paper leaves blank", &list("blank", &notes::blank_rows(report))),
        section("Samples", &samples(report, pictures)),
        drawn,
        section("The bound in numbers", &grid(&table::bounds(report))),
        section(
            "Averaged and raw weights",
            &(grid(&table::weights(report)) + &list("notes", &notes::reading_weights())),
        ),
        section("Protocol", &facts(&report.protocol)),
    ];
    whole(&title, &body.concat())
}

/// A page of headed parts as HTML.
pub(crate) fn document(page: &Page) -> String {
    let title = escape(&page.title);
    let parts = page.sections.iter().map(|part| {
        let blocks: String = part.blocks.iter().map(block).collect();
        section(&escape(&part.heading), &blocks)
    });
    let findings = format!("<div class=\"verdict\">{}</div>\n", list("notes", &page.findings));
    whole(&title, &format!("<h1>{title}</h1>\n{findings}{}", parts.collect::<String>()))
}

fn block(block: &Block) -> String {
    match block {
        Block::Notes(notes) => list("notes", notes),
        Block::Table(table) => grid(table),
        Block::Plot(plot) => figure(plot),
        Block::Pictures(pictures) => {
            let each: String = pictures.iter().map(|one| picture(&one.label, &one.png)).collect();
            if each.is_empty() { each } else { format!("<div class=\"samples\">\n{each}</div>\n") }
        }
        Block::Facts(facts) => self::facts(facts),
    }
}

fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn section(heading: &str, body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("<h2>{heading}</h2>\n{body}") }
}

fn judgement(verdict: &Verdict) -> String {
    let class = match verdict.outcome {
        Outcome::Reproduced => "reproduced",
        Outcome::Partly => "partly",
        Outcome::NotReproduced => "not-reproduced",
        Outcome::Undecided => "undecided",
    };
    let (headline, rest) = (escape(&verdict.headline), escape(verdict.details()));
    format!("<div class=\"verdict {class}\"><p><strong>{headline}</strong> {rest}</p></div>\n")
}

fn grid(table: &Table) -> String {
    let heads: String = table.heads.iter().map(|head| format!("<th>{}</th>", escape(head))).collect();
    let lines: String = table.lines.iter().map(line).collect();
    format!("<div class=\"wide\"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table></div>\n")
}

fn line(line: &table::Line) -> String {
    let class = match line.kind {
        Kind::Row => "row",
        Kind::Seed => "seed",
        Kind::Reference => "reference",
    };
    let cells: String = line.cells.iter().map(|cell| self::cell(cell)).collect();
    format!("<tr class=\"{class}\">{cells}</tr>\n")
}

fn cell(text: &str) -> String {
    let class = match text {
        "failed" | "not a number" | "infinite" | "minus infinite" => " class=\"failed\"",
        "blank" | "-" | "not run" | "not measured" => " class=\"word\"",
        _ => "",
    };
    format!("<td{class}>{}</td>", escape(text))
}

fn list(class: &str, notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let items: String = notes.iter().map(|note| format!("<li>{}</li>\n", escape(note))).collect();
    format!("<ul class=\"{class}\">\n{items}</ul>\n")
}

fn figure(plot: &Plot) -> String {
    format!("<figure>\n{}<figcaption>{}</figcaption>\n</figure>\n", plot.inline(), escape(&plot.caption))
}

fn samples(report: &Report, pictures: &[Vec<u8>]) -> String {
    let figures = report
        .grids
        .iter()
        .zip(pictures)
        .map(|(grid, png)| picture(&format!("{}, seed {}", report.label_of(&grid.row), grid.seed), png));
    let figures: String = figures.collect();
    if figures.is_empty() { figures } else { format!("<div class=\"samples\">\n{figures}</div>\n") }
}

fn picture(label: &str, png: &[u8]) -> String {
    let (name, data) = (escape(label), STANDARD.encode(png));
    format!(
        "<figure><img alt=\"Samples of {name}\" src=\"data:image/png;base64,{data}\"><figcaption>{name}</figcaption></figure>\n"
    )
}

fn facts(facts: &[(String, String)]) -> String {
    let line =
        |(name, value): &(String, String)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(value));
    let lines: String = facts.iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("<table class=\"protocol\">\n{lines}</table>\n") }
}

/// Text that HTML does not take for markup, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report, report_of, seed};
    use crate::report::{SampleGrid, plot};

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let mut report = report([142.0, 110.0, 90.0, 95.0, 115.0, 30.0]);
        report.grids = vec![SampleGrid { row: "eps-simple".into(), seed: 0, file: "grid.png".into() }];
        let page = page(&report, &plot::all(&report).unwrap(), &[vec![1, 2, 3]]);
        for foreign in ["http:", "https:", "url(", "<link", "<script", "@import", "grid.png"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        let sources: Vec<&str> = page.split("src=\"").skip(1).collect();
        assert_eq!(sources.len(), 1);
        assert!(sources[0].starts_with("data:image/png;base64,AQID\""));
        assert_eq!(page.matches("<svg").count(), 3);
    }

    #[test]
    fn markup_in_texts_is_escaped() {
        let mut report = report([1.0; 6]);
        report.title = "<script>\"&".into();
        let page = page(&report, &[], &[]);
        assert!(page.contains("<h1>&lt;script&gt;&quot;&amp;</h1>"));
        assert!(page.contains("<td>Fashion-MNIST &lt;16x16&gt;</td>"));
    }

    #[test]
    fn a_failed_seed_is_shown_and_marked() {
        let mut seeds = [1.0; 6].map(|distance| vec![seed(0, distance)]);
        seeds[2] = vec![broken(0)];
        let page = page(&report_of(seeds), &[], &[]);
        assert!(page.contains("<td class=\"failed\">failed</td>"));
        assert!(page.contains("loss is NaN at step 312"));
        assert!(!page.contains(">NaN<"));
    }
}
