//! Numbers measured several times: [`Samples`].

use std::fmt;

/// Measurements of one quantity, in the order they were taken.
#[derive(Debug, Default, Clone)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds one.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one; between two middle ones, their mean. 0 if there are none.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        match (sorted.len(), sorted.len() / 2) {
            (0, _) => 0.0,
            (count, half) if count % 2 == 1 => sorted[half],
            (_, half) => (sorted[half - 1] + sorted[half]) / 2.0,
        }
    }

    /// The ratios to `peer`, pair by pair: both were measured in turn, so a disturbance of the host
    /// meets both of a pair.
    pub fn over(&self, peer: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&peer.0)
                .map(|(own, peer)| own / peer)
                .collect(),
        )
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
            return f.write_str("nothing");
        };
        write!(
            f,
            "min {least:9.3}   median {:9.3}   max {most:9.3}",
            self.median()
        )
    }
}

/// The geometric mean: what a mix of programs gains on average. 0 if there are none.
pub fn geometric_mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(Samples(vec![9.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(Samples(vec![4.0, 1.0, 2.0, 9.0]).median(), 3.0);
        assert_eq!(Samples::default().median(), 0.0);
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let ratios = Samples(vec![1.0, 10.0]).over(&Samples(vec![2.0, 20.0]));
        assert_eq!(ratios.0, [0.5, 0.5]);
    }

    #[test]
    fn the_geometric_mean_of_a_half_and_its_double_is_one() {
        assert!((geometric_mean(&[0.5, 2.0]) - 1.0).abs() < 1e-12);
    }
}
