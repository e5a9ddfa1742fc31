//! One row of a slot's table, and the table.

use super::{Method, MethodError, Parameter, Values};
use std::collections::BTreeSet;

/// A place of an experiment that a method goes into: chain, solver, network, ..
pub trait Slot: 'static {
    /// What its methods are called, as `solver`.
    const NAME: &'static str;
    /// Where a recipe or the command line names them.
    const WRITTEN: &'static str;
    /// How a row makes its value: a function of the row's [`Values`] and of what the slot knows.
    type Build: Copy + Send + Sync + 'static;
}

/// One method: its name in recipes and on the command line, its line in the listing and in the documentation, and how
/// it is made.
pub struct Row<S: Slot> {
    /// Its name.
    pub name: &'static str,
    /// What it is and where it is from.
    pub about: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// How it is made.
    pub build: S::Build,
}

impl<S: Slot> Clone for Row<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Slot> Copy for Row<S> {}

/// The methods of a slot.
pub struct Table<S: Slot> {
    rows: Vec<Row<S>>,
}

impl<S: Slot> Clone for Table<S> {
    fn clone(&self) -> Self {
        Table { rows: self.rows.clone() }
    }
}

impl<S: Slot> Table<S> {
    /// The table of these rows.
    pub(super) fn of(rows: &[Row<S>]) -> Self {
        let table = Table { rows: rows.to_vec() };
        debug_assert_eq!(table.names().collect::<BTreeSet<_>>().len(), table.rows.len(), "{} twice", S::NAME);
        table
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`MethodError::Taken`] for a name that a row has already.
    pub fn add(&mut self, row: Row<S>) -> Result<(), MethodError> {
        if self.names().any(|name| name == row.name) {
            return Err(MethodError::Taken { slot: S::NAME, name: row.name });
        }
        self.rows.push(row);
        Ok(())
    }

    /// All rows.
    pub fn rows(&self) -> &[Row<S>] {
        &self.rows
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.rows.iter().map(|row| row.name)
    }

    /// What the method that is asked for is; nothing for one that is not there.
    pub fn about(&self, method: &Method) -> &'static str {
        self.rows.iter().find(|row| row.name == method.name).map_or("", |row| row.about)
    }

    /// How the method that is asked for is made, and the values of its parameters.
    ///
    /// # Errors
    /// [`MethodError::Unknown`] with the names that exist, and those of [`Values::of`].
    pub fn find(&self, method: &Method) -> Result<(S::Build, Values), MethodError> {
        let row = self.rows.iter().find(|row| row.name == method.name).ok_or_else(|| MethodError::Unknown {
            slot: S::NAME,
            name: method.name.clone(),
            known: self.names().collect::<Vec<_>>().join(", "),
        })?;
        Ok((row.build, Values::of(method, row.parameters)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fruit;

    impl Slot for Fruit {
        const NAME: &'static str = "fruit";
        const WRITTEN: &'static str = "`fruit`";
        type Build = fn(&Values) -> f64;
    }

    const WEIGHT: &[Parameter] = &[Parameter::number("grams", Some(150.0), "weight")];

    #[test]
    fn a_row_is_found_by_its_name_and_no_name_is_given_twice() {
        let apple: Row<Fruit> = Row { name: "apple", about: "", parameters: WEIGHT, build: |v| v.number("grams") };
        let mut fruit = Table::of(&[apple]);
        fruit.add(Row { name: "pear", ..apple }).unwrap();
        let (build, values) = fruit.find(&"pear:grams=90".parse().unwrap()).unwrap();
        assert_eq!(build(&values), 90.0);
        let error = fruit.find(&Method::named("plum")).err().unwrap().to_string();
        assert_eq!(error, "no fruit is called `plum`; there are: apple, pear");
        assert_eq!(fruit.add(apple), Err(MethodError::Taken { slot: "fruit", name: "apple" }));
    }
}
