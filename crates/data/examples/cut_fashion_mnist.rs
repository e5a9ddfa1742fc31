//! Cuts the sample of Fashion-MNIST that this crate embeds out of the full set.
//!
//! `cargo run -p undrift-data --example cut_fashion_mnist -- FROM TO` reads the four published files
//! (`*-ubyte.gz`) in the directory FROM and writes four shorter ones into the directory TO.

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

/// Published file, file to write, images to keep, bytes of the header, bytes of an element.
const CUTS: [(&str, &str, u32, usize, usize); 4] = [
    ("train-images-idx3-ubyte.gz", "train-images-first-10000.gz", 10_000, 16, 784),
    ("train-labels-idx1-ubyte.gz", "train-labels-first-10000.gz", 10_000, 8, 1),
    ("t10k-images-idx3-ubyte.gz", "test-images-first-1000.gz", 1_000, 16, 784),
    ("t10k-labels-idx1-ubyte.gz", "test-labels-first-1000.gz", 1_000, 8, 1),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &arguments[..] else {
        return Err("usage: cut_fashion_mnist FROM TO".into());
    };
    for (source, target, count, header, element) in CUTS {
        let mut bytes = vec![0; header + count as usize * element];
        GzDecoder::new(File::open(Path::new(from).join(source))?).read_exact(&mut bytes)?;
        bytes[4..8].copy_from_slice(&count.to_be_bytes());
        fs::write(Path::new(to).join(target), packed(&bytes)?)?;
    }
    Ok(())
}

/// Gzip without a name or a time, so that the same bytes give the same file.
fn packed(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
