//! A made-up report for the tests of this module.

use super::data::*;

/// A seed whose distance is given; everything else follows from it.
pub(crate) fn seed(seed: u64, frechet: f64) -> SeedResult {
    SeedResult {
        seed,
        ema: Some(scores(frechet)),
        raw: Some(scores(frechet * 1.25)),
        bits_per_dim: Some(bound(frechet)),
        train_seconds: 605.0,
        sample_seconds: 42.0,
        loss: (0..1000).map(|step| (step * 2, loss(step, frechet))).collect(),
        further: Vec::new(),
        failure: None,
    }
}

/// A seed that broke off.
pub(crate) fn broken(number: u64) -> SeedResult {
    let mut loss = seed(number, 100.0).loss;
    loss.truncate(156);
    loss.push((312, f64::NAN));
    SeedResult {
        ema: None,
        raw: None,
        bits_per_dim: None,
        sample_seconds: 0.0,
        failure: Some("loss is NaN at step 312".into()),
        loss,
        ..seed(number, 100.0)
    }
}

/// The six rows with one seed each; the distances of the rows follow the paper's order of rows.
pub(crate) fn report(frechet: [f64; 6]) -> Report {
    let rows = frechet.map(|distance| vec![seed(0, distance)]);
    report_of(rows)
}

/// The six rows with the given seeds.
pub(crate) fn report_of(seeds: [Vec<SeedResult>; 6]) -> Report {
    let rows = ROWS.iter().zip(seeds).map(|(row, seeds)| row.with(seeds)).collect();
    Report {
        title: "Table 2 of DDPM".into(),
        distance_name: "FD (Fashion-MNIST features)".into(),
        protocol: vec![("T".into(), "250".into()), ("data".into(), "Fashion-MNIST <16x16>".into())],
        rows,
        reference: Some(scores(0.9)),
        counts: Some(ImageCounts { samples: 512, reference: 10_000, held_out: 512 }),
        reference_further: Vec::new(),
        grids: vec![],
        baseline: None,
        notes: vec![],
    }
}

struct Row(&'static str, [&'static str; 3], Option<[f64; 3]>);

const ROWS: [Row; 6] = [
    Row("mu-bound-learned", ["mu_tilde", "L", "learned"], Some([7.28, 0.10, 23.69])),
    Row("mu-bound-fixed", ["mu_tilde", "L", "fixed"], Some([8.06, 0.09, 13.22])),
    Row("mu-mse", ["mu_tilde", "MSE", "fixed"], None),
    Row("eps-bound-learned", ["eps", "L", "learned"], None),
    Row("eps-bound-fixed", ["eps", "L", "fixed"], Some([7.67, 0.13, 13.51])),
    Row("eps-simple", ["eps", "L_simple", "fixed"], Some([9.46, 0.11, 3.17])),
];

impl Row {
    fn with(&self, seeds: Vec<SeedResult>) -> RowResult {
        let settings = ["prediction", "objective", "variance"].into_iter().zip(self.1);
        RowResult {
            id: self.0.into(),
            label: self.1.join(", "),
            settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            evaluations: Some(250),
            published: Published {
                inception_score: self.2.map(|numbers| numbers[0]),
                inception_score_std: self.2.map(|numbers| numbers[1]),
                fid: self.2.map(|numbers| numbers[2]),
            },
            seeds,
        }
    }
}

fn scores(frechet: f64) -> Scores {
    let inception_score = 10.0 / (1.0 + frechet / 100.0);
    Scores { frechet, inception_score, inception_score_std: 0.05 }
}

fn bound(frechet: f64) -> BitsPerDim {
    let per_t: Vec<f64> = (1..=250).map(|t| (1.0 + frechet / 50.0) / f64::from(t).powf(1.2)).collect();
    let distortion = per_t[0];
    let rate = per_t[1..].iter().sum::<f64>() + 1e-5;
    BitsPerDim { total: rate + distortion, rate, distortion, prior: 1e-5, per_t, rmse: 1.2, images: 1000 }
}

fn loss(step: u64, frechet: f64) -> f64 {
    let wobble = 1.0 + 0.3 * ((step * 7919 % 101) as f64 / 101.0 - 0.5);
    (0.03 + 1.0 / (1.0 + step as f64 / 5.0)) * wobble * (1.0 + frechet / 100.0)
}
