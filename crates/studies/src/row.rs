//! One row and seed from start to finish.

use crate::trained::network_of;
use crate::{
    Cell, Data, Drawn, FurtherScore, Plan, RunError, Scores, SeedResult, Timings, Trained, Watch, WeightSet,
    bits_per_dim, draw_to_file, further_scores, losses, train, write_atomically,
};
use std::time::Instant;
use undrift_data::Images;
use undrift_networks::AnyNetwork;

/// Samples in a picture.
const SHOWN: usize = 64;

/// Trains, samples and scores a row with one seed, going on from where `cell` stands.
///
/// # Errors
/// [`RunError::Interrupted`] when the watcher asks to stop, [`RunError::NotHeld`], file errors, those of training,
/// sampling and scoring. A model that gives no samples is a result and no error.
pub fn run_cell(plan: &Plan, seed: u64, data: &Data, cell: &Cell, watch: &dyn Watch) -> Result<SeedResult, RunError> {
    cell.create()?;
    let name = format!("{} seed {seed}", plan.id);
    let trained = train(plan, seed, &data.train, cell, format!("{name}: train"), watch)?;
    let mut result = SeedResult {
        seed,
        ema: None,
        raw: None,
        bits_per_dim: None,
        train_seconds: cell.spent()?.train,
        sample_seconds: 0.0,
        loss: losses::read(&cell.losses())?.iter().map(|record| (record.step, record.loss)).collect(),
        further: Vec::new(),
        failure: None,
    };
    let trainer = match trained {
        Trained::Finished(trainer) => trainer,
        Trained::Diverged(why) => return Ok(SeedResult { failure: Some(why), ..result }),
    };
    for &weights in &plan.sampling.weights {
        let network = network_of(&trainer, weights);
        let label = format!("{name}: sample {}", weights.in_labels());
        match sample_and_score(plan, &network, seed, weights, data, cell, label, watch)? {
            Ok((scores, further)) => {
                match weights {
                    WeightSet::Ema => result.ema = scores,
                    WeightSet::Raw => result.raw = scores,
                }
                if Some(&weights) == plan.sampling.weights.first() {
                    result.further = further;
                }
            }
            Err(why) => {
                result.failure.get_or_insert(why);
            }
        }
    }
    result.sample_seconds = cell.spent()?.sample;
    let averaged = trainer.averaged();
    result.bits_per_dim = bits_per_dim(plan, &averaged, seed, &data.test, format!("{name}: bits/dim"), watch)?;
    Ok(result)
}

/// Scores, or in words why there are none.
type Scored = Result<(Option<Scores>, Vec<FurtherScore>), String>;

#[expect(clippy::too_many_arguments, reason = "each stands for one thing that a set of samples is of")]
fn sample_and_score(
    plan: &Plan,
    network: &AnyNetwork<4>,
    seed: u64,
    weights: WeightSet,
    data: &Data,
    cell: &Cell,
    label: String,
    watch: &dyn Watch,
) -> Result<Scored, RunError> {
    let (before, started) = (cell.spent()?, Instant::now());
    let drawn = draw_to_file(plan, network, seed, &cell.samples(weights), label, watch);
    cell.save_spent(Timings { sample: before.sample + started.elapsed().as_secs_f64(), ..before })?;
    let bytes = match drawn? {
        Drawn::Samples(bytes) => bytes,
        Drawn::NotFinite { first } => {
            let name = weights.in_labels();
            return Ok(Err(format!("{name} samples from number {first} on are not finite")));
        }
    };
    write_atomically(&cell.grid(weights), &plan.shown(&bytes, SHOWN)?)?;
    let labels = vec![0; plan.sampling.count];
    let images = Images::new(bytes, labels, plan.data.shape)?;
    let scores = data.reference.as_ref().map(|reference| reference.score(&images)).transpose()?;
    Ok(Ok((scores, further_scores(plan, &images, &data.train)?)))
}
