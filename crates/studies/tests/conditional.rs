//! A row whose network is told the class of each image.

use std::path::Path;

use burn::tensor::Device;
use undrift_data::{Flips, Images};
use undrift_denoisers::{ClipX0, Denoiser, OutputVariance, Variance, X0};
use undrift_losses::{Plain, Simple, Weighting};
use undrift_metrics::NearestImage;
use undrift_networks::PerceptronConfig;
use undrift_samplers::{Ancestral, Solver};
use undrift_schedules::{Chain, Grid};
use undrift_studies::{
    Build, Conditioning, DataSource, Kept, Outline, Plan, Quiet, RowOutline, RunDirectory, RunError, Sampler, Sampling,
    Scoring, Study, Table, TableResults, Training, WeightSet,
};
use undrift_training::Optimisation;

/// Images of four pixels.
const SHAPE: [usize; 3] = [1, 2, 2];

struct Ddpm(Grid);

impl Sampler for Ddpm {
    fn grid(&self) -> &Grid {
        &self.0
    }

    fn solver(&self) -> &dyn Solver<4> {
        &Ancestral { variance: Variance::FixedSmall }
    }

    fn denoiser<'a>(&self, network: Box<dyn Denoiser<4> + 'a>) -> Result<Box<dyn Denoiser<4> + 'a>, RunError> {
        Ok(Box::new(ClipX0(network)))
    }
}

/// Dark images of class 0 and bright ones of class 1, in an order that says nothing; the last label is `last`.
fn images(last: u32) -> Images {
    let classes: Vec<u32> = (0..16).map(|i| u32::from(i * 7 % 16 < 8)).collect();
    let pixels = classes.iter().flat_map(|&class| [if class == 0 { 20 } else { 230 }; 4]).collect();
    let labels = [&classes[..15], &[last]].concat();
    Images::new(pixels, labels, SHAPE).unwrap()
}

fn plan(dropout: f64, last: u32) -> Plan {
    let chain = Chain::linear_scaled(20).unwrap();
    let network = PerceptronConfig { classes: Some(2), width: 32, ..PerceptronConfig::points(1) };
    Plan {
        id: "told".to_owned(),
        label: "told".to_owned(),
        parameterisation: Box::new(X0),
        variance: Variance::FixedSmall,
        output_variance: OutputVariance::None,
        objective: Box::new(|| Ok(Box::new(Simple { corruption: Plain, weighting: Weighting::Uniform }))),
        network: Box::new(PerceptronConfig { input: SHAPE, ..network }),
        conditioning: Conditioning::Classes { count: 2, dropout },
        data: DataSource {
            identity: "dark and bright".to_owned(),
            from: "memory".into(),
            shape: SHAPE,
            read: Box::new(move |_| Ok(images(last))),
        },
        training: Training {
            steps: 150,
            batch: 8,
            checkpoint_every: 150,
            log_every: 50,
            flips: Flips::None,
            optimisation: Optimisation::constant(3e-3),
        },
        sampling: Sampling {
            count: 7,
            batch: 3,
            weights: vec![WeightSet::Raw],
            sampler: Box::new(|plan| Ok(Box::new(Ddpm(plan.chain.grid())))),
        },
        scoring: Scoring {
            extractor: None,
            splits: 1,
            further: vec![Box::new(|train, _| {
                Ok(Box::new(NearestImage::new(train.pixels().to_vec(), train.pixels_per_image())?))
            })],
            bits_per_dim_images: 0,
        },
        notes: Default::default(),
        picture: |bytes, _| Ok(bytes.to_vec()),
        device: Device::flex(),
        chain,
    }
}

/// A recipe of one row.
#[derive(Clone)]
struct One;

impl Kept for One {
    fn from_text(_: &str) -> Result<Self, String> {
        Ok(One)
    }

    fn to_text(&self) -> String {
        "one".to_owned()
    }

    fn check_names(&self) -> Result<(), String> {
        Ok(())
    }

    fn with_seeds(&self, _: Vec<u64>) -> Self {
        One
    }

    fn outline(&self) -> Outline {
        let row = RowOutline {
            id: "told".to_owned(),
            training: Vec::new(),
            sampling: String::new(),
            scoring: String::new(),
            inputs: String::new(),
            images_from: "memory".into(),
        };
        Outline { name: "one".into(), preset: "one".into(), seeds: vec![0], tuning_seeds: vec![], rows: vec![row] }
    }
}

fn run(root: &Path, plan: Plan) -> Result<TableResults, RunError> {
    let build = Build { version: "v".into(), burn: "b".into(), commit: "c".into(), device: "d".into() };
    let table = Table { run_rows: vec![plan.id.clone()], rows: vec![plan], seeds: vec![0], run_seeds: vec![0], build };
    let directory = RunDirectory::open(root, &One, &table.check()?)?;
    let finished = table.run(&directory, &Quiet)?;
    assert!(finished.failed.is_empty(), "{:?}", finished.failed);
    Ok(finished.results)
}

/// Mean grey of each sample.
fn greys(root: &Path) -> Vec<f64> {
    let bytes = std::fs::read(root.join("told/seed-0/samples-raw.u8")).unwrap();
    bytes.chunks(4).map(|image| image.iter().map(|&byte| f64::from(byte)).sum::<f64>() / 4.0).collect()
}

#[test]
fn samples_are_of_their_class_by_turns_whatever_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let results = run(folder.path(), plan(0.1, 0)).unwrap();
    for (number, grey) in greys(folder.path()).into_iter().enumerate() {
        assert_eq!(grey > 125.0, number % 2 == 1, "sample {number}: {grey}");
    }
    let further = &results.rows[0].records[0].result.further;
    assert!(further.len() == 1 && further[0].value < 60.0 && further[0].higher_is_better, "{further:?}");
    assert_eq!(results.held_out_further[0].value, 0.0, "the held-out images are the training images");
}

#[test]
fn a_network_that_always_loses_the_class_learns_less() {
    let last = |dropout| {
        let folder = tempfile::tempdir().unwrap();
        let results = run(folder.path(), plan(dropout, 0)).unwrap();
        results.rows[0].records[0].result.loss.last().unwrap().1
    };
    let (told, lost) = (last(0.0), last(1.0));
    assert!(lost > 1.5 * told, "{told} {lost}");
}

#[test]
fn a_run_goes_on_with_the_labels_it_was_begun_with_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), plan(0.1, 0)).unwrap();
    let error = run(folder.path(), plan(0.1, 1)).unwrap_err();
    assert!(matches!(error, RunError::OtherInput { .. }), "{error}");
    let error = run(folder.path(), plan(0.1, 2)).unwrap_err().to_string();
    assert!(error.contains('2') && error.contains("class"), "{error}");
}
