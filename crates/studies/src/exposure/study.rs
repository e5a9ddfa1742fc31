//! A study of exposure bias from start to finish.

use super::curves::{At, ChainLength, Curve, chain_lengths, curves};
use super::grid::{Cure, SamplerGrid};
use super::search::{Search, search};
use super::trained::TrainedRow;
use crate::{
    Build, Cost, Data, Finished, ImageCounts, Inputs, Plan, RunDirectory, RunError, Scores, Study, Watch, check_images,
};
use std::collections::BTreeSet;

/// A study of exposure bias; `W` is how a cure with its constants is written by the layer above.
pub struct Exposure<W> {
    /// The rows, at least one; the first one is the baseline, and all read the same images.
    pub rows: Vec<Plan>,
    /// The seeds that are reported.
    pub seeds: Vec<u64>,
    /// Seeds on which constants are searched; none of them is reported.
    pub tuning_seeds: Vec<u64>,
    /// The samplers that are compared.
    pub grid: Box<dyn SamplerGrid<W>>,
    /// Steps of the chains along which the bias is measured.
    pub curve_steps: usize,
    /// Real images that those chains start from.
    pub curve_images: usize,
    /// Levels t that real images are noised to before they are sampled back.
    pub chain_lengths: Vec<usize>,
    /// The program and the device.
    pub build: Build,
}

/// What a study came to.
#[derive(Clone, Debug, PartialEq)]
pub struct ExposureResults<W> {
    /// Seeds that gave no scores, and why.
    pub failures: Vec<String>,
    /// Scores of every sampler.
    pub entries: Vec<Entry<W>>,
    /// How the constants were found.
    pub searches: Vec<Search<W>>,
    /// The bias along chains.
    pub curves: Vec<Curve<W>>,
    /// Pictures of samples: label, and file relative to the run directory.
    pub pictures: Vec<(String, String)>,
    /// Scores of chains that start from real images.
    pub chain_lengths: Vec<ChainLength>,
    /// Commits of the programs that drew the samples of each row.
    pub commits: Vec<(String, String)>,
    /// Scores of real held-out images, and how many images all scores stand on.
    pub held_out: Option<(Scores, ImageCounts)>,
}

/// One sampler on one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<W> {
    /// Row.
    pub row: String,
    /// Solver.
    pub solver: String,
    /// Steps.
    pub steps: usize,
    /// Cure.
    pub cure: Cure,
    /// Its constants.
    pub cures: Vec<W>,
    /// Scores, one for each seed of the study.
    pub scores: Vec<Option<Scores>>,
    /// Seconds of drawing the samples, mean over the seeds.
    pub seconds: f64,
}

impl<W: Clone> Study for Exposure<W> {
    type Results = ExposureResults<W>;

    fn check(&self) -> Result<Inputs, RunError> {
        check_images(&self.rows)
    }

    fn estimate(&self) -> Result<Vec<Cost>, RunError> {
        self.rows.iter().map(Cost::of).collect()
    }

    /// Trains every row with every seed, searches constants on the tuning seeds, scores every sampler on the others, and
    /// measures the bias along chains.
    ///
    /// # Panics
    /// Without rows.
    fn run(&self, at: &RunDirectory, watch: &dyn Watch) -> Result<Finished<ExposureResults<W>>, RunError> {
        let first = &self.rows[0];
        let data = Data::load(at, first)?;
        let reference = data.reference.as_ref();
        let held_out =
            reference.map(|reference| reference.score_held_out(&data.test, first.sampling.count)).transpose()?;
        let mut results = ExposureResults {
            failures: Vec::new(),
            entries: Vec::new(),
            searches: Vec::new(),
            curves: Vec::new(),
            pictures: Vec::new(),
            chain_lengths: Vec::new(),
            commits: Vec::new(),
            held_out,
        };
        let mut failed = Vec::new();
        for plan in &self.rows {
            match (Parts { at, plan, data: &data, study: self, watch }.run(&mut results)) {
                Err(RunError::Interrupted) => return Err(RunError::Interrupted),
                Err(error) => failed.push(format!("row `{}`: {error}", plan.id)),
                Ok(()) => {}
            }
        }
        results.failures.extend(failed.clone());
        Ok(Finished { results, failed })
    }
}

/// Solver by its place in the list, steps, cure and its constants.
type ScoredSampler<W> = (usize, usize, Cure, Vec<W>);

/// What the stages of one row share.
struct Parts<'a, W> {
    at: &'a RunDirectory,
    plan: &'a Plan,
    data: &'a Data,
    study: &'a Exposure<W>,
    watch: &'a dyn Watch,
}

impl<'a, W: Clone> Parts<'a, W> {
    /// The whole row.
    fn run(&self, results: &mut ExposureResults<W>) -> Result<(), RunError> {
        let searches = self.searches(&mut results.failures)?;
        results.searches.extend(searches.clone());
        self.score(&searches, results)
    }

