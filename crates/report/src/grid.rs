//! Sample grids as PNG files.

use super::error::ReportError;

/// Pixels between the images, before zooming, and their grey.
const GAP: usize = 1;
const GAP_GREY: u8 = 128;

/// A picture of all images side by side, in rows of `columns`, each pixel as a square of `zoom`
/// pixels.
///
/// # Shapes
/// `images`: `[n, channels, height, width]`, values 0..=255; 1 channel is grey, 3 are RGB.
///
/// # Errors
/// [`ReportError::Channels`], [`ReportError::EmptyGrid`] or [`ReportError::Pixels`] where the sizes
/// do not describe at least one whole image; [`ReportError::Png`] where the encoder refuses.
pub fn grid_png(
    images: &[u8],
    channels: usize,
    height: usize,
    width: usize,
    columns: usize,
    zoom: usize,
) -> Result<Vec<u8>, ReportError> {
    let images = Images::new(images, channels, height, width)?;
    if columns == 0 || zoom == 0 {
        return Err(ReportError::EmptyGrid);
    }
    encode(&enlarge(&images.mosaic(columns.min(images.count())), zoom))
}

struct Images<'a> {
    pixels: &'a [u8],
    channels: usize,
    height: usize,
    width: usize,
}

/// Pixels with their channels side by side, row after row.
struct Picture {
    pixels: Vec<u8>,
    channels: usize,
    height: usize,
    width: usize,
}

impl<'a> Images<'a> {
    fn new(pixels: &'a [u8], channels: usize, height: usize, width: usize) -> Result<Self, ReportError> {
        if !matches!(channels, 1 | 3) {
            return Err(ReportError::Channels(channels));
        }
        let image = channels * height * width;
        if image == 0 || pixels.is_empty() {
            return Err(ReportError::EmptyGrid);
        }
        if !pixels.len().is_multiple_of(image) {
            return Err(ReportError::Pixels { pixels: pixels.len(), image });
        }
        Ok(Self { pixels, channels, height, width })
    }

    fn count(&self) -> usize {
        self.pixels.len() / (self.channels * self.height * self.width)
    }

    fn mosaic(&self, columns: usize) -> Picture {
        let rows = self.count().div_ceil(columns);
        let height = rows * (self.height + GAP) - GAP;
        let width = columns * (self.width + GAP) - GAP;
        let pixels = vec![GAP_GREY; self.channels * height * width];
        let mut picture = Picture { pixels, channels: self.channels, height, width };
        for image in 0..self.count() {
            let (row, column) = (image / columns, image % columns);
            self.place(image, &mut picture, row * (self.height + GAP), column * (self.width + GAP));
        }
        picture
    }

    fn place(&self, image: usize, on: &mut Picture, top: usize, left: usize) {
        for channel in 0..self.channels {
            for y in 0..self.height {
                for x in 0..self.width {
                    let plane = (image * self.channels + channel) * self.height;
                    let value = self.pixels[(plane + y) * self.width + x];
                    on.pixels[((top + y) * on.width + left + x) * on.channels + channel] = value;
                }
            }
        }
    }
}

fn enlarge(picture: &Picture, zoom: usize) -> Picture {
    let (height, width) = (picture.height * zoom, picture.width * zoom);
    let mut pixels = Vec::with_capacity(picture.channels * height * width);
    for y in 0..height {
        for x in 0..width {
            let from = (y / zoom * picture.width + x / zoom) * picture.channels;
            pixels.extend_from_slice(&picture.pixels[from..from + picture.channels]);
        }
    }
    Picture { pixels, channels: picture.channels, height, width }
}

fn encode(picture: &Picture) -> Result<Vec<u8>, ReportError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width as u32, picture.height as u32);
    let colour = if picture.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb };
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.pixels)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        pixels.truncate(info.buffer_size());
        (info.width, info.height, pixels)
    }

    #[test]
    fn images_stand_in_rows_and_what_is_missing_is_gap() {
        let file = grid_png(&[1, 2, 3, 4, 5, 6], 1, 1, 2, 2, 1).unwrap();
        let (width, height, pixels) = decoded(&file);
        assert_eq!((width, height), (5, 3));
        let gap = GAP_GREY;
        assert_eq!(pixels, [1, 2, gap, 3, 4, gap, gap, gap, gap, gap, 5, 6, gap, gap, gap]);
    }

    #[test]
    fn channels_come_to_lie_side_by_side_and_zoom_repeats() {
        let (width, height, pixels) = decoded(&grid_png(&[1, 2, 3, 4, 5, 6], 3, 1, 2, 8, 2).unwrap());
        assert_eq!((width, height), (4, 2));
        let line = [1, 3, 5, 1, 3, 5, 2, 4, 6, 2, 4, 6];
        assert_eq!(pixels, [line, line].concat());
    }

    #[test]
    fn sizes_that_make_no_image_are_refused() {
        let error = |result: Result<Vec<u8>, ReportError>| result.unwrap_err().to_string();
        assert!(error(grid_png(&[0; 4], 2, 1, 2, 1, 1)).contains("not 2"));
        assert!(error(grid_png(&[0; 5], 1, 2, 2, 1, 1)).contains("5 pixel values"));
        assert!(error(grid_png(&[], 1, 2, 2, 1, 1)).contains("at least one image"));
        assert!(error(grid_png(&[0; 4], 1, 2, 2, 0, 1)).contains("columns"));
    }
}
