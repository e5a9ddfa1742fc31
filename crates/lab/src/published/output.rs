//! Where samples go: a picture, an `.npz` file or a folder of pictures.

use super::npz::{NpyArray, NpyValues, npz};
use crate::report::grid_png;
use crate::run::write_atomically;
use miette::{IntoDiagnostic, Result, miette};
use std::fs;
use std::path::{Path, PathBuf};

/// Where samples go, by the ending of the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// One picture of all samples, `.png`.
    Grid(PathBuf),
    /// Arrays as evaluators read them, `.npz`: `arr_0` are bytes `[N, H, W, C]` (or, of latent images, numbers
    /// `[N, C, H, W]`), `arr_1` the labels where there are any.
    Arrays(PathBuf),
    /// A folder with a picture of each sample, `000000.png` and so on.
    Folder(PathBuf),
}

/// Samples that were drawn.
pub enum Drawing {
    /// Images as bytes, `[N, C, H, W]`.
    Images(Vec<u8>),
    /// Latent images as numbers, `[N, C, H, W]`.
    Latents(Vec<f32>),
}

impl Output {
    /// By the ending of a path.
    ///
    /// # Errors
    /// For another ending than `.png`, `.npz` or none.
    pub fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("png") => Ok(Output::Grid(path.to_owned())),
            Some("npz") => Ok(Output::Arrays(path.to_owned())),
            None => Ok(Output::Folder(path.to_owned())),
            Some(ending) => Err(miette!(
                "samples are not written as `.{ending}`; name a file that ends in .png or .npz, or a folder without an ending"
            )),
        }
    }

    /// Refuses, before anything is drawn, what cannot be shown or written; `latent` says why images are latents whatever
    /// their channels.
    ///
    /// # Errors
    /// For images that no picture can hold, and latents, where a picture is asked for; for a file whose folder does not exist, and for
    /// a folder that is a file or holds something.
    pub fn check(&self, [channels, _, _]: [usize; 3], latent: Option<&str>) -> Result<()> {
        match (self, latent) {
            (Output::Grid(path) | Output::Folder(path), Some(why)) => Err(miette!(
                "{} would hold pictures, but this model makes latents ({why}), and their decoder is not part of undrift; \
                 write them with --out samples.npz",
                path.display()
            )),
            (output, _) => output.check_for(channels),
        }
    }

    fn check_for(&self, channels: usize) -> Result<()> {
        match self {
            Output::Grid(path) | Output::Folder(path) if !is_picture(channels) => Err(miette!(
                "{} would hold pictures, but this model makes images of {channels} channels (latents, whose decoder is \
                 not part of undrift); write them with --out samples.npz",
                path.display()
            )),
            Output::Folder(path) => check_folder(path),
            Output::Grid(path) | Output::Arrays(path) => check_file(path),
        }
    }

    /// Writes the samples.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, drawing: &Drawing, shape: [usize; 3], labels: Option<&[usize]>) -> Result<()> {
        match (self, drawing) {
            (Output::Grid(path), Drawing::Images(bytes)) => {
                let [channels, height, width] = shape;
                let count = bytes.len() / (channels * height * width);
                let columns = (count as f64).sqrt().ceil() as usize;
                let picture = grid_png(bytes, channels, height, width, columns, 2).into_diagnostic()?;
                write_atomically(path, &picture).into_diagnostic()
            }
            (Output::Folder(path), Drawing::Images(bytes)) => write_folder(path, bytes, shape),
            (Output::Arrays(path), drawing) => {
                write_atomically(path, &arrays(drawing, shape, labels)?).into_diagnostic()
            }
            (Output::Grid(_) | Output::Folder(_), Drawing::Latents(_)) => {
                Err(miette!("latents are no pictures; write them with --out samples.npz"))
            }
        }
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        match self {
            Output::Grid(path) | Output::Arrays(path) | Output::Folder(path) => path,
        }
    }
}

/// Whether images of so many channels are pictures, grey or coloured.
pub fn is_picture(channels: usize) -> bool {
    matches!(channels, 1 | 3)
}

