//! Sentences whose numbers are computed from the results, where no report states them.

use super::text::table;
use super::{METHODS, RESULTS, STUDY, TABLE2, TRUST, read};
use crate::plot::curves;

/// Documents with the words that they must have.
pub(crate) fn sentences() -> Vec<(&'static str, String)> {
    let study = read(STUDY);
    let of_results = [ordered(), tables(), differences(&study), searches(&study), bias(), chains()].concat();
    let of_results = of_results.into_iter().map(|sentence| (RESULTS, sentence));
    let comparisons = count(&study, CURES) + count(&study, TRAINING);
    let compared = (METHODS, format!("there are {comparisons} comparisons and two scores"));
    of_results.chain([compared, (TRUST, mistakes())]).collect()
}

const CURES: &str = "## Differences from plain sampling, seed by seed";
const TRAINING: &str = "## Differences from the baseline at equal training";

/// One number of each seed of a row.
fn seeds(report: &str, row: &str, field: &str) -> [f64; 3] {
    [0, 1, 2].map(|seed| {
        let json = read(&format!("docs/results/{report}/{row}/seed-{seed}/result.json"));
        let (_, rest) = json.split_once(&format!("\"{field}\": ")).unwrap_or_else(|| panic!("{report}/{row}: {field}"));
        rest.split([',', '\n']).next().unwrap().parse().unwrap()
    })
}

/// Mean and standard error.
fn mean(values: [f64; 3]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / 3.0;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / 6.0).sqrt())
}

/// How far two rows are apart, seed by seed.
fn paired(report: &str, rows: [&str; 2], field: &str, decimals: usize) -> String {
    let [one, other] = rows.map(|row| seeds(report, row, field));
    let (mean, error) = mean([0, 1, 2].map(|seed| one[seed] - other[seed]));
    format!("{:.decimals$} ± {error:.decimals$}", mean.abs())
}

/// How many of the paper's pairs the report finds in the paper's order, by distance and by inception score.
fn ordered() -> Vec<String> {
    let report = read(TABLE2);
    let after = |words: &str| report.split_once(words).unwrap().1.split(" pairs").next().unwrap();
    let (distance, score) = (after("with the same best row: "), after(" clearly) and "));
    assert_eq!(distance, score, "one number is said of both");
    vec![format!("{distance} are ordered as in the paper by either score")]
}

fn tables() -> Vec<String> {
    let (distance, score) = ("frechet", "inception_score");
    let apart = |one: &str, other: &str, field: &str| paired("table2-quick", [one, other], field, 2);
    let variances = |field: &str| paired("fixed-variance", ["fixed-large", "fixed-small"], field, 3);
    vec![
        format!(
            "({} by distance, {} by inception score)",
            apart("eps-learned", "mu-learned", distance),
            apart("eps-learned", "mu-learned", score)
        ),
        format!("by inception score ({})", apart("eps-learned", "eps-fixed", score)),
        format!("by distance ({}) it is so", apart("eps-learned", "eps-fixed", distance)),
        format!("by {} in distance and by {} in inception score", variances(distance), variances(score)),
        format!("{} lower with fixed-small", variances("total")),
    ]
}

fn count(study: &str, heading: &str) -> usize {
    table(study, heading).len()
}

/// Mean and error of a cell.
fn cell(text: &str) -> (f64, f64) {
    let (mean, error) = text.split_once(" ± ").unwrap();
    (mean.parse().unwrap(), error.parse().unwrap())
}

