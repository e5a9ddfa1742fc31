//! Zeros around an image.

/// Zeros around an image, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// The padding with which an odd kernel keeps height and width.
    pub fn same(kernel: usize) -> Self {
        let pad = kernel / 2;
        Padding { top: pad, left: pad, bottom: pad, right: pad }
    }
}
