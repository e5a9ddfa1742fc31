//! A panel for each row, of curves that differ in unit and scale.

use plotters::prelude::*;

use super::canvas::{Canvas, Drawn, INK, LARGE, RULE, SMALL, broken, colour, letters, nothing};
use super::scale::positive_range;
use super::ticks;
use crate::numbers;
use crate::plot::{Panel, Panels};

const COLUMNS: usize = 3;

pub(super) fn height(panels: &Panels) -> u32 {
    480 * panels.panels.len().div_ceil(COLUMNS).max(1) as u32
}

pub(super) fn draw(canvas: &Canvas<'_>, panels: &Panels) -> Drawn {
    let areas = canvas.split_evenly((panels.panels.len().div_ceil(COLUMNS).max(1), COLUMNS));
    let mut each = panels.panels.iter().zip(&areas).enumerate();
    each.try_for_each(|(index, (panel, area))| self::panel(area, panel, index))
}

fn panel(canvas: &Canvas<'_>, panel: &Panel, index: usize) -> Drawn {
    for (line, text) in broken(&panel.label, 480).into_iter().take(2).enumerate() {
        let at = (110, 12 + 38 * line as i32);
        canvas.draw(&Text::new(text, at, ("sans-serif", LARGE).into_font().color(&INK)))?;
    }
    let points = || panel.curves.iter().flatten().copied();
    let Some(range) = positive_range(points().map(|point| point.1)) else {
        return nothing(canvas, panel.note.as_deref().unwrap_or("nothing positive measured"));
    };
    let last = points().map(|point| point.0).filter(|x| x.is_finite()).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(canvas)
        .margin_top(94)
        .margin_right(40)
        .x_label_area_size(54)
        .y_label_area_size(100)
        .build_cartesian_2d(0.0..last.max(1.0), range.clone().log_scale().with_key_points(ticks::within(&range, 6)))?;
    chart
        .configure_mesh()
        .axis_style(RULE)
        .bold_line_style(RULE.mix(0.3))
        .light_line_style(TRANSPARENT)
        .x_labels(4)
        .label_style(("sans-serif", SMALL).into_font().color(&INK))
        .x_label_formatter(&|step| numbers::tick(*step))
        .y_label_formatter(&|loss| numbers::tick(*loss))
        .draw()?;
    for curve in &panel.curves {
        let positive = curve.iter().copied().filter(|point| point.1.is_finite() && point.1 > 0.0);
        chart.draw_series(LineSeries::new(positive, colour(index).mix(0.85).stroke_width(4)))?;
    }
    let note = panel.note.iter().map(|note| Text::new(note.clone(), (170, 104), letters()));
    note.into_iter().try_for_each(|note| canvas.draw(&note))
}

#[cfg(test)]
mod tests {
    use crate::plot::{Drawing, Panel, Panels, Plot};
    use crate::svg::svg;

    #[test]
    fn a_panel_without_curves_says_why() {
        let panel = |curves, note: &str| Panel { label: "a".into(), curves, note: Some(note.into()) };
        let panels =
            vec![panel(vec![], "not run"), panel(vec![vec![(0.0, 1.0), (9.0, 0.5)]], "not finite from step 9")];
        let drawing = Drawing::Panels(Panels { panels });
        let svg = svg(&Plot { heading: "h".into(), file: "h.svg".into(), caption: "c".into(), drawing }).unwrap();
        assert!(svg.contains("not run") && svg.contains("not finite from step 9"), "{svg}");
    }
}
