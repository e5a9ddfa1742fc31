//! Drawn stripes, upright or flat.

use undrift_data::{DataError, Images, Split};
use undrift_lab::methods::slots::{DataSets, Source};
use undrift_lab::methods::{MethodError, Parameter, Row};

/// Pixels along a side.
const SIDE: usize = 16;

/// Image `number`: stripes of a width and a place of its own; odd ones lie flat.
fn image(number: usize) -> impl Iterator<Item = u8> {
    let (flat, width, place) = (number % 2, 1 + number / 2 % 4, number / 8);
    (0..SIDE * SIDE).map(move |pixel| {
        let along = if flat == 1 { pixel / SIDE } else { pixel % SIDE };
        255 * ((along + place) / width % 2) as u8
    })
}

fn images(count: usize, split: Split) -> Result<Images, DataError> {
    let first = if split == Split::Train { 0 } else { count };
    let numbers = first..first + count;
    let labels = numbers.clone().map(|number| number as u32 % 2).collect();
    Images::new(numbers.flat_map(image).collect(), labels, [1, SIDE, SIDE])
}

pub(crate) const ROW: Row<DataSets> = Row {
    name: "stripes",
    about: "drawn stripes of 16x16, upright (class 0) or flat (class 1)",
    parameters: &[Parameter::count("images", Some(256), "images of each split, from 1 to 100000")],
    build: |values| match values.count("images") {
        count @ 1..=100_000 => Ok(Source {
            shape: [1, SIDE, SIDE],
            classes: Some(2),
            from: "stripes".into(),
            about: format!("{count} drawn stripes"),
            read: Box::new(move |split| images(count, split)),
        }),
        other => Err(MethodError::refused(values.method(), format!("`images` is {other}, but must be in 1..=100000"))),
    },
};
