//! The sentences under the tables: what the columns mean, what failed, and what became of the rows
//! that the paper leaves blank.

use super::curve::Curve;
use super::data::{ImageCounts, Report, RowResult, SeedResult};
use super::mean::Mean;
use super::numbers;
use super::ordering::Weights;
use std::collections::BTreeSet;

/// How to read the first table.
pub(crate) fn reading(report: &Report) -> Vec<String> {
    let mut notes = vec![columns(report), paper(report), seeds(report)];
    if report.reference.is_some() {
        notes.push(real_images(report.counts));
    }
    notes
}

fn columns(report: &Report) -> String {
    format!(
        "{} (lower is better), IS (inception score, higher is better) and sampling time are of {}samples from the \
         averaged (EMA) weights{}; bits/dim (lower is better) is the variational bound on {}.",
        report.distance_name,
        report.counts.map_or(String::new(), |counts| format!("{} ", counts.samples)),
        report.counts.map_or(String::new(), |counts| format!(" against {} reference images", counts.reference)),
        bound_images(report)
    )
}

/// What the bound is an average over, and what its error therefore leaves out.
fn bound_images(report: &Report) -> String {
    let seeds = report.rows.iter().flat_map(|row| &row.seeds);
    let counts: BTreeSet<usize> = seeds.filter_map(|seed| Some(seed.bits_per_dim.as_ref()?.images)).collect();
    let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
    match counts.as_slice() {
        [] => "held-out images".into(),
        counts => format!(
            "{} held-out images, the same for all rows and seeds, so that its ± says nothing of other images",
            counts.join(" or ")
        ),
    }
}

/// What the scores of real images can be compared with.
pub(crate) fn real_images(counts: Option<ImageCounts>) -> String {
    match counts {
        Some(ImageCounts { samples, held_out, .. }) if samples == held_out => format!(
            "Real held-out images are scored like samples, {held_out} of them: no model can be expected to do better."
        ),
        Some(ImageCounts { samples, held_out, .. }) => format!(
            "Of real held-out images there are {held_out}, of samples {samples}; a distance falls with the number of \
             images, so that these two do not compare."
        ),
        None => "How many real held-out images were scored is not recorded; a distance falls with their number.".into(),
    }
}

fn paper(report: &Report) -> String {
    if !report.has_published() {
        return "No published numbers are set beside these rows.".into();
    }
    let warning = match report.comparable {
        true => "",
        false => {
            " They are not comparable in value with ours, whose data, feature extractor or budget differ: only the \
             order of the rows is."
        }
    };
    format!(
        "The paper's numbers are CIFAR-10 / Inception: 50,000 samples scored by Inception-v3, ± over \
         splits (Ho, Jain, Abbeel 2020, arXiv:2006.11239, table 2).{warning} \"blank\" means that the \
         paper gives none because the row was unstable to train."
    )
}

fn seeds(report: &Report) -> String {
    if report.rows.iter().all(|row| row.seeds.len() <= 1) {
        return "One seed per row: no standard error can be given.".into();
    }
    "± is the standard error of the mean over seeds (n - 1); \"[2 of 3]\" counts the seeds that a mean \
     stands on where others failed."
        .into()
}

/// How to read the table of averaged and raw weights.
pub(crate) fn reading_weights() -> Vec<String> {
    vec!["In brackets: the standard deviation of a single seed's inception score over its splits.".into()]
}

/// One sentence for every seed that broke off.
pub(crate) fn failures(report: &Report) -> Vec<String> {
    let of = |row: &RowResult| -> Vec<String> {
        let reason = |seed: &SeedResult| seed.failure.as_ref().map(|why| (seed.seed, why.clone()));
        let failed = row.seeds.iter().filter_map(reason);
        failed.map(|(seed, why)| format!("{}, seed {seed}: {why}.", row.label)).collect()
    };
    report.rows.iter().flat_map(of).collect()
}

/// One sentence for every row that the paper leaves blank: what happened to it here.
pub(crate) fn blank_rows(report: &Report) -> Vec<String> {
    let blank = report.rows.iter().filter(|row| report.has_published() && row.published.fid.is_none());
    blank.map(|row| format!("{}: {}", row.label, fate(report, row))).collect()
}

