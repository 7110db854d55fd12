//! Days as sheets count them, and how a format writes them.

use super::number::Token;

/// From 30 December 1899 to the end of the year 9999.
const DAYS_MAX: f64 = 2_958_466.0;
/// From 1 January 1904, where some count from, to the usual beginning.
const DAYS_1904: f64 = 1462.0;
const DAY_SECONDS: f64 = 86_400.0;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A number of days as a format writes it; none where there is no such day.
pub(super) fn show(tokens: &[Token], value: f64, is_1904: bool) -> Option<String> {
    let is_elapsed = tokens.iter().any(|token| matches!(token, Token::Elapsed(..)));
    let value = if is_1904 && !is_elapsed { value + DAYS_1904 } else { value };
    if !(value < DAYS_MAX && (value >= 0.0 || is_elapsed && value > -DAYS_MAX)) {
        return None;
    }
    let places = tokens.iter().filter_map(|token| {
        if let Token::Decimals(places) = token { Some(*places as u32) } else { None }
    });
    let places = places.max().unwrap_or(0);
    let unit = 10u64.pow(places);
    // Less than a day's seconds times so many days: far below what fits.
    let ticks = (value.abs() * DAY_SECONDS * unit as f64).round() as u64;
    let (seconds, fraction) = (ticks / unit, ticks % unit);
    let date = Date::of((seconds / 86_400) as i64);
    let is_halved = tokens.iter().any(|token| matches!(token, Token::Noon(_)));
    let hour = seconds / 3600 % 24;
    let mut shown = String::new();
    if value < 0.0 {
        shown.push('-');
    }
    for token in tokens {
        match token {
            Token::Date('h', run) => {
                let hour = if is_halved { (hour + 11) % 12 + 1 } else { hour };
                shown += &padded(hour, *run);
            }
            Token::Date('n', run) => shown += &padded(seconds / 60 % 60, *run),
            Token::Date('s', run) => shown += &padded(seconds % 60, *run),
            Token::Date(letter, run) => shown += &date.part(*letter, *run),
            Token::Elapsed('h', run) => shown += &padded(seconds / 3600, *run),
            Token::Elapsed('m', run) => shown += &padded(seconds / 60, *run),
            Token::Elapsed(_, run) => shown += &padded(seconds, *run),
            Token::Decimals(own) => {
                let own = (*own as u32).min(places);
                let cut = fraction / 10u64.pow(places - own);
                shown += &format!(".{cut:0width$}", width = own as usize);
            }
            Token::Noon(is_short) => {
                let half = if hour < 12 { "AM" } else { "PM" };
                shown += if *is_short { &half[..1] } else { half };
            }
            Token::Literal(literal) => shown += literal,
            Token::Point => shown.push('.'),
            Token::Comma => shown.push(','),
            Token::Percent => shown.push('%'),
            Token::Slash => shown.push('/'),
            Token::Digit(_) | Token::Exponent(_) | Token::General | Token::Text => {}
        }
    }
    Some(shown)
}

fn padded(number: u64, run: usize) -> String {
    format!("{number:0width$}", width = run.min(9))
}

struct Date {
    year: i64,
    /// From 0.
    month: usize,
    day: u64,
    /// From Sunday.
    weekday: usize,
}

impl Date {
    fn of(days: i64) -> Self {
        // They count a leap day in 1900 that never was.
        let days = if days < 60 { days + 1 } else { days };
        let weekday = (days + 6).rem_euclid(7) as usize;
        // Days since 1 March of the year 0 of the calendar of today.
        let days = days + 693_899;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let day = (of_year - (153 * month + 2) / 5 + 1) as u64;
        let month = ((month + 2) % 12) as usize;
        let year = year_of_era + era * 400 + i64::from(month < 2);
        Self { year, month, day, weekday }
    }

    fn part(&self, letter: char, run: usize) -> String {
        let named = |name: &str| if run == 3 { name[..3].to_owned() } else { name.to_owned() };
        match (letter, run) {
            ('y', 0..=2) => format!("{:02}", self.year % 100),
            ('y', _) => format!("{:04}", self.year),
            ('m', 5) => MONTHS[self.month][..1].to_owned(),
            ('m', 3..) => named(MONTHS[self.month]),
            ('m', _) => padded(self.month as u64 + 1, run),
            ('d', 3..) => named(WEEKDAYS[self.weekday]),
            (_, _) => padded(self.day, run),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, date, weekday) in [
            (2, (1900, 0, 2), 2),
            (61, (1900, 2, 1), 4),
            (36_526, (2000, 0, 1), 6),
            (36_585, (2000, 1, 29), 2),
            (45_943, (2025, 9, 13), 1),
            (2_958_465, (9999, 11, 31), 5),
        ] {
            let found = Date::of(days);
            assert_eq!((found.year, found.month, found.day), date, "{days}");
            assert_eq!(found.weekday, weekday, "{days}");
        }
    }
}
