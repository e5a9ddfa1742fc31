//! Tables, as text in cells, before anyone lays them out.

/// A table whose first columns name the line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// How many columns from the left name the line; they are text, the others are numbers.
    pub names: usize,
    /// Heads of the columns.
    pub heads: Vec<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One line of a table; as many cells as the table has heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it stands for.
    pub kind: Kind,
    /// Its cells.
    pub cells: Vec<String>,
}

/// What a line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A row: its only seed, or the mean over its seeds.
    Row,
    /// One of several seeds of the row above.
    Seed,
    /// What is no row: real data.
    Reference,
}

impl Table {
    /// A table of rows.
    pub fn rows(names: usize, heads: &[impl ToString], lines: impl IntoIterator<Item = Vec<String>>) -> Self {
        let heads = heads.iter().map(ToString::to_string).collect();
        let lines = lines.into_iter().map(|cells| Line { kind: Kind::Row, cells }).collect();
        Table { names, heads, lines }
    }
}
