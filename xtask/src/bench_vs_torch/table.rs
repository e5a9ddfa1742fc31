//! The results as a Markdown table that is also aligned for a terminal.

use super::contest::{Outcome, Timings};
use super::statistics::{overall_median, paired_ratio};

/// What a step is for, and its arithmetic in forward passes.
struct Kind {
    name: &'static str,
    forwards: f64,
    seconds: fn(&Timings) -> &[Vec<f64>],
}

const KINDS: [Kind; 2] = [
    Kind { name: "training", forwards: 3.0, seconds: |timings| &timings.training },
    Kind { name: "sampling", forwards: 1.0, seconds: |timings| &timings.sampling },
];

/// The table, and below it what the columns mean and what holds for a whole contest.
pub(crate) fn markdown(outcomes: &[Outcome]) -> String {
    let modes = modes(outcomes);
    let mut rows = vec![header(&modes)];
    for outcome in outcomes {
        rows.extend(KINDS.iter().map(|kind| row(outcome, kind, &modes)));
    }
    let mut text = aligned(&rows);
    text.push_str(LEGEND);
    text.extend(outcomes.iter().map(notes));
    text
}

const LEGEND: &str = "
Times are medians in ms. A ratio below 1 means that undrift is faster than PyTorch's fastest mode: the median of the
rounds' paired ratios, with their least and most. GFLOP/s count convolutions, dense layers and attention as direct
products, and three forward passes for a training step; the share is that of PyTorch's matrix product, which an
algorithm with fewer products (Winograd) can exceed. Memory is the most that the process held over both kinds of steps,
in MiB, and in brackets what it held before the first one.

";

/// Share of the cores that others may use without hurting PyTorch, whose threads wait for the slowest of them.
const BUSY: f64 = 0.05;

/// All modes that work somewhere, in the order of their first appearance.
fn modes(outcomes: &[Outcome]) -> Vec<&str> {
    let mut modes: Vec<&str> = Vec::new();
    for peer in outcomes.iter().flat_map(|outcome| &outcome.peers) {
        if !modes.contains(&peer.name.as_str()) {
            modes.push(&peer.name);
        }
    }
    modes
}

fn header(modes: &[&str]) -> Vec<String> {
    let mut cells = vec!["network".to_owned(), "step".to_owned(), "undrift".to_owned()];
    cells.extend(modes.iter().map(|mode| format!("torch {mode}")));
    let rest = ["undrift / best torch", "GFLOP/s", "torch's", "share of GEMM", "torch's", "memory", "torch's"];
    cells.extend(rest.map(str::to_owned));
    cells
}

fn row(outcome: &Outcome, kind: &Kind, modes: &[&str]) -> Vec<String> {
    let median = |timings: &Timings| overall_median((kind.seconds)(timings));
    let best = outcome.peers.iter().min_by(|a, b| median(a).total_cmp(&median(b)));
    let mut cells = vec![outcome.name.clone(), kind.name.to_owned(), milliseconds(median(&outcome.ours))];
    for mode in modes {
        let peer = outcome.peers.iter().find(|peer| peer.name == *mode);
        cells.push(peer.map_or("-".to_owned(), |peer| milliseconds(median(peer))));
    }
    let Some(best) = best else {
        cells.resize(cells.len() + 7, "-".to_owned());
        return cells;
    };
    let ratio = paired_ratio((kind.seconds)(&outcome.ours), (kind.seconds)(best));
    cells.push(format!("{:.2} ({:.2} to {:.2})", ratio.median, ratio.least, ratio.most));
    let rates = [&outcome.ours, best].map(|timings| kind.forwards * outcome.forward_flop / median(timings) / 1e9);
    cells.extend(rates.map(|rate| format!("{rate:.0}")));
    cells.extend(rates.map(|rate| share(rate, outcome.gemm_gflops)));
    cells.extend([&outcome.ours, best].map(memory));
    cells
}

/// What holds for both kinds of steps.
fn notes(outcome: &Outcome) -> String {
    let Outcome { name, parameters, forward_flop, difference, gemm_gflops, .. } = outcome;
    let mut text = format!(
        "- {name}: {parameters} parameters, {:.1} GFLOP per forward pass; losses and outputs agree to {difference:.1e}; \
         matrix product {gemm_gflops:.0} GFLOP/s{}\n",
        forward_flop / 1e9,
        others(outcome)
    );
    for (mode, reason) in &outcome.left_out {
        text.push_str(&format!("- {name}: torch {mode} was left out: {reason}\n"));
    }
    text
}

