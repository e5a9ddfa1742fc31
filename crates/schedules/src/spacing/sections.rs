//! Section-wise respacing of improved DDPM.

use crate::{Chain, Grid, GridError};

impl Chain {
    /// Cuts the chain into equal sections, nearest to the data first, and visits `counts[i]` levels of each.
    ///
    /// The first sections are one longer where the length does not divide. Within a section the picks are
    /// evenly spread over it with both ends (one pick is its first level), halves rounded to even as Python
    /// does; the running sum is that of the authors' code, so that ties fall as theirs.
    /// Nichol, Dhariwal 2021, arXiv:2102.09672, appendix; `space_timesteps` in their code.
    ///
    /// # Errors
    /// [`GridError::SectionTooShort`] for more picks than a section has levels, [`GridError::Empty`]
    /// without any pick.
    pub fn respace_sections(&self, counts: &[usize]) -> Result<Grid, GridError> {
        let mut ts = sections(self.len(), counts)?;
        ts.reverse();
        self.grid_at(&ts)
    }
}

/// The picked `t`, ascending.
fn sections(len: usize, counts: &[usize]) -> Result<Vec<usize>, GridError> {
    let (mut ts, mut first) = (Vec::new(), 1);
    for (index, &steps) in counts.iter().enumerate() {
        let size = len / counts.len() + usize::from(index < len % counts.len());
        if steps > size {
            return Err(GridError::SectionTooShort { section: index + 1, sections: counts.len(), size, steps });
        }
        ts.extend(spread(size, steps).map(|offset| first + offset));
        first += size;
    }
    Ok(ts)
}

/// `steps` offsets into `0..size`, from its first to its last.
fn spread(size: usize, steps: usize) -> impl Iterator<Item = usize> {
    let stride = if steps > 1 { (size - 1) as f64 / (steps - 1) as f64 } else { 1.0 };
    (0..steps).scan(0.0f64, move |position, _| {
        let offset = position.round_ties_even() as usize;
        *position += stride;
        Some(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(len: usize, counts: &[usize]) -> Vec<usize> {
        sections(len, counts).unwrap().into_iter().map(|t| t - 1).collect()
    }

    #[test]
    fn one_section_spreads_over_the_chain() {
        assert_eq!(labels(1000, &[10]), [0, 111, 222, 333, 444, 555, 666, 777, 888, 999]);
        let twenty = labels(1000, &[20]);
        assert_eq!((&twenty[..6], &twenty[17..]), (&[0, 53, 105, 158, 210, 263][..], &[894, 946, 999][..]));
        let long = labels(4000, &[250]);
        assert_eq!((&long[..5], &long[247..]), (&[0, 16, 32, 48, 64][..], &[3967, 3983, 3999][..]));
        assert_eq!(labels(7, &[7]), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(labels(7, &[1]), [0]);
        assert_eq!(labels(6, &[3]), [0, 2, 5]); // 2.5 goes to the even neighbour
    }

    #[test]
    fn the_first_sections_are_one_longer() {
        assert_eq!(labels(10, &[2, 1, 3]), [0, 3, 4, 7, 8, 9]);
        assert_eq!(labels(300, &[10, 15, 20])[44], 299);
    }

    #[test]
    fn new_betas_are_those_of_the_jumps() {
        let grid = Chain::linear(1000).unwrap().respace_sections(&[10]).unwrap();
        let published =
            [1.0e-4, 0.126308, 0.316844, 0.466119, 0.583006, 0.674481, 0.746030, 0.801963, 0.845663, 0.879788];
        for (span, beta) in grid.spans().iter().rev().zip(published) {
            assert!((span.beta() - beta).abs() < 6e-7);
        }
    }

    #[test]
    fn sections_that_are_too_short_are_named() {
        let chain = Chain::linear(100).unwrap();
        let error = GridError::SectionTooShort { section: 1, sections: 2, size: 50, steps: 60 };
        assert_eq!(chain.respace_sections(&[60, 60]), Err(error));
        assert_eq!(chain.respace_sections(&[]), Err(GridError::Empty));
        assert_eq!(chain.respace_sections(&[0, 0]), Err(GridError::Empty));
        assert_eq!(chain.respace_sections(&[0, 2]).unwrap().steps(), 2);
    }
}
