//! A study of exposure bias: rows sampled plainly and with cures, whose constants are searched on other seeds than
//! those that are reported, and the bias along chains.
//!
//! What a cure is called, and the samplers that it makes, come from above as a [`SamplerGrid`].

mod book;
mod curves;
mod grid;
mod search;
mod study;
mod trained;

pub use book::{Book, Scored};
pub use curves::{ChainLength, Curve, CurvePoint};
pub use grid::{Cure, NamedSampler, SamplerGrid};
pub use search::{Search, Tried, best};
pub use study::{Entry, Exposure, ExposureResults};