/// How idle the machine was, which decides how far the ratios can be trusted.
fn others(outcome: &Outcome) -> String {
    let sides = std::iter::once(&outcome.ours).chain(&outcome.peers);
    let shares: Vec<f64> = sides.flat_map(|timings| timings.others.iter().copied()).collect();
    if shares.is_empty() {
        return String::new();
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    let verdict = if mean > BUSY { " (**too busy to trust the ratios: measure again**)" } else { "" };
    format!("; other programs used {:.0} % of the cores meanwhile{verdict}", 100.0 * mean)
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.1}", 1e3 * seconds)
}

fn share(rate: f64, ceiling: f64) -> String {
    if ceiling > 0.0 { format!("{:.0} %", 100.0 * rate / ceiling) } else { "-".to_owned() }
}

fn memory(timings: &Timings) -> String {
    let mebibytes = |bytes: u64| bytes >> 20;
    match (timings.peak_bytes, timings.start_bytes) {
        (Some(peak), Some(start)) => format!("{} ({})", mebibytes(peak), mebibytes(start)),
        _ => "not known here".to_owned(),
    }
}

/// The first row is the header; the first two columns are text, the others numbers.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(2);
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let width = width(column);
            let cell = if column < 2 { format!("| {cell:<width$} ") } else { format!("| {cell:>width$} ") };
            text.push_str(&cell);
        }
        text.push_str("|\n");
        if index == 0 {
            text.extend((0..row.len()).map(|column| {
                let dashes = "-".repeat(width(column) - 1);
                if column < 2 { format!("| {dashes}- ") } else { format!("| {dashes}: ") }
            }));
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timings(name: &str, training: f64, sampling: f64) -> Timings {
        Timings {
            name: name.to_owned(),
            training: vec![vec![training; 3]; 2],
            sampling: vec![vec![sampling; 3]; 2],
            others: vec![0.0, 0.04],
            start_bytes: Some(50 << 20),
            peak_bytes: Some(500 << 20),
        }
    }

    fn outcome() -> Outcome {
        Outcome {
            name: "small 16x16".to_owned(),
            batch: 64,
            parameters: 1_623_169,
            forward_flop: 12e9,
            ours: timings("undrift", 0.2, 0.05),
            peers: vec![timings("eager", 0.5, 0.1), timings("channels_last", 0.4, 0.125)],
            left_out: vec![("compile".to_owned(), "NoCompiler: none found".to_owned())],
            difference: 3e-8,
            gemm_gflops: 360.0,
        }
    }

    fn cells(line: &str) -> Vec<&str> {
        line.trim_matches('|').split('|').map(str::trim).collect()
    }

    #[test]
    fn each_kind_is_compared_with_its_own_best_mode() {
        let text = markdown(&[outcome()]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(cells(lines[0])[3..5], ["torch eager", "torch channels_last"]);
        let training = ["200.0", "500.0", "400.0", "0.50 (0.50 to 0.50)", "180", "90", "50 %", "25 %"];
        assert_eq!(cells(lines[2])[..2], ["small 16x16", "training"]);
        assert_eq!(cells(lines[2])[2..10], training);
        let sampling = ["50.0", "100.0", "125.0", "0.50 (0.50 to 0.50)", "240", "120", "67 %", "33 %"];
        assert_eq!(cells(lines[3])[2..], [&sampling[..], &["500 (50)", "500 (50)"]].concat());
    }

    #[test]
    fn lines_of_the_table_are_equally_long() {
        let mut other = outcome();
        other.peers.remove(0);
        let text = markdown(&[outcome(), other]);
        let lines: Vec<&str> = text.lines().take_while(|line| line.starts_with('|')).collect();
        assert_eq!(lines.len(), 6);
        assert!(lines.iter().all(|line| line.len() == lines[0].len()));
        assert_eq!(cells(lines[4])[3], "-");
    }

    #[test]
    fn modes_that_fail_are_named_with_the_reason() {
        let text = markdown(&[outcome()]);
        assert!(text.contains("torch compile was left out: NoCompiler: none found"));
        assert!(text.contains("12.0 GFLOP per forward pass; losses and outputs agree to 3.0e-8"));
    }

    #[test]
    fn a_busy_machine_is_told_where_it_is_known() {
        let mut outcome = outcome();
        assert!(notes(&outcome).contains("; other programs used 2 % of the cores meanwhile\n"));
        outcome.ours.others = vec![0.5, 1.0];
        assert!(notes(&outcome).contains("too busy to trust the ratios"));
        outcome.ours.others.clear();
        outcome.peers.clear();
        assert!(!notes(&outcome).contains("other programs"));
    }

    #[test]
    fn memory_is_not_invented_where_the_system_does_not_tell() {
        let mut outcome = outcome();
        outcome.ours.peak_bytes = None;
        assert!(markdown(&[outcome]).contains("not known here"));
    }
}
