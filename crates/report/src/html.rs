//! A page as one HTML file that needs nothing else.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::path::Path;

use super::error::ReportError;
use super::page::{Agreement, Block, Page, Picture, Verdict};
use super::plot::Plot;
use super::svg::inline;
use super::table::{Kind, Line, Table};

const STYLE: &str = include_str!("style.css");

/// The page as HTML, with its style, plots and pictures inside; what folds is closed.
///
/// # Errors
/// [`ReportError::Picture`] where a picture cannot be read from `directory`, [`ReportError::Plot`] where a plot cannot
/// be drawn.
pub fn html(page: &Page, directory: &Path) -> Result<String, ReportError> {
    let title = escape(&page.title);
    let body = blocks(&page.blocks, directory, 2)?;
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    ))
}

fn blocks(blocks: &[Block], directory: &Path, level: usize) -> Result<String, ReportError> {
    blocks.iter().filter(|block| !block.is_empty()).map(|block| self::block(block, directory, level)).collect()
}

fn block(block: &Block, directory: &Path, level: usize) -> Result<String, ReportError> {
    Ok(match block {
        Block::Heading(text) => format!("<h{level}>{}</h{level}>\n", escape(text)),
        Block::Verdict(verdict) => judgement(verdict),
        Block::Notes(notes) => list(notes),
        Block::Table(table) => grid(table),
        Block::Plot(plot) => figure(plot)?,
        Block::Pictures(pictures) => {
            let each = pictures.iter().map(|one| picture(one, directory)).collect::<Result<String, _>>()?;
            format!("<div class=\"samples\">\n{each}</div>\n")
        }
        Block::Facts(facts) => self::facts(facts),
        Block::Details(summary, inside) => {
            let inside = blocks(inside, directory, level + 1)?;
            format!("<details>\n<summary>{}</summary>\n{inside}</details>\n", escape(summary))
        }
    })
}

fn judgement(verdict: &Verdict) -> String {
    let class = match verdict.agreement {
        None => "",
        Some(Agreement::Agrees) => " agrees",
        Some(Agreement::Partly) => " partly",
        Some(Agreement::Differs) => " differs",
        Some(Agreement::Undecided) => " undecided",
    };
    let sentences = verdict.sentences.iter().enumerate();
    let marked = sentences.map(|(place, sentence)| match place {
        0 => format!("<p><strong>{}</strong></p>\n", escape(sentence)),
        _ => format!("<p>{}</p>\n", escape(sentence)),
    });
    format!("<div class=\"verdict{class}\">\n{}</div>\n", marked.collect::<String>())
}

fn grid(table: &Table) -> String {
    let class = |column: usize| if column < table.names { " class=\"name\"" } else { "" };
    let heads = table.heads.iter().enumerate();
    let heads: String = heads.map(|(column, head)| format!("<th{}>{}</th>", class(column), escape(head))).collect();
    let lines: String = table.lines.iter().map(|line| self::line(line, table.names)).collect();
    format!("<div class=\"wide\"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table></div>\n")
}

fn line(line: &Line, names: usize) -> String {
    let class = match line.kind {
        Kind::Row => "row",
        Kind::Seed => "seed",
        Kind::Reference => "reference",
    };
    let cells: String = line.cells.iter().enumerate().map(|(column, text)| cell(text, column < names)).collect();
    format!("<tr class=\"{class}\">{cells}</tr>\n")
}

fn cell(text: &str, is_name: bool) -> String {
    let class = match text {
        _ if is_name => " class=\"name\"",
        "failed" | "not a number" | "infinite" | "minus infinite" => " class=\"failed\"",
        "none" | "-" | "not run" | "not measured" => " class=\"word\"",
        _ => "",
    };
    format!("<td{class}>{}</td>", escape(text))
}

fn list(notes: &[String]) -> String {
    let items: String = notes.iter().map(|note| format!("<li>{}</li>\n", escape(note))).collect();
    format!("<ul class=\"notes\">\n{items}</ul>\n")
}

fn figure(plot: &Plot) -> Result<String, ReportError> {
    let (drawing, caption) = (inline(plot)?, escape(&plot.caption));
    Ok(format!("<figure class=\"plot\">\n{drawing}<figcaption>{caption}</figcaption>\n</figure>\n"))
}

fn picture(picture: &Picture, directory: &Path) -> Result<String, ReportError> {
    let path = directory.join(&picture.file);
    let png = std::fs::read(&path).map_err(|source| ReportError::Picture { path, source })?;
    let (name, data) = (escape(&picture.label), STANDARD.encode(png));
    Ok(format!(
        "<figure><img alt=\"{name}\" src=\"data:image/png;base64,{data}\"><figcaption>{name}</figcaption></figure>\n"
    ))
}

fn facts(facts: &[(String, String)]) -> String {
    let line =
        |(name, value): &(String, String)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(value));
    format!("<table class=\"protocol\">\n{}</table>\n", facts.iter().map(line).collect::<String>())
}

/// Text that HTML does not take for markup, in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::page;

    fn rendered(page: &Page) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.png"), [1, 2, 3]).unwrap();
        html(page, folder.path()).unwrap()
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let text = rendered(&page());
        for foreign in ["http:", "https:", "url(", "<link", "<script", "@import", "a.png"] {
            assert!(!text.contains(foreign), "{foreign}");
        }
        assert_eq!(text.matches("src=\"").count(), 1);
        assert!(text.contains("src=\"data:image/png;base64,AQID\"") && text.contains("<svg"));
    }

    #[test]
    fn what_folds_is_closed_and_what_is_empty_is_left_out() {
        let text = rendered(&page());
        assert!(text.contains("<details>\n<summary>Protocol</summary>\n<h3>Inside</h3>"), "{text}");
        assert!(!text.contains("Nothing here") && !text.contains("<details open"));
    }

    #[test]
    fn markup_in_texts_is_escaped() {
        let text = rendered(&Page { title: "<script>\"&".into(), ..page() });
        assert!(text.contains("<h1>&lt;script&gt;&quot;&amp;</h1>"));
        assert!(text.contains("alt=\"A &lt;b&gt;\"") && text.contains("aria-label=\"&quot;Rows&quot; &lt;by&gt; x\""));
    }

    #[test]
    fn what_is_no_number_is_marked() {
        assert_eq!(cell("failed", false), "<td class=\"failed\">failed</td>");
        assert_eq!(cell("-", false), "<td class=\"word\">-</td>");
        assert_eq!(cell("failed", true), "<td class=\"name\">failed</td>");
    }

    #[test]
    fn a_missing_picture_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = html(&page(), folder.path()).unwrap_err().to_string();
        assert!(error.contains("a.png") && error.contains("before the report"), "{error}");
    }
}
