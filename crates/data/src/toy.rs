//! Toy distributions on a plane, for methods that are tried before they are trusted with images.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use rand_distr::{Distribution, StandardNormal};
use undrift_noise::Key;

use crate::{DataError, Points};

/// A toy distribution on a plane, its points about in [-1, 1].
///
/// The shapes are those of the authors' code, a quarter as large.
///
/// Source: Grathwohl et al. 2019, arXiv:1810.01367, code (`toy_data.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toy {
    /// Two half circles, one inside the other's bow; the class is the half circle.
    Moons,
    /// Two arms of a spiral; the class is the arm.
    Spiral,
    /// The eight dark squares of a board of four by four; the class is the square.
    Checkerboard,
    /// Eight Gaussians on a circle; the class is the Gaussian.
    EightGaussians,
}

impl Toy {
    /// Number of classes.
    pub fn classes(self) -> u32 {
        match self {
            Toy::Moons | Toy::Spiral => 2,
            Toy::Checkerboard | Toy::EightGaussians => 8,
        }
    }

    /// `count` points of `[2, 1, 1]` with their classes; point i is a function of `key` and i alone.
    ///
    /// # Errors
    ///
    /// [`DataError::ValueCount`] for no point.
    pub fn points(self, count: usize, key: Key) -> Result<Points, DataError> {
        let (mut values, mut labels) = (Vec::with_capacity(2 * count), Vec::with_capacity(count));
        for i in 0..count as u64 {
            let mut random = Random(key.stream(i, 0));
            let class = random.below(self.classes());
            values.extend(self.point(class, &mut random).map(|coordinate| (coordinate / 4.0) as f32));
            labels.push(class);
        }
        Points::new(values, [2, 1, 1])?.with_labels(labels, self.classes())
    }

    /// A point of a class, at the size of the authors' code.
    fn point(self, class: u32, random: &mut Random) -> [f64; 2] {
        match self {
            Toy::Moons => moon(class, random),
            Toy::Spiral => arm(class, random),
            Toy::Checkerboard => square(class, random),
            Toy::EightGaussians => gaussian(class, random),
        }
    }
}

/// scikit-learn's moons with noise 0.1, then `2 x + (-1, -0.2)`. (The authors' points stand at equal distances before
/// the noise, here anywhere.)
fn moon(class: u32, random: &mut Random) -> [f64; 2] {
    let angle = PI * random.uniform();
    let [x, y] = if class == 0 { [angle.cos(), angle.sin()] } else { [1.0 - angle.cos(), 0.5 - angle.sin()] };
    let [x, y] = [x, y].map(|coordinate| coordinate + 0.1 * random.normal());
    [2.0 * x - 1.0, 2.0 * y - 0.2]
}

/// Up to one and a half turns, evenly in the square of the angle.
fn arm(class: u32, random: &mut Random) -> [f64; 2] {
    let turn = random.uniform().sqrt() * 3.0 * PI;
    let [x, y] = [-turn.cos() * turn, turn.sin() * turn].map(|coordinate| coordinate + 0.5 * random.uniform());
    let sign = if class == 0 { 1.0 } else { -1.0 };
    [x, y].map(|coordinate| sign * coordinate / 3.0 + 0.1 * random.normal())
}

/// Squares of side 2 in [-4, 4]; two in each column, the lower one first.
fn square(class: u32, random: &mut Random) -> [f64; 2] {
    let (column, upper) = (class / 2, class % 2);
    let row = 2 * upper + column % 2;
    [column, row].map(|place| 2.0 * (f64::from(place) + random.uniform()) - 4.0)
}

/// Standard deviation 0.5 around a circle of radius 4, all divided by the root of 2.
fn gaussian(class: u32, random: &mut Random) -> [f64; 2] {
    const DIAGONAL: f64 = FRAC_1_SQRT_2;
    let centres = [
        [1.0, 0.0],
        [-1.0, 0.0],
        [0.0, 1.0],
        [0.0, -1.0],
        [DIAGONAL, DIAGONAL],
        [DIAGONAL, -DIAGONAL],
        [-DIAGONAL, DIAGONAL],
        [-DIAGONAL, -DIAGONAL],
    ];
    centres[class as usize].map(|coordinate| (4.0 * coordinate + 0.5 * random.normal()) / SQRT_2)
}

