//! Durations as text: one form for flags, the mock's scripts and cassettes.
//!
//! ```text
//! duration = 1*DIGIT [ "." 1*9DIGIT ] [ unit ]     without a unit: seconds
//! unit     = "us" / "ms" / "s" / "m" / "h" / "d"
//! ```
//!
//! `us` is for cassettes, which keep times in microseconds. The help names only the others.

use std::time::Duration;

use super::digits;

/// What an error says of the form.
pub(crate) const FORM: &str = "a duration such as 200ms, 1.5s or 2m";

/// The placeholder of a duration in a help.
pub(crate) const NAME: &str = "DURATION";

/// What a help says of the form.
pub(crate) const RULE: &str =
    "A DURATION is a number with ms, s, m, h or d, such as 1.5s; a bare number is seconds.";

/// The shortest duration that a flag takes if zero makes no sense.
pub(crate) const SHORTEST: Duration = Duration::from_millis(1);

/// The longest duration that a flag takes without a reason for a smaller bound: 136 years, which
/// can be added to any clock.
pub(crate) const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

const SECOND: u64 = 1_000_000_000;

/// Each unit in nanoseconds. Those of two letters come first, because `ms` ends in `s`. The last is
/// for a number without a unit.
const UNITS: [(&str, u64); 7] = [
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 60 * 60 * SECOND),
    ("d", 24 * 60 * 60 * SECOND),
    ("", SECOND),
];

pub(crate) fn parse(text: &str) -> Option<Duration> {
    let (number, unit) =
        UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?).filter(|_| {
        // A tenth digit would be less than a nanosecond.
        fraction.len() <= 9
    })?;
    let fraction = u128::from(digits::<u64>(fraction)?) * u128::from(unit) / u128::from(scale);
    let nanoseconds = digits::<u64>(whole)?.checked_mul(unit)?;
    Some(Duration::from_nanos(nanoseconds.checked_add(u64::try_from(fraction).ok()?)?))
}

/// Writes a duration as a whole number of the largest unit that allows it, so that it reads back as
/// the same. A fraction of a microsecond is cut off.
pub(crate) fn exact(duration: Duration) -> String {
    match duration.as_micros() {
        whole if whole % 1_000_000 == 0 && whole > 0 => format!("{}s", whole / 1_000_000),
        whole if whole % 1_000 == 0 => format!("{}ms", whole / 1_000),
        whole => format!("{whole}us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_its_unit_or_of_seconds() {
        let micros = |text| parse(text).map(|duration| duration.as_micros());
        for (text, expected) in [
            ("0ms", 0),
            ("250us", 250),
            ("12ms", 12_000),
            ("0.5ms", 500),
            ("1s", 1_000_000),
            ("1.25s", 1_250_000),
            ("2m", 120_000_000),
            ("1.5h", 5_400_000_000),
            ("30d", 2_592_000_000_000),
            ("0", 0),
            ("10", 10_000_000),
            ("0.25", 250_000),
        ] {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "", "s", "ms", "-1s", "+1s", "1 s", "1.s", "1.", ".5s", ".5", "1e3s", "1.1.1s", "1w",
            "5S",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("18446744073709551615s"), None);
        assert_eq!(parse("1.0000000000s"), None);
    }

    #[test]
    fn what_was_written_reads_the_same() {
        for (micros, text) in
            [(0, "0ms"), (1, "1us"), (1_500, "1500us"), (12_000, "12ms"), (3_000_000, "3s")]
        {
            let duration = Duration::from_micros(micros);
            assert_eq!(exact(duration), text);
            assert_eq!(parse(text), Some(duration));
        }
    }
}
