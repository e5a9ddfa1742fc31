//! The terms of the variational bound, step by step.

use plotters::prelude::*;

use super::{Canvas, Drawn, INK, Plot, RULE, SMALL, colour, legend, nothing, positive_range, ticks};
use crate::report::{Report, ReportError, numbers};

/// One row's terms of one seed: (index of the row, bits/dim per t).
type Terms<'a> = (usize, &'a [f64]);

/// Bits/dim of each term of the bound against t, a colour for each row and a line for each seed.
pub(super) fn plot(report: &Report) -> Result<Plot, ReportError> {
    let caption = "Terms of the variational bound on held-out images in bits per dimension, against \
                   the step t (both logarithmic), one line per seed. The first term is the decoder's \
                   (the distortion), the others make up the rate; terms that are not positive are \
                   left out.";
    Plot::draw("Bits per dimension, step by step", "bits-per-step.svg", caption, 860, |canvas| {
        let rows = report.rows.iter().enumerate();
        let terms: Vec<Terms<'_>> = rows
            .flat_map(|(index, row)| row.seeds.iter().map(move |seed| (index, seed)))
            .filter_map(|(index, seed)| Some((index, seed.bits_per_dim.as_ref()?.per_t.as_slice())))
            .collect();
        let (left, right) = canvas.split_horizontally(super::WIDTH - 440);
        let rows = report.rows.iter().enumerate();
        let drawn = rows.filter(|(index, _)| terms.iter().any(|term| term.0 == *index));
        let labels: Vec<(usize, &str)> = drawn.map(|(index, row)| (index, row.label.as_str())).collect();
        curves(&left, &terms)?;
        legend(&right, &labels)
    })
}

fn curves(canvas: &Canvas<'_>, terms: &[Terms<'_>]) -> Drawn {
    let Some(range) = positive_range(terms.iter().flat_map(|(_, per_t)| per_t.iter().copied())) else {
        return nothing(canvas, "nothing measured");
    };
    let last = terms.iter().map(|(_, per_t)| per_t.len()).max().unwrap_or(1).max(2);
    let times = 1.0..last as f64;
    let mut chart = ChartBuilder::on(canvas)
        .margin_top(20)
        .margin_right(30)
        .x_label_area_size(96)
        .y_label_area_size(150)
        .build_cartesian_2d(
            times.clone().log_scale().with_key_points(ticks::within(&times, 10)),
            range.clone().log_scale().with_key_points(ticks::within(&range, 8)),
        )?;
    chart
        .configure_mesh()
        .axis_style(RULE)
        .bold_line_style(RULE.mix(0.3))
        .light_line_style(TRANSPARENT)
        .x_desc("t")
        .y_desc("bits/dim")
        .label_style(("sans-serif", SMALL).into_font().color(&INK))
        .x_label_formatter(&|t| numbers::tick(*t))
        .y_label_formatter(&|bits| numbers::tick(*bits))
        .draw()?;
    for &(row, per_t) in terms {
        let points = per_t.iter().zip(1_u32..).map(|(&bits, t)| (f64::from(t), bits));
        let positive = points.filter(|(_, bits)| bits.is_finite() && *bits > 0.0);
        chart.draw_series(LineSeries::new(positive, colour(row).stroke_width(4)))?;
    }
    Ok(())
}
