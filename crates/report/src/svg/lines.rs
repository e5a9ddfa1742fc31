//! Curves over one number, in colours, each axis linear or logarithmic, with a legend beside them.

use plotters::prelude::*;

use super::canvas::{Canvas, Drawn, INK, RULE, SMALL, WIDTH, broken, colour, letters, nothing, room};
use super::scale::Scale;
use crate::plot::{Axis, Lines};

/// The widest legend.
const WIDEST: i32 = 620;
/// From one line of the legend to the next, and from one name to the next.
const LEADING: i32 = 38;
const PITCH: i32 = 56;

pub(super) fn height(lines: &Lines) -> u32 {
    let legend: i32 = names(lines).iter().map(|name| PITCH + LEADING * (name.len() as i32 - 1)).sum();
    860.max(legend + 80) as u32
}

/// Draws the curves; points that are not finite, or not positive on a logarithmic axis, are left out.
pub(super) fn draw(canvas: &Canvas<'_>, lines: &Lines) -> Drawn {
    let longest = names(lines).iter().flatten().map(|line| room(line)).max().unwrap_or(0);
    let (left, right) = canvas.split_horizontally(WIDTH as i32 - longest.min(WIDEST) - 110);
    curves(&left, lines)?;
    legend(&right, &names(lines))
}

/// The names of the series in lines of their own; none of a series without curves.
fn names(lines: &Lines) -> Vec<Vec<String>> {
    let name = |series: &crate::plot::Series| match series.curves.is_empty() {
        true => vec![],
        false => broken(&series.label, WIDEST),
    };
    lines.series.iter().map(name).collect()
}

fn curves(canvas: &Canvas<'_>, lines: &Lines) -> Drawn {
    let points = || lines.series.iter().flat_map(|series| series.curves.iter().flatten().copied());
    let drawable = |axis: &Axis, value: f64| value.is_finite() && (!axis.logarithmic || value > 0.0);
    let whole = || points().filter(|point| drawable(&lines.x, point.0) && drawable(&lines.y, point.1));
    let x = Scale::of(&lines.x, whole().map(|point| point.0));
    let y = Scale::of(&lines.y, whole().map(|point| point.1));
    let (Some(x), Some(y)) = (x, y) else { return nothing(canvas, "nothing measured") };
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
        .x_desc(&lines.x.name)
        .y_desc(&lines.y.name)
        .label_style(("sans-serif", SMALL).into_font().color(&INK))
        .x_label_formatter(&|at| x.tick(*at))
        .y_label_formatter(&|at| y.tick(*at))
        .draw()?;
    for (index, series) in lines.series.iter().enumerate() {
        for curve in &series.curves {
            let whole = curve.iter().filter(|point| drawable(&lines.x, point.0) && drawable(&lines.y, point.1));
            let places: Vec<(f64, f64)> = whole.map(|point| (x.place(point.0), y.place(point.1))).collect();
            let dots = places.iter().filter(|_| lines.dots);
            chart.draw_series(dots.map(|&place| Circle::new(place, 5, colour(index).filled())))?;
            chart.draw_series(LineSeries::new(places, colour(index).stroke_width(4)))?;
        }
    }
    Ok(())
}

/// Names of the series beside their colours, from the top.
fn legend(canvas: &Canvas<'_>, names: &[Vec<String>]) -> Drawn {
    let mut y = 60;
    for (index, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        canvas.draw(&PathElement::new([(10, y), (60, y)], colour(index).stroke_width(6)))?;
        for (line, text) in name.iter().enumerate() {
            canvas.draw(&Text::new(text.clone(), (76, y - 15 + LEADING * line as i32), letters()))?;
        }
        y += PITCH + LEADING * (name.len() as i32 - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::plot::{Axis, Drawing, Lines, Plot, Series};
    use crate::svg::svg;

    fn drawn(points: Vec<(f64, f64)>, logarithmic: bool) -> String {
        let axis = |name: &str| Axis { name: name.into(), logarithmic };
        let series = vec![Series::one("plain", points)];
        let drawing = Drawing::Lines(Lines { x: axis("t"), y: axis("delta"), series, dots: true });
        svg(&Plot { heading: "h".into(), file: "h.svg".into(), caption: "c".into(), drawing }).unwrap()
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
