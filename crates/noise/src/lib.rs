//! Where randomness comes from: counter-based normals keyed by (seed, sample, draw).
