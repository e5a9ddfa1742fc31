//! Training curves made thin enough to draw.

/// A training curve as recorded, and where it breaks off.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve<'a> {
    points: &'a [(u64, f64)],
    /// The first step whose value is no finite number.
    pub(crate) broken_at: Option<u64>,
}

impl<'a> Curve<'a> {
    /// The curve up to its first value that is no finite number.
    pub(crate) fn new(points: &'a [(u64, f64)]) -> Self {
        let end = points.iter().position(|(_, value)| !value.is_finite());
        let broken_at = end.map(|end| points[end].0);
        Self { points: &points[..end.unwrap_or(points.len())], broken_at }
    }

    /// At most so many points: each the mean step and the mean value of a run of recorded ones.
    pub(crate) fn thinned(&self, most: usize) -> Vec<(f64, f64)> {
        let length = self.points.len().div_ceil(most.max(1)).max(1);
        self.points.chunks(length).map(centre).collect()
    }

    /// Means over the first and the last tenth; none for an empty curve.
    pub(crate) fn ends(&self) -> Option<(f64, f64)> {
        let tenth = self.points.len().div_ceil(10);
        let first = self.points.get(..tenth).filter(|points| !points.is_empty())?;
        let last = &self.points[self.points.len() - tenth..];
        Some((centre(first).1, centre(last).1))
    }
}

fn centre(points: &[(u64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    let steps: f64 = points.iter().map(|&(step, _)| step as f64).sum();
    let values: f64 = points.iter().map(|&(_, value)| value).sum();
    (steps / count, values / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_averages_and_keeps_the_last_run() {
        let points = [(0, 1.0), (1, 3.0), (2, 5.0), (3, 7.0), (4, 9.0)];
        assert_eq!(Curve::new(&points).thinned(3), [(0.5, 2.0), (2.5, 6.0), (4.0, 9.0)]);
        assert_eq!(Curve::new(&points).thinned(99).len(), 5);
    }

    #[test]
    fn a_curve_ends_before_its_first_nan() {
        let points = [(0, 1.0), (10, f64::NAN), (20, 5.0)];
        let curve = Curve::new(&points);
        assert_eq!((curve.broken_at, curve.thinned(9)), (Some(10), vec![(0.0, 1.0)]));
    }

    #[test]
    fn ends_are_means_of_tenths() {
        let points: Vec<(u64, f64)> = (0..20).map(|step| (step, step as f64)).collect();
        assert_eq!(Curve::new(&points).ends(), Some((0.5, 18.5)));
        assert_eq!(Curve::new(&[]).ends(), None);
    }
}
