//! What was added to the findings of the study's page, from its own tables.

use super::text::table;

/// Standard errors beyond which a difference over three seeds is clear.
const STUDENT: f64 = 4.303;

const ROWS: [&str; 2] = ["baseline", "input perturbation, gamma 0.1"];
const CURES: [&str; 3] = ["epsilon scaling", "time shift", "time shift with epsilon scaling"];

/// Ends of the lists that were searched.
const ENDS: [(&str, [&str; 2]); 3] = [("window", ["4", "20"]), ("cutoff", ["50", "150"]), ("b", ["0.98", "1.08"])];

/// The lines that the tables of the page make.
pub(crate) fn lines(page: &str) -> Vec<String> {
    let cures = table(page, "## Differences from plain sampling");
    let training = table(page, "## Differences from the baseline");
    let of = |row: &str, cure: &str| -> Vec<Vec<String>> {
        cures.iter().filter(|line| line[0] == row && line[3] == cure).cloned().collect()
    };
    let each = || ROWS.into_iter().flat_map(|row| CURES.map(|cure| (row, cure)));
    let scores = each().map(|(row, cure)| sentence(&format!("{row}: {cure}"), &of(row, cure), 6));
    let against = "input perturbation, gamma 0.1 against the baseline at equal training, plain";
    let edges = each().filter_map(|(row, cure)| edge(row, cure, &of(row, cure)));
    scores.chain([sentence(against, &training, 5)]).chain(edges).collect()
}

fn at(line: &[String]) -> String {
    format!("{} at {} steps", line[1], line[2])
}

fn sentence(what: &str, lines: &[Vec<String>], column: usize) -> String {
    let verbs = [
        (Word::Better, "improves the inception score for"),
        (Word::Worse, "worsens the inception score for"),
        (Word::Unclear, "has no clear effect on the inception score for"),
        (Word::Same, "leaves the inception score as it is for"),
        (Word::Open, "is not decided by the rounded inception scores for"),
    ];
    let parts = verbs.into_iter().filter_map(|(wanted, verb)| {
        let of_word = lines.iter().filter(|line| word(&line[column]) == wanted);
        let named: Vec<String> = of_word.map(|line| format!("{} ({})", at(line), line[column])).collect();
        (!named.is_empty()).then(|| format!("{verb} {}", named.join(", ")))
    });
    format!("- {what} {}.", parts.collect::<Vec<_>>().join("; "))
}

#[derive(PartialEq)]
enum Word {
    Better,
    Worse,
    Unclear,
    Same,
    /// The digits leave it open.
    Open,
}

fn word(cell: &str) -> Word {
    let (mean, error) = cell.split_once(" ± ").unwrap();
    let ((mean, of_mean), (error, of_error)) = (rounded(mean), rounded(error));
    match () {
        _ if mean == 0.0 && error == 0.0 => Word::Same,
        _ if mean.abs() - of_mean > STUDENT * (error + of_error) => {
            if mean > 0.0 {
                Word::Better
            } else {
                Word::Worse
            }
        }
        _ if mean.abs() + of_mean <= STUDENT * (error - of_error) => Word::Unclear,
        _ => Word::Open,
    }
}

/// A number and how far it may be from what was rounded.
fn rounded(text: &str) -> (f64, f64) {
    let half = text.split_once('e').map_or(0.005, |(_, power)| 0.05 * 10f64.powi(power.parse().unwrap()));
    (text.parse().unwrap(), half)
}

fn edge(row: &str, cure: &str, lines: &[Vec<String>]) -> Option<String> {
    let searched = if cure == "time shift" { &ENDS[..2] } else { &ENDS[2..] };
    let named = lines.iter().filter_map(|line| {
        let ended = searched.iter().filter_map(|(name, ends)| {
            let constants = line[7].split([':', ',', ' ']).filter_map(|part| part.split_once('='));
            let (_, value) = constants.into_iter().find(|(key, _)| key == name)?;
            ends.contains(&value).then(|| format!("{name}={value}"))
        });
        let ended: Vec<String> = ended.collect();
        (!ended.is_empty()).then(|| format!("{} ({})", at(line), ended.join(", ")))
    });
    let named: Vec<String> = named.collect();
    let list = (!named.is_empty()).then(|| named.join(", "))?;
    Some(format!("- {row}: {cure} was searched to the end of a list for {list}: better constants may lie beyond."))
}
