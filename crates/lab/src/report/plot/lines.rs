//! Curves over one number, in colours, each axis linear or logarithmic.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};
use plotters::prelude::*;
use std::ops::Range;

use super::{Canvas, Drawn, INK, Plot, RULE, SMALL, colour, legend, nothing, positive_range, ticks};
use crate::report::{ReportError, numbers};

/// What is drawn, and where it goes.
pub(crate) struct Lines<'a> {
    pub(crate) heading: &'a str,
    pub(crate) file: &'a str,
    pub(crate) caption: &'a str,
    pub(crate) x: Axis<'a>,
    pub(crate) y: Axis<'a>,
    pub(crate) series: Vec<Series>,
}

/// An axis.
#[derive(Clone, Copy)]
pub(crate) struct Axis<'a> {
    pub(crate) name: &'a str,
    pub(crate) logarithmic: bool,
}

/// One curve.
pub(crate) struct Series {
    pub(crate) label: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Draws the curves; points that are not finite, or not positive on a logarithmic axis, are left out.
pub(crate) fn plot(lines: &Lines<'_>) -> Result<Plot, ReportError> {
    Plot::draw(lines.heading, lines.file, lines.caption, 860, |canvas| {
        let (left, right) = canvas.split_horizontally(super::WIDTH - 680);
        draw(&left, lines)?;
        let labels = lines.series.iter().enumerate().map(|(index, series)| (index, series.label.as_str()));
        legend(&right, &labels.collect::<Vec<_>>())
    })
}

fn draw(canvas: &Canvas<'_>, lines: &Lines<'_>) -> Drawn {
    let points = || lines.series.iter().flat_map(|series| series.points.iter().copied());
    let (Some(x), Some(y)) = (lines.x.scale(points().map(|p| p.0)), lines.y.scale(points().map(|p| p.1))) else {
        return nothing(canvas, "nothing measured");
    };
    let mut chart = ChartBuilder::on(canvas)
        .margin_top(20)
        .margin_right(30)
        .x_label_area_size(96)
        .y_label_area_size(150)
        .build_cartesian_2d(x.clone(), y.clone())?;
    chart
        .configure_mesh()
        .axis_style(RULE)
        .bold_line_style(RULE.mix(0.3))
        .light_line_style(TRANSPARENT)
        .x_desc(lines.x.name)
        .y_desc(lines.y.name)
        .label_style(("sans-serif", SMALL).into_font().color(&INK))
        .x_label_formatter(&|at| numbers::tick(x.value(*at)))
        .y_label_formatter(&|at| numbers::tick(y.value(*at)))
        .draw()?;
    for (index, series) in lines.series.iter().enumerate() {
        let points = series.points.iter().map(|&(of_x, of_y)| (x.place(of_x), y.place(of_y)));
        let drawable: Vec<(f64, f64)> = points.filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        let dots = drawable.iter().map(|&point| Circle::new(point, 5, colour(index).filled()));
        chart.draw_series(dots)?;
        chart.draw_series(LineSeries::new(drawable, colour(index).stroke_width(4)))?;
    }
    Ok(())
}

/// A range of an axis in the places where its points are drawn: values, or their logarithms.
#[derive(Clone)]
struct Scale {
    places: Range<f64>,
    ticks: Vec<f64>,
    logarithmic: bool,
}

impl Axis<'_> {
    fn scale(&self, values: impl Iterator<Item = f64>) -> Option<Scale> {
        if self.logarithmic {
            let range = positive_range(values)?;
            let ticks = ticks::within(&range, 8).into_iter().map(f64::log10).collect();
            return Some(Scale { places: range.start.log10()..range.end.log10(), ticks, logarithmic: true });
        }
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let air = if high > low { 0.04 * (high - low) } else { 0.5 * low.abs().max(1.0) };
        (low <= high).then(|| Scale { places: low - air..high + air, ticks: Vec::new(), logarithmic: false })
    }
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        if self.logarithmic { value.log10() } else { value }
    }

    /// The value at a place; a place that is 0 but for rounding is 0.
    fn value(&self, place: f64) -> f64 {
        let width = self.places.end - self.places.start;
        match self.logarithmic {
            true => 10f64.powf(place),
            false if place.abs() < 1e-9 * width => 0.0,
            false => place,
        }
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, limit: (i32, i32)) -> i32 {
        let share = (place - self.places.start) / (self.places.end - self.places.start);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if self.logarithmic {
            return self.ticks.clone();
        }
        plotters::coord::types::RangedCoordf64::from(self.places.clone()).key_points(hint)
    }

    fn range(&self) -> Range<f64> {
        self.places.clone()
    }
}

impl plotters::coord::ranged1d::ValueFormatter<f64> for Scale {
    fn format_ext(&self, place: &f64) -> String {
        numbers::tick(self.value(*place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(points: Vec<(f64, f64)>, logarithmic: bool) -> String {
        let axis = |name| Axis { name, logarithmic };
        let series = vec![Series { label: "plain".into(), points }];
        let lines = Lines { heading: "h", file: "h.svg", caption: "c", x: axis("t"), y: axis("delta"), series };
        plot(&lines).unwrap().standalone()
    }

    #[test]
    fn values_that_cannot_be_drawn_are_left_out() {
        let svg = drawn(vec![(1.0, 0.5), (2.0, f64::NAN), (3.0, -1.0), (10.0, 0.1)], true);
        assert!(!svg.contains("NaN") && svg.contains("delta") && svg.contains("plain"));
        assert_eq!(svg.matches("<circle").count(), 2, "{svg}");
        assert!(drawn(vec![], false).contains("nothing measured"));
        assert_eq!(drawn(vec![(1.0, 2.0)], false).matches("<circle").count(), 1);
    }
}
