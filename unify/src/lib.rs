//! One build of the external dependencies for every crate.
//!
//! Cargo resolves the features of a dependency for the packages that are selected, so that testing one crate alone
//! would compile Burn again with other features than the whole workspace. Each crate therefore has this one, which
//! names every external dependency of the workspace, as a development dependency.
//! It holds no code.