    /// The networks of some seeds; those that diverged are noted.
    fn networks(&self, seeds: &[u64], failures: &mut Vec<String>) -> Result<Vec<TrainedRow<'a>>, RunError> {
        let mut networks = Vec::new();
        for &seed in seeds {
            match TrainedRow::new(self.at, self.plan, self.data, seed, &self.study.build.commit, self.watch)? {
                Ok(network) => networks.push(network),
                Err(why) => failures.push(format!("{}, seed {seed}: {why}", self.plan.label)),
            }
        }
        Ok(networks)
    }

    /// The constants of every cure; lists of a single choice are taken without a search.
    fn searches(&self, failures: &mut Vec<String>) -> Result<Vec<Search<W>>, RunError> {
        let grid = &*self.study.grid;
        let search_needed = [Cure::Outer, Cure::Inner].iter().any(|&cure| grid.choices(cure).len() > 1);
        let seeds = if search_needed { self.study.tuning_seeds.as_slice() } else { &[] };
        let mut networks = self.networks(seeds, failures)?;
        let mut all = Vec::new();
        for solver in 0..grid.solvers().len() {
            for &steps in grid.cured_steps() {
                let at = (self.plan, solver, steps);
                let mut run = |cure, fixed: &[W]| search(grid, &mut networks, at, cure, fixed);
                all.push(run(Cure::Outer, &[])?);
                let inner = run(Cure::Inner, &[])?;
                let best = inner.best().map(<[W]>::to_vec);
                all.push(inner);
                if let Some(best) = best {
                    all.push(run(Cure::Both, &best)?);
                }
            }
        }
        let unscored = all.iter().filter(|search| search.best().is_none());
        failures.extend(unscored.map(|search| {
            let (label, cure) = (&self.plan.label, grid.label(search.cure));
            format!("{label}: no constants of {cure} for {} at {} steps gave samples", search.solver, search.steps)
        }));
        Ok(all)
    }

    /// Scores of every sampler, with the constants that the searches found; curves of the first seed.
    fn score(&self, searches: &[Search<W>], results: &mut ExposureResults<W>) -> Result<(), RunError> {
        let (study, grid) = (self.study, &*self.study.grid);
        let mut networks = self.networks(&study.seeds, &mut results.failures)?;
        let mut commits = BTreeSet::new();
        for sampler in self.samplers(searches) {
            let entry = self.entry(sampler, &mut networks, &mut commits, &mut results.failures)?;
            results.entries.push(entry);
        }
        let commits = commits.into_iter().filter(|commit| !commit.is_empty()).collect::<Vec<_>>().join(", ");
        results.commits.push((self.plan.id.clone(), commits));
        if let Some(network) = networks.first_mut() {
            let at = At { steps: study.curve_steps, images: study.curve_images };
            results.curves.extend(curves(network, grid, at, searches, self.data, &mut results.failures)?);
            results.pictures.extend(self.pictures(network, searches)?);
            if self.data.reference.is_some() {
                results.chain_lengths.extend(chain_lengths(network, grid, &study.chain_lengths)?);
            }
        }
        Ok(())
    }

    /// The scores of one sampler on every network.
    fn entry(
        &self,
        (solver, steps, cure, cures): ScoredSampler<W>,
        networks: &mut [TrainedRow<'_>],
        commits: &mut BTreeSet<String>,
        failures: &mut Vec<String>,
    ) -> Result<Entry<W>, RunError> {
        let (seeds, grid, count) = (&self.study.seeds, &*self.study.grid, networks.len() as f64);
        let sampler = grid.sampler(self.plan, solver, steps, &cures);
        let (mut scores, mut seconds) = (vec![None; seeds.len()], 0.0);
        for network in networks {
            let scored = network.scores(&sampler)?;
            seconds += scored.seconds / count;
            commits.insert(scored.commit);
            if scored.scores.is_none() && self.data.reference.is_some() {
                failures.push(format!("{}: samples of {} are not finite", network.name, sampler.text));
            }
            let at = seeds.iter().position(|&seed| seed == network.seed);
            scores[at.expect("networks are of these seeds")] = scored.scores;
        }
        let (row, solver) = (self.plan.id.clone(), grid.solvers().swap_remove(solver));
        Ok(Entry { row, solver, steps, cure, cures, scores, seconds })
    }

    /// Samples at the smallest number of cured steps, without and with both cures.
    fn pictures(&self, network: &TrainedRow<'_>, searches: &[Search<W>]) -> Result<Vec<(String, String)>, RunError> {
        let (grid, mut all) = (&*self.study.grid, Vec::new());
        let fewest = grid.cured_steps().iter().min().copied();
        for (solver, steps, cure, cures) in self.samplers(searches) {
            if Some(steps) == fewest && matches!(cure, Cure::Plain | Cure::Both) {
                let sampler = grid.sampler(self.plan, solver, steps, &cures);
                let Some(name) = network.picture(&sampler)? else { continue };
                let file = format!("{}/seed-{}/{name}", self.plan.id, network.seed);
                let (label, solver) = (&self.plan.label, &grid.solvers()[solver]);
                all.push((format!("{label}, {solver}, {steps} steps, {}", grid.label(cure)), file));
            }
        }
        Ok(all)
    }

    /// Solver, steps, cure and constants of everything that is scored.
    fn samplers(&self, searches: &[Search<W>]) -> Vec<ScoredSampler<W>> {
        let (grid, mut all) = (&*self.study.grid, Vec::new());
        for (index, solver) in grid.solvers().iter().enumerate() {
            for &steps in grid.steps() {
                all.push((index, steps, Cure::Plain, Vec::new()));
                let of_this = |search: &&Search<W>| search.solver == *solver && search.steps == steps;
                let found = searches.iter().filter(of_this).filter_map(|search| Some((search.cure, search.best()?)));
                all.extend(found.map(|(cure, best)| (index, steps, cure, best.to_vec())));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quiet;
    use crate::exposure::NamedSampler;
    use crate::outline::tests::Ids;
    use crate::plan::tests::small;
    use std::cell::Cell;
    use std::rc::Rc;

    /// One solver, whose cures are numbers that change nothing; it counts the samplers that are made.
    struct Counted(Rc<Cell<usize>>);

    impl Counted {
        fn named<'a>(&self, plan: &'a Plan, text: String) -> NamedSampler<'a> {
            let made = self.0.clone();
            let build = move || {
                made.set(made.get() + 1);
                (plan.sampling.sampler)(plan)
            };
            NamedSampler { text, build: Box::new(build) }
        }
    }

    impl SamplerGrid<u32> for Counted {
        fn solvers(&self) -> Vec<String> {
            vec!["all levels".to_owned()]
        }

        fn steps(&self) -> &[usize] {
            &[25, 50]
        }

        fn cured_steps(&self) -> &[usize] {
            &[50]
        }

        fn choices(&self, cure: Cure) -> Vec<u32> {
            if cure == Cure::Inner { vec![7] } else { vec![3] }
        }

        fn label(&self, cure: Cure) -> &'static str {
            match cure {
                Cure::Plain => "plain",
                Cure::Outer => "outer",
                Cure::Inner => "inner",
                Cure::Both => "both of them",
            }
        }

        fn sampler<'a>(&self, plan: &'a Plan, solver: usize, steps: usize, cures: &[u32]) -> NamedSampler<'a> {
            self.named(plan, format!("{solver} at {steps} with {cures:?}"))
        }

        fn back<'a>(&self, plan: &'a Plan, _: usize) -> NamedSampler<'a> {
            self.named(plan, "back".to_owned())
        }
    }

    fn study(made: &Rc<Cell<usize>>) -> Exposure<u32> {
        let pixels: Vec<u8> = (0..4 * 256u32).map(|i| (i * 37 % 256) as u8).collect();
        Exposure {
            rows: vec![small("a", &pixels)],
            seeds: vec![0],
            tuning_seeds: vec![9],
            grid: Box::new(Counted(made.clone())),
            curve_steps: 50,
            curve_images: 2,
            chain_lengths: vec![2],
            build: Build { version: "v".into(), burn: "b".into(), commit: "c".into(), device: "d".into() },
        }
    }

    #[test]
    fn every_cure_is_drawn_once_and_a_row_without_an_extractor_leaves_its_samples() {
        let (folder, made) = (tempfile::tempdir().unwrap(), Rc::new(Cell::new(0)));
        let study = study(&made);
        let at = RunDirectory::open(folder.path(), &Ids(vec!["a".into()], vec![0]), &study.check().unwrap()).unwrap();
        let first = study.run(&at, &Quiet).unwrap();
        assert!(first.failed.is_empty() && first.results.failures.is_empty(), "{first:?}");
        let drawn: Vec<_> =
            first.results.entries.iter().map(|entry| (entry.steps, entry.cure, &entry.cures[..])).collect();
        let expected: [(usize, Cure, &[u32]); 5] = [
            (25, Cure::Plain, &[]),
            (50, Cure::Plain, &[]),
            (50, Cure::Outer, &[3]),
            (50, Cure::Inner, &[7]),
            (50, Cure::Both, &[7, 3]),
        ];
        assert_eq!(drawn, expected);
        assert!(!folder.path().join("a/seed-9").exists(), "nothing had to be searched");
        assert!(folder.path().join("a/seed-0/samples-0-at-50-with-7-3.u8").exists());
        let labels: Vec<&str> = first.results.curves.iter().map(|curve| curve.label.as_str()).collect();
        assert_eq!(labels, ["a, plain", "a, outer", "a, inner", "a, both"]);
        assert!(first.results.curves.iter().all(|curve| curve.points.len() == 50));
        assert_eq!(first.results.pictures.len(), 2);
        assert_eq!(first.results.commits, [("a".to_owned(), "c".to_owned())]);
        assert_eq!(made.replace(0), 5 + 4 + 2, "scores, curves and pictures");
        assert_eq!(study.run(&at, &Quiet).unwrap().results, first.results);
        assert_eq!(made.get(), 4, "only curves are measured again");
    }
}
