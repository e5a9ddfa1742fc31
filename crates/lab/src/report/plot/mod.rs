//! The plots of a report, as SVG.
//!
//! Text is left to the viewer's own fonts. Grounds are transparent and only text changes colour
//! between light and dark, so one drawing serves both.

pub(crate) mod lines;
mod loss;
mod split;
mod steps;
mod ticks;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::data::Report;
use super::error::ReportError;

/// One plot: where it goes, what it shows, and its drawing.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub(crate) heading: String,
    pub(crate) file: String,
    pub(crate) caption: String,
    drawing: String,
}

/// The plots of a report, in the order in which they are shown.
pub(crate) fn all(report: &Report) -> Result<Vec<Plot>, ReportError> {
    Ok(vec![loss::plot(report)?, steps::plot(report)?, split::plot(report)?])
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Width of a drawing in its own units. Coordinates are integers, so drawings are made at twice
/// the size at which they are shown.
const WIDTH: u32 = 1800;
/// Letters of axes and captions.
const SMALL: u32 = 32;
const LARGE: u32 = 36;
/// Colours that stand out on white and on near-black.
const COLOURS: [RGBColor; 8] = [
    RGBColor(58, 124, 184),
    RGBColor(230, 126, 34),
    RGBColor(61, 153, 90),
    RGBColor(155, 95, 180),
    RGBColor(14, 160, 165),
    RGBColor(214, 66, 76),
    RGBColor(160, 116, 66),
    RGBColor(125, 125, 125),
];
const INK: RGBColor = RGBColor(29, 36, 48);
const RULE: RGBColor = RGBColor(128, 136, 148);

/// The colour of a row, the same in every plot.
fn colour(row: usize) -> RGBColor {
    COLOURS[row % COLOURS.len()]
}

impl Plot {
    fn draw(
        heading: &str,
        file: &str,
        caption: &str,
        height: u32,
        draw: impl FnOnce(&Canvas<'_>) -> Drawn,
    ) -> Result<Self, ReportError> {
        let mut drawing = String::new();
        let canvas = SVGBackend::with_string(&mut drawing, (WIDTH, height)).into_drawing_area();
        let drawn = draw(&canvas).and_then(|()| canvas.present());
        drawn.map_err(|error| ReportError::Plot { plot: heading.to_owned(), reason: error.to_string() })?;
        drop(canvas);
        let [heading, file, caption] = [heading, file, caption].map(str::to_owned);
        Ok(Self { heading, file, caption, drawing })
    }

    /// The drawing as a file of its own.
    pub(crate) fn standalone(&self) -> String {
        let style = "<style>@media (prefers-color-scheme: dark) { text { fill: #E3E8EF } }</style>\n";
        self.with_root("xmlns=\"http://www.w3.org/2000/svg\" width=\"900\"", style)
    }

    /// The drawing as an element of an HTML page.
    pub(crate) fn inline(&self) -> String {
        self.with_root(&format!("role=\"img\" aria-label=\"{}\"", self.heading), "")
    }

    /// The drawing with other attributes on its root, where only the view box is kept.
    fn with_root(&self, attributes: &str, style: &str) -> String {
        let (root, body) = self.drawing.split_once(">\n").unwrap_or(("", &self.drawing));
        let view = root.split("viewBox=\"").nth(1).and_then(|rest| rest.split('"').next());
        format!("<svg viewBox=\"{}\" {attributes}>\n{style}{body}", view.unwrap_or_default())
    }
}

/// The smallest range that holds all positive values with some air; none without any.
fn positive_range(values: impl Iterator<Item = f64>) -> Option<std::ops::Range<f64>> {
    let positive = values.filter(|value| value.is_finite() && *value > 0.0);
    let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    (high > 0.0).then(|| low / 1.3..high * 1.3)
}

/// Names of the rows beside their colours, from the top.
fn legend(canvas: &Canvas<'_>, labels: &[(usize, &str)]) -> Drawn {
    for (line, &(row, label)) in labels.iter().enumerate() {
        let y = 60 + 48 * line as i32;
        canvas.draw(&PathElement::new([(10, y), (60, y)], colour(row).stroke_width(6)))?;
        let style = ("sans-serif", SMALL).into_font().color(&INK);
        canvas.draw(&Text::new(label.to_string(), (76, y - 15), style))?;
    }
    Ok(())
}

/// A note where there is nothing to draw.
fn nothing(canvas: &Canvas<'_>, note: &str) -> Drawn {
    let style = ("sans-serif", SMALL).into_font().color(&RULE);
    canvas.draw(&Text::new(note.to_string(), (110, 110), style))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report, report_of, seed};

    #[test]
    fn a_report_without_numbers_still_has_plots() {
        let plots = all(&report_of([const { Vec::new() }; 6])).unwrap();
        assert!(plots[0].standalone().contains("not run"));
        assert!(plots[1].standalone().contains("nothing measured"));
        assert!(plots[2].standalone().contains("nothing measured"));
    }

    #[test]
    fn no_coordinate_is_out_of_range_when_numbers_are_none() {
        let mut seeds = [1.0; 6].map(|distance| vec![seed(0, distance)]);
        seeds[0] = vec![seed(0, f64::NAN), seed(1, f64::INFINITY)];
        seeds[1] = vec![broken(0)];
        for plot in all(&report_of(seeds)).unwrap() {
            let svg = plot.standalone();
            assert!(!svg.contains("NaN") && !svg.contains("2147483"), "{}", plot.file);
        }
    }

    #[test]
    fn drawings_are_files_or_elements() {
        let plot = &all(&report([1.0; 6])).unwrap()[0];
        assert!(plot.standalone().starts_with("<svg viewBox=\"0 0 1800 "));
        assert!(plot.standalone().contains("xmlns="));
        assert!(!plot.inline().contains("xmlns="));
        assert!(plot.inline().trim_end().ends_with("</svg>"));
    }

    #[test]
    fn only_positive_finite_values_span_a_logarithmic_axis() {
        let range = positive_range([f64::NAN, 0.0, -1.0, 2.6, 10.0].into_iter()).unwrap();
        assert_eq!(range, 2.0..13.0);
        assert_eq!(positive_range([0.0, f64::INFINITY].into_iter()), None);
    }
}
