//! What can go wrong while a page is written.

use std::path::PathBuf;

/// Why a page or a sample grid could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of the page could not be written.
    #[error("cannot write {}: {source}; choose a directory that can be written to", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A picture that the page shows could not be read.
    #[error("cannot read the picture {}: {source}; write the pictures before the report", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A plot could not be drawn.
    #[error("cannot draw the plot of {plot}: {reason}")]
    Plot {
        /// What the plot shows.
        plot: String,
        /// The plotting crate's reason.
        reason: String,
    },
    /// A grid was asked for with a number of channels that PNG does not know.
    #[error("a sample grid has 1 (grey) or 3 (RGB) channels, not {0}")]
    Channels(usize),
    /// A grid was asked for with no images, no pixels, no columns or no zoom.
    #[error("a sample grid needs at least one image, and height, width, columns and zoom of at least 1")]
    EmptyGrid,
    /// The pixels do not fill a whole number of images.
    #[error("{pixels} pixel values are not a whole number of images of {image} values each")]
    Pixels {
        /// Values given.
        pixels: usize,
        /// Values in one image: channels * height * width.
        image: usize,
    },
    /// The PNG encoder refused.
    #[error("cannot encode the sample grid as PNG: {0}")]
    Png(#[from] png::EncodingError),
}
