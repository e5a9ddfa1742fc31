//! A score: its name, which direction is better, its unit, and how it is written.

use super::mean::Mean;
use super::numbers;

/// A score of a row, or a cost of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Its name.
    pub name: String,
    /// Which values are better.
    pub direction: Direction,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// How its values are written.
    pub format: Format,
    /// The name of the published score that stands beside it, where there is one.
    pub published: Option<String>,
}

/// Which values of a score are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smaller ones.
    Lower,
    /// Larger ones.
    Higher,
    /// Neither: a cost, or a number to know; it is shown and never judged.
    Neither,
}

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// With so many decimals and the error.
    Decimals(usize),
    /// Seconds as people say them, without an error.
    Duration,
}

impl Score {
    /// A score without unit and published name.
    pub fn new(name: impl Into<String>, direction: Direction, decimals: usize) -> Self {
        let format = Format::Decimals(decimals);
        Score { name: name.into(), direction, unit: String::new(), format, published: None }
    }

    /// A time in seconds.
    pub fn seconds(name: impl Into<String>) -> Self {
        Score { format: Format::Duration, unit: "s".to_owned(), ..Score::new(name, Direction::Neither, 0) }
    }

    /// Whether rows are judged by it.
    pub fn is_judged(&self) -> bool {
        self.direction != Direction::Neither
    }

    /// A value turned so that smaller is better.
    pub fn turned(&self, value: f64) -> f64 {
        if self.direction == Direction::Higher { -value } else { value }
    }

    /// A value as text.
    pub fn value(&self, value: f64) -> String {
        match self.format {
            Format::Decimals(decimals) => numbers::fixed(value, decimals),
            Format::Duration => numbers::duration(value),
        }
    }

    /// A mean with its error as text.
    pub fn mean(&self, mean: &Mean) -> String {
        match self.format {
            Format::Decimals(decimals) => numbers::mean(mean, decimals),
            Format::Duration => numbers::mean_duration(mean),
        }
    }

    /// A difference of two rows in words: `better` where it is one, whichever way the score goes.
    pub fn word(&self, difference: &Mean) -> &'static str {
        match difference.is_clear() {
            None => "one seed",
            Some(false) if difference.value == 0.0 && difference.error == Some(0.0) => "the same",
            Some(false) => "not clear",
            Some(true) if self.turned(difference.value) < 0.0 => "better",
            Some(true) => "worse",
        }
    }

    /// Name, unit and direction, for the head of a column.
    pub fn head(&self) -> String {
        let unit = if self.unit.is_empty() || self.format == Format::Duration {
            String::new()
        } else {
            format!(", {}", self.unit)
        };
        let arrow = match self.direction {
            Direction::Lower => " (lower is better)",
            Direction::Higher => " (higher is better)",
            Direction::Neither => "",
        };
        format!("{}{unit}{arrow}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_judged_by_the_direction() {
        let fallen = Mean { value: -1.0, error: Some(0.01), used: 3, of: 3 };
        assert_eq!(Score::new("error", Direction::Lower, 2).word(&fallen), "better");
        assert_eq!(Score::new("likeness", Direction::Higher, 2).word(&fallen), "worse");
        let other = |value, error| Mean { value, error, used: 3, of: 3 };
        let score = Score::new("error", Direction::Lower, 2);
        assert_eq!(score.word(&other(1.0, Some(1.0))), "not clear");
        assert_eq!(score.word(&other(0.0, Some(0.0))), "the same");
        assert_eq!(score.word(&other(1.0, None)), "one seed");
    }

    #[test]
    fn a_head_says_unit_and_direction() {
        let rate = Score { unit: "bit".into(), ..Score::new("rate", Direction::Lower, 3) };
        assert_eq!(rate.head(), "rate, bit (lower is better)");
        assert_eq!(Score::seconds("training").head(), "training");
        assert_eq!(Score::seconds("training").value(62.0), "1 min 02 s");
    }
}
