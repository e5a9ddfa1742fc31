//! One row and seed from start to finish, and all of them in order.

use super::draw::weight_name;
use super::{
    Build, Cell, Drawn, Inputs, Record, Reference, RowInputs, RunDirectory, RunError, Setup, Timings, Trained,
    bits_per_dim, draw_to_file, losses, train, write_atomically,
};
use crate::recipe::{DataSettings, Experiment, MetricSettings, Recipe, WeightSet};
use crate::registry;
use crate::report::{Scores, SeedResult};
use burn::tensor::Device;
use std::time::Instant;
use undrift_data::{Images, Split};
use undrift_networks::{DdpmUnet, apply_parameters};
use undrift_noise::{Key, Purpose};
use undrift_report::grid_png;
use undrift_training::{TrainState, Trainer};

/// Samples in a grid, and how they are laid out.
const GRID: usize = 64;
const COLUMNS: usize = 8;
const ZOOM: usize = 2;

/// The images of a recipe's rows, with the reference statistics.
pub struct Data {
    settings: (DataSettings, MetricSettings),
    /// Hashes of what is read.
    pub inputs: RowInputs,
    /// Images to train on.
    pub train: Images,
    /// Held-out images.
    pub test: Images,
    /// Statistics of the training images under the recipe's extractor.
    pub reference: Option<Reference>,
}

impl Data {
    /// Reads the images of a row, which must be those that it was begun with.
    ///
    /// # Errors
    /// Those of the readers and of the extractor, [`RunError::ImageSize`], [`RunError::TooFewImages`] and
    /// [`RunError::OtherInput`].
    pub fn load(directory: &RunDirectory, row: &Experiment, setup: &Setup) -> Result<Self, RunError> {
        let settings = &setup.settings;
        let (train, test) = images(setup)?;
        let inputs = RowInputs::new(row, &train, &test);
        directory.check_inputs(row, &inputs)?;
        let reference = Reference::new(setup, &train)?;
        Ok(Self { settings: (settings.data.clone(), settings.metrics), inputs, train, test, reference })
    }
}

/// Reads the images of every row once, so that a missing or foreign file is found before anything is written, and gives
/// their hashes.
///
/// # Errors
/// Those of the readers, [`RunError::ImageSize`] and [`RunError::TooFewImages`].
pub fn check_images(recipe: &Recipe, device: &Device) -> Result<Inputs, RunError> {
    let mut checked: Vec<((&DataSettings, &MetricSettings), RowInputs)> = Vec::new();
    let mut inputs = Inputs::default();
    for row in &recipe.rows {
        let settings = (&row.settings.data, &row.settings.metrics);
        let known = checked.iter().find(|(seen, _)| *seen == settings).map(|(_, inputs)| inputs.clone());
        let of_row = match known {
            Some(of_row) => of_row,
            None => {
                let (train, test) = images(&Setup::new(row, device)?)?;
                let of_row = RowInputs::new(row, &train, &test);
                checked.push((settings, of_row.clone()));
                of_row
            }
        };
        inputs.0.insert(row.id.clone(), of_row);
    }
    Ok(inputs)
}

/// The training and the test images.
fn images(setup: &Setup) -> Result<(Images, Images), RunError> {
    let train = registry::images(&setup.settings.data, Split::Train)?;
    let test = registry::images(&setup.settings.data, Split::Test)?;
    for images in [&train, &test] {
        let found = [images.channels(), images.height(), images.width()];
        if found != setup.shape {
            return Err(RunError::ImageSize { found, expected: setup.shape });
        }
    }
    let (wanted, found) = (setup.settings.metrics.bits_per_dim_images, test.len());
    if wanted > found {
        return Err(RunError::TooFewImages { wanted, found });
    }
    Ok((train, test))
}

