//! A table of rows: every row is trained, sampled and scored once per seed.

use crate::data::check_images;
use crate::{
    Build, Cost, Data, Finished, FurtherScore, ImageCounts, Inputs, Plan, Record, RunDirectory, RunError, Scores,
    Study, Watch, WeightSet, further_scores, run_cell,
};

/// A table of rows.
pub struct Table {
    /// All rows.
    pub rows: Vec<Plan>,
    /// The seeds that are reported.
    pub seeds: Vec<u64>,
    /// Ids of the rows that are run; the others appear as earlier runs have left them.
    pub run_rows: Vec<String>,
    /// Seeds that are run.
    pub run_seeds: Vec<u64>,
    /// The program and the device.
    pub build: Build,
}

/// What a table came to.
#[derive(Clone, Debug)]
pub struct TableResults {
    /// The rows, in their order.
    pub rows: Vec<RowResults>,
    /// Scores of real held-out images, what a perfect model of the data would get with as many samples, and how many
    /// images all scores stand on.
    pub held_out: Option<(Scores, ImageCounts)>,
    /// Further scores of the same held-out images.
    pub held_out_further: Vec<FurtherScore>,
}

/// What the finished seeds of one row came to.
#[derive(Clone, Debug)]
pub struct RowResults {
    /// The row.
    pub id: String,
    /// One for each finished seed.
    pub records: Vec<Record>,
    /// Pictures of samples of the averaged weights: seed, and file relative to the run directory.
    pub pictures: Vec<(u64, String)>,
}

impl Study for Table {
    type Results = TableResults;

    fn check(&self) -> Result<Inputs, RunError> {
        check_images(self.wanted())
    }

    fn estimate(&self) -> Result<Vec<Cost>, RunError> {
        self.wanted().map(Cost::of).collect()
    }

    fn run(&self, at: &RunDirectory, watch: &dyn Watch) -> Result<Finished<TableResults>, RunError> {
        let (mut data, mut failed) = (None, Vec::new());
        for &seed in &self.run_seeds {
            for plan in self.wanted() {
                match self.run_unfinished(at, plan, seed, &mut data, watch) {
                    Err(RunError::Interrupted) => return Err(RunError::Interrupted),
                    Err(error) => failed.push(format!("row `{}`, seed {seed}: {error}", plan.id)),
                    Ok(()) => {}
                }
            }
        }
        let ids: Vec<&str> = self.rows.iter().map(|plan| plan.id.as_str()).collect();
        let rows = rows_of(at, &ids, &self.seeds)?;
        let (held_out, held_out_further) = match self.rows.first() {
            Some(plan) => held_out(at, plan)?,
            None => (None, Vec::new()),
        };
        Ok(Finished { results: TableResults { rows, held_out, held_out_further }, failed })
    }
}

