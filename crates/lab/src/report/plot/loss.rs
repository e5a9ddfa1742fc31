//! Training loss: a panel for each row, because the objectives differ in unit and scale.

use plotters::prelude::*;

use super::{Canvas, Drawn, INK, LARGE, Plot, RULE, SMALL, colour, nothing, positive_range, ticks};
use crate::report::curve::Curve;
use crate::report::{Report, ReportError, RowResult, numbers};

const COLUMNS: usize = 3;
const POINTS: usize = 240;

/// Training loss against the step, a panel for each row and a line for each seed.
pub(super) fn plot(report: &Report) -> Result<Plot, ReportError> {
    let rows = report.rows.len().div_ceil(COLUMNS).max(1);
    let caption = "Training loss (logarithmic) against the optimiser step, averaged over short runs \
                   of steps, one line per seed. Every panel has its own scale: the objectives differ \
                   in unit, so losses of different rows cannot be compared.";
    Plot::draw("Training loss", "loss.svg", caption, 460 * rows as u32, |canvas| {
        let panels = canvas.split_evenly((rows, COLUMNS));
        let mut each = report.rows.iter().zip(&panels).enumerate();
        each.try_for_each(|(index, (row, canvas))| panel(canvas, row, index))
    })
}

fn panel(canvas: &Canvas<'_>, row: &RowResult, index: usize) -> Drawn {
    let curves: Vec<Curve<'_>> = row.seeds.iter().map(|seed| Curve::new(&seed.loss)).collect();
    let lines: Vec<Vec<(f64, f64)>> = curves.iter().map(|curve| curve.thinned(POINTS)).collect();
    canvas.draw(&Text::new(row.label.clone(), (110, 18), ("sans-serif", LARGE).into_font().color(&INK)))?;
    let Some(range) = positive_range(lines.iter().flatten().map(|point| point.1)) else {
        return nothing(canvas, if row.seeds.is_empty() { "not run" } else { "no positive loss recorded" });
    };
    let steps = row.seeds.iter().flat_map(|seed| &seed.loss).map(|point| point.0).max().unwrap_or(1);
    let mut chart = ChartBuilder::on(canvas)
        .margin_top(72)
        .margin_right(40)
        .x_label_area_size(54)
        .y_label_area_size(100)
        .build_cartesian_2d(
            0.0..steps.max(1) as f64,
            range.clone().log_scale().with_key_points(ticks::within(&range, 6)),
        )?;
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
    for line in lines {
        let positive = line.into_iter().filter(|point| point.1 > 0.0);
        chart.draw_series(LineSeries::new(positive, colour(index).mix(0.85).stroke_width(4)))?;
    }
    breaks(canvas, &curves)
}

/// Says where curves break off.
fn breaks(canvas: &Canvas<'_>, curves: &[Curve<'_>]) -> Drawn {
    let broken: Vec<String> = curves.iter().filter_map(|curve| Some(curve.broken_at?.to_string())).collect();
    if broken.is_empty() {
        return Ok(());
    }
    let note = format!("not finite from step {}", broken.join(", "));
    canvas.draw(&Text::new(note, (170, 84), ("sans-serif", SMALL).into_font().color(&INK)))
}
