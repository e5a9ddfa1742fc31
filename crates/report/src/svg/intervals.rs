//! Rows with their numbers and errors, column beside column.

use plotters::prelude::*;
use std::ops::Range;

use super::canvas::{Canvas, Drawn, INK, LARGE, RULE, SMALL, WIDTH, broken, colour, letters, nothing, room};
use super::scale::range;
use crate::numbers;
use crate::plot::{Column, Interval, Intervals};

/// From one row to the next.
const PITCH: i32 = 88;
/// Heads and the names of marks.
const TOP: i32 = 110;
/// Ticks.
const BOTTOM: i32 = 70;
/// The widest name of a row.
const WIDEST: i32 = 520;

pub(super) fn height(intervals: &Intervals) -> u32 {
    (TOP + BOTTOM + PITCH * intervals.rows.len().max(1) as i32) as u32
}

pub(super) fn draw(canvas: &Canvas<'_>, intervals: &Intervals) -> Drawn {
    if intervals.columns.is_empty() {
        return nothing(canvas, "nothing measured");
    }
    let lines = intervals.rows.iter().flat_map(|row| broken(row, WIDEST));
    let left = 50 + lines.map(|line| room(&line)).max().unwrap_or(0);
    for (row, name) in intervals.rows.iter().enumerate() {
        self::name(canvas, name, middle(row))?;
    }
    let width = (WIDTH as i32 - left) / intervals.columns.len() as i32;
    let mut each = intervals.columns.iter().enumerate();
    each.try_for_each(|(place, column)| {
        let from = left + width * place as i32;
        self::column(canvas, column, from + 20..from + width - 20)
    })
}

/// The height of a row's middle.
fn middle(row: usize) -> i32 {
    TOP + PITCH * row as i32 + PITCH / 2
}

fn name(canvas: &Canvas<'_>, name: &str, middle: i32) -> Drawn {
    let lines: Vec<String> = broken(name, WIDEST).into_iter().take(2).collect();
    let first = middle - 19 * lines.len() as i32 + 4;
    let mut each = lines.into_iter().enumerate();
    each.try_for_each(|(line, text)| canvas.draw(&Text::new(text, (20, first + 38 * line as i32), letters())))
}

/// The heads, the axis and the cells of a column; numbers stand at its right.
fn column(canvas: &Canvas<'_>, column: &Column, across: Range<i32>) -> Drawn {
    let head = ("sans-serif", LARGE).into_font().color(&INK);
    canvas.draw(&Text::new(column.name.clone(), (across.start, 8), head))?;
    let numbers = column.cells.iter().flatten().map(|cell| room(&cell.text)).max().unwrap_or(0);
    let axis = across.start..(across.end - numbers - 30).max(across.start + 60);
    let Some(values) = range(values(column)) else {
        return words(canvas, column, axis.start);
    };
    let at = |value: f64| {
        let share = (value - values.start) / (values.end - values.start);
        axis.start + (share * f64::from(axis.end - axis.start)).round() as i32
    };
    let bottom = middle(column.cells.len().max(1) - 1) + PITCH / 2;
    ticks(canvas, &values, &at, bottom)?;
    if let Some((value, name)) = column.mark.as_ref().filter(|(value, _)| value.is_finite()) {
        let dashes = (TOP..bottom)
            .step_by(20)
            .map(|y| PathElement::new([(at(*value), y), (at(*value), y + 10)], INK.mix(0.6).stroke_width(3)));
        dashes.into_iter().try_for_each(|dash| canvas.draw(&dash))?;
        let x = at(*value).min(axis.end - room(name)).max(axis.start);
        canvas.draw(&Text::new(name.clone(), (x, TOP - 46), ("sans-serif", SMALL - 4).into_font().color(&RULE)))?;
    }
    for (row, cell) in column.cells.iter().enumerate() {
        if let Ok(cell) = cell {
            interval(canvas, cell, &at, middle(row), row)?;
            canvas.draw(&Text::new(cell.text.clone(), (axis.end + 30, middle(row) - 15), letters()))?;
        }
    }
    words(canvas, column, axis.start)
}

