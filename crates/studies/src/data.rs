//! The images of a row, read and checked.

use crate::{Inputs, Plan, Reference, RowInputs, RunDirectory, RunError};
use undrift_data::{Images, Split};

/// The images of rows that read the same ones, with the reference statistics.
pub struct Data {
    of: Identity,
    /// Hashes of what is read.
    pub inputs: RowInputs,
    /// Images to train on.
    pub train: Images,
    /// Held-out images.
    pub test: Images,
    /// Statistics of the training images under the row's extractor.
    pub reference: Option<Reference>,
}

/// What decides whether two rows can share what was read: the images, and how they are scored.
#[derive(Clone, PartialEq, Eq)]
struct Identity {
    images: String,
    extractor: Option<&'static [u8]>,
    splits: usize,
    bits_per_dim_images: usize,
}

impl Identity {
    fn of(plan: &Plan) -> Self {
        let scoring = &plan.scoring;
        Identity {
            images: plan.data.identity.clone(),
            extractor: scoring.extractor.map(|extractor| extractor.weights),
            splits: scoring.splits,
            bits_per_dim_images: scoring.bits_per_dim_images,
        }
    }
}

impl Data {
    /// Reads the images of a row, which must be those that it was begun with.
    ///
    /// # Errors
    /// Those of the readers and of the extractor, [`RunError::ImageSize`], [`RunError::TooFewImages`] and
    /// [`RunError::OtherInput`].
    pub fn load(directory: &RunDirectory, plan: &Plan) -> Result<Self, RunError> {
        let (train, test) = images(plan)?;
        let inputs = inputs(plan, &train, &test);
        directory.check_inputs(&plan.id, &plan.data.from, &inputs)?;
        let reference = Reference::new(plan, &train)?;
        Ok(Self { of: Identity::of(plan), inputs, train, test, reference })
    }

    /// Whether these are the images and statistics of this row too.
    pub fn serves(&self, plan: &Plan) -> bool {
        self.of == Identity::of(plan)
    }
}

/// Reads the images of every row once, so that a missing or foreign file is found before anything is written, and gives
/// their hashes.
///
/// # Errors
/// Those of the readers, [`RunError::ImageSize`] and [`RunError::TooFewImages`].
pub fn check_images<'a>(rows: impl IntoIterator<Item = &'a Plan>) -> Result<Inputs, RunError> {
    let mut checked: Vec<(Identity, RowInputs)> = Vec::new();
    let mut all = Inputs::default();
    for plan in rows {
        let identity = Identity::of(plan);
        let known = checked.iter().find(|(seen, _)| *seen == identity).map(|(_, inputs)| inputs.clone());
        let of_row = match known {
            Some(of_row) => of_row,
            None => {
                let (train, test) = images(plan)?;
                let of_row = inputs(plan, &train, &test);
                checked.push((identity, of_row.clone()));
                of_row
            }
        };
        all.0.insert(plan.id.clone(), of_row);
    }
    Ok(all)
}

fn inputs(plan: &Plan, train: &Images, test: &Images) -> RowInputs {
    RowInputs::new(train, test, plan.conditioning, plan.scoring.extractor.map(|extractor| extractor.weights))
}

/// The training and the held-out images.
fn images(plan: &Plan) -> Result<(Images, Images), RunError> {
    let read = |split| plan.conditioning.of_images((plan.data.read)(split)?);
    let (train, test) = (read(Split::Train)?, read(Split::Test)?);
    for images in [&train, &test] {
        let found = [images.channels(), images.height(), images.width()];
        if found != plan.data.shape {
            return Err(RunError::ImageSize { found, expected: plan.data.shape });
        }
    }
    let (wanted, found) = (plan.scoring.bits_per_dim_images, test.len());
    if wanted > found {
        return Err(RunError::TooFewImages { wanted, found });
    }
    Ok((train, test))
}
