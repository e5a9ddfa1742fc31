//! Golden vectors of published implementations, run against this code.