/// Everything that the column's axis has to hold.
fn values(column: &Column) -> impl Iterator<Item = f64> {
    let of_cell = |cell: &Interval| {
        let ends = cell.error.map(|error| [cell.value - error, cell.value + error]);
        ends.into_iter().flatten().chain([cell.value]).chain(cell.points.iter().copied()).collect::<Vec<f64>>()
    };
    let marked = column.mark.iter().map(|(value, _)| *value);
    column.cells.iter().flatten().flat_map(of_cell).chain(marked)
}

fn ticks(canvas: &Canvas<'_>, values: &Range<f64>, at: &impl Fn(f64) -> i32, bottom: i32) -> Drawn {
    let style = ("sans-serif", SMALL - 4).into_font().color(&RULE);
    let (start, end) = (at(values.start), at(values.end));
    canvas.draw(&PathElement::new([(start, bottom), (end, bottom)], RULE.stroke_width(2)))?;
    for tick in round_numbers(values, ((end - start) / 110).clamp(2, 8)) {
        canvas.draw(&PathElement::new([(at(tick), TOP), (at(tick), bottom)], RULE.mix(0.3).stroke_width(2)))?;
        let text = numbers::tick(tick);
        canvas.draw(&Text::new(text.clone(), (at(tick) - room(&text) / 2, bottom + 14), style.clone()))?;
    }
    Ok(())
}

/// At most so many round numbers within a range.
fn round_numbers(values: &Range<f64>, most: i32) -> Vec<f64> {
    let wanted = (values.end - values.start) / f64::from(most);
    let power = 10f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power).into_iter().find(|step| *step >= wanted);
    let step = step.unwrap_or(10.0 * power);
    let first = (values.start / step).ceil() as i64;
    (first..).map(|count| count as f64 * step).take_while(|tick| *tick <= values.end).take(most as usize + 1).collect()
}

fn interval(canvas: &Canvas<'_>, cell: &Interval, at: &impl Fn(f64) -> i32, y: i32, row: usize) -> Drawn {
    if !cell.value.is_finite() {
        return Ok(());
    }
    for point in cell.points.iter().filter(|point| point.is_finite()) {
        canvas.draw(&Circle::new((at(*point), y + 22), 5, colour(row).mix(0.6).filled()))?;
    }
    if let Some(error) = cell.error.filter(|error| error.is_finite()) {
        let (low, high) = (at(cell.value - error), at(cell.value + error));
        canvas.draw(&PathElement::new([(low, y), (high, y)], colour(row).stroke_width(6)))?;
        for end in [low, high] {
            canvas.draw(&PathElement::new([(end, y - 10), (end, y + 10)], colour(row).stroke_width(6)))?;
        }
    }
    canvas.draw(&Circle::new((at(cell.value), y), 12, colour(row).filled()))
}

/// Why cells are missing.
fn words(canvas: &Canvas<'_>, column: &Column, x: i32) -> Drawn {
    let style = ("sans-serif", SMALL).into_font().color(&RULE);
    let mut missing = column.cells.iter().enumerate().filter_map(|(row, cell)| Some((row, cell.as_ref().err()?)));
    missing.try_for_each(|(row, why)| canvas.draw(&Text::new(why.clone(), (x, middle(row) - 15), style.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(round_numbers(&(0.3..11.0), 6), [2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(
            round_numbers(&(-0.12..0.11), 5),
            [-0.1, -0.05, 0.0, 0.05, 0.1].map(|v: f64| (v / 0.05).round() * 0.05)
        );
    }

    #[test]
    fn every_row_has_a_dot_or_a_word() {
        let page = crate::sample::page();
        let crate::Block::Plot(plot) = &page.blocks[0] else { panic!("the picture comes first") };
        let svg = crate::svg(plot).unwrap();
        assert_eq!(svg.matches("r=\"12\"").count(), 1, "{svg}");
        assert!(svg.contains("not run") && svg.contains("1.0 ± 0.5") && svg.contains("real"));
    }
}
