//! Tables of the documents beside those of the reports and records, cell by cell.

use super::text::table;
use super::{CIFAR, METHODS, SMALL, SPEED, STUDY, TABLE2, read};

/// The lines of the documents' tables that no report or record has.
pub(crate) fn strange_lines(read: &dyn Fn(&str) -> String) -> Vec<String> {
    let parts: [(&str, &str, Vec<Vec<String>>); 3] = [
        ("README.md", "## What the quick preset gives", table2()),
        (METHODS, "What the quick preset finds", study()),
        (SPEED, "## Speed", speed()),
    ];
    let strange = parts.into_iter().flat_map(|(document, after, known)| {
        let lines = table(&read(document), after);
        assert_eq!(lines.len(), known.len(), "{after}: another number of lines");
        lines.into_iter().filter(move |line| !known.contains(line)).map(move |line| format!("{after}: {line:?}"))
    });
    strange.collect()
}

fn text(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// Means of the rows, and the real images.
fn table2() -> Vec<Vec<String>> {
    table(&read(TABLE2), "# Table 2")
}

/// Distances of the baseline where cures were tried.
fn study() -> Vec<Vec<String>> {
    let lines = table(&read(STUDY), "## Scores").into_iter().filter(|line| line[3] != "-");
    let named = lines.map(|line| {
        let solver = if line[0] == "ddim" { "DDIM" } else { "DDPM (beta~)" };
        [vec![format!("{solver}, {} steps", line[1])], line[2..6].to_vec()].concat()
    });
    named.collect()
}

/// Both steps of each network: ratio, and the memory beside that of the fastest training mode.
fn speed() -> Vec<Vec<String>> {
    let (small, cifar) = (record(SMALL), record(CIFAR));
    let named = |line: &[String; 4], name: &str| text(&[name, &line[1], &line[2], &line[3]]);
    let small = small.iter().map(|line| {
        let size = line[0].split(' ').nth(1).unwrap().trim_end_matches(',').to_owned();
        named(line, &format!("1.6M parameters, {size}, batch 64"))
    });
    let cifar = cifar.iter().map(|line| {
        named(line, "DDPM's CIFAR-10 network, 35.7M parameters, batch 16 (three rounds, without torch.compile)")
    });
    small.chain(cifar).collect()
}

/// Network, ratio of a training and of a sampling step, and memory, of a record.
fn record(path: &str) -> Vec<[String; 4]> {
    let record = read(path);
    let squeezed = record.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let lines = table(&squeezed.collect::<Vec<_>>().join("\n"), "versions:");
    lines
        .chunks(2)
        .map(|two| {
            let [training, sampling] = two else { panic!("{path}: a network has two steps") };
            let ratio = |line: &[String]| line.iter().find(|cell| cell.contains(" to ")).unwrap().clone();
            let memory = |back: usize| {
                let cell = &training[training.len() - back];
                cell.split(' ').next().unwrap().to_owned()
            };
            [training[0].clone(), ratio(training), ratio(sampling), format!("{} ({})", memory(2), memory(1))]
        })
        .collect()
}
