//! Rows with their numbers and errors, column beside column.

use plotters::prelude::*;
use std::ops::Range;

use super::canvas::{Canvas, Drawn, INK, LARGE, RULE, SMALL, WIDTH, colour, fitted, letters, nothing, room};
use super::scale::range;
use crate::numbers;
use crate::plot::{Column, Interval, Intervals};

/// From one row to the next beside the lines of the longest name.
const AIR: i32 = 22;
/// From one line of a name to the next.
const LEADING: i32 = 38;
/// Heads and the names of marks.
const TOP: i32 = 110;
/// Ticks.
const BOTTOM: i32 = 70;
/// The widest name of a row.
const WIDEST: i32 = 640;
/// A mark that is further from the values than so many of their widths is named and not drawn.
const FAR: f64 = 2.0;

pub(super) fn height(intervals: &Intervals) -> u32 {
    (TOP + BOTTOM + Rows::of(intervals).pitch * intervals.rows.len().max(1) as i32) as u32
}

pub(super) fn draw(canvas: &Canvas<'_>, intervals: &Intervals) -> Drawn {
    if intervals.columns.is_empty() {
        return nothing(canvas, "nothing measured");
    }
    let rows = Rows::of(intervals);
    let left = 40 + rows.names.iter().flatten().map(|line| room(line)).max().unwrap_or(0);
    for (row, lines) in rows.names.iter().enumerate() {
        let first = rows.middle(row) - LEADING / 2 * lines.len() as i32 + 4;
        for (line, text) in lines.iter().enumerate() {
            canvas.draw(&Text::new(text.clone(), (20, first + LEADING * line as i32), letters()))?;
        }
    }
    let width = (WIDTH as i32 - left) / intervals.columns.len() as i32;
    let mut each = intervals.columns.iter().enumerate();
    each.try_for_each(|(place, column)| {
        let from = left + width * place as i32;
        rows.column(canvas, column, from + 20..from + width - 20)
    })
}

/// The rows from top to bottom.
struct Rows {
    names: Vec<Vec<String>>,
    colours: Vec<usize>,
    pitch: i32,
}

impl Rows {
    fn of(intervals: &Intervals) -> Self {
        let names: Vec<Vec<String>> = intervals.rows.iter().map(|(name, _)| fitted(name, WIDEST, 3)).collect();
        let longest = names.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let pitch = AIR + LEADING * longest as i32;
        Rows { names, colours: intervals.rows.iter().map(|(_, colour)| *colour).collect(), pitch }
    }

    /// The height of a row's middle.
    fn middle(&self, row: usize) -> i32 {
        TOP + self.pitch * row as i32 + self.pitch / 2
    }

    /// The heads, the axis and the cells of a column; numbers stand at its right.
    fn column(&self, canvas: &Canvas<'_>, column: &Column, across: Range<i32>) -> Drawn {
        let head = ("sans-serif", LARGE).into_font().color(&INK);
        canvas.draw(&Text::new(column.name.clone(), (across.start, 8), head))?;
        let numbers = column.cells.iter().flatten().map(|cell| room(&cell.text)).max().unwrap_or(0);
        let pixels = across.start..(across.end - numbers - 30).max(across.start + 60);
        let Some(values) = span(column) else { return self.words(canvas, column, pixels.start) };
        let axis = Across { values, pixels };
        let bottom = TOP + self.pitch * self.names.len() as i32;
        axis.ticks(canvas, bottom)?;
        axis.mark(canvas, column, bottom)?;
        for (row, cell) in column.cells.iter().enumerate() {
            if let Ok(cell) = cell {
                axis.interval(canvas, cell, self.middle(row), colour(self.colours[row]))?;
                let at = (axis.pixels.end + 30, self.middle(row) - 15);
                canvas.draw(&Text::new(cell.text.clone(), at, letters()))?;
            }
        }
        self.words(canvas, column, axis.pixels.start)
    }

    /// Why cells are missing.
    fn words(&self, canvas: &Canvas<'_>, column: &Column, x: i32) -> Drawn {
        let style = ("sans-serif", SMALL).into_font().color(&RULE);
        let mut missing = column.cells.iter().enumerate().filter_map(|(row, cell)| Some((row, cell.as_ref().err()?)));
        missing
            .try_for_each(|(row, why)| canvas.draw(&Text::new(why.clone(), (x, self.middle(row) - 15), style.clone())))
    }
}

/// The values that a column's axis spans: those of its cells, and the mark unless it is far from them.
fn span(column: &Column) -> Option<Range<f64>> {
    let of_cells = range(values(column))?;
    let width = of_cells.end - of_cells.start;
    let near = (of_cells.start - FAR * width)..(of_cells.end + FAR * width);
    let mark = column.mark.iter().map(|(value, _)| *value).filter(|value| near.contains(value));
    range(values(column).chain(mark))
}

/// The values of a column's cells with the ends of their errors.
fn values(column: &Column) -> impl Iterator<Item = f64> {
    let of_cell = |cell: &Interval| {
        let ends = cell.error.map(|error| [cell.value - error, cell.value + error]);
        ends.into_iter().flatten().chain([cell.value]).chain(cell.points.iter().copied()).collect::<Vec<f64>>()
    };
    column.cells.iter().flatten().flat_map(of_cell)
}

