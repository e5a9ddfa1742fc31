//! A comparison as the blocks of a page: first what answers the question, then what folds.

use super::comparison::{Comparison, Published, Row, Trial};
use super::ordering::{Pair, as_published, pairs};
use super::page::Block;
use super::plot::{Column, Drawing, Interval, Intervals, Plot};
use super::score::Score;
use super::standing::{Standing, standings};
use super::table::{Kind, Line, Table};
use super::verdict::verdict;

/// What stands where there is no number.
const NONE: &str = "-";

impl Comparison {
    /// The picture, the verdict and the tables: scores beside published ones, differences from the baseline, and what
    /// the rows are.
    pub fn opening(&self) -> Vec<Block> {
        let picture = self.picture().map(Block::Plot);
        let tables = [self.results(), self.differences(), self.settings()].map(Block::Table);
        let blocks = picture.into_iter().chain([Block::Verdict(verdict(self))]).chain(tables);
        blocks.filter(|block| !block.is_empty()).collect()
    }

    /// What folds: every seed, how the rows stand by each score, failed seeds, and how to read all this.
    pub fn details(&self) -> Vec<Block> {
        let standing = standings(self).iter().flat_map(|standing| self.standing(standing)).collect();
        let parts = [
            ("Failed seeds", Block::Notes(self.failures())),
            ("How the rows stand by each score", Block::Notes(standing)),
            ("Every seed", Block::Table(self.seeds())),
        ];
        let parts = parts.into_iter().filter(|(_, block)| !block.is_empty());
        parts.map(|(heading, block)| Block::Details(heading.to_owned(), vec![block])).collect()
    }

    /// The rows by the main score, best first, beside the published numbers; none where nothing was scored.
    pub fn picture(&self) -> Option<Plot> {
        let (main, score) = self.judged().next()?;
        let scored: Vec<&Row> = self.best_first(main).into_iter().map(|(row, _)| row).collect();
        let others = self.rows.iter().filter(|row| row.mean(main).is_none());
        let rows: Vec<&Row> = scored.iter().copied().chain(others).collect();
        let mut columns = vec![self.measured(main, &rows)];
        columns.extend(self.has_published(main).then(|| self.published(main, &rows)));
        let beside = if columns.len() > 1 {
            " Beside it the published numbers with their ranks, on a scale of their own: only the order can be compared."
        } else {
            ""
        };
        let errors = match self.has_single_seeds() {
            true => "one seed of each row, so without errors",
            false => "means with their standard errors over seeds; the small dots are the seeds",
        };
        let name = &score.name;
        (!scored.is_empty()).then(|| Plot {
            heading: format!("Rows by {name}, best first"),
            file: "rows.svg".into(),
            caption: format!("{}, best row first: {errors}.{beside}", score.head()),
            drawing: Drawing::Intervals(Intervals {
                rows: rows.iter().map(|row| row.label.clone()).collect(),
                columns,
            }),
        })
    }

    fn measured(&self, score: usize, rows: &[&Row]) -> Column {
        let cell = |row: &&Row| {
            let mean = row.mean(score).ok_or_else(|| row.absent(score).to_owned())?;
            let sound = row.trials.iter().filter(|trial| trial.failure.is_none());
            let points = if row.trials.len() > 1 { sound.filter_map(|one| one.value(score)).collect() } else { vec![] };
            Ok(Interval { value: mean.value, error: mean.error, points, text: row.text(&self.scores, score) })
        };
        let reference = self.reference.as_ref();
        let mark = reference.and_then(|(name, values)| Some(((*values.get(score)?)?, name.clone())));
        Column { name: self.scores[score].name.clone(), mark, cells: rows.iter().map(cell).collect() }
    }

    fn published(&self, score: usize, rows: &[&Row]) -> Column {
        let order = as_published(self, score);
        let cell = |row: &&Row| {
            let rank = order.iter().position(|(one, _)| std::ptr::eq(*one, *row)).ok_or("none")?;
            let one = row.published(score).ok_or("none")?;
            let text = format!("{}. {}", rank + 1, number(&self.scores[score], &one));
            Ok(Interval { value: one.value, error: None, points: vec![], text })
        };
        let name = self.scores[score].published.clone().unwrap_or_default();
        Column {
            name: format!("published {name}").trim().to_owned(),
            mark: None,
            cells: rows.iter().map(cell).collect(),
        }
    }

