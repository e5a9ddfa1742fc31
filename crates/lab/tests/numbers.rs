//! That the numbers in the prose are those of the reports and records.

#[path = "numbers/added.rs"]
mod added;
#[path = "numbers/derived.rs"]
mod derived;
#[path = "numbers/plot.rs"]
mod plot;
#[path = "numbers/tables.rs"]
mod tables;
#[path = "numbers/text.rs"]
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use text::{Number, numbers, pairs, prose, sections, shares};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const RESULTS: &str = "docs/results/README.md";
const SPEED: &str = "docs/speed.md";
const TRUST: &str = "docs/trust.md";
const METHODS: &str = "docs/exposure-bias.md";
const TABLE2: &str = "docs/results/table2-quick/report.md";
const VARIANCE: &str = "docs/results/fixed-variance/report.md";
const STUDY: &str = "docs/results/exposure-bias/report.md";
const SMALL: &str = "benches/record/cpu-small.md";
const CIFAR: &str = "benches/record/cpu-cifar10.md";
const XEON: &str = "benches/record/cpu-xeon.md";
const DIFFUSERS: &str = "benches/record/ddim20-diffusers.md";

/// A part of a document: where its numbers are from, and numbers that are no results, each with what it is.
struct Part {
    document: &'static str,
    heading: &'static str,
    sources: &'static [&'static str],
    constants: &'static [(&'static str, &'static str)],
}

const fn part(
    document: &'static str,
    heading: &'static str,
    sources: &'static [&'static str],
    constants: &'static [(&'static str, &'static str)],
) -> Part {
    Part { document, heading, sources, constants }
}

/// Parts with numbers that are more than small ones; any other part may have none.
const PARTS: &[Part] = &[
    part(
        "README.md",
        "Two commands",
        &[RESULTS],
        &[
            ("250", "steps of the quick preset"),
            ("1000", "steps of the paper"),
            ("800000", "training steps of the paper"),
        ],
    ),
    part("README.md", "What the quick preset gives", &[TABLE2], &[]),
    part("README.md", "Published networks and checkpoints", &[DIFFUSERS], &[("20", "steps of an example")]),
    part(SPEED, "Sampling a published network", &[DIFFUSERS], &[("20", "steps of DDIM")]),
    part(SPEED, "Speed", &[SMALL, CIFAR, XEON], &[("2.15", "PyTorch")]),
    part(METHODS, "What the quick preset finds", &[STUDY], &[]),
    part(RESULTS, "", &[TABLE2, VARIANCE, STUDY], &[]),
    part(RESULTS, "What every number stands on", &[TABLE2, VARIANCE, STUDY], &[]),
    part(RESULTS, "Protocol of the tables", &[TABLE2], &[("4.303", "Student's t of three seeds")]),
    part(
        RESULTS,
        "How the rows of `table2-quick` order",
        &[TABLE2],
        &[("3.70", "bits/dim of L in the paper's table 2"), ("3.75", "bits/dim of L_simple in the paper's table 2")],
    ),
    part(RESULTS, "Fixed-large against fixed-small variance", &[VARIANCE], &[]),
    part(
        RESULTS,
        "Exposure bias",
        &[STUDY],
        &[
            ("256", "pixels of an image here"),
            ("3072", "numbers of a CIFAR-10 image"),
            ("500", "times as many training steps in the paper"),
            ("67", "minutes that the run took"),
            ("41", "minutes by --dry-run"),
        ],
    ),
    part(RESULTS, "Times", &[], &[("12", "minutes that seed 1 took")]),
    part(
        METHODS,
        "The protocol",
        &[],
        &[("110", "numbers kept"), ("100", "of them for normality"), ("2.7", "MB that they take"), ("1000", "levels")],
    ),
    part(METHODS, "The norm of eps", &[], &[("4.2", "a section of the paper")]),
    part(
        METHODS,
        "The error of x0",
        &[],
        &[("100", "images that are tested"), ("0.05", "significance"), ("0.95", "share that then passes")],
    ),
    part(
        METHODS,
        "Chains of different lengths",
        &[],
        &[("100", "t0"), ("300", "t0"), ("500", "t0"), ("700", "t0"), ("1000", "t0")],
    ),
    part(METHODS, "What each cure does", &[], &[("0.15", "gamma of the released command")]),
    part(METHODS, "How this is tested", &[], &[("1.06", "a factor in the tests")]),
];

/// Documents of which every number is looked up.
const DOCUMENTS: [&str; 5] = ["README.md", RESULTS, METHODS, SPEED, TRUST];

/// What is wrong with the numbers of a document, one line each.
fn unfounded(document: &str, markdown: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (heading, text) in sections(markdown) {
        let none = part("", "", &[], &[]);
        let part = PARTS.iter().find(|part| part.document == document && part.heading == heading).unwrap_or(&none);
        let text = without_derived(document, &prose(&text));
        let sources: Vec<String> = part.sources.iter().map(|path| prose(&read(path))).collect();
        let known: Vec<Number> = sources.iter().flat_map(|source| numbers(source)).collect();
        let paired: Vec<[Number; 2]> = sources.iter().flat_map(|source| pairs(source)).collect();
        let constant = |number: &Number| part.constants.iter().any(|(constant, _)| *constant == number.digits);
        let at = format!("{document}, {heading:?}");
        for number in numbers(&text).iter().filter(|number| !number.says_little() && !constant(number)) {
            if !known.iter().any(|source| number.quotes(source)) {
                all.push(format!("{at}: {} in \"{}\"", number.digits, number.context.replace('\n', " ")));
            }
        }
        for [mean, error] in pairs(&text) {
            if !paired.iter().any(|[m, e]| mean.quotes(m) && error.quotes(e)) {
                all.push(format!("{at}: {} ± {}", mean.digits, error.digits));
            }
        }
        let shared = shares(&text).into_iter().filter(|share| !sources.iter().any(|source| source.contains(share)));
        all.extend(shared.map(|share| format!("{at}: {share}")));
    }
    all
}