/// The numbers of one point.
struct Random(ChaCha8Rng);

impl Random {
    /// In [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (-53f64).exp2()
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// One of `0..count`, as good as evenly for the few that there are here.
    fn below(&mut self, count: u32) -> u32 {
        (self.uniform() * f64::from(count)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;
    use undrift_noise::Purpose;

    const ALL: [Toy; 4] = [Toy::Moons, Toy::Spiral, Toy::Checkerboard, Toy::EightGaussians];

    fn points(toy: Toy, count: usize) -> Vec<(u32, [f64; 2])> {
        let points = toy.points(count, Key::new(3, Purpose::Data)).unwrap();
        let labels = points.labels().unwrap().iter().copied();
        labels.zip(points.numbers().chunks(2).map(|at| [f64::from(at[0]), f64::from(at[1])])).collect()
    }

    #[test]
    fn a_point_depends_on_its_number_and_every_class_is_there() {
        for toy in ALL {
            let all = points(toy, 2000);
            assert_eq!(points(toy, 10), all[..10], "{toy:?}");
            let share = |class| all.iter().filter(|(found, _)| *found == class).count() as f64 / 2000.0;
            let even = 1.0 / f64::from(toy.classes());
            assert!((0..toy.classes()).all(|class| (share(class) - even).abs() < 0.04), "{toy:?}");
            assert!(all.iter().all(|(_, [x, y])| x.abs() < 1.2 && y.abs() < 1.2), "{toy:?}");
            assert!(toy.points(0, Key::new(3, Purpose::Data)).is_err());
        }
    }

    #[test]
    fn dark_squares_alone_are_hit() {
        for (class, [x, y]) in points(Toy::Checkerboard, 2000) {
            let [column, row] = [x, y].map(|coordinate| ((coordinate + 1.0) * 2.0) as u32);
            assert!(column < 4 && row < 4 && (column + row) % 2 == 0, "({x}, {y})");
            assert_eq!(class, 2 * column + row / 2);
        }
    }

    #[test]
    fn gaussians_have_the_published_centres_and_width() {
        let all = points(Toy::EightGaussians, 8000);
        for class in 0..8 {
            let of: Vec<[f64; 2]> = all.iter().filter(|(found, _)| *found == class).map(|(_, at)| *at).collect();
            let mean = [0, 1].map(|axis| of.iter().map(|at| at[axis]).sum::<f64>() / of.len() as f64);
            let spread = of.iter().map(|at| (at[0] - mean[0]).powi(2)).sum::<f64>() / of.len() as f64;
            assert!((mean[0].hypot(mean[1]) - FRAC_1_SQRT_2).abs() < 0.015, "{mean:?}");
            assert!((spread.sqrt() - 0.125 * FRAC_1_SQRT_2).abs() < 0.006, "{spread}");
        }
    }

    #[test]
    fn arms_and_moons_are_on_their_curves() {
        for (class, [x, y]) in points(Toy::Moons, 500) {
            let (x, y) = ((4.0 * x + 1.0) / 2.0, (4.0 * y + 0.2) / 2.0);
            let radius = if class == 0 { x.hypot(y) } else { (1.0 - x).hypot(0.5 - y) };
            assert!((radius - 1.0).abs() < 0.5, "({x}, {y})");
        }
        let turned = |at: [f64; 2]| at.map(|coordinate| -coordinate);
        let farthest = points(Toy::Spiral, 4000).into_iter().map(|(_, [x, y])| x.hypot(y)).fold(0.0, f64::max);
        assert!((0.75..0.95).contains(&farthest), "{farthest}");
        let mean = |class| {
            let of: Vec<_> = points(Toy::Spiral, 4000).into_iter().filter(|(found, _)| *found == class).collect();
            [0, 1].map(|axis| of.iter().map(|(_, at)| at[axis]).sum::<f64>() / of.len() as f64)
        };
        let (one, other) = (mean(0), turned(mean(1)));
        assert!((one[0] - other[0]).abs() < 0.05 && (one[1] - other[1]).abs() < 0.05, "{one:?} {other:?}");
    }
}