fn fate(report: &Report, row: &RowResult) -> String {
    if row.seeds.is_empty() {
        return "not run.".into();
    }
    let finished = row.seeds.iter().filter(|seed| seed.failure.is_none()).count();
    let count = format!("{finished} of {} trained to the end", numbers::count(row.seeds.len(), "seed"));
    let parts = [Some(count), Some(standing(report, row)), bits(row), descent(row), reasons(row)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ") + "."
}

/// The row's distance and its place among all rows that have one.
fn standing(report: &Report, row: &RowResult) -> String {
    let weights = Weights::judged(report);
    let name = &report.distance_name;
    let distance = |row: &RowResult| Mean::over(&row.seeds, |seed| Some(weights.of(seed)?.frechet));
    let Some(ours) = distance(row) else { return format!("no usable {name}") };
    let all: Vec<f64> = report.rows.iter().filter_map(distance).map(|mean| mean.value).collect();
    let rank = 1 + all.iter().filter(|&&other| other < ours.value).count();
    format!("{name} {}, place {rank} of {}", numbers::mean(&ours, 2), all.len())
}

fn bits(row: &RowResult) -> Option<String> {
    let bits = Mean::over(&row.seeds, |seed| Some(seed.bits_per_dim.as_ref()?.total))?;
    Some(format!("{} bits/dim", numbers::mean(&bits, 3)))
}

/// The training loss over the first and the last tenth of the first seed's steps.
fn descent(row: &RowResult) -> Option<String> {
    let (from, to) = Curve::new(&row.seeds.first()?.loss).ends()?;
    Some(format!(
        "training loss from {} (first tenth) to {} (last tenth)",
        numbers::significant(from),
        numbers::significant(to)
    ))
}

fn reasons(row: &RowResult) -> Option<String> {
    let reason = |seed: &SeedResult| Some(format!("seed {}: {}", seed.seed, seed.failure.as_ref()?));
    let reasons: Vec<String> = row.seeds.iter().filter_map(reason).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report, report_of, seed};

    #[test]
    fn a_failed_seed_is_named_with_its_reason() {
        let mut seeds = [1.0; 6].map(|distance| vec![seed(0, distance)]);
        seeds[2] = vec![broken(7)];
        let report = report_of(seeds);
        assert_eq!(failures(&report), ["mu_tilde, MSE, fixed, seed 7: loss is NaN at step 312."]);
        let fates = blank_rows(&report);
        assert!(fates[0].contains("0 of 1 seed trained to the end"), "{}", fates[0]);
        assert!(fates[0].contains("seed 7: loss is NaN at step 312"), "{}", fates[0]);
        assert!(fates[0].contains("no usable FD (Fashion-MNIST features)"), "{}", fates[0]);
    }

    #[test]
    fn a_blank_row_that_trained_has_a_place_among_all_rows() {
        let fates = blank_rows(&report([142.0, 110.0, 90.0, 95.0, 115.0, 30.0]));
        assert_eq!(fates.len(), 2);
        let said = "eps, L, learned: 1 of 1 seed trained to the end; FD (Fashion-MNIST features) 95.00, place 3 of 6";
        assert!(fates[1].starts_with(said), "{}", fates[1]);
    }

    #[test]
    fn what_the_scores_stand_on_is_said() {
        let mut report = report([1.0; 6]);
        let text = reading(&report).join(" ");
        assert!(
            text.contains("of 512 samples from the averaged (EMA) weights against 10000 reference images"),
            "{text}"
        );
        assert!(text.contains("bound on 1000 held-out images, the same for all rows and seeds"), "{text}");
        assert!(text.contains("Real held-out images are scored like samples, 512 of them"), "{text}");
        report.counts = Some(ImageCounts { samples: 512, reference: 10_000, held_out: 1000 });
        assert!(reading(&report).join(" ").contains("there are 1000, of samples 512"));
        report.counts = None;
        assert!(reading(&report).join(" ").contains("is not recorded"));
    }

    #[test]
    fn without_published_numbers_no_row_is_blank() {
        let mut report = report([1.0; 6]);
        report.rows.iter_mut().for_each(|row| row.published = Default::default());
        let text = reading(&report).join(" ");
        assert!(text.contains("No published numbers") && !text.contains("unstable"), "{text}");
        assert!(blank_rows(&report).is_empty());
    }

    #[test]
    fn values_of_another_data_set_are_marked() {
        let mut report = report([1.0; 6]);
        let notes = |report: &Report| reading(report).join(" ");
        assert!(notes(&report).contains("not comparable in value"));
        assert!(notes(&report).contains("One seed per row"));
        report.comparable = true;
        assert!(!notes(&report).contains("not comparable in value"));
    }
}
