//! The disagreement of two lists of numbers, and how large it may be.

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
