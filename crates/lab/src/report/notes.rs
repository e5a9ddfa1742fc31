//! What the numbers of a report stand on, in sentences.

use super::data::{ImageCounts, Report};
use std::collections::BTreeSet;

/// What the scores are of, and what the recipe says of its rows.
pub(super) fn reading(report: &Report) -> Vec<String> {
    let real = report.reference.map(|_| real_images(report.counts));
    [footing(report)].into_iter().chain(real).chain(report.notes.clone()).collect()
}

fn footing(report: &Report) -> String {
    format!(
        "{}, inception score and sampling time are of {}samples from the averaged (EMA) weights{}; bits/dim is the \
         variational bound on {}.",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::report;

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
    fn notes_are_the_recipes() {
        let mut report = report([1.0; 6]);
        assert_eq!(reading(&report).len(), 2);
        report.notes = vec!["Of another data set.".into()];
        assert_eq!(reading(&report)[2], "Of another data set.");
    }
}