impl Table {
    /// Whether every row and seed that is run is finished and none has come to a model that gives samples.
    ///
    /// # Errors
    /// [`RunError::Damaged`] for a damaged record.
    pub fn all_failed(&self, at: &RunDirectory) -> Result<bool, RunError> {
        for plan in self.wanted() {
            for &seed in &self.run_seeds {
                let record = at.cell(&plan.id, seed).record()?;
                if record.is_none_or(|record| record.result.failure.is_none()) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn wanted(&self) -> impl Iterator<Item = &Plan> {
        self.rows.iter().filter(|plan| self.run_rows.contains(&plan.id))
    }

    /// Runs a row and seed if it is not finished; `data` are the images of the row before.
    fn run_unfinished(
        &self,
        at: &RunDirectory,
        plan: &Plan,
        seed: u64,
        data: &mut Option<Data>,
        watch: &dyn Watch,
    ) -> Result<(), RunError> {
        let cell = at.cell(&plan.id, seed);
        if cell.record()?.is_some() {
            return Ok(());
        }
        let data = match data {
            Some(data) if data.serves(plan) => data,
            other => other.insert(Data::load(at, plan)?),
        };
        at.check_inputs(&plan.id, &plan.data.from, &data.inputs)?;
        let result = run_cell(plan, seed, data, &cell, watch)?;
        let inputs = Some(data.inputs.clone());
        cell.finish(&Record { build: self.build.clone(), inputs, result })
    }
}

/// What is finished of these rows and seeds; rows that are not appear without records.
///
/// # Errors
/// [`RunError::Damaged`] for a damaged record.
pub fn rows_of(at: &RunDirectory, ids: &[&str], seeds: &[u64]) -> Result<Vec<RowResults>, RunError> {
    let mut rows = Vec::new();
    for &id in ids {
        let (mut records, mut pictures) = (Vec::new(), Vec::new());
        for &seed in seeds {
            let cell = at.cell(id, seed);
            let Some(record) = cell.record()? else { continue };
            records.push(record);
            if cell.grid(WeightSet::Ema).exists() {
                pictures.push((seed, format!("{id}/seed-{seed}/samples-ema.png")));
            }
        }
        rows.push(RowResults { id: id.to_owned(), records, pictures });
    }
    Ok(rows)
}

/// Scores of held-out images with their counts, and further ones.
pub type HeldOut = (Option<(Scores, ImageCounts)>, Vec<FurtherScore>);

/// Scores of the held-out images of a row, as many as it has samples; none for a row that is not scored.
///
/// # Errors
/// Those of reading and scoring.
pub fn held_out(at: &RunDirectory, plan: &Plan) -> Result<HeldOut, RunError> {
    if plan.scoring.extractor.is_none() && plan.scoring.further.is_empty() {
        return Ok((None, Vec::new()));
    }
    let data = Data::load(at, plan)?;
    let count = plan.sampling.count;
    let first: Vec<usize> = (0..count.min(data.test.len())).collect();
    let further = further_scores(plan, &data.test.subset(&first)?, &data.train)?;
    let scores = data.reference.map(|reference| reference.score_held_out(&data.test, count)).transpose()?;
    Ok((scores, further))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::tests::Ids;
    use crate::plan::tests::small;
    use crate::{Quiet, Stage, read_json};
    use std::cell::Cell;
    use std::path::Path;

    fn table() -> Table {
        let pixels: Vec<u8> = (0..4 * 256u32).map(|i| (i * 37 % 256) as u8).collect();
        let ids = ["a", "b"].map(str::to_owned);
        let build = Build { version: "v".into(), burn: "b".into(), commit: "c".into(), device: "d".into() };
        let rows = ids.iter().map(|id| small(id, &pixels)).collect();
        Table { rows, seeds: vec![0, 1], run_rows: ids.to_vec(), run_seeds: vec![0, 1], build }
    }

    fn directory(root: &Path, table: &Table) -> RunDirectory {
        let ids = Ids(table.run_rows.clone(), table.seeds.clone());
        RunDirectory::open(root, &ids, &table.check().unwrap()).unwrap()
    }

    /// Asks to stop at every question of this number.
    struct Impatient(Cell<u32>);

    impl Watch for Impatient {
        fn stage(&self, label: String, done: u64, total: u64) -> Box<dyn Stage> {
            Quiet.stage(label, done, total)
        }

        fn stop_requested(&self) -> bool {
            self.0.set(self.0.get().saturating_sub(1));
            self.0.get() == 0
        }

        fn note(&self, _: &str) {}
    }

    /// Everything that may not depend on when it was computed.
    fn left(root: &Path) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for folder in ["a/seed-0", "a/seed-1", "b/seed-0", "b/seed-1"] {
            for file in
                ["losses.jsonl", "samples-ema.u8", "samples-raw.u8", "samples-ema.png", "checkpoint.safetensors"]
            {
                all.push(std::fs::read(root.join(folder).join(file)).unwrap());
            }
            let record: Record = read_json(&root.join(folder).join("result.json")).unwrap().unwrap();
            all.push(format!("{:?} {:?}", record.result.bits_per_dim, record.result.loss).into());
        }
        all
    }

    #[test]
    fn a_table_that_was_stopped_anywhere_ends_as_one_that_was_not() {
        let (table, whole, stopped) = (table(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = directory(whole.path(), &table);
        let finished = table.run(&at, &Quiet).unwrap();
        assert!(finished.failed.is_empty() && !table.all_failed(&at).unwrap());
        assert!(finished.results.rows.iter().all(|row| row.records.len() == 2 && row.pictures.len() == 2));
        let mut stops = 0;
        while let Err(error) = table.run(&directory(stopped.path(), &table), &Impatient(Cell::new(60))) {
            assert!(matches!(error, RunError::Interrupted), "{error}");
            stops += 1;
            assert!(stops < 40, "every run goes on from where the one before stood");
        }
        assert!(stops > 3);
        assert!(left(whole.path()) == left(stopped.path()));
    }

    #[test]
    fn a_row_that_fails_keeps_no_other_from_its_end() {
        let (mut table, folder) = (table(), tempfile::tempdir().unwrap());
        table.rows[0].sampling.sampler = Box::new(|_| Err(RunError::NoScores));
        table.run_seeds = vec![1];
        let at = directory(folder.path(), &table);
        let finished = table.run(&at, &Quiet).unwrap();
        assert_eq!(finished.failed.len(), 1);
        assert!(finished.failed[0].starts_with("row `a`, seed 1: "), "{:?}", finished.failed);
        assert_eq!(finished.results.rows.iter().map(|row| row.records.len()).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn a_table_of_diverged_seeds_alone_has_failed() {
        let (mut table, folder) = (table(), tempfile::tempdir().unwrap());
        table.run_rows.truncate(1);
        table.rows[0].training.optimisation.adam.learning_rate = 1e30;
        let at = directory(folder.path(), &table);
        let finished = table.run(&at, &Quiet).unwrap();
        let result = &finished.results.rows[0].records[0].result;
        assert!(result.failure.is_some(), "{result:?}");
        assert!(table.all_failed(&at).unwrap());
    }
}
