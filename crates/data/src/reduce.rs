//! Images of 28x28 reduced to 16x16 in whole grey levels.

use crate::{DataError, Images};

impl Images {
    /// These 28x28 images at 16x16: two black pixels added on every side, then the mean of every 2x2
    /// square, rounded to an integer.
    ///
    /// Integers are needed because the discretised decoder of the variational bound gives probabilities
    /// to the 256 byte values alone. A mean halfway between two integers goes to the even one, so that
    /// rounding changes the average grey value neither up nor down.
    ///
    /// # Errors
    /// [`DataError::NotReducible`] for any other size.
    pub fn reduced(&self) -> Result<Images, DataError> {
        let (height, width) = (self.height(), self.width());
        if (height, width) != (SIZE, SIZE) {
            return Err(DataError::NotReducible { height, width });
        }
        let pixels = self.pixels().chunks_exact(SIZE * SIZE).flat_map(reduced_plane).collect();
        self.like(pixels, self.labels().to_vec(), [self.channels(), REDUCED, REDUCED])
    }
}

/// Rows and columns before reduction.
const SIZE: usize = 28;

/// Black pixels added on every side.
const BORDER: usize = 2;

/// Rows and columns after reduction.
const REDUCED: usize = (SIZE + 2 * BORDER) / 2;

fn reduced_plane(plane: &[u8]) -> impl Iterator<Item = u8> {
    let padded = |row: usize, column: usize| -> u16 {
        let inside = BORDER..BORDER + SIZE;
        if !inside.contains(&row) || !inside.contains(&column) {
            return 0;
        }
        u16::from(plane[(row - BORDER) * SIZE + column - BORDER])
    };
    (0..REDUCED * REDUCED).map(move |at| {
        let (row, column) = (2 * (at / REDUCED), 2 * (at % REDUCED));
        let pairs = [(0, 0), (0, 1), (1, 0), (1, 1)];
        quarter(pairs.iter().map(|(down, right)| padded(row + down, column + right)).sum())
    })
}

/// A quarter of the sum of four bytes, rounded half to even.
fn quarter(sum: u16) -> u8 {
    ((sum + 1 + (sum / 4) % 2) / 4) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_rounded_half_to_even() {
        for sum in 0..=1020u16 {
            let expected = (f64::from(sum) / 4.0).round_ties_even();
            assert_eq!(f64::from(quarter(sum)), expected, "a quarter of {sum}");
        }
    }

    #[test]
    fn squares_land_where_they_should() {
        let mut pixels = vec![0; 2 * SIZE * SIZE];
        let second = SIZE * SIZE;
        // Row 0, column 4 lies in the padded image at (2, 6), so in the square (1, 3).
        for (at, value) in [(0, 40), (4, 200), (5, 100), (SIZE + 4, 60), (second + 783, 255)] {
            pixels[at] = value;
        }
        let reduced = Images::new(pixels, vec![3], [2, SIZE, SIZE]).unwrap().reduced().unwrap();
        assert_eq!((reduced.channels(), reduced.height(), reduced.width()), (2, 16, 16));
        let mut expected = vec![0; 2 * 256];
        for (at, value) in [(16 + 1, 10), (16 + 3, 90), (256 + 14 * 16 + 14, 64)] {
            expected[at] = value;
        }
        assert_eq!(reduced.pixels(), expected);
        assert_eq!(reduced.labels(), [3]);
    }

    #[test]
    fn other_sizes_are_refused() {
        let error = Images::new(vec![0; 1024], vec![3], [1, 32, 32]).unwrap().reduced().unwrap_err();
        assert!(matches!(error, DataError::NotReducible { height: 32, width: 32 }), "{error}");
    }
}
