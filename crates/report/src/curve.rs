//! Training curves made thin enough to draw.

/// A training curve as recorded, and where it breaks off.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve<'a> {
    points: &'a [(u64, f64)],
    /// The first step whose value is no finite number.
    pub broken_at: Option<u64>,
}

impl<'a> Curve<'a> {
    /// The curve up to its first value that is no finite number.
    pub fn new(points: &'a [(u64, f64)]) -> Self {
        let end = points.iter().position(|(_, value)| !value.is_finite());
        let broken_at = end.map(|end| points[end].0);
        Self { points: &points[..end.unwrap_or(points.len())], broken_at }
    }

    /// At most so many points: each the mean step and the mean value of a run of recorded ones.
    pub fn thinned(&self, most: usize) -> Vec<(f64, f64)> {
        let length = self.points.len().div_ceil(most.max(1)).max(1);
        self.points.chunks(length).map(centre).collect()
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
}