fn ends(values: &[f64]) -> (f64, f64) {
    (values.iter().copied().fold(f64::INFINITY, f64::min), values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

fn differences(study: &str) -> Vec<String> {
    let (cures, training) = (table(study, CURES), table(study, TRAINING));
    let shifts = cures.iter().filter(|line| line[3] == "time shift");
    let (means, errors): (Vec<f64>, Vec<f64>) = shifts.map(|line| cell(&line[4])).unzip();
    let ((least, most), (smallest, largest)) = (ends(&means), ends(&errors));
    let of = |solver: &str, column: usize| -> Vec<f64> {
        training.iter().filter(|line| line[1] == solver).map(|line| cell(&line[column]).0).collect()
    };
    let ddim = ends(&of("ddim", 3));
    let ddpm = [of("ddpm-small", 3), of("ddpm-small", 5)].concat();
    let beyond = ddpm.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    vec![
        format!("There are {} comparisons of cures and {} of training", cures.len(), training.len()),
        format!(
            "all {} differences lie between {least:.2} and {most:.2} with errors of {smallest:.2} to {largest:.2}",
            word(means.len())
        ),
        format!("DDIM's differences are {:.2} to {:.2} to its disadvantage", ddim.0, ddim.1),
        format!("for DDPM nothing exceeds {beyond:.2} by either score"),
    ]
}

fn searches(study: &str) -> Vec<String> {
    let cures = table(study, CURES);
    let shifts: Vec<&String> = cures.iter().filter(|line| line[3] == "time shift").map(|line| &line[7]).collect();
    let at = |constant: &str| word(shifts.iter().filter(|constants| constants.contains(constant)).count());
    vec![format!(
        "All {} searches ended at the largest cutoff (150), {} of them at the largest window (20) as well",
        at("cutoff=150"),
        at("window=20")
    )]
}

fn word(number: usize) -> &'static str {
    ["none", "one", "two", "three", "four", "five", "six", "seven", "eight"][number]
}

const STUDY_PLOTS: &str = "docs/results/exposure-bias";
/// Curves without a cure and with time shift, of the baseline and of the input-perturbed model.
const CURVES: [usize; 4] = [0, 2, 4, 6];

/// A number to so many decimals, if a plot's pixels tell them; the nearest of those that they allow to `stated`.
fn read_off(value: f64, pixel: f64, decimals: usize, stated: f64) -> String {
    let unit = 0.1f64.powi(decimals as i32);
    let allowed = (stated - value).abs() <= 0.5 * unit + pixel;
    format!("{:.decimals$}", if allowed { stated } else { value })
}

fn bias() -> Vec<String> {
    let (marginal, pixel) = curves(&read(&format!("{STUDY_PLOTS}/bias-marginal-ddim.svg")));
    let spread = |curve: usize, stated| read_off(ends(&marginal[CURVES[curve]]).1, pixel, 3, stated);
    let (norm, of_norm) = curves(&read(&format!("{STUDY_PLOTS}/bias-eps-ddim.svg")));
    let percent =
        |curve: usize, stated| read_off(100.0 * (ends(&norm[CURVES[curve]]).1 - 1.0), 100.0 * of_norm, 1, stated);
    let (small, of_small) = curves(&read(&format!("{STUDY_PLOTS}/bias-marginal-ddpm-small.svg")));
    let last = |curve: usize, stated| read_off(-small[CURVES[curve]].last().unwrap(), of_small, 3, stated);
    vec![
        format!(
            "({} against {} for the baseline, {} against {} for the input-perturbed model)",
            spread(1, 0.044),
            spread(0, 0.030),
            spread(3, 0.080),
            spread(2, 0.067)
        ),
        format!(
            "by at most {} for the baseline and {} for the input-perturbed model, and the norm of eps by {} % and {} %",
            spread(0, 0.030),
            spread(2, 0.067),
            percent(0, 1.4),
            percent(2, 5.3)
        ),
        format!("({} and {} at the end)", last(0, 0.050), last(2, 0.048)),
    ]
}

fn chains() -> Vec<String> {
    let (chains, pixel) = curves(&read(&format!("{STUDY_PLOTS}/chain-length.svg")));
    let at = |row: usize, start: usize, stated| read_off(chains[row][start], pixel, 2, stated);
    let same = at(0, 1, 1.53);
    assert_eq!(same, at(1, 1, 1.53), "one number is said of both");
    vec![
        format!("is {} for the baseline and {} for the input-perturbed model", at(0, 0, 0.56), at(1, 0, 0.57)),
        format!("it is {same} for both, and from t = 250 with {} and {} no larger", at(0, 2, 1.42), at(1, 2, 1.45)),
    ]
}

/// As the document has it, if `xtask/mutants.toml` has so many.
fn mistakes() -> String {
    let listed = read("xtask/mutants.toml").matches("[[mutants]]").count();
    let document = read(TRUST);
    let (_, said) = document.split_once("plants more than ").expect("the document counts the planted mistakes");
    let said: usize = said.split(' ').next().unwrap().parse().unwrap();
    assert!(said < listed && listed < 2 * said, "{TRUST} says more than {said} planted mistakes, there are {listed}");
    format!("plants more than {said} one-line mistakes")
}
