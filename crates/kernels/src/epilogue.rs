//! What a convolution adds to its sums.

/// Values that are added to the output of a convolution while it is written.
#[derive(Clone, Copy, Default)]
pub(crate) struct Epilogue<'a> {
    /// `[to]` for every image, or `[batch, to]`.
    pub(crate) shift: Option<&'a [f32]>,
    /// Of the output's size.
    pub(crate) residual: Option<&'a [f32]>,
}

impl<'a> Epilogue<'a> {
    /// # Panics
    /// If a length is not one of those above.
    pub(crate) fn check(&self, batch: usize, pixels: usize, to: usize) {
        assert!(self.shift.is_none_or(|shift| shift.len() == to || shift.len() == batch * to));
        assert!(self.residual.is_none_or(|residual| residual.len() == batch * pixels * to));
    }

    /// What every pixel of an image gets, `[to]`.
    #[inline(always)]
    pub(crate) fn shift(&self, image: usize, to: usize) -> Option<&'a [f32]> {
        self.shift.map(|shift| if shift.len() == to { shift } else { &shift[image * to..][..to] })
    }
}
