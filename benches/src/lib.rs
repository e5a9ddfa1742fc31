//! Benchmarks of the loops that matter.
