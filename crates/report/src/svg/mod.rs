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
    let name = plot.heading.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    Ok(with_root(&drawn(plot)?, &format!("role=\"img\" aria-label=\"{name}\""), ""))
}

fn drawn(plot: &Plot) -> Result<String, ReportError> {
    let (height, draw): (u32, Box<dyn FnOnce(&Canvas<'_>) -> Drawn + '_>) = match &plot.drawing {
        Drawing::Intervals(what) => (intervals::height(what), Box::new(|on| intervals::draw(on, what))),
        Drawing::Lines(what) => (lines::height(what), Box::new(|on| lines::draw(on, what))),
        Drawing::Panels(what) => (panels::height(what), Box::new(|on| panels::draw(on, what))),
        Drawing::Bars(what) => (bars::height(what), Box::new(|on| bars::draw(on, what))),
    };
    let mut drawing = String::new();
    let canvas = SVGBackend::with_string(&mut drawing, (WIDTH, height)).into_drawing_area();
    let result = draw(&canvas).and_then(|()| canvas.present());
    drop(canvas);
    match result {
        Ok(()) => Ok(drawing),
        Err(error) => Err(ReportError::Plot { plot: plot.heading.clone(), reason: error.to_string() }),
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
            Drawing::Intervals(Intervals { rows: vec!["a".into()], columns: vec![column] }),
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
