//! Dates as they stand in a head: `Sat, 21 Nov 2026 01:02:03 GMT`.
//!
//! ```text
//! IMF-fixdate  = day-name "," SP date1 SP time-of-day SP GMT      RFC 9110, section 5.6.7
//! date1        = day SP month SP year                             ; e.g. 02 Jun 1982
//! time-of-day  = hour ":" minute ":" second                       ; with two digits each
//! ```
//!
//! The calendar is Gregorian. Its years are counted from 1 March here, so that the leap day is the
//! last day of a year and no month before it moves; and 400 years always have 146,097 days.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 24 * 60 * 60;
const DAYS_IN_400_YEARS: u64 = 146_097;
/// From 1 March of the year 0 to 1 January 1970.
const DAYS_BEFORE_1970: u64 = 719_468;
/// The last second that has a year of four digits: 9999-12-31T23:59:59Z.
const LATEST: u64 = 253_402_300_799;

const DAY_NAMES: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTH_NAMES: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How the beginning of 1970 is written.
const EPOCH: [u8; 29] = *b"Thu, 01 Jan 1970 00:00:00 GMT";

thread_local! {
    static LAST_WRITTEN: Cell<(HttpDate, [u8; 29])> = const { Cell::new((HttpDate(0), EPOCH)) };
}

/// A moment, to the second, in the form that HTTP writes it.
///
/// ```
/// use tidings::HttpDate;
///
/// let date = HttpDate::from_unix(1_795_222_923);
/// assert_eq!(date.to_string(), "Sat, 21 Nov 2026 01:02:03 GMT");
/// assert_eq!(date.iso_8601(), "2026-11-21T01:02:03Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate(
    /// Seconds since 1970, at most [`LATEST`].
    u64,
);

impl HttpDate {
    /// The moment this many seconds after the beginning of 1970. Later than the year 9999 is taken
    /// for its last second.
    pub fn from_unix(seconds: u64) -> Self {
        Self(seconds.min(LATEST))
    }

    /// The same moment in the form of ISO 8601 that is used in JSON and in file names.
    pub fn iso_8601(self) -> String {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time_of_day();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// The moment that a text in this form names. The two forms from before HTTP/1.1 (RFC 9110,
    /// section 5.6.7) are not understood.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split([' ', ':']).skip(1);
        let mut next = || parts.next();
        let number = |part: Option<&str>| part?.parse::<u32>().ok().map(u64::from);
        let day = number(next())?;
        let name = next()?;
        let month = (1..).zip(MONTH_NAMES).find(|(_, known)| *known == name)?.0;
        let year = number(next())?.checked_sub(u64::from(month <= 2))?;
        let [hour, minute, second] = [number(next())?, number(next())?, number(next())?];
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
        let (era, year) = (year / 400, year % 400);
        let days = era * DAYS_IN_400_YEARS + year * 365 + year / 4 - year / 100 + day_of_year;
        let days = days.checked_sub(DAYS_BEFORE_1970)?;
        let date = Self::from_unix(days * DAY + hour * 3600 + minute * 60 + second);
        // What is no day of the calendar, or has another name, is written otherwise.
        (date.to_string() == text).then_some(date)
    }

    /// How much later this is than another moment; nothing if it is not.
    pub(crate) fn since(self, other: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(other.0))
    }

    /// The bytes of its form in a head. A thread that asks again within the second is given what
    /// it had the last time.
    pub(crate) fn to_bytes(self) -> [u8; 29] {
        let (date, bytes) = LAST_WRITTEN.get();
        if date == self {
            return bytes;
        }
        let bytes = self.write();
        LAST_WRITTEN.set((self, bytes));
        bytes
    }

    fn write(self) -> [u8; 29] {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time_of_day();
        let mut bytes = EPOCH;
        bytes[..3].copy_from_slice(DAY_NAMES[(self.0 / DAY % 7) as usize].as_bytes());
        bytes[8..11].copy_from_slice(MONTH_NAMES[month as usize - 1].as_bytes());
        let (century, year) = (year / 100, year % 100);
        let pairs = [(5, day), (12, century), (14, year), (17, hour), (20, minute), (23, second)];
        for (at, number) in pairs {
            bytes[at] = b'0' + (number / 10) as u8;
            bytes[at + 1] = b'0' + (number % 10) as u8;
        }
        bytes
    }

    fn time_of_day(self) -> (u64, u64, u64) {
        let seconds = self.0 % DAY;
        (seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    /// Year, month and day of the month, the latter two from 1.
    fn date(self) -> (u64, u64, u64) {
        let days = self.0 / DAY + DAYS_BEFORE_1970;
        let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
        // Take off the leap days before this day: each 4 years, not each 100, but each 400.
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524
            - day_of_era / (DAYS_IN_400_YEARS - 1))
            / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // From March on, five months always have 153 days: 31, 30, 31, 30, 31.
        let months = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * months + 2) / 5 + 1;
        let month = if months < 10 { months + 3 } else { months - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        (year, month, day)
    }
}

/// A time before 1970 is taken for its beginning.
impl From<SystemTime> for HttpDate {
    fn from(time: SystemTime) -> Self {
        Self::from_unix(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_bytes()).expect("names and digits are ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_23_dates_are_written_as_the_standard_wants_them() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (LATEST, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(HttpDate::from_unix(seconds).to_string(), expected);
            assert_eq!(HttpDate::parse(expected), Some(HttpDate::from_unix(seconds)));
        }
    }

    #[test]
    fn a_text_that_no_date_is_written_as_is_none() {
        for text in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sat, 31 Nov 2026 01:02:03 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:60 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Mon, 01 Jan 0000 00:00:00 GMT",
            "Fri, 4294967295 Dec 4294967295 4294967295:4294967295:4294967295 GMT",
        ] {
            assert_eq!(HttpDate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before_it_for_800_years() {
        let lengths = |year: u64| {
            let leap =
                year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
            [31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        };
        let mut day = 0;
        for year in 1970..2770 {
            for (month, length) in (1..).zip(lengths(year)) {
                for date in 1..=length {
                    assert_eq!(HttpDate::from_unix(day * DAY + 7).date(), (year, month, date));
                    day += 1;
                }
            }
        }
    }

    #[test]
    fn times_out_of_range_are_taken_for_the_nearest_in_it() {
        assert_eq!(HttpDate::from_unix(u64::MAX).iso_8601(), "9999-12-31T23:59:59Z");
        assert_eq!(HttpDate::from(UNIX_EPOCH - Duration::from_secs(1)), HttpDate::from_unix(0));
        assert_eq!(HttpDate::from(UNIX_EPOCH + Duration::from_secs(9)), HttpDate::from_unix(9));
    }
}
