//! Text for people: what a command found goes to standard output, what it is doing to standard error.
//!
//! A reader may go away (`undrift methods | head -1`). That is no fault of the command, which goes on quietly: it may
//! have files to write yet.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Standard output that could not be written, e.g. on a full disk.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot write to standard output: {0}")]
pub struct PrintError(pub io::Error);

/// Prints a text and a line break to standard output.
///
/// # Errors
/// [`PrintError`], but not for a reader that went away.
pub fn say(text: impl Display) -> Result<(), PrintError> {
    print(format_args!("{text}\n"))
}

/// Prints a text to standard output as it is.
///
/// # Errors
/// As [`say`].
pub fn print(text: impl Display) -> Result<(), PrintError> {
    write_to(&mut io::stdout().lock(), text)
}

/// Prints a line to standard error, for as long as anyone reads it.
pub fn note(text: impl Display) {
    // Nothing is left to tell it to.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn write_to(out: &mut impl Write, text: impl Display) -> Result<(), PrintError> {
    match out.write_all(text.to_string().as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(PrintError(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is() {
        write_to(&mut Failing(ErrorKind::BrokenPipe), "text").unwrap();
        let error = write_to(&mut Failing(ErrorKind::StorageFull), "text").unwrap_err().to_string();
        assert!(error.contains("standard output"), "{error}");
    }
}
