//! Someone else's error as a value.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// An error of a method elsewhere: what a network, a wrapper or a solver outside of these crates has to say.
///
/// It can be cloned, and is equal to its own clones alone. It reads as the error that it was made of.
#[derive(Clone, Debug)]
pub struct ForeignError(Arc<dyn Error + Send + Sync>);

impl ForeignError {
    /// Takes an error, or a text that is all there is to say.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        ForeignError(Arc::from(error.into()))
    }

    /// The error itself, for whoever knows its type.
    pub fn get(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for ForeignError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl PartialEq for ForeignError {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_what_it_was_made_of_and_is_equal_to_its_clones() {
        let error = ForeignError::new(fmt::Error);
        assert_eq!((error.to_string(), error.get().downcast_ref()), (fmt::Error.to_string(), Some(&fmt::Error)));
        assert_eq!(error.clone(), error);
        assert_ne!(error, ForeignError::new(fmt::Error));
        assert_eq!(ForeignError::new("no such word").to_string(), "no such word");
    }
}