/// A column's axis: its values and where they lie.
struct Across {
    values: Range<f64>,
    pixels: Range<i32>,
}

impl Across {
    fn at(&self, value: f64) -> i32 {
        let share = (value - self.values.start) / (self.values.end - self.values.start);
        self.pixels.start + (share * f64::from(self.pixels.end - self.pixels.start)).round() as i32
    }

    fn ticks(&self, canvas: &Canvas<'_>, bottom: i32) -> Drawn {
        let style = ("sans-serif", SMALL - 4).into_font().color(&RULE);
        let Range { start, end } = self.pixels;
        canvas.draw(&PathElement::new([(start, bottom), (end, bottom)], RULE.stroke_width(2)))?;
        for tick in round_numbers(&self.values, ((end - start) / 90).clamp(2, 8)) {
            let x = self.at(tick);
            canvas.draw(&PathElement::new([(x, TOP), (x, bottom)], RULE.mix(0.3).stroke_width(2)))?;
            let text = numbers::tick(tick);
            canvas.draw(&Text::new(text.clone(), (x - room(&text) / 2, bottom + 14), style.clone()))?;
        }
        Ok(())
    }

    /// A dashed line with its name, or the name with the value where it lies outside.
    fn mark(&self, canvas: &Canvas<'_>, column: &Column, bottom: i32) -> Drawn {
        let Some((value, name)) = column.mark.as_ref().filter(|(value, _)| value.is_finite()) else { return Ok(()) };
        let style = ("sans-serif", SMALL - 4).into_font().color(&RULE);
        if !self.values.contains(value) {
            let text = format!("{name}: {}", numbers::tick(*value));
            return canvas.draw(&Text::new(text, (self.pixels.start, TOP - 46), style));
        }
        let at = self.at(*value);
        for y in (TOP..bottom).step_by(20) {
            canvas.draw(&PathElement::new([(at, y), (at, y + 10)], INK.mix(0.6).stroke_width(3)))?;
        }
        let x = at.min(self.pixels.end - room(name)).max(self.pixels.start);
        canvas.draw(&Text::new(name.clone(), (x, TOP - 46), style))
    }

    fn interval(&self, canvas: &Canvas<'_>, cell: &Interval, y: i32, colour: RGBColor) -> Drawn {
        if !cell.value.is_finite() {
            return Ok(());
        }
        for point in cell.points.iter().filter(|point| point.is_finite()) {
            canvas.draw(&Circle::new((self.at(*point), y + 19), 5, colour.mix(0.6).filled()))?;
        }
        if let Some(error) = cell.error.filter(|error| error.is_finite()) {
            let (low, high) = (self.at(cell.value - error), self.at(cell.value + error));
            canvas.draw(&PathElement::new([(low, y), (high, y)], colour.stroke_width(5)))?;
            for end in [low, high] {
                canvas.draw(&PathElement::new([(end, y - 11), (end, y + 11)], colour.stroke_width(5)))?;
            }
        }
        canvas.draw(&Circle::new((self.at(cell.value), y), DOT, colour.filled()))
    }
}

/// Radius of a value's dot.
const DOT: i32 = 8;

/// At most about so many round numbers within a range.
fn round_numbers(values: &Range<f64>, most: i32) -> Vec<f64> {
    let wanted = (values.end - values.start) / f64::from(most);
    let power = 10f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0].map(|digit| digit * power).into_iter().find(|step| *step >= wanted);
    let step = step.unwrap_or(10.0 * power);
    let first = (values.start / step).ceil() as i64;
    (first..).map(|count| count as f64 * step).take_while(|tick| *tick <= values.end).take(most as usize + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(round_numbers(&(0.3..11.0), 6), [2.0, 4.0, 6.0, 8.0, 10.0]);
        let ticks = round_numbers(&(-0.12..0.11), 5);
        assert_eq!(ticks.iter().map(|tick| (tick * 100.0).round() as i32).collect::<Vec<_>>(), [-10, -5, 0, 5, 10]);
    }

    #[test]
    fn every_row_has_a_dot_or_a_word() {
        let page = crate::sample::page();
        let crate::Block::Plot(plot) = &page.blocks[0] else { panic!("the picture comes first") };
        let svg = crate::svg(plot).unwrap();
        assert_eq!(svg.matches("r=\"8\"").count(), 1, "{svg}");
        assert!(svg.contains("not run") && svg.contains("1.0 ± 0.5") && svg.contains("real"));
    }

    #[test]
    fn a_mark_far_from_all_values_does_not_hide_their_differences() {
        let cell = |value: f64| Ok(Interval { value, ..Interval::default() });
        let column = |mark: f64| Column {
            mark: Some((mark, "real".into())),
            cells: vec![cell(9.0), cell(10.0)],
            ..Column::default()
        };
        assert!(span(&column(8.0)).unwrap().contains(&8.0));
        assert!(!span(&column(1.0)).unwrap().contains(&1.0));
    }
}
