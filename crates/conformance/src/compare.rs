//! Comparing lists of numbers.

use super::case::Outcome;

/// How far our numbers may be from the published ones: `absolute + relative * |value| + of_largest * max |value|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// In units of the values.
    pub absolute: f64,
    /// As a fraction of each published value.
    pub relative: f64,
    /// As a fraction of the largest published value of the same list.
    pub of_largest: f64,
}

impl Tolerance {
    /// Not a bit of room: integer lists.
    pub const EXACT: Tolerance = Tolerance::new(0.0, 0.0, 0.0);

    pub(super) const fn new(absolute: f64, relative: f64, of_largest: f64) -> Self {
        Tolerance { absolute, relative, of_largest }
    }

    pub(super) const fn relative(relative: f64) -> Self {
        Tolerance::new(0.0, relative, 0.0)
    }

    pub(super) const fn absolute(absolute: f64) -> Self {
        Tolerance::new(absolute, 0.0, 0.0)
    }

    pub(super) fn at(&self, value: f64, largest: f64) -> f64 {
        self.absolute + self.relative * value.abs() + self.of_largest * largest
    }
}

/// The largest disagreement between two lists of numbers, measured against its tolerance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// How many numbers were compared.
    pub values: usize,
    /// Where the disagreement is largest as a fraction of its tolerance: flat index, row-major.
    pub index: usize,
    /// Absolute error there; infinite for a NaN.
    pub error: f64,
    /// Tolerance there.
    pub tolerance: f64,
}

impl Comparison {
    /// One thing that had to be so, and is.
    pub(super) const AGREES: Comparison = Comparison { values: 1, index: 0, error: 0.0, tolerance: 0.0 };

    /// Error as a fraction of its tolerance; at most 1 is a pass.
    pub fn fraction(&self) -> f64 {
        let fraction = if self.error == 0.0 { 0.0 } else { self.error / self.tolerance };
        // The tolerance of an infinite or undefined number is no number to divide by.
        if fraction.is_nan() { f64::INFINITY } else { fraction }
    }

    /// Whether every number is within its tolerance.
    pub fn passes(&self) -> bool {
        self.fraction() <= 1.0
    }
}

/// Compares number by number under one tolerance.
pub(super) fn compare(ours: &[f64], published: &[f64], tolerance: Tolerance) -> Outcome {
    let largest = largest(published);
    compare_each(ours, published, |index| tolerance.at(published[index], largest))
}

/// Compares number by number with a tolerance for each.
pub(super) fn compare_each(ours: &[f64], published: &[f64], tolerance: impl Fn(usize) -> f64) -> Outcome {
    if ours.len() != published.len() {
        let (ours, published) = (ours.len(), published.len());
        let reason = format!("we give {ours} numbers, the fixture has {published}");
        return Outcome::Failed { reason };
    }
    let each = (0..ours.len()).map(|index| Comparison {
        values: ours.len(),
        index,
        error: error(ours[index], published[index]),
        tolerance: tolerance(index),
    });
    match each.reduce(worse) {
        Some(worst) => Outcome::Compared(worst),
        None => Outcome::Failed { reason: "the fixture holds no numbers here".to_owned() },
    }
}

/// The largest absolute value among the finite ones.
pub(super) fn largest(values: &[f64]) -> f64 {
    let finite = values.iter().filter(|value| value.is_finite());
    finite.fold(0.0, |largest: f64, value| largest.max(value.abs()))
}

fn worse(a: Comparison, b: Comparison) -> Comparison {
    if b.fraction() > a.fraction() { b } else { a }
}

/// Equal infinities agree; a NaN agrees with nothing, and an infinity with no finite number.
fn error(ours: f64, published: f64) -> f64 {
    if ours == published {
        0.0
    } else if ours.is_finite() && published.is_finite() {
        (ours - published).abs()
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(ours: &[f64], published: &[f64], tolerance: Tolerance) -> Comparison {
        match compare(ours, published, tolerance) {
            Outcome::Compared(comparison) => comparison,
            other => panic!("not compared: {other:?}"),
        }
    }

    #[test]
    fn the_largest_fraction_is_found_wherever_it_is() {
        let found = worst(&[1.0, 2.1, 300.0], &[1.0, 2.0, 301.0], Tolerance::relative(0.1));
        assert_eq!((found.index, found.values), (1, 3));
        assert!(found.passes());
        assert!(!worst(&[2.3], &[2.0], Tolerance::relative(0.1)).passes());
    }

    #[test]
    fn errors_of_opposite_sign_do_not_cancel() {
        assert!(!worst(&[1.5, 0.5], &[1.0, 1.0], Tolerance::absolute(0.1)).passes());
    }

    #[test]
    fn a_nan_never_passes() {
        let room = Tolerance::new(1e300, 1.0, 1.0);
        for (ours, published) in [(f64::NAN, 0.0), (0.0, f64::NAN), (f64::NAN, f64::NAN)] {
            assert!(!worst(&[ours, 0.0], &[published, 0.0], room).passes());
            assert!(!worst(&[0.0, ours], &[0.0, published], room).passes());
        }
    }

    #[test]
    fn infinities_agree_with_themselves_only() {
        let inf = f64::INFINITY;
        assert!(worst(&[inf], &[inf], Tolerance::EXACT).passes());
        assert!(!worst(&[inf], &[-inf], Tolerance::absolute(1e300)).passes());
        assert!(!worst(&[1.0], &[inf], Tolerance::relative(1.0)).passes());
    }

    #[test]
    fn lists_of_other_lengths_and_empty_lists_fail() {
        for (ours, published) in [(&[1.0][..], &[1.0, 1.0][..]), (&[], &[])] {
            let outcome = compare(ours, published, Tolerance::absolute(1.0));
            assert!(matches!(outcome, Outcome::Failed { .. }));
        }
    }
}
