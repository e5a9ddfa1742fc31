//! Plots as plain data: what is drawn, before anyone draws it.

/// A plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Its heading.
    pub heading: String,
    /// Name of its SVG in the page's directory.
    pub file: String,
    /// How to read it.
    pub caption: String,
    /// What is drawn.
    pub drawing: Drawing,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Drawing {
    /// Rows with their errors.
    Intervals(Intervals),
    /// Curves in colours over one number.
    Lines(Lines),
    /// Curves of rows that do not compare, a panel each.
    Panels(Panels),
    /// Sums as stacked bars.
    Bars(Bars),
}

/// Rows from top to bottom, and columns of numbers with their errors, each on a scale of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intervals {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Columns from left to right.
    pub columns: Vec<Column>,
}

/// A column of numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// A value to hold the others against, with its name.
    pub mark: Option<(f64, String)>,
    /// A cell for each row; none is said in words.
    pub cells: Vec<Result<Interval, String>>,
}

/// A number with its error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// The number.
    pub value: f64,
    /// How far it is uncertain to either side.
    pub error: Option<f64>,
    /// What it is the mean of.
    pub points: Vec<f64>,
    /// The number as text.
    pub text: String,
}

/// Curves over one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// The number that they are over.
    pub x: Axis,
    /// Their values.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
    /// Whether every point is marked.
    pub dots: bool,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Axis {
    /// What it measures.
    pub name: String,
    /// Whether equal factors are equally far apart.
    pub logarithmic: bool,
}

/// Curves of one colour and name.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name.
    pub label: String,
    /// One curve or several.
    pub curves: Vec<Vec<(f64, f64)>>,
}

/// Panels side by side, of which each has its own scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panels {
    /// The panels in their order.
    pub panels: Vec<Panel>,
}

/// A panel: positive values, logarithmic, over one number from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Its name.
    pub label: String,
    /// Its curves.
    pub curves: Vec<Vec<(f64, f64)>>,
    /// What is said inside, of curves that break off or are missing.
    pub note: Option<String>,
}

/// Bars of sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// The bars from top to bottom.
    pub bars: Vec<Bar>,
}

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its name.
    pub label: String,
    /// The summands from left to right, or why there are none.
    pub parts: Result<Vec<f64>, String>,
    /// Its numbers as text.
    pub text: String,
}

impl Axis {
    /// An axis with equal differences equally far apart.
    pub fn linear(name: &str) -> Self {
        Axis { name: name.to_owned(), logarithmic: false }
    }

    /// An axis with equal factors equally far apart.
    pub fn logarithmic(name: &str) -> Self {
        Axis { name: name.to_owned(), logarithmic: true }
    }
}

impl Series {
    /// A series of one curve.
    pub fn one(label: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Series { label: label.into(), curves: vec![points] }
    }
}
