//! One step across a span and one lazy loop over a grid.
