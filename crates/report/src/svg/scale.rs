//! An axis with the places of its values, linear or logarithmic.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};
use std::ops::Range;

use super::ticks;
use crate::numbers;
use crate::plot::Axis;

/// A range of an axis in the places where its points are drawn: values, or their logarithms.
#[derive(Clone)]
pub(super) struct Scale {
    places: Range<f64>,
    ticks: Vec<f64>,
    logarithmic: bool,
}

/// The smallest range that holds all positive values with some air; none without any.
pub(super) fn positive_range(values: impl Iterator<Item = f64>) -> Option<Range<f64>> {
    let positive = values.filter(|value| value.is_finite() && *value > 0.0);
    let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    (high > 0.0).then(|| low / 1.3..high * 1.3)
}

/// The smallest range that holds all finite values with some air; none without any.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<Range<f64>> {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let air = if high > low { 0.04 * (high - low) } else { 0.5 * low.abs().max(1.0) };
    (low <= high).then(|| low - air..high + air)
}

impl Scale {
    /// The scale of an axis that holds all values that can be drawn; none without any.
    pub(super) fn of(axis: &Axis, values: impl Iterator<Item = f64>) -> Option<Self> {
        if axis.logarithmic {
            let range = positive_range(values)?;
            let ticks = ticks::within(&range, 8).into_iter().map(f64::log10).collect();
            return Some(Scale { places: range.start.log10()..range.end.log10(), ticks, logarithmic: true });
        }
        Some(Scale { places: range(values)?, ticks: Vec::new(), logarithmic: false })
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        if self.logarithmic { value.log10() } else { value }
    }

    /// The value at a place, as a tick; a place that is 0 but for rounding is 0.
    pub(super) fn tick(&self, place: f64) -> String {
        let width = self.places.end - self.places.start;
        numbers::tick(match self.logarithmic {
            true => 10f64.powf(place),
            false if place.abs() < 1e-9 * width => 0.0,
            false => place,
        })
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, limit: (i32, i32)) -> i32 {
        let share = (place - self.places.start) / (self.places.end - self.places.start);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if self.logarithmic {
            return self.ticks.clone();
        }
        plotters::coord::types::RangedCoordf64::from(self.places.clone()).key_points(hint)
    }

    fn range(&self) -> Range<f64> {
        self.places.clone()
    }
}

impl plotters::coord::ranged1d::ValueFormatter<f64> for Scale {
    fn format_ext(&self, place: &f64) -> String {
        self.tick(*place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_finite_values_span_a_logarithmic_axis() {
        let range = positive_range([f64::NAN, 0.0, -1.0, 2.6, 10.0].into_iter()).unwrap();
        assert_eq!(range, 2.0..13.0);
        assert_eq!(positive_range([0.0, f64::INFINITY].into_iter()), None);
    }

    #[test]
    fn a_single_value_has_air_around_it() {
        assert_eq!(range([f64::NAN, 4.0].into_iter()), Some(2.0..6.0));
        assert_eq!(range([f64::INFINITY].into_iter()), None);
    }
}
