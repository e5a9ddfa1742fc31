//! The f64 mathematics of the forward process: levels, chains, spacings, grids and spans.