    /// The judged scores of the rows beside the published ones.
    fn results(&self) -> Table {
        let judged: Vec<(usize, &Score)> = self.judged().collect();
        let beside: Vec<usize> =
            judged.iter().map(|(place, _)| *place).filter(|place| self.has_published(*place)).collect();
        let heads = judged.iter().map(|(_, score)| score.head());
        let of_paper = beside.iter().map(|place| {
            format!("published {}", self.scores[*place].published.as_deref().unwrap_or(&self.scores[*place].name))
        });
        let heads: Vec<String> = std::iter::once("row".to_owned()).chain(heads).chain(of_paper).collect();
        let line = |row: &Row| {
            let ours = judged.iter().map(|(place, _)| row.text(&self.scores, *place));
            let published = beside.iter().map(|place| {
                row.published(*place).map_or_else(|| "none".to_owned(), |one| number(&self.scores[*place], &one))
            });
            std::iter::once(row.label.clone()).chain(ours).chain(published).collect()
        };
        let mut table = Table::rows(1, &heads, self.rows.iter().map(line));
        table.lines.extend(self.reference.iter().map(|(name, values)| {
            let value = |(place, score): &(usize, &Score)| {
                values.get(*place).copied().flatten().map_or_else(|| NONE.to_owned(), |value| score.value(value))
            };
            let mut cells: Vec<String> = std::iter::once(name.clone()).chain(judged.iter().map(value)).collect();
            cells.resize(heads.len(), NONE.to_owned());
            Line { kind: Kind::Reference, cells }
        }));
        table
    }

    /// Every other row minus the baseline, seed by seed, by every judged score.
    fn differences(&self) -> Table {
        let Some(baseline) = self.rows.get(self.baseline) else { return Table::default() };
        let heads = self.judged().map(|(_, score)| format!("{}, difference", score.name));
        let first = format!("row, minus {}", baseline.label);
        let heads: Vec<String> = std::iter::once(first).chain(heads).collect();
        let others = self.rows.iter().filter(|row| !std::ptr::eq(*row, baseline));
        let line = |row: &Row| {
            let cell = |(place, score): (usize, &Score)| match row.minus(baseline, place) {
                Some(gap) => format!("{}, {}", self.difference(place, &gap), score.word(&gap)),
                None => NONE.to_owned(),
            };
            std::iter::once(row.label.clone()).chain(self.judged().map(cell)).collect()
        };
        Table::rows(1, &heads, others.map(line))
    }

    /// What the rows differ in, and what they cost.
    fn settings(&self) -> Table {
        let Some(first) = self.rows.first() else { return Table::default() };
        let costs: Vec<(usize, &Score)> =
            self.scores.iter().enumerate().filter(|(_, score)| !score.is_judged()).collect();
        let keys = first.settings.iter().map(|(key, _)| key.clone());
        let heads = std::iter::once("row".to_owned()).chain(keys).chain(costs.iter().map(|(_, score)| score.head()));
        let heads: Vec<String> = heads.collect();
        let line = |row: &Row| {
            let values = row.settings.iter().map(|(_, value)| value.clone());
            let costs = costs.iter().map(|(place, _)| row.text(&self.scores, *place));
            std::iter::once(row.label.clone()).chain(values).chain(costs).collect()
        };
        match heads.len() {
            1 => Table::default(),
            _ => Table::rows(1 + first.settings.len(), &heads, self.rows.iter().map(line)),
        }
    }