/// Runs every unfinished row and seed of a recipe. One that fails does not keep the others from being run.
///
/// # Errors
/// [`RunError::Interrupted`] after Ctrl-C; the next call goes on from there. [`RunError::Rows`] after all others are
/// done, with what kept each of these from its end.
pub fn run_recipe(
    directory: &RunDirectory,
    recipe: &Recipe,
    device_name: &str,
    device: &Device,
) -> Result<(), RunError> {
    let build = Build::here(device_name);
    let (mut data, mut failed) = (None, Vec::new());
    for &seed in &recipe.seeds {
        for row in &recipe.rows {
            match run_unfinished(directory, row, seed, &mut data, &build, device) {
                Err(RunError::Interrupted) => return Err(RunError::Interrupted),
                Err(error) => failed.push(format!("row `{}`, seed {seed}: {error}", row.id)),
                Ok(()) => {}
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(RunError::Rows { failed }) }
}

/// Runs a row and seed if it is not finished; `data` are the images of the row before.
fn run_unfinished(
    directory: &RunDirectory,
    row: &Experiment,
    seed: u64,
    data: &mut Option<Data>,
    build: &Build,
    device: &Device,
) -> Result<(), RunError> {
    let cell = directory.cell(&row.id, seed);
    if cell.record()?.is_some() {
        return Ok(());
    }
    let setup = Setup::new(row, device)?;
    let settings = (row.settings.data.clone(), row.settings.metrics);
    let data = match data {
        Some(data) if data.settings == settings => data,
        other => other.insert(Data::load(directory, row, &setup)?),
    };
    directory.check_inputs(row, &data.inputs)?;
    let result = run_cell(row, &setup, seed, data, &cell)?;
    let inputs = Some(data.inputs.clone());
    cell.finish(&Record { build: build.clone(), inputs, result })
}

/// Whether every row and seed of a recipe is finished and none has come to a model that gives samples.
///
/// # Errors
/// [`RunError::Damaged`] for a damaged record.
pub fn all_failed(directory: &RunDirectory, recipe: &Recipe) -> Result<bool, RunError> {
    for row in &recipe.rows {
        for &seed in &recipe.seeds {
            let record = directory.cell(&row.id, seed).record()?;
            if record.is_none_or(|record| record.result.failure.is_none()) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn run_cell(row: &Experiment, setup: &Setup, seed: u64, data: &Data, cell: &Cell) -> Result<SeedResult, RunError> {
    cell.create()?;
    let name = format!("{} seed {seed}", row.id);
    let trained = train(setup, seed, &data.train, cell, format!("{name}: train"))?;
    let mut result = SeedResult {
        seed,
        ema: None,
        raw: None,
        bits_per_dim: None,
        train_seconds: cell.spent()?.train,
        sample_seconds: 0.0,
        loss: losses::read(&cell.losses())?.iter().map(|record| (record.step, record.loss)).collect(),
        failure: None,
    };
    let trainer = match trained {
        Trained::Finished(trainer) => trainer,
        Trained::Diverged(why) => return Ok(SeedResult { failure: Some(why), ..result }),
    };
    for &weights in &setup.settings.sampling.weights {
        let network = of(weights, &trainer);
        let label = format!("{name}: sample {}", weight_name(weights));
        match sample_and_score(setup, &network, seed, weights, data, cell, label)? {
            Ok(scores) => match weights {
                WeightSet::Ema => result.ema = scores,
                WeightSet::Raw => result.raw = scores,
            },
            Err(why) => {
                result.failure.get_or_insert(why);
            }
        }
    }
    result.sample_seconds = cell.spent()?.sample;
    let averaged = trainer.averaged();
    result.bits_per_dim = bits_per_dim(setup, &averaged, seed, &data.test, format!("{name}: bits/dim"))?;
    Ok(result)
}

fn of(weights: WeightSet, trainer: &Trainer<DdpmUnet>) -> DdpmUnet {
    match weights {
        WeightSet::Ema => trainer.averaged(),
        WeightSet::Raw => trainer.raw(),
    }
}

/// Scores, or in words why there are none.
type Scored = Result<Option<Scores>, String>;

fn sample_and_score(
    setup: &Setup,
    network: &DdpmUnet,
    seed: u64,
    weights: WeightSet,
    data: &Data,
    cell: &Cell,
    label: String,
) -> Result<Scored, RunError> {
    let (before, started) = (cell.spent()?, Instant::now());
    let drawn = draw_to_file(setup, network, seed, &cell.samples(weights), label);
    cell.save_spent(Timings { sample: before.sample + started.elapsed().as_secs_f64(), ..before })?;
    let bytes = match drawn? {
        Drawn::Samples(bytes) => bytes,
        Drawn::NotFinite { first } => {
            let name = weight_name(weights);
            return Ok(Err(format!("{name} samples from number {first} on are not finite")));
        }
    };
    let [channels, height, width] = setup.shape;
    let shown = &bytes[..GRID.min(setup.settings.sampling.count) * setup.pixels()];
    write_atomically(&cell.grid(weights), &grid_png(shown, channels, height, width, COLUMNS, ZOOM)?)?;
    let Some(reference) = &data.reference else { return Ok(Ok(None)) };
    let labels = vec![0; setup.settings.sampling.count];
    let images = Images::new(bytes, labels, setup.shape)?;
    Ok(Ok(Some(reference.score(&images)?)))
}

/// The network of a trained row and seed.
///
/// # Errors
/// [`RunError::NotTrained`] without a checkpoint, and those of reading it.
pub fn trained_network(
    directory: &RunDirectory,
    row: &Experiment,
    setup: &Setup,
    seed: u64,
    weights: WeightSet,
) -> Result<DdpmUnet, RunError> {
    let cell = directory.cell(&row.id, seed);
    let not_trained =
        |why: String| RunError::NotTrained { path: directory.root().to_owned(), row: row.id.clone(), seed, why };
    if !cell.checkpoint().exists() {
        return Err(not_trained("there is no checkpoint".to_owned()));
    }
    let state = TrainState::load(&cell.checkpoint())?;
    let (done, all) = (state.step(), setup.settings.training.steps);
    if done < all {
        return Err(not_trained(format!("training stands at step {done} of {all}")));
    }
    let network = setup.unet.init(&setup.device, Key::new(seed, Purpose::Initialisation))?;
    let parameters = match weights {
        WeightSet::Ema => state.averaged(),
        WeightSet::Raw => state.raw(),
    };
    Ok(apply_parameters(network, parameters)?)
}
