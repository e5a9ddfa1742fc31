//! Outcomes, counted and printed.

use std::fmt::Write;

use serde_json::{Value, json};

use super::case::{Case, Outcome};

/// All cases of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ConformanceReport {
    cases: Vec<Case>,
}

impl ConformanceReport {
    pub(super) fn new(cases: Vec<Case>) -> Self {
        ConformanceReport { cases }
    }

    /// The cases in the order of their files.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Whether no case failed. What is not covered does not count either way.
    pub fn passed(&self) -> bool {
        self.failures() == 0
    }

    /// Number of cases that were compared and are within tolerance.
    pub fn passes(&self) -> usize {
        self.count(Case::passes)
    }

    /// Number of cases that failed.
    pub fn failures(&self) -> usize {
        self.count(Case::fails)
    }

    /// Number of items whose method is not there yet.
    pub fn not_covered(&self) -> usize {
        self.count(Case::not_covered)
    }

    fn count(&self, of: impl Fn(&Case) -> bool) -> usize {
        self.cases.iter().filter(|case| of(case)).count()
    }

    /// Number of files of which nothing was compared because no method is there yet.
    fn files_not_covered(&self) -> usize {
        let alone = |case: &&Case| case.not_covered() && case.item.is_empty();
        self.cases.iter().filter(alone).count()
    }

    /// One line for each case and the counts at the end.
    pub fn to_text(&self) -> String {
        let mut text: String = self.cases.iter().map(line).collect();
        let verdict = if self.passed() { "passed" } else { "FAILED" };
        let (passes, failures) = (self.passes(), self.failures());
        let (not_covered, files) = (self.not_covered(), self.files_not_covered());
        let _ = writeln!(
            text,
            "{verdict}: {passes} cases within tolerance, {failures} failed, \
             {not_covered} not covered ({files} whole files, {} items of others)",
            not_covered - files,
        );
        text
    }

    /// The same as one JSON object; numbers that are not finite are the texts "inf" and "NaN".
    pub fn to_json(&self) -> String {
        let cases: Vec<Value> = self.cases.iter().map(object).collect();
        let report = json!({
            "passed": self.passed(),
            "within_tolerance": self.passes(),
            "failed": self.failures(),
            "not_covered": self.not_covered(),
            "cases": cases,
        });
        format!("{report:#}\n")
    }
}

fn status(case: &Case) -> &'static str {
    match &case.outcome {
        Outcome::NotCovered { .. } => "not covered",
        Outcome::Note { .. } => "note",
        _ if case.fails() => "FAIL",
        _ => "pass",
    }
}

fn line(case: &Case) -> String {
    let run = case.arithmetic.map_or("", |run| run.name());
    let name = [case.file.as_str(), case.item.as_str(), run];
    let name: Vec<&str> = name.into_iter().filter(|part| !part.is_empty()).collect();
    let (status, name) = (status(case), name.join(" "));
    match &case.outcome {
        Outcome::Compared(found) => format!(
            "{status:<12}{name}: {:.2e} of its tolerance (error {:.2e}, tolerance {:.2e}, number {} of {})\n",
            found.fraction(),
            found.error,
            found.tolerance,
            found.index + 1,
            found.values,
        ),
        Outcome::Failed { reason } | Outcome::NotCovered { reason, .. } | Outcome::Note { reason } => {
            format!("{status:<12}{name}: {reason}\n")
        }
    }
}

fn object(case: &Case) -> Value {
    let mut object = json!({
        "file": case.file,
        "item": case.item,
        "arithmetic": case.arithmetic.map(|run| run.name()),
        "status": status(case).to_lowercase(),
    });
    match &case.outcome {
        Outcome::Compared(found) => {
            object["error"] = number(found.error);
            object["tolerance"] = number(found.tolerance);
            object["fraction"] = number(found.fraction());
            object["index"] = json!(found.index);
            object["values"] = json!(found.values);
        }
        Outcome::Failed { reason } | Outcome::NotCovered { reason, .. } | Outcome::Note { reason } => {
            object["reason"] = json!(reason);
        }
    }
    object
}

fn number(value: f64) -> Value {
    match (value.is_finite(), value.is_nan()) {
        (true, _) => json!(value),
        (_, true) => json!("NaN"),
        _ => json!(if value > 0.0 { "inf" } else { "-inf" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Arithmetic;
    use crate::compare::{Tolerance, compare};

    fn report(ours: f64) -> ConformanceReport {
        let compared = Case {
            file: "steps/a".to_owned(),
            item: "mean".to_owned(),
            arithmetic: Some(Arithmetic::F64),
            outcome: compare(&[ours], &[1.0], Tolerance::absolute(0.5)),
        };
        let missing = Case {
            file: "steps/b".to_owned(),
            item: String::new(),
            arithmetic: None,
            outcome: Outcome::NotCovered { reason: "later".to_owned(), known: false },
        };
        ConformanceReport::new(vec![compared, missing])
    }

    #[test]
    fn both_prints_show_name_error_and_tolerance() {
        let text = report(1.25).to_text();
        assert!(text.starts_with("pass        steps/a mean f64: 5.00e-1 of its tolerance"), "{text}");
        assert!(text.contains("not covered steps/b: later"), "{text}");
        let json: Value = serde_json::from_str(&report(1.25).to_json()).unwrap();
        assert_eq!(json["cases"][0]["error"], 0.25);
        assert_eq!((&json["passed"], &json["not_covered"]), (&json!(true), &json!(1)));
    }

    #[test]
    fn one_excess_fails_the_run_and_a_nan_is_printable() {
        assert!(report(1.25).passed() && !report(1.75).passed());
        let broken = report(f64::NAN);
        assert!(!broken.passed());
        let json: Value = serde_json::from_str(&broken.to_json()).unwrap();
        assert_eq!((&json["cases"][0]["error"], &json["cases"][0]["status"]), (&json!("inf"), &json!("fail")));
    }
}