    /// Every score of every seed, below the row's mean.
    pub fn seeds(&self) -> Table {
        let heads = ["row", "seed"].map(str::to_owned).into_iter().chain(self.scores.iter().map(Score::head));
        let line = |kind, names: [String; 2], row: &Row| {
            let cells = (0..self.scores.len()).map(|place| row.text(&self.scores, place));
            Line { kind, cells: names.into_iter().chain(cells).collect() }
        };
        let lines = self.rows.iter().flat_map(|row| {
            let seeds = match row.trials.as_slice() {
                [] => NONE.to_owned(),
                [one] => seed(one),
                several => format!("mean of {}", several.len()),
            };
            let each = if row.trials.len() > 1 { row.trials.as_slice() } else { &[] };
            let each = each.iter().map(|trial| {
                let alone = Row { trials: vec![trial.clone()], ..Row::default() };
                line(Kind::Seed, [String::new(), seed(trial)], &alone)
            });
            std::iter::once(line(Kind::Row, [row.label.clone(), seeds], row)).chain(each).collect::<Vec<_>>()
        });
        Table { names: 2, heads: heads.collect(), lines: lines.collect() }
    }

    /// One sentence for every seed that broke off.
    pub fn failures(&self) -> Vec<String> {
        let of = |row: &Row| -> Vec<String> {
            let reason =
                |trial: &Trial| Some(format!("{}, seed {}: {}.", row.label, trial.seed, trial.failure.as_ref()?));
            row.trials.iter().filter_map(reason).collect()
        };
        self.rows.iter().flat_map(of).collect()
    }

    /// The whole order by one score, how far the others are behind, and the pairs that are not as published.
    fn standing(&self, standing: &Standing<'_>) -> Vec<String> {
        let place = standing.score;
        let score = &self.scores[place];
        let order = self.best_first(place).into_iter().map(|(row, _)| self.named(row, place));
        let behind = standing.others.iter().filter_map(|(row, gap)| {
            let gap = (*gap)?;
            let certainty = gap.is_clear().map_or("one seed", |clear| if clear { "clear" } else { "not clear" });
            Some(format!("{} by {} ({certainty})", row.label, self.difference(place, &gap)))
        });
        let behind: Vec<String> = behind.collect();
        let mut said = vec![format!("By {}, best first: {}.", score.name, order.collect::<Vec<_>>().join("; "))];
        if !behind.is_empty() {
            said.push(format!("By {}, behind {}: {}.", score.name, standing.best.label, behind.join("; ")));
        }
        said.extend(self.against_published(place));
        said
    }

    fn against_published(&self, place: usize) -> Vec<String> {
        let (score, pairs) = (&self.scores[place], pairs(self, place));
        let said = |pair: &Pair<'_>| {
            let gap = pair.difference.map(|gap| format!(" ({})", self.difference(place, &gap)));
            format!("{} before {}{}", pair.better.label, pair.worse.label, gap.unwrap_or_default())
        };
        let list = |wanted: &dyn Fn(&Pair<'_>) -> bool| -> Vec<String> {
            pairs.iter().filter(|pair| wanted(pair)).map(said).collect()
        };
        let kinds: [(&str, Vec<String>); 4] = [
            ("as published", list(&|pair| pair.agrees() == Some(true) && pair.is_clear() != Some(false))),
            ("as published, not clearly", list(&|pair| pair.agrees() == Some(true) && pair.is_clear() == Some(false))),
            ("not as published", list(&|pair| pair.agrees() == Some(false))),
            ("hardly separated by the published numbers themselves", list(&|pair| pair.is_close)),
        ];
        let kinds = kinds.into_iter().filter(|(_, pairs)| !pairs.is_empty());
        kinds.map(|(kind, pairs)| format!("By {}, {kind}: {}.", score.name, pairs.join("; "))).collect()
    }
}

fn seed(trial: &Trial) -> String {
    format!("{}{}", trial.seed, if trial.failure.is_some() { " (failed)" } else { "" })
}

fn number(score: &Score, published: &Published) -> String {
    match published.spread {
        Some(spread) => format!("{} ± {}", score.value(published.value), score.value(spread)),
        None => score.value(published.value),
    }
}

/// How a mean, its error and the words of a difference are to be read.
pub const READING: [&str; 2] = [
    "± is the standard error of the mean over seeds (n - 1); \"[2 of 3]\" counts the seeds that a mean stands on where \
     others failed.",
    "Differences are taken seed by seed, as rows of one seed share their noise; they are clear, better or worse where \
     the mean is further from 0 than chance puts it in one of twenty cases (Student's t test): of twenty differences \
     without any effect one is expected to look clear.",
];
