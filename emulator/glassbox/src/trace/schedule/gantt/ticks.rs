//! Round times for an axis.

use base::Time;

/// The marks of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// From mark to mark.
    pub step: Time,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unit {
    name: &'static str,
    nanos: u64,
}

const UNITS: [Unit; 4] = [
    Unit {
        name: "s",
        nanos: 1_000_000_000,
    },
    Unit {
        name: "ms",
        nanos: 1_000_000,
    },
    Unit {
        name: "us",
        nanos: 1_000,
    },
    Unit {
        name: "ns",
        nanos: 1,
    },
];

impl Ticks {
    /// Marks from one time to another, at most `most` of them (at least 2).
    pub fn new(from: Time, to: Time, most: u64) -> Self {
        let least = ((to - from).0 / most.max(1)).max(1);
        let step = round_up(least, &[1, 2, 5]);
        // The unit of the latest time, if three digits behind the point are enough then.
        let unit = UNITS
            .into_iter()
            .find(|unit| unit.nanos <= to.0 && step.saturating_mul(1000) >= unit.nanos)
            .unwrap_or(UNITS[3]);
        Self {
            step: Time(step),
            unit,
        }
    }

    /// The marks between two times.
    pub fn between(&self, from: Time, to: Time) -> impl Iterator<Item = Time> {
        let first = from.0.div_ceil(self.step.0);
        let last = to.0 / self.step.0;
        let step = self.step.0;
        (first..=last).map(move |n| Time(n * step))
    }

    /// A time, in words as exact as the marks are.
    pub fn label(&self, time: Time) -> String {
        let Unit { name, nanos } = self.unit;
        let (whole, rest) = (time.0 / nanos, time.0 % nanos);
        if self.step.0.is_multiple_of(nanos) {
            return format!("{whole} {name}");
        }
        let exact = |digits: u32| {
            self.step
                .0
                .saturating_mul(10u64.pow(digits))
                .is_multiple_of(nanos)
        };
        let digits = (1..9).find(|digits| exact(*digits)).unwrap_or(9);
        let part = rest * 10u64.pow(digits) / nanos;
        format!("{whole}.{part:0width$} {name}", width = digits as usize)
    }
}

/// A span of time in a short form: three digits, if there are so many, in its natural unit.
pub fn short(time: Time) -> String {
    let unit = UNITS.into_iter().find(|unit| time.0 >= unit.nanos);
    let Unit { name, nanos } = unit.unwrap_or(UNITS[3]);
    let value = time.0 as f64 / nanos as f64;
    let digits = match value {
        _ if nanos == 1 => 0,
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    let number = format!("{value:.digits$}");
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => &number,
    };
    format!("{number} {name}")
}

/// The least `m` times a power of ten, for an `m` of the ladder, that is not below `n`.
pub fn round_up(n: u64, ladder: &[u64]) -> u64 {
    let mut power = 1u64;
    loop {
        let found = ladder
            .iter()
            .filter_map(|m| m.checked_mul(power))
            .find(|step| *step >= n);
        match (found, power.checked_mul(10)) {
            (Some(step), _) => return step,
            (None, Some(next)) => power = next,
            (None, None) => return n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_not_too_many() {
        let labels = |from: u64, to: u64, most| -> Vec<String> {
            let ticks = Ticks::new(Time(from), Time(to), most);
            let marks = ticks.between(Time(from), Time(to));
            marks.map(|time| ticks.label(time)).collect()
        };
        assert_eq!(labels(6_580_000, 13_700_000, 4), ["8 ms", "10 ms", "12 ms"]);
        assert_eq!(
            labels(6_580_000, 7_100_000, 4),
            ["6.6 ms", "6.8 ms", "7.0 ms"]
        );
        assert_eq!(
            labels(0, 9_000_000_000, 5),
            ["0 s", "2 s", "4 s", "6 s", "8 s"]
        );
        assert_eq!(labels(1_000, 1_009, 3), ["1.000 us", "1.005 us"]);
        assert_eq!(
            labels(900_000_000, 1_100_000_000, 3),
            ["0.9 s", "1.0 s", "1.1 s"]
        );
        assert_eq!(labels(7, 7, 3), ["7 ns"]);
        assert!(labels(0, u64::MAX, 10).len() <= 11);
    }

    #[test]
    fn spans_are_short_to_read() {
        let times = [
            0,
            999,
            1_500,
            95_238,
            12_345_678,
            200_000_000,
            9_485_765_930,
        ];
        assert_eq!(
            times.map(|n| short(Time(n))),
            [
                "0 ns", "999 ns", "1.5 us", "95.2 us", "12.3 ms", "200 ms", "9.49 s"
            ]
        );
    }

    #[test]
    fn steps_climb_a_ladder() {
        let up = |n| round_up(n, &[1, 2, 5]);
        assert_eq!([1, 2, 3, 6, 11, 501].map(up), [1, 2, 5, 10, 20, 1000]);
        assert_eq!(up(u64::MAX), u64::MAX);
    }
}
