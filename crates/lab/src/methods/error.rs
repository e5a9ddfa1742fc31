//! What can be wrong with a method as it is written.

/// What can be wrong with a method as it is written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MethodError {
    /// The text has another form.
    #[error("`{text}` is no method: write `name` or `name:key=value,key=value`, as `ddim:eta=0.5`")]
    Form {
        /// The text.
        text: String,
    },
    /// No method has this name.
    #[error("no {slot} is called `{name}`; there are: {known}")]
    Unknown {
        /// `solver`, `wrapper`, ..
        slot: &'static str,
        /// What was asked for.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// The method has no such parameter.
    #[error("`{method}` has no parameter `{parameter}`; its parameters: {known}")]
    UnknownParameter {
        /// The method.
        method: String,
        /// What was given.
        parameter: String,
        /// Those that exist.
        known: String,
    },
    /// A parameter without a default was not given.
    #[error(
        "`{method}` needs `{parameter}`, {about}: write `{method}:{parameter}=..`, or `{parameter} = ..` in its table"
    )]
    Missing {
        /// The method.
        method: String,
        /// The parameter.
        parameter: String,
        /// What it means.
        about: &'static str,
    },
    /// A parameter was given more than once.
    #[error("`{method}` was given `{parameter}` twice: give it once")]
    Twice {
        /// The method.
        method: String,
        /// The parameter.
        parameter: String,
    },
    /// A value is of another kind.
    #[error("`{parameter}` of `{method}` is `{value}`, but must be {kind}")]
    Kind {
        /// The method.
        method: String,
        /// The parameter.
        parameter: String,
        /// What was given.
        value: String,
        /// What it must be.
        kind: String,
    },
    /// A value that counts levels is beyond the chain.
    #[error("`{parameter}` of `{method}` is {value}, but the chain has {length} levels: give at most {length}")]
    BeyondChain {
        /// The method.
        method: String,
        /// The parameter.
        parameter: String,
        /// What was given.
        value: usize,
        /// Levels of the chain.
        length: usize,
    },
    /// The method refuses its values, or does not fit what it is to work with.
    #[error("`{method}`: {why}")]
    Refused {
        /// The method.
        method: String,
        /// Why.
        why: String,
    },
    /// A slot has a row of this name already.
    #[error("there is a {slot} `{name}` already: give yours another name")]
    Taken {
        /// The slot.
        slot: &'static str,
        /// The name.
        name: &'static str,
    },
}

impl MethodError {
    /// What `method` refuses, for this reason.
    pub fn refused(method: &str, why: impl ToString) -> Self {
        MethodError::Refused { method: method.to_owned(), why: why.to_string() }
    }
}
