//! Plots as SVG.
//!
//! Text is left to the viewer's own fonts. Grounds are transparent and only text changes colour
//! between light and dark, so one drawing serves both.

mod bars;
mod canvas;
mod intervals;
mod lines;
mod panels;
mod scale;
mod ticks;

use super::error::ReportError;
use super::escaped::escaped;
use super::plot::{Drawing, Plot};
use canvas::{Canvas, Drawn, WIDTH};
use plotters::prelude::*;

/// A plot as a file of its own.
///
/// # Errors
/// [`ReportError::Plot`] where the crate that draws refuses.
pub fn svg(plot: &Plot) -> Result<String, ReportError> {
    let style = "<style>@media (prefers-color-scheme: dark) { text { fill: #E3E8EF } }</style>\n";
    let attributes = "xmlns=\"http://www.w3.org/2000/svg\" width=\"900\"";
    Ok(with_root(&drawn(plot)?, attributes, style))
}

/// A plot as an element of an HTML page.
pub(crate) fn inline(plot: &Plot) -> Result<String, ReportError> {
    let name = escaped(&plot.heading);
    Ok(with_root(&drawn(plot)?, &format!("role=\"img\" aria-label=\"{name}\""), ""))
}

fn drawn(plot: &Plot) -> Result<String, ReportError> {
    let height = match &plot.drawing {
        Drawing::Intervals(intervals) => intervals::height(intervals),
        Drawing::Lines(lines) => lines::height(lines),
        Drawing::Panels(panels) => panels::height(panels),
        Drawing::Bars(bars) => bars::height(bars),
    };
    let mut text = String::new();
    let canvas = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
    let result = draw(&canvas, &plot.drawing).and_then(|()| canvas.present());
    drop(canvas);
    match result {
        Ok(()) => Ok(text),
        Err(error) => Err(ReportError::Plot { plot: plot.heading.clone(), reason: error.to_string() }),
    }
}

fn draw(canvas: &Canvas<'_>, drawing: &Drawing) -> Drawn {
    match drawing {
        Drawing::Intervals(intervals) => intervals::draw(canvas, intervals),
        Drawing::Lines(lines) => lines::draw(canvas, lines),
        Drawing::Panels(panels) => panels::draw(canvas, panels),
        Drawing::Bars(bars) => bars::draw(canvas, bars),
    }
}

/// The drawing with other attributes on its root, where only the view box is kept.
fn with_root(drawing: &str, attributes: &str, style: &str) -> String {
    let (root, body) = drawing.split_once(">\n").unwrap_or(("", drawing));
    let view = root.split("viewBox=\"").nth(1).and_then(|rest| rest.split('"').next());
    format!("<svg viewBox=\"{}\" {attributes}>\n{style}{body}", view.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Axis, Bar, Bars, Column, Interval, Intervals, Lines, Panel, Panels, Series};

    fn plot(drawing: Drawing) -> Plot {
        Plot { heading: "h".into(), file: "h.svg".into(), caption: String::new(), drawing }
    }

    fn every(points: Vec<(f64, f64)>) -> Vec<Plot> {
        let values: Vec<f64> = points.iter().map(|point| point.1).collect();
        let value = values.first().copied();
        let cell =
            value.map(|value| Interval { value, error: Some(value), points: values.clone(), text: String::new() });
        let column = Column { cells: vec![cell.ok_or("not run".to_owned())], ..Column::default() };
        let curves = vec![points];
        let series = vec![Series { label: "plain".into(), curves: curves.clone() }];
        let lines = |x, y| Drawing::Lines(Lines { x, y, series: series.clone(), dots: true });
        let bar = Bar { label: "a".into(), parts: Ok(values), text: String::new() };
        [
            Drawing::Intervals(Intervals { rows: vec![("a".into(), 0)], columns: vec![column] }),
            lines(Axis::linear("x"), Axis::linear("y")),
            lines(Axis::logarithmic("x"), Axis::logarithmic("y")),
            Drawing::Panels(Panels { panels: vec![Panel { label: "a".into(), curves, note: None }] }),
            Drawing::Bars(Bars { bars: vec![bar] }),
        ]
        .map(plot)
        .to_vec()
    }

    #[test]
    fn no_coordinate_is_out_of_range_when_numbers_are_none() {
        for points in [vec![], vec![(1.0, f64::NAN), (2.0, f64::INFINITY)], vec![(0.0, 0.0)], vec![(1.0, -1.0)]] {
            for plot in every(points.clone()) {
                let svg = svg(&plot).unwrap();
                assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("2147483"), "{points:?}: {svg}");
            }
        }
    }

    #[test]
    fn drawings_are_files_or_elements() {
        let plot = &every(vec![(1.0, 2.0), (2.0, 3.0)])[1];
        let file = svg(plot).unwrap();
        assert!(file.starts_with("<svg viewBox=\"0 0 1800 ") && file.contains("xmlns="));
        let element = inline(plot).unwrap();
        assert!(!element.contains("xmlns=") && element.trim_end().ends_with("</svg>"));
    }
}
