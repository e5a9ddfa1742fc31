//! One build of the external dependencies for every crate.
//!
//! Cargo resolves the features of a dependency for the packages that are selected, so that testing one crate alone
//! would compile Burn again with other features than the whole workspace. Each crate therefore has this one, which
//! names every external dependency of the crates, as a development dependency, and the program as an ordinary one.
//! The benchmarks' criterion is left out, since few build them and it asks for many features.
//! It holds no code.