/// The text without the sentences whose numbers are computed here.
fn without_derived(document: &str, text: &str) -> String {
    let derived = derived::sentences().into_iter().filter(|(of, _)| *of == document);
    derived.fold(text.to_owned(), |text, (_, sentence)| text.replace(&sentence, ""))
}

/// The sentences with computed numbers that a document does not have.
fn unsaid(document: &str, markdown: &str) -> Vec<String> {
    let text = prose(markdown);
    let derived = derived::sentences().into_iter().filter(|(of, sentence)| *of == document && !text.contains(sentence));
    derived.map(|(of, sentence)| format!("{of} does not say \"{sentence}\"")).collect()
}

#[test]
fn numbers_that_no_report_states_are_computed() {
    for document in DOCUMENTS {
        let unsaid = unsaid(document, &read(document));
        assert!(unsaid.is_empty(), "{unsaid:#?}");
    }
}

#[test]
fn every_number_of_the_prose_is_in_a_report_or_record() {
    for document in DOCUMENTS {
        let wrong = unfounded(document, &read(document));
        assert!(wrong.is_empty(), "in no report or record that the part speaks of:\n{}", wrong.join("\n"));
    }
}

#[test]
fn tables_of_the_documents_are_those_of_the_reports_cell_by_cell() {
    let strange = tables::strange_lines(&|document| read(document));
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn what_was_added_to_the_page_of_the_study_follows_from_its_tables() {
    let page = read(STUDY);
    let (_, rest) = page.split_once("## Added to the findings").expect("the added part");
    let (part, _) = rest.split_once("\n## ").unwrap();
    let said: Vec<&str> = part.lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(said, added::lines(&page));
}

#[test]
fn commits_are_those_of_the_reports() {
    let is_commit = |word: &&str| word.len() == 12 && word.chars().all(|letter| letter.is_ascii_hexdigit());
    let named = |line: &str| -> Vec<String> {
        line.split(|letter: char| !letter.is_alphanumeric()).filter(is_commit).map(str::to_owned).collect()
    };
    let mut found = 0;
    for (report, document, beside) in [
        (TABLE2, RESULTS, "(table2-quick/report.md)"),
        (VARIANCE, RESULTS, "(fixed-variance/report.md)"),
        (STUDY, RESULTS, "(exposure-bias/report.md)"),
        (TABLE2, "README.md", "reproduce-table2 --seeds 3"),
    ] {
        let (report, document) = (read(report), read(document));
        let line = document.lines().find(|line| line.contains(beside) && !named(line).is_empty()).unwrap();
        named(line).iter().for_each(|commit| assert!(report.contains(commit), "{beside}: {commit}"));
        found += named(line).len();
    }
    assert_eq!(found, 5);
}

#[test]
fn a_wrong_number_is_found_wherever_it_stands() {
    let planted = [
        (METHODS, "-0.16 ± 0.03", "-0.16 ± 0.02"),
        (METHODS, "+0.38 ± 0.03", "-0.38 ± 0.03"),
        (SPEED, "takes 0.59 of diffusers' time", "takes 0.53 of diffusers' time"),
        (SPEED, "0.90 (training)", "0.91 (training)"),
        (METHODS, "there are 34 comparisons", "there are 35 comparisons"),
        (TRUST, "more than 300 one-line", "more than 3000 one-line"),
        ("README.md", "## Licence", "It is 1.37 times as fast.\n\n## Licence"),
        ("README.md", "## As a library", "It improves by 1 ± 2.\n\n## As a library"),
        (RESULTS, "3.63 ± 0.26 behind", "3.64 ± 0.26 behind"),
        (RESULTS, "4 of 6 are ordered", "5 of 6 are ordered"),
        (RESULTS, "one seed (16.66)", "one seed (16.65)"),
        (RESULTS, "by 0.049 ± 0.007 in", "by 0.048 ± 0.007 in"),
        (RESULTS, "1.53 for both", "1.56 for both"),
        (RESULTS, "64 held-out images", "65 held-out images"),
        (METHODS, "## The protocol", "It gains 12 %.\n\n## The protocol"),
    ];
    for (document, right, wrong) in planted {
        let text = read(document);
        assert!(text.contains(right), "{document} no longer says {right}");
        let text = text.replacen(right, wrong, 1);
        assert!(!unfounded(document, &text).is_empty() || !unsaid(document, &text).is_empty(), "{document}: {wrong}");
    }
    for (right, wrong) in
        [("| 1.78 ± 0.01 |", "| 1.79 ± 0.01 |"), ("(0.47 to 0.59)", "(0.47 to 0.49)"), ("3.33 ± 0.18", "3.33 ± 0.17")]
    {
        let planted = |document: &str| read(document).replacen(right, wrong, 1);
        assert!(!tables::strange_lines(&planted).is_empty(), "{wrong}");
    }
}
