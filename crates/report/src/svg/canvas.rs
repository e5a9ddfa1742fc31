//! What all drawings share: their size, letters and colours.

use plotters::coord::Shift;
use plotters::prelude::*;

pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Width of a drawing in its own units. Coordinates are integers, so drawings are made at twice
/// the size at which they are shown.
pub(super) const WIDTH: u32 = 1800;
/// Letters of axes and captions.
pub(super) const SMALL: u32 = 32;
pub(super) const LARGE: u32 = 36;
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
pub(super) const INK: RGBColor = RGBColor(29, 36, 48);
pub(super) const RULE: RGBColor = RGBColor(128, 136, 148);

/// The colour of a row, the same in every plot.
pub(super) fn colour(row: usize) -> RGBColor {
    COLOURS[row % COLOURS.len()]
}

/// Small letters in ink.
pub(super) fn letters() -> TextStyle<'static> {
    ("sans-serif", SMALL).into_font().color(&INK)
}

/// Units that a text of small letters takes at most, about.
pub(super) fn room(text: &str) -> i32 {
    text.chars().count() as i32 * 17
}

/// A text broken between words into lines of at most so many units.
pub(super) fn broken(text: &str, units: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if room(line) + room(word) + 17 <= units => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A note where there is nothing to draw.
pub(super) fn nothing(canvas: &Canvas<'_>, note: &str) -> Drawn {
    let style = ("sans-serif", SMALL).into_font().color(&RULE);
    canvas.draw(&Text::new(note.to_string(), (110, 110), style))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_where_the_room_ends() {
        assert_eq!(broken("one two three", 7 * 17), ["one two", "three"]);
        assert_eq!(broken("incomprehensibilities", 17), ["incomprehensibilities"]);
    }
}
