//! The curves of a study: the bias along chains, chains of several lengths, the searches of epsilon scaling.

use super::{Cure, Curve, CurvePoint, Search, Study};
use undrift_report::{Axis, Block, Drawing, Lines, Plot, Series, Table};

/// How a number of a curve's point is drawn.
struct View {
    heading: &'static str,
    file: &'static str,
    caption: &'static str,
    logarithmic: bool,
    of: fn(&CurvePoint) -> f64,
}

const VIEWS: [View; 3] = [
    View {
        heading: "Marginal bias",
        file: "bias-marginal",
        caption: "standard deviation of x_t along the chain minus that of the forward process at the same level, per \
                  pixel, averaged over pixels; above 0 the chain is noisier than what the network was trained on. The \
                  chain starts from real images noised to the grid's first level.",
        logarithmic: false,
        of: |point| point.std - point.expected_std,
    },
    View {
        heading: "delta_t, paired with the image that the chain started from",
        file: "bias-paired",
        caption: "(std - sqrt(1 - alpha_bar_t))^2 of the residual against the image that the chain started from; it \
                  saturates where the chain has drifted to another image.",
        logarithmic: true,
        of: |point| point.paired_delta,
    },
    View {
        heading: "Norm of eps while sampling over that in training",
        file: "bias-eps",
        caption: "mean norm of eps along the chain, behind clipping and the cure, over the mean norm on q(x_t | x_0) at \
                  the same level, behind clipping alone; above 1 more noise is seen while sampling than in training.",
        logarithmic: false,
        of: |point| point.eps_norm / point.expected_eps_norm,
    },
];

/// The bias along chains by every view and solver, and the error of the predicted x0 without cures.
pub(super) fn bias(study: &Study) -> Vec<Plot> {
    let mut plots = Vec::new();
    for view in &VIEWS {
        for solver in solvers(study) {
            let curves: Vec<&Curve> = study.curves.iter().filter(|curve| curve.solver == solver).collect();
            plots.push(drawn(view, solver, &curves));
        }
    }
    let plain = plain(study);
    plots.extend((!plain.is_empty()).then(|| drawn(&X0_ERROR, "without cures", &plain)));
    plots
}

fn solvers(study: &Study) -> Vec<&str> {
    let mut solvers: Vec<&str> = study.curves.iter().map(|curve| curve.solver.as_str()).collect();
    solvers.sort_unstable();
    solvers.dedup();
    solvers
}

/// The curves of the first solver without cures.
fn plain(study: &Study) -> Vec<&Curve> {
    let Some(solver) = solvers(study).first().copied() else { return vec![] };
    study.curves.iter().filter(|curve| curve.solver == solver && curve.wrappers.is_empty()).collect()
}

const X0_ERROR: View = View {
    heading: "Error of the predicted x0 in training",
    file: "x0-error",
    caption: "standard deviation of x0 minus its clipped prediction on q(x_t | x_0), per pixel, averaged over pixels; \
              input perturbation imitates about half of it.",
    logarithmic: false,
    of: |point| point.x0_error,
};

fn drawn(view: &View, of_what: &str, curves: &[&Curve]) -> Plot {
    let series = curves.iter().map(|curve| {
        let points = curve.points.iter().map(|point| (point.t, (view.of)(point)));
        Series::one(&curve.label, points.collect())
    });
    let y = Axis { name: String::new(), logarithmic: view.logarithmic };
    Plot {
        heading: format!("{}, {of_what}", view.heading),
        file: format!("{}-{}.svg", view.file, of_what.replace([':', '=', '.', ' '], "-")),
        caption: format!("{of_what}: {}", view.caption),
        drawing: Drawing::Lines(Lines { x: Axis::linear("t"), y, series: series.collect(), dots: true }),
    }
}

/// For each row, how many pixels have an error that is not told from a Gaussian, level by level.
pub(super) fn gaussianity(study: &Study) -> Block {
    let curves = plain(study);
    let levels = curves.first().map_or(&[][..], |curve| &curve.points);
    let heads = ["row", "t:"].map(str::to_owned).into_iter();
    let heads: Vec<String> = heads.chain(levels.iter().map(|point| format!("{:.0}", point.t))).collect();
    let lines = curves.iter().map(|curve| {
        let shares = curve
            .points
            .iter()
            .map(|point| point.x0_error_gaussian.map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share)));
        [curve.label.clone(), "Gaussian".to_owned()].into_iter().chain(shares).collect()
    });
    Block::Table(Table::rows(2, &heads, lines))
}

/// Distance against where real images were noised to; none where that was not asked for.
pub(super) fn lengths(study: &Study) -> Option<Plot> {
    let series = study.rows.iter().map(|(row, label)| {
        let of_row = study.chain_lengths.iter().filter(|one| one.row == *row);
        Series::one(label, of_row.map(|one| (one.t0 as f64, one.distance)).collect())
    });
    let (x, y) = (Axis::linear("t0"), Axis::linear("distance"));
    (!study.chain_lengths.is_empty()).then(|| Plot {
        heading: "Chains that start from real images".into(),
        file: "chain-length.svg".into(),
        caption: "Distance of real images noised to t0 and sampled back over every level below it, against t0: errors \
                  add up along the chain."
            .into(),
        drawing: Drawing::Lines(Lines { x, y, series: series.collect(), dots: true }),
    })
}

/// The distance of every scale that was tried on a row; none where none was.
pub(super) fn searched<'a>(row: &str, label: &str, searches: impl Iterator<Item = &'a Search>) -> Option<Plot> {
    let series: Vec<Series> = searches.filter(|search| search.cure != Cure::TimeShift).map(scaling).collect();
    let (x, y) = (Axis::linear("b"), Axis::logarithmic("distance"));
    (!series.is_empty()).then(|| Plot {
        heading: format!("Search of epsilon scaling, {label}"),
        file: format!("search-{row}.svg"),
        caption: "Distance on the tuning seeds against the scale b.".into(),
        drawing: Drawing::Lines(Lines { x, y, series, dots: true }),
    })
}

fn scaling(search: &Search) -> Series {
    let beside = if search.cure == Cure::Both { ", with time shift" } else { "" };
    let points = search.tried.iter().filter_map(|tried| Some((tried.number("epsilon-scaling", "b")?, tried.mean())));
    Series::one(format!("{}, {} steps{beside}", search.solver, search.steps), points.collect())
}
