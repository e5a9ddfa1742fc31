//! The parameters of a method: their names, kinds, defaults and meanings.

/// One parameter of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it is when nothing is said; `None` must be given.
    pub default: Option<Preset>,
    /// What it means, with its unit or range.
    pub about: &'static str,
}

/// What the values of a parameter are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number, or one of these names for one.
    Number(&'static [(&'static str, f64)]),
    /// A whole number from 0 on.
    Count,
    /// `true` or `false`.
    Flag,
    /// Text, such as a path.
    Text,
    /// A list of numbers.
    Numbers,
    /// A list of whole numbers from 0 on.
    Counts,
    /// Another method of the slot of this name.
    Method(&'static str),
}

/// The default of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Preset {
    /// A number.
    Number(f64),
    /// A whole number.
    Count(usize),
    /// `true` or `false`.
    Flag(bool),
    /// A text.
    Text(&'static str),
    /// No numbers.
    Nothing,
}

impl Parameter {
    /// A number.
    pub const fn number(name: &'static str, default: Option<f64>, about: &'static str) -> Self {
        let default = match default {
            Some(value) => Some(Preset::Number(value)),
            None => None,
        };
        Parameter { name, kind: Kind::Number(&[]), default, about }
    }

    /// A whole number from 0 on.
    pub const fn count(name: &'static str, default: Option<usize>, about: &'static str) -> Self {
        let default = match default {
            Some(value) => Some(Preset::Count(value)),
            None => None,
        };
        Parameter { name, kind: Kind::Count, default, about }
    }

    /// `true` or `false`.
    pub const fn flag(name: &'static str, default: Option<bool>, about: &'static str) -> Self {
        let default = match default {
            Some(value) => Some(Preset::Flag(value)),
            None => None,
        };
        Parameter { name, kind: Kind::Flag, default, about }
    }

    /// Text, such as a path.
    pub const fn text(name: &'static str, default: Option<&'static str>, about: &'static str) -> Self {
        let default = match default {
            Some(value) => Some(Preset::Text(value)),
            None => None,
        };
        Parameter { name, kind: Kind::Text, default, about }
    }

    /// A list of numbers, which must be given.
    pub const fn numbers(name: &'static str, about: &'static str) -> Self {
        Parameter { name, kind: Kind::Numbers, default: None, about }
    }

    /// A list of whole numbers, which must be given.
    pub const fn counts(name: &'static str, about: &'static str) -> Self {
        Parameter { name, kind: Kind::Counts, default: None, about }
    }

    /// Another method of the slot `of`, which must be given.
    pub const fn method(name: &'static str, of: &'static str, about: &'static str) -> Self {
        Parameter { name, kind: Kind::Method(of), default: None, about }
    }

    /// The same number with names for some of its values.
    pub const fn named(self, names: &'static [(&'static str, f64)]) -> Self {
        Parameter { kind: Kind::Number(names), ..self }
    }

    /// The same list, which may be left away and is empty then.
    pub const fn or_empty(self) -> Self {
        Parameter { default: Some(Preset::Nothing), ..self }
    }

    /// The default in words: `default: 1`, or `required`.
    pub fn default_text(&self) -> String {
        self.default.map_or("required".to_owned(), |preset| format!("default: {}", preset.text()))
    }
}

impl Preset {
    /// As a recipe writes it.
    pub fn text(&self) -> String {
        match self {
            Preset::Number(value) => value.to_string(),
            Preset::Count(value) => value.to_string(),
            Preset::Flag(value) => value.to_string(),
            Preset::Text(value) => format!("{value:?}"),
            Preset::Nothing => "[]".to_owned(),
        }
    }
}

impl Kind {
    /// What a value must be, in words.
    pub fn text(&self) -> String {
        match self {
            Kind::Number([]) => "a number".to_owned(),
            Kind::Number(names) => {
                let names = names.iter().map(|(name, value)| format!("\"{name}\" ({value})")).collect::<Vec<_>>();
                format!("a number, {}", names.join(" or "))
            }
            Kind::Count => format!("a whole number from 0 to {}", u32::MAX),
            Kind::Flag => "true or false".to_owned(),
            Kind::Text => "a text".to_owned(),
            Kind::Numbers => "a list of numbers".to_owned(),
            Kind::Counts => format!("a list of whole numbers from 0 to {}", u32::MAX),
            Kind::Method(slot) => format!("another {slot}"),
        }
    }
}
