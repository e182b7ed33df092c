//! Sums over samples.

/// Middle and nearly slowest of some times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Times {
    pub(crate) fn of(mut times_ms: Vec<f64>) -> Self {
        times_ms.sort_by(f64::total_cmp);
        Self { p50_ms: percentile(&times_ms, 50), p99_ms: percentile(&times_ms, 99) }
    }
}

/// The sample that so many percent are at or below (nearest rank); `sorted` ascends. Not a number without samples.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// The middle sample. Not a number without samples.
pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    percentile(&samples, 50)
}

/// A straight line through points: how it climbs, and the standard error of that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slope {
    pub(crate) per_x: f64,
    pub(crate) error: f64,
}

impl Slope {
    /// By least squares; `None` for fewer than three points or points of one x.
    pub(crate) fn of(points: &[(f64, f64)]) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "some thousand points")]
        let count = points.len() as f64;
        if points.len() < 3 {
            return None;
        }
        let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
        let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        if spread == 0.0 {
            return None;
        }
        let per_x = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
        let off = |(x, y): &(f64, f64)| y - mean_y - per_x * (x - mean_x);
        let left: f64 = points.iter().map(|point| off(point).powi(2)).sum();
        Some(Self { per_x, error: (left / (count - 2.0) / spread).sqrt() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::float_cmp,
        reason = "a test fails by panicking; the sums are exact"
    )]

    use super::*;

    #[test]
    fn percentiles_are_samples_by_nearest_rank() {
        let times = Times::of((1..=200).rev().map(f64::from).collect());
        assert_eq!((times.p50_ms, times.p99_ms), (100.0, 198.0));
        assert_eq!(Times::of(vec![7.0]).p99_ms, 7.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn a_line_is_found_without_error() {
        let points: Vec<_> = (0..10).map(f64::from).map(|x| (x, 2.0 * x + 5.0)).collect();
        assert_eq!(Slope::of(&points).unwrap(), Slope { per_x: 2.0, error: 0.0 });
    }

    #[test]
    fn a_flat_but_noisy_series_has_a_slope_within_its_error() {
        let points: Vec<_> = (0..100).map(|x| (f64::from(x), f64::from(x * 37 % 11))).collect();
        let slope = Slope::of(&points).unwrap();
        assert!(slope.error > 0.0 && slope.per_x.abs() < 2.0 * slope.error, "{slope:?}");
    }

    #[test]
    fn too_few_points_make_no_line() {
        assert_eq!(Slope::of(&[(0.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(Slope::of(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
    }
}
