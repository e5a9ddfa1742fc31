//! The size of a convolution, and the chunks that it is cut into.

use super::transforms::{POINTS, TILE};

/// The size of a convolution; height and width are those of input and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Some rows of tiles of one image, or all of them of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) image: usize,
    pub(super) images: usize,
    pub(super) row: usize,
    pub(super) rows: usize,
}

/// Channels are padded to this in working memory, so that no vector is cut there.
pub(super) const PAD: usize = 16;

/// Floats of working memory that a chunk of tiles should stay below, so that it fits into a core's cache.
const CHUNK_FLOATS: usize = 160 * 1024;

impl Size {
    pub(super) fn tile_rows(&self) -> usize {
        self.height.div_ceil(TILE)
    }

    pub(super) fn tile_columns(&self) -> usize {
        self.width.div_ceil(TILE)
    }

    pub(super) fn padded_from(&self) -> usize {
        self.from.next_multiple_of(PAD)
    }

    pub(super) fn padded_to(&self) -> usize {
        self.to.next_multiple_of(PAD)
    }

    /// Floats between the sums of two points, padded like [`Chunk::point`].
    pub(super) fn sums(&self) -> usize {
        self.from * self.padded_to() + PAD
    }

    /// Chunks in the order of the batch; each output row lies in one of them.
    pub(super) fn chunks(&self) -> Vec<Chunk> {
        let tiles = CHUNK_FLOATS / (POINTS * (self.padded_from() + self.padded_to()));
        let (rows, columns) = (self.tile_rows(), self.tile_columns());
        let mut chunks = Vec::new();
        if tiles >= rows * columns {
            let count = self.batch.div_ceil((tiles / (rows * columns)).max(1)).next_power_of_two();
            let images = self.batch.div_ceil(count);
            for image in (0..self.batch).step_by(images) {
                chunks.push(Chunk { image, images: images.min(self.batch - image), row: 0, rows });
            }
        } else {
            let parts = rows.div_ceil((tiles / columns).max(1));
            let part = rows.div_ceil(parts);
            for image in 0..self.batch {
                for row in (0..rows).step_by(part) {
                    chunks.push(Chunk { image, images: 1, row, rows: part.min(rows - row) });
                }
            }
        }
        chunks
    }
}

impl Chunk {
    pub(super) fn tiles(&self, size: &Size) -> usize {
        self.images * self.rows * size.tile_columns()
    }

    /// Rows of pixels of an image that the chunk's tiles cover.
    pub(super) fn height(&self, size: &Size) -> usize {
        (TILE * (self.row + self.rows)).min(size.height) - TILE * self.row
    }

    /// Pixels of the batch that the chunk's tiles cover.
    pub(super) fn pixels(&self, size: &Size) -> usize {
        self.images * self.height(size) * size.width
    }

    /// Floats of a framed row of pixels.
    pub(super) fn framed_row(&self, size: &Size) -> usize {
        (TILE * size.tile_columns() + 2) * size.padded_from()
    }

    /// Floats of the framed rows of one image.
    pub(super) fn framed(&self, size: &Size) -> usize {
        (TILE * self.rows + 2) * self.framed_row(size)
    }

    /// Floats between the values of two points; not a multiple of a page, which would put them all into
    /// the same few places of the cache.
    pub(super) fn point(&self, size: &Size, channels: usize) -> usize {
        self.tiles(size) * channels + PAD
    }
}
