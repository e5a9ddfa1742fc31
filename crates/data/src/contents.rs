//! The numbers of samples, row after row: taken out, mirrored, hashed.

use sha2::{Digest, Sha256};

/// The first half of SHA-256 in hexadecimal digits.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    let mut state = Sha256::new();
    parts.iter().for_each(|part| state.update(part));
    state.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of so many samples of this shape.
pub(crate) fn digest_of(len: usize, [channels, height, width]: [usize; 3], numbers: &[u8]) -> String {
    let size = [len, channels, height, width];
    let size: Vec<u8> = size.iter().flat_map(|&number| (number as u64).to_le_bytes()).collect();
    digest(&[&size, numbers])
}

/// The numbers of the samples at `indices`, those with a true entry in `flips` with every row reversed.
pub(crate) fn gather<T: Copy>(numbers: &[T], shape: [usize; 3], indices: &[usize], flips: &[bool]) -> Vec<T> {
    let size: usize = shape.iter().product();
    let mut gathered = Vec::with_capacity(indices.len() * size);
    for (place, &index) in indices.iter().enumerate() {
        let sample = &numbers[index * size..(index + 1) * size];
        if flips.get(place).copied().unwrap_or(false) {
            sample.chunks_exact(shape[2]).for_each(|row| gathered.extend(row.iter().rev()));
        } else {
            gathered.extend_from_slice(sample);
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one_of_the_bytes() {
        assert_eq!(digest(&[b"ab", b"c"]), "ba7816bf8f01cfea414140de5dae2223");
    }
}
