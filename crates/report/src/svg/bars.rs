//! Sums as stacked bars, with their numbers beside them.

use plotters::prelude::*;

use super::canvas::{Canvas, Drawn, RULE, broken, colour, letters, nothing, room};
use crate::plot::{Bar, Bars};

const BAR: i32 = 44;
const PITCH: i32 = 92;
/// The widest label.
const WIDEST: i32 = 480;
/// Room for bars and the numbers beside them.
const RIGHT: i32 = 1780;

pub(super) fn height(bars: &Bars) -> u32 {
    60 + (PITCH * bars.bars.len().max(1) as i32) as u32
}

pub(super) fn draw(canvas: &Canvas<'_>, bars: &Bars) -> Drawn {
    let Some(scale) = scale(&bars.bars) else { return nothing(canvas, "nothing measured") };
    let label = bars.bars.iter().flat_map(|bar| broken(&bar.label, WIDEST)).map(|line| room(&line)).max();
    let text = bars.bars.iter().map(|bar| room(&bar.text)).max().unwrap_or(0);
    let left = 50 + label.unwrap_or(0);
    let place = Place { left, length: f64::from((RIGHT - left - text - 80).max(200)), scale };
    let mut each = bars.bars.iter().enumerate();
    each.try_for_each(|(index, bar)| line(canvas, index, bar, &place))
}

/// Where a bar begins, how long the longest is, and which sum that is.
struct Place {
    left: i32,
    length: f64,
    scale: f64,
}

fn total(bar: &Bar) -> Option<f64> {
    let sum: f64 = bar.parts.as_ref().ok()?.iter().map(|part| part.max(0.0)).sum();
    (sum.is_finite() && sum > 0.0).then_some(sum)
}

/// The sum at which bars end: the largest, unless it dwarfs the median.
fn scale(bars: &[Bar]) -> Option<f64> {
    let mut totals: Vec<f64> = bars.iter().filter_map(total).collect();
    totals.sort_by(f64::total_cmp);
    let largest = *totals.last()?;
    Some(largest.min(4.0 * totals[(totals.len() - 1) / 2]))
}

fn line(canvas: &Canvas<'_>, index: usize, bar: &Bar, place: &Place) -> Drawn {
    let top = 30 + PITCH * index as i32;
    let names: Vec<String> = broken(&bar.label, WIDEST).into_iter().take(2).collect();
    let first = top + BAR / 2 - 19 * names.len() as i32 + 4;
    for (line, name) in names.into_iter().enumerate() {
        canvas.draw(&Text::new(name, (20, first + 38 * line as i32), letters()))?;
    }
    let beside = |text: &str, x| canvas.draw(&Text::new(text.to_owned(), (x, top + BAR / 2 - 15), letters()));
    let parts = match &bar.parts {
        Err(why) => return beside(why, place.left),
        Ok(_) if total(bar).is_none() => return beside("no usable numbers", place.left),
        Ok(parts) => parts,
    };
    let at = |sum: f64| place.left + (sum.clamp(0.0, place.scale) / place.scale * place.length).round() as i32;
    let mut sum = 0.0;
    for (number, part) in parts.iter().map(|part| part.max(0.0)).enumerate() {
        let block = Rectangle::new(
            [(at(sum), top), (at(sum + part), top + BAR)],
            colour(index).mix(0.4f64.powi(number as i32)).filled(),
        );
        canvas.draw(&block)?;
        sum += part;
    }
    if sum > place.scale {
        for dot in 1..=3 {
            canvas.draw(&Circle::new((at(sum) + 12 * dot, top + BAR / 2), 3, RULE.filled()))?;
        }
    }
    beside(&bar.text, at(sum) + 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Drawing, Plot};

    fn bar(first: f64) -> Bar {
        Bar { label: "a".into(), parts: Ok(vec![first, 1.0]), text: format!("{first} + 1") }
    }

    #[test]
    fn a_bar_that_dwarfs_the_others_is_cut() {
        let missing = Bar { parts: Err("not run".into()), ..bar(0.0) };
        assert_eq!(scale(&[bar(1.0), bar(2.0), bar(5.0), missing.clone()]), Some(6.0));
        assert_eq!(scale(&[bar(1.0), bar(2.0), bar(999.0)]), Some(12.0));
        assert_eq!(scale(&[missing]), None);
    }

    #[test]
    fn the_numbers_stand_beside_the_bars() {
        let drawing = Drawing::Bars(Bars { bars: vec![bar(1.0), bar(2.0)] });
        let svg = crate::svg(&Plot { heading: "h".into(), file: "h".into(), caption: "c".into(), drawing }).unwrap();
        assert!(svg.contains("1 + 1") && svg.contains("2 + 1"), "{svg}");
    }
}
