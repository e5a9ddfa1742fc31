//! The variational bound of the rows: its terms, its parts, its numbers.

use super::data::{BitsPerDim, Report, RowResult, SeedResult};
use undrift_report::{
    Axis, Bar, Bars, Comparison, Direction, Drawing, Lines, Mean, Plot, Row, Score, Series, Trial, numbers,
};

/// Bits/dim of each term of the bound against t, a colour for each row and a curve for each seed; none where no row
/// has any.
pub(super) fn steps(report: &Report) -> Option<Plot> {
    let terms = |seed: &SeedResult| {
        let per_t = &seed.bits_per_dim.as_ref()?.per_t;
        Some(per_t.iter().zip(1_u32..).map(|(&bits, t)| (f64::from(t), bits)).collect())
    };
    let series = report.rows.iter().map(|row| {
        let curves: Vec<Vec<(f64, f64)>> = row.seeds.iter().filter_map(terms).collect();
        Series { label: row.label.clone(), curves }
    });
    let series: Vec<Series> = series.collect();
    series.iter().any(|one| !one.curves.is_empty()).then(|| Plot {
        heading: "Bits per dimension, step by step".into(),
        file: "bits-per-step.svg".into(),
        caption: "Terms of the variational bound on held-out images in bits per dimension, against the step t (both \
                  logarithmic), one line per seed. The first term is the decoder's (the distortion), the others make \
                  up the rate; terms that are not positive are left out."
            .into(),
        drawing: Drawing::Lines(Lines {
            x: Axis::logarithmic("t"),
            y: Axis::logarithmic("bits/dim"),
            series,
            dots: false,
        }),
    })
}

/// The bound's rate and distortion, a bar for each row; none where no row has any.
pub(super) fn parts(report: &Report) -> Option<Plot> {
    let bars: Vec<Bar> = report.rows.iter().map(bar).collect();
    bars.iter().any(|bar| bar.parts.is_ok()).then(|| Plot {
        heading: "Rate and distortion per row".into(),
        file: "rate-distortion.svg".into(),
        caption: "The variational bound in bits per dimension, split into rate (full colour) and distortion (pale), \
                  means over seeds. A bar that would dwarf the others is cut and ends in dots; its numbers stand \
                  beside it."
            .into(),
        drawing: Drawing::Bars(Bars { bars }),
    })
}

fn bar(row: &RowResult) -> Bar {
    let mean = |part: fn(&BitsPerDim) -> f64| {
        let sound = row.seeds.iter().filter(|seed| seed.failure.is_none());
        Some(Mean::over(sound.map(|seed| seed.bits_per_dim.as_ref().map(part)))?.value)
    };
    let label = row.label.clone();
    match (mean(|bound| bound.rate), mean(|bound| bound.distortion)) {
        (Some(rate), Some(distortion)) => {
            let [first, second, sum] = [rate, distortion, rate + distortion].map(|bits| numbers::fixed(bits, 3));
            Bar { label, parts: Ok(vec![rate, distortion]), text: format!("{first} + {second} = {sum}") }
        }
        _ => {
            let why = if row.seeds.is_empty() { "not run" } else { "no usable bound" };
            Bar { label, parts: Err(why.into()), text: String::new() }
        }
    }
}

/// The bound and its parts as scores that nothing is judged by; none where no row has any.
pub(super) fn numbers_of(report: &Report) -> Option<Comparison> {
    let known = |name: &str, decimals| Score::new(name, Direction::Neither, decimals);
    let scores = vec![
        known("bits/dim", 3),
        known("rate", 3),
        known("distortion", 3),
        known("prior (in the rate)", 3),
        known("RMSE (0..255)", 2),
        known("images", 0),
    ];
    let values = |seed: &SeedResult| {
        let Some(bound) = &seed.bits_per_dim else { return vec![] };
        let BitsPerDim { total, rate, distortion, prior, rmse, images, .. } = *bound;
        [total, rate, distortion, prior, rmse, images as f64].map(Some).to_vec()
    };
    let trial = |seed: &SeedResult| Trial { seed: seed.seed, values: values(seed), failure: seed.failure.clone() };
    let rows =
        report.rows.iter().map(|row| Row { trials: row.seeds.iter().map(trial).collect(), ..Row::new(&row.label) });
    let comparison = Comparison { scores, rows: rows.collect(), ..Comparison::default() };
    comparison.rows.iter().any(|row| row.mean(0).is_some()).then_some(comparison)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{broken, report, report_of};

    #[test]
    fn the_parts_stand_beside_their_bar() {
        let Drawing::Bars(bars) = parts(&report([0.0; 6])).unwrap().drawing else { panic!("bars") };
        assert!(bars.bars.iter().all(|bar| bar.text.contains("+ 1.000 =")));
    }

    #[test]
    fn without_a_bound_there_is_nothing_to_show() {
        let failed = report_of([0; 6].map(|_| vec![broken(0)]));
        assert!(steps(&failed).is_none() && parts(&failed).is_none() && numbers_of(&failed).is_none());
    }

    #[test]
    fn the_prior_is_not_hidden_by_its_decimals() {
        let known = numbers_of(&report([0.0; 6])).unwrap();
        assert_eq!(known.rows[0].text(&known.scores, 3), "1.0e-5");
    }
}
