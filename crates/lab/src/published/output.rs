//! Where samples go: a picture, an `.npz` file or a folder of pictures.

use crate::destination::{Destination, DestinationError, DestinationFolder};
use crate::run::write_atomically;
use miette::{IntoDiagnostic, Result, miette};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use undrift_data::{NpyArray, NpyValues, npz_size, write_npz};
use undrift_report::grid_png;

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
            Output::Grid(_) | Output::Folder(_) | Output::Arrays(_) => Ok(()),
        }
    }

    /// Opens the place, before anything is drawn.
    ///
    /// # Errors
    /// For a place that cannot be written, for a folder that holds something, for `count` samples that are more than the
    /// disk has room for.
    pub fn open(&self, [channels, height, width]: [usize; 3], count: usize) -> Result<OpenOutput> {
        match self {
            Output::Folder(path) => empty_folder(path).map(OpenOutput::Folder),
            Output::Grid(path) => Ok(OpenOutput::Grid(Destination::open(path)?)),
            Output::Arrays(path) => {
                let place = Destination::open(path)?;
                let bytes = if is_picture(channels) { 1 } else { size_of::<f32>() };
                place.make_room(undrift_studies::memory::bytes(count, channels * height * width * bytes))?;
                Ok(OpenOutput::Arrays(place))
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

/// Where samples go, opened before they are drawn. If nothing is written, nothing is left.
#[derive(Debug)]
pub enum OpenOutput {
    /// One picture of all samples.
    Grid(Destination),
    /// Arrays.
    Arrays(Destination),
    /// A folder of pictures.
    Folder(DestinationFolder),
}

impl OpenOutput {
    /// Writes the samples.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(self, drawing: &Drawing, shape: [usize; 3], labels: Option<&[usize]>) -> Result<()> {
        match (self, drawing) {
            (OpenOutput::Grid(place), Drawing::Images(bytes)) => {
                let [channels, height, width] = shape;
                let count = bytes.len() / (channels * height * width);
                let columns = (count as f64).sqrt().ceil() as usize;
                let picture = grid_png(bytes, channels, height, width, columns, 2).into_diagnostic()?;
                Ok(place.write(|out| out.write_all(&picture))?)
            }
            (OpenOutput::Folder(folder), Drawing::Images(bytes)) => write_folder(folder.path(), bytes, shape),
            (OpenOutput::Arrays(place), drawing) => Ok(write_arrays(place, drawing, shape, labels)?),
            (OpenOutput::Grid(_) | OpenOutput::Folder(_), Drawing::Latents(_)) => {
                Err(miette!("latents are no pictures; write them with --out samples.npz"))
            }
        }
    }
}

fn empty_folder(path: &Path) -> Result<DestinationFolder> {
    if path.is_file() {
        return Err(miette!("{} is a file; name a folder, or a file that ends in .png or .npz", path.display()));
    }
    let folder = DestinationFolder::open(path)?;
    if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(miette!("the folder {} is not empty; name a new one, so that samples do not mix", path.display()));
    }
    Ok(folder)
}

/// Whether images of so many channels are pictures, grey or coloured.
pub fn is_picture(channels: usize) -> bool {
    matches!(channels, 1 | 3)
}

fn write_folder(folder: &Path, bytes: &[u8], [channels, height, width]: [usize; 3]) -> Result<()> {
    for (index, image) in bytes.chunks(channels * height * width).enumerate() {
        let picture = grid_png(image, channels, height, width, 1, 1).into_diagnostic()?;
        write_atomically(&folder.join(format!("{index:06}.png")), &picture).into_diagnostic()?;
    }
    Ok(())
}

fn write_arrays(
    place: Destination,
    drawing: &Drawing,
    [channels, height, width]: [usize; 3],
    labels: Option<&[usize]>,
) -> Result<(), DestinationError> {
    let each = channels * height * width;
    let labels: Option<Vec<i64>> = labels.map(|labels| labels.iter().map(|label| *label as i64).collect());
    let mut arrays = vec![match drawing {
        Drawing::Images(bytes) => NpyArray {
            name: "arr_0",
            shape: vec![bytes.len() / each, height, width, channels],
            values: NpyValues::ChannelsFirst { images: bytes, channels, pixels: height * width },
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
    place.make_room(npz_size(&arrays))?;
    place.write(|out| write_npz(out, &arrays).map_err(io::Error::other))
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
    fn every_kind_of_output_is_opened_and_leaves_nothing_where_nothing_is_drawn() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.png", "a.npz", "pictures"] {
            let opened = Output::of(&folder.path().join(name)).unwrap().open([3, 8, 8], 4).unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name} is opened");
            drop(opened);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{name} leaves nothing");
        }
    }

    #[test]
    fn every_kind_of_output_is_refused_where_it_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        for name in ["file/a.png", "file/a.npz", "file/pictures", "file"] {
            let error = Output::of(&folder.path().join(name)).unwrap().open([3, 8, 8], 4).unwrap_err().to_string();
            assert!(error.contains("file"), "{name}: {error}");
        }
        let error = Output::of(Path::new("/dev/null")).unwrap().open([3, 8, 8], 4).unwrap_err().to_string();
        assert!(error.contains("/dev/null"), "{error}");
        let arrays = Output::of(&folder.path().join("a.npz")).unwrap();
        let error = arrays.open([3, 256, 256], usize::MAX).unwrap_err().to_string();
        assert!(error.contains("a.npz") && error.contains("the disk has"), "{error}");
    }

    #[test]
    fn every_kind_of_output_holds_the_samples() {
        let folder = tempfile::tempdir().unwrap();
        let drawing = Drawing::Images(vec![7; 2 * 3 * 4 * 4]);
        for name in ["a.png", "a.npz", "pictures"] {
            let path = folder.path().join(name);
            Output::of(&path).unwrap().open([3, 4, 4], 2).unwrap().write(&drawing, [3, 4, 4], Some(&[0, 1])).unwrap();
            assert!(path.exists(), "{name}");
        }
        assert_eq!(fs::read_dir(folder.path().join("pictures")).unwrap().count(), 2);
        let again = Output::of(&folder.path().join("pictures")).unwrap().open([3, 4, 4], 2).unwrap_err().to_string();
        assert!(again.contains("not empty"), "{again}");
    }
}