fn check_file(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        return Err(miette!("{} is a folder; name a file in it", path.display()));
    }
    if !folder.is_dir() {
        return Err(miette!("there is no folder {} to write into; make it first", folder.display()));
    }
    Ok(())
}

fn check_folder(path: &Path) -> Result<()> {
    if path.is_file() {
        return Err(miette!("{} is a file; name a folder, or a file that ends in .png or .npz", path.display()));
    }
    let holds_something = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    if holds_something {
        return Err(miette!("the folder {} is not empty; name a new one, so that samples do not mix", path.display()));
    }
    Ok(())
}

fn write_folder(folder: &Path, bytes: &[u8], [channels, height, width]: [usize; 3]) -> Result<()> {
    let failed = |e| miette!("cannot make the folder {}: {e}", folder.display());
    fs::create_dir_all(folder).map_err(failed)?;
    for (index, image) in bytes.chunks(channels * height * width).enumerate() {
        let picture = grid_png(image, channels, height, width, 1, 1).into_diagnostic()?;
        write_atomically(&folder.join(format!("{index:06}.png")), &picture).into_diagnostic()?;
    }
    Ok(())
}

fn arrays(drawing: &Drawing, [channels, height, width]: [usize; 3], labels: Option<&[usize]>) -> Result<Vec<u8>> {
    let each = channels * height * width;
    let labels: Option<Vec<i64>> = labels.map(|labels| labels.iter().map(|label| *label as i64).collect());
    let bytes = match drawing {
        Drawing::Images(bytes) => channels_last(bytes, channels, height * width),
        Drawing::Latents(_) => Vec::new(),
    };
    let mut arrays = vec![match drawing {
        Drawing::Images(_) => NpyArray {
            name: "arr_0",
            shape: vec![bytes.len() / each, height, width, channels],
            values: NpyValues::Bytes(&bytes),
        },
        Drawing::Latents(numbers) => NpyArray {
            name: "arr_0",
            shape: vec![numbers.len() / each, channels, height, width],
            values: NpyValues::Floats(numbers),
        },
    }];
    if let Some(labels) = &labels {
        let shape = vec![labels.len()];
        arrays.push(NpyArray { name: "arr_1", shape, values: NpyValues::Integers(labels) });
    }
    npz(&arrays).into_diagnostic()
}

fn channels_last(bytes: &[u8], channels: usize, pixels: usize) -> Vec<u8> {
    let image = |image: &[u8]| -> Vec<u8> {
        (0..pixels)
            .flat_map(|pixel| (0..channels).map(move |channel| (channel, pixel)))
            .map(|(c, p)| image[c * pixels + p])
            .collect()
    };
    bytes.chunks(channels * pixels).flat_map(image).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides() {
        assert_eq!(Output::of(Path::new("a/grid.png")).unwrap(), Output::Grid("a/grid.png".into()));
        assert_eq!(Output::of(Path::new("samples.npz")).unwrap(), Output::Arrays("samples.npz".into()));
        assert_eq!(Output::of(Path::new("out")).unwrap(), Output::Folder("out".into()));
    }

    #[test]
    fn latents_are_refused_as_pictures_before_they_are_drawn() {
        let error = Output::of(Path::new("grid.png")).unwrap().check([4, 32, 32], None).unwrap_err().to_string();
        assert!(error.contains("4 channels") && error.contains(".npz"), "{error}");
        Output::of(Path::new("s.npz")).unwrap().check([4, 32, 32], None).unwrap();
        let why = Some("the folder `vqvae` beside it holds a decoder");
        for name in ["grid.png", "pictures"] {
            let error = Output::of(Path::new(name)).unwrap().check([3, 8, 8], why).unwrap_err().to_string();
            assert!(error.contains("latents") && error.contains("vqvae") && error.contains(".npz"), "{error}");
        }
        Output::of(Path::new("s.npz")).unwrap().check([3, 8, 8], why).unwrap();
        assert!(Output::of(Path::new("samples.pt")).unwrap_err().to_string().contains(".pt"));
    }

    #[test]
    fn pixels_get_their_channels_side_by_side() {
        assert_eq!(channels_last(&[1, 2, 3, 4, 5, 6, 7, 8], 2, 2), [1, 3, 2, 4, 5, 7, 6, 8]);
    }
}
