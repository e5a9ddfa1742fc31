//! Rate and distortion as stacked bars.

use plotters::prelude::*;

use super::{Canvas, Drawn, INK, Plot, RULE, SMALL, colour, nothing};
use crate::report::mean::Mean;
use crate::report::{BitsPerDim, Report, ReportError, RowResult, numbers};

const BAR: i32 = 44;
const PITCH: i32 = 84;
const LEFT: i32 = 440;
/// Room for bars; the rest of the width is for the numbers beside them.
const LENGTH: f64 = 860.0;

/// The bound's rate and distortion, a bar for each row.
pub(super) fn plot(report: &Report) -> Result<Plot, ReportError> {
    let caption = "The variational bound in bits per dimension, split into rate (full colour) and \
                   distortion (pale), means over seeds. A bar that would dwarf the others is cut and \
                   ends in dots; its numbers stand beside it.";
    let height = 60 + PITCH * report.rows.len().max(1) as i32;
    Plot::draw("Rate and distortion per row", "rate-distortion.svg", caption, height as u32, |canvas| {
        let bars: Vec<Option<Bar>> = report.rows.iter().map(Bar::of).collect();
        let Some(scale) = scale(&bars) else {
            return nothing(canvas, "nothing measured");
        };
        let mut each = report.rows.iter().zip(&bars).enumerate();
        each.try_for_each(|(index, (row, bar))| line(canvas, index, row, bar.as_ref(), scale))
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    rate: f64,
    distortion: f64,
}

impl Bar {
    fn of(row: &RowResult) -> Option<Self> {
        let mean = |part: fn(&BitsPerDim) -> f64| {
            Some(Mean::over(&row.seeds, |seed| seed.bits_per_dim.as_ref().map(part))?.value)
        };
        Some(Self { rate: mean(|bound| bound.rate)?, distortion: mean(|bound| bound.distortion)? })
    }

    fn total(&self) -> f64 {
        self.rate.max(0.0) + self.distortion.max(0.0)
    }
}

/// The bits/dim at which bars end: the largest total, unless it dwarfs the median.
fn scale(bars: &[Option<Bar>]) -> Option<f64> {
    let mut totals: Vec<f64> = bars.iter().flatten().map(Bar::total).filter(|total| *total > 0.0).collect();
    totals.sort_by(f64::total_cmp);
    let largest = *totals.last()?;
    Some(largest.min(4.0 * totals[(totals.len() - 1) / 2]))
}

fn line(canvas: &Canvas<'_>, index: usize, row: &RowResult, bar: Option<&Bar>, scale: f64) -> Drawn {
    let top = 30 + PITCH * index as i32;
    let text = ("sans-serif", SMALL).into_font().color(&INK);
    let at = |x| (x, top + BAR / 2 - 15);
    canvas.draw(&Text::new(row.label.clone(), at(20), text.clone()))?;
    let Some(bar) = bar else {
        let note = if row.seeds.is_empty() { "not run" } else { "no usable bound" };
        return canvas.draw(&Text::new(note, at(LEFT), text));
    };
    let place = |bits: f64| LEFT + (bits.clamp(0.0, scale) / scale * LENGTH).round() as i32;
    let (middle, end) = (place(bar.rate), place(bar.total()));
    let block = |from, to, style| Rectangle::new([(from, top), (to, top + BAR)], style);
    canvas.draw(&block(LEFT, middle, colour(index).filled()))?;
    canvas.draw(&block(middle, end, colour(index).mix(0.4).filled()))?;
    if bar.total() > scale {
        for dot in 1..=3 {
            canvas.draw(&Circle::new((end + 12 * dot, top + BAR / 2), 3, RULE.filled()))?;
        }
    }
    canvas.draw(&Text::new(said(bar), at(end + 60), text))
}

fn said(bar: &Bar) -> String {
    let [rate, distortion, total] =
        [bar.rate, bar.distortion, bar.rate + bar.distortion].map(|bits| numbers::fixed(bits, 3));
    format!("{rate} + {distortion} = {total}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::report;

    #[test]
    fn a_bar_that_dwarfs_the_others_is_cut() {
        let bar = |rate| Some(Bar { rate, distortion: 1.0 });
        assert_eq!(scale(&[bar(1.0), bar(2.0), bar(5.0), None]), Some(6.0));
        assert_eq!(scale(&[bar(1.0), bar(2.0), bar(999.0)]), Some(12.0));
        assert_eq!(scale(&[None]), None);
    }

    #[test]
    fn the_numbers_stand_beside_the_bars() {
        let svg = plot(&report([0.0; 6])).unwrap().standalone();
        assert_eq!(svg.matches("+ 1.000 =").count(), 6);
    }
}
