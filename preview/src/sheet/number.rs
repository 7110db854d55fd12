//! Formats of numbers as sheets write them: `#,##0.00`, `yyyy-mm-dd`, `[h]:mm`, `# ?/?`.
//!
//! A format has up to four sections: for numbers above zero, below, zero, and for texts.
//! Whatever a format says, something is shown: what is not understood stands as it is
//! written. Digits are those that programs for sheets have, fifteen, rounded away from zero.
//! A date that is to be written as the reader's country does is written as the standard does.

use super::{calendar, table::Kind};

/// Longer formats are cut.
const CODE_CHARS_MAX: usize = 256;
/// Decimals beyond are not asked for.
const PLACES_MAX: usize = 30;
/// Denominators of fractions.
const DENOMINATOR_MAX: u32 = 999;

/// A format, taken apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct NumberFormat {
    sections: Vec<Section>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Section {
    condition: Option<(Compare, f64)>,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Compare {
    Less,
    AtMost,
    Equal,
    Not,
    AtLeast,
    More,
}

/// A piece of a format.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// As it stands.
    Literal(String),
    /// `0`, `#` or `?`: a digit, that need not be there but for `0`.
    Digit(char),
    Point,
    Comma,
    Percent,
    /// `E+` or, without a plus, `E-`.
    Exponent(bool),
    Slash,
    General,
    /// The text of the cell.
    Text,
    /// `y`, `m`, `d`, `h`, `s` so many times; `n` is a minute.
    Date(char, usize),
    /// `[h]`: all of the hours, minutes or seconds, in so many digits.
    Elapsed(char, usize),
    /// Decimals of a second.
    Decimals(usize),
    /// Noon divides the day; in one letter.
    Noon(bool),
}

impl NumberFormat {
    pub(super) fn parse(code: &str) -> Self {
        let code: Vec<char> = code.chars().take(CODE_CHARS_MAX).collect();
        let mut sections = vec![Section::default()];
        let mut at = 0;
        while at < code.len() {
            if code[at] == ';' {
                sections.push(Section::default());
                at += 1;
            } else {
                let section = sections.last_mut().expect("it begins with one");
                at += section.take(&code[at..]);
            }
        }
        sections.truncate(4);
        sections.iter_mut().for_each(Section::tell_minutes);
        Self { sections }
    }

    /// One of those that a file names by number alone.
    pub(super) fn of_id(id: u32) -> Self {
        let code = match id {
            1 => "0",
            2 => "0.00",
            3 => "#,##0",
            4 => "#,##0.00",
            5..=8 | 37..=40 => match id {
                5 | 6 | 37 | 38 => "#,##0;-#,##0",
                _ => "#,##0.00;-#,##0.00",
            },
            9 => "0%",
            10 => "0.00%",
            11 => "0.00E+00",
            12 => "# ?/?",
            13 => "# ??/??",
            15 => "d-mmm-yy",
            16 => "d-mmm",
            17 => "mmm-yy",
            18 => "h:mm AM/PM",
            19 => "h:mm:ss AM/PM",
            20 | 32 | 55 => "h:mm",
            21 | 33 | 56 => "h:mm:ss",
            22 => "yyyy-mm-dd h:mm",
            14 | 27..=31 | 36 | 50..=54 | 57 | 58 => "yyyy-mm-dd",
            41..=44 => "#,##0.00;-#,##0.00;\"-\"",
            45 => "mm:ss",
            46 => "[h]:mm:ss",
            47 => "mm:ss.0",
            48 => "##0.0E+0",
            _ => "General",
        };
        Self::parse(code)
    }

    /// A number as it is shown.
    pub(super) fn show(&self, value: f64, is_1904: bool) -> (Kind, String) {
        let Some((section, sign)) = self.section(value) else {
            return (Kind::Number, general(value));
        };
        if section.is_time() {
            return match calendar::show(&section.tokens, value, is_1904) {
                Some(text) => (Kind::Time, text),
                None => (Kind::Number, general(value)),
            };
        }
        let text = section.number(value.abs());
        (Kind::Number, if sign && !text.is_empty() { format!("-{text}") } else { text })
    }

    /// A text as it is shown.
    pub(super) fn show_text(&self, text: &str) -> String {
        let [_, _, _, section] = self.sections.as_slice() else { return text.to_owned() };
        let pieces = section.tokens.iter().map(|token| token.plain(text));
        pieces.collect()
    }

    /// The section for a number, and whether it wants a sign before it.
    fn section(&self, value: f64) -> Option<(&Section, bool)> {
        let numeric = &self.sections[..self.sections.len().min(3)];
        if numeric.iter().any(|section| section.condition.is_some()) {
            let fits = |section: &&Section| section.fits(value);
            let found = numeric.iter().find(fits).or(numeric.last())?;
            return Some((found, value < 0.0));
        }
        match numeric {
            [] => None,
            [only] => Some((only, value < 0.0)),
            [_, below, ..] if value < 0.0 => Some((below, false)),
            [_, _, zero] if value == 0.0 => Some((zero, false)),
            [above, ..] => Some((above, false)),
        }
    }
}

impl Token {
    /// What stands where no number is shown.
    fn plain<'a>(&'a self, text: &'a str) -> &'a str {
        match self {
            Self::Literal(literal) => literal,
            Self::Text | Self::General => text,
            Self::Point => ".",
            Self::Comma => ",",
            Self::Percent => "%",
            Self::Slash => "/",
            Self::Digit(_)
            | Self::Exponent(_)
            | Self::Date(..)
            | Self::Elapsed(..)
            | Self::Decimals(_)
            | Self::Noon(_) => "",
        }
    }
}

impl Section {
    /// Takes the next piece of a code; returns its length.
    fn take(&mut self, code: &[char]) -> usize {
        let next = code.get(1).copied();
        let run = code.iter().take_while(|char| char.eq_ignore_ascii_case(&code[0])).count();
        let says = |words: &str| {
            words.chars().enumerate().all(|(at, char)| {
                code.get(at).is_some_and(|other| other.eq_ignore_ascii_case(&char))
            })
        };
        let is_after_seconds =
            matches!(self.tokens.last(), Some(Token::Date('s', _) | Token::Elapsed('s', _)));
        let (token, length) = match code[0] {
            '"' => {
                let words: String = code[1..].iter().take_while(|char| **char != '"').collect();
                let length = words.chars().count() + 2;
                (Token::Literal(words), length.min(code.len()))
            }
            '\\' | '!' => (Token::Literal(next.map(String::from).unwrap_or_default()), 2),
            '_' => (Token::Literal(" ".to_owned()), 2),
            // It fills the cell, whose width nobody knows here.
            '*' => (Token::Literal(String::new()), 2),
            '[' => {
                let inside: String = code[1..].iter().take_while(|char| **char != ']').collect();
                let length = (inside.chars().count() + 2).min(code.len());
                (self.bracket(&inside), length)
            }
            _ if says("general") => (Token::General, 7),
            _ if says("am/pm") => (Token::Noon(false), 5),
            _ if says("a/p") => (Token::Noon(true), 3),
            '0' | '#' | '?' => (Token::Digit(code[0]), 1),
            '.' if is_after_seconds && next == Some('0') => {
                let places = code[1..].iter().take_while(|char| **char == '0').count();
                (Token::Decimals(places.min(9)), places + 1)
            }
            '.' => (Token::Point, 1),
            ',' => (Token::Comma, 1),
            '%' => (Token::Percent, 1),
            '/' => (Token::Slash, 1),
            '@' => (Token::Text, 1),
            'E' | 'e' if matches!(next, Some('+' | '-')) => (Token::Exponent(next == Some('+')), 2),
            'y' | 'Y' => (Token::Date('y', run), run),
            // The years of an era are not told apart from others.
            'e' | 'E' | 'b' | 'B' => (Token::Date('y', 4), run),
            'm' | 'M' => (Token::Date('m', run), run),
            'd' | 'D' => (Token::Date('d', run), run),
            'h' | 'H' => (Token::Date('h', run), run),
            's' | 'S' => (Token::Date('s', run), run),
            other => (Token::Literal(other.to_string()), 1),
        };
        self.tokens.push(token);
        length
    }

    /// What stands in brackets: a condition, a currency, elapsed time; colours go by.
    fn bracket(&mut self, inside: &str) -> Token {
        if let Some(currency) = inside.strip_prefix('$') {
            let sign = currency.split('-').next().unwrap_or_default();
            return Token::Literal(sign.to_owned());
        }
        let letter = inside.chars().next().unwrap_or_default().to_ascii_lowercase();
        let is_run = inside.chars().all(|char| char.eq_ignore_ascii_case(&letter));
        if matches!(letter, 'h' | 'm' | 's') && is_run {
            return Token::Elapsed(letter, inside.len());
        }
        let compares = [
            ("<=", Compare::AtMost),
            (">=", Compare::AtLeast),
            ("<>", Compare::Not),
            ("<", Compare::Less),
            (">", Compare::More),
            ("=", Compare::Equal),
        ];
        let found = compares.iter().find_map(|(sign, compare)| {
            Some((*compare, inside.strip_prefix(sign)?.trim().parse().ok()?))
        });
        self.condition = self.condition.or(found);
        Token::Literal(String::new())
    }

    /// An `m` beside hours that are before it, or beside seconds, is a minute.
    fn tell_minutes(&mut self) {
        let dates: Vec<usize> = (0..self.tokens.len())
            .filter(|at| matches!(self.tokens[*at], Token::Date(..) | Token::Elapsed(..)))
            .collect();
        for (place, at) in dates.iter().enumerate() {
            let Token::Date('m', run) = self.tokens[*at] else { continue };
            let before = place.checked_sub(1).map(|before| &self.tokens[dates[before]]);
            let after = dates.get(place + 1).map(|after| &self.tokens[*after]);
            let is_minute = matches!(before, Some(Token::Date('h' | 's', _) | Token::Elapsed(..)))
                || matches!(after, Some(Token::Date('s', _) | Token::Elapsed('s', _)));
            if is_minute && run <= 2 {
                self.tokens[*at] = Token::Date('n', run);
            }
        }
    }

    fn fits(&self, value: f64) -> bool {
        self.condition.is_none_or(|(compare, bound)| match compare {
            Compare::Less => value < bound,
            Compare::AtMost => value <= bound,
            Compare::Equal => value == bound,
            Compare::Not => value != bound,
            Compare::AtLeast => value >= bound,
            Compare::More => value > bound,
        })
    }

    fn is_time(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, Token::Date(..) | Token::Elapsed(..)))
    }

    /// A number that is not below zero.
    fn number(&self, value: f64) -> String {
        let Some(first) = self.tokens.iter().position(is_digit) else {
            let number = general(value);
            return self.tokens.iter().map(|token| token.plain(&number)).collect();
        };
        let mut last = self.tokens.iter().rposition(is_digit).expect("there is a first one");
        if self.tokens.get(last + 1) == Some(&Token::Slash) {
            // A denominator that is given.
            let is_given = |token: &&Token| matches!(token, Token::Literal(word) if word.parse::<u8>().is_ok());
            last += 1 + self.tokens[last + 2..].iter().take_while(is_given).count();
        }
        let (middle, end) = self.tokens[first..].split_at(last + 1 - first);
        // A comma after all digits, or just before the point, stands for a thousand.
        let point = middle.iter().position(|token| *token == Token::Point).unwrap_or(0);
        let before = middle[..point].iter().rev();
        let commas = end.iter().take_while(|token| **token == Token::Comma).count();
        let inner = before.take_while(|token| **token == Token::Comma).count();
        let percents = self.tokens.iter().filter(|token| **token == Token::Percent).count();
        let value = value * 100f64.powi(percents as i32) / 1000f64.powi((commas + inner) as i32);
        let exponent = middle.iter().position(|token| matches!(token, Token::Exponent(_)));
        let shown = if let Some(at) = exponent {
            with_exponent(middle, at, value)
        } else if middle.contains(&Token::Slash) {
            fraction(middle, value)
        } else {
            plain(middle, value)
        };
        let words =
            |tokens: &[Token]| tokens.iter().map(|token| token.plain("")).collect::<String>();
        // A point that only ends a number is one of its tokens.
        format!("{}{shown}{}", words(&self.tokens[..first]), words(&end[commas..]))
    }
}

fn is_digit(token: &Token) -> bool {
    matches!(token, Token::Digit(_))
}

/// Digits before and after the point, filled into a format's places.
fn plain(tokens: &[Token], value: f64) -> String {
    let point = tokens.iter().position(|token| *token == Token::Point);
    let (whole, after) = tokens.split_at(point.unwrap_or(tokens.len()));
    let places = after.iter().filter(|token| is_digit(token)).count();
    let (digits, decimals) = decimal(value, places.min(PLACES_MAX));
    let mut shown = filled(whole, &digits);
    let mut decimals = decimals.chars();
    let mut written = String::new();
    for token in after {
        if is_digit(token) {
            written.extend(decimals.next());
        } else {
            written += token.plain("");
        }
    }
    // Zeros at the end are there where the format has a zero.
    let needed = after.iter().rposition(|token| *token == Token::Digit('0')).map_or(1, |at| at + 1);
    while written.len() > needed && written.ends_with('0') {
        written.pop();
    }
    shown += &written;
    shown
}

/// Fills digits in from the right; the first place takes all that are left.
fn filled(tokens: &[Token], digits: &str) -> String {
    let first = tokens.iter().position(is_digit);
    let last = tokens.iter().rposition(is_digit).unwrap_or(0);
    let is_grouped = tokens[..last].contains(&Token::Comma);
    let mut left: Vec<char> = digits.trim_start_matches('0').chars().collect();
    let (mut pieces, mut count) = (Vec::new(), 0);
    let mut add = |pieces: &mut Vec<char>, digit: char| {
        if is_grouped && count > 0 && count % 3 == 0 {
            pieces.push(',');
        }
        count += 1;
        pieces.push(digit);
    };
    for (at, token) in tokens.iter().enumerate().rev() {
        if let Token::Digit(kind) = token {
            match left.pop() {
                Some(digit) => add(&mut pieces, digit),
                None if *kind == '0' => add(&mut pieces, '0'),
                None => {}
            }
            while let Some(digit) = (Some(at) == first).then(|| left.pop()).flatten() {
                add(&mut pieces, digit);
            }
        } else if *token != Token::Comma {
            pieces.extend(token.plain("").chars().rev());
        }
    }
    pieces.iter().rev().collect()
}

fn with_exponent(tokens: &[Token], at: usize, value: f64) -> String {
    let (mantissa, rest) = tokens.split_at(at);
    let point = mantissa.iter().position(|token| *token == Token::Point).unwrap_or(mantissa.len());
    let digits = |tokens: &[Token]| tokens.iter().filter(|token| is_digit(token)).count() as i32;
    // Where the format has several digits before the point, the exponent is a multiple of them.
    let step = digits(&mantissa[..point]).max(1);
    let places = (digits(&mantissa[point..]) as usize).min(PLACES_MAX);
    let size = if value == 0.0 { 0 } else { value.log10().floor() as i32 };
    let mut exponent = size.div_euclid(step) * step;
    let scaled = |exponent: i32| value / 10f64.powi(exponent);
    if decimal(scaled(exponent), places).0.len() as i32 > step {
        exponent += step;
    }
    let sign = match (exponent < 0, &rest[0]) {
        (true, _) => "-",
        (false, Token::Exponent(true)) => "+",
        (false, _) => "",
    };
    let power = filled(&rest[1..], &exponent.unsigned_abs().to_string());
    let power = if power.is_empty() { "0".to_owned() } else { power };
    format!("{}E{sign}{power}", plain(mantissa, scaled(exponent)))
}

/// A whole number and a fraction, the nearest that the format has places for.
fn fraction(tokens: &[Token], value: f64) -> String {
    let slash = tokens.iter().position(|token| *token == Token::Slash).expect("it was found");
    let above = tokens[..slash].iter().rev().take_while(|token| is_digit(token)).count();
    let has_whole = tokens[..slash - above].iter().any(is_digit);
    let below: String = tokens[slash + 1..]
        .iter()
        .map(|token| {
            if let Token::Digit(kind) = token {
                kind.to_string()
            } else {
                token.plain("").to_owned()
            }
        })
        .collect();
    let whole = if has_whole { value.trunc() } else { 0.0 };
    let rest = value - whole;
    let fixed =
        below.trim().parse::<u32>().ok().filter(|fixed| (1..=DENOMINATOR_MAX).contains(fixed));
    let denominators = match fixed {
        Some(fixed) => fixed..=fixed,
        None => 1..=10u32.saturating_pow(below.trim().len() as u32).min(DENOMINATOR_MAX + 1) - 1,
    };
    let error = |below: u32| {
        let exact = rest * f64::from(below);
        (exact - exact.round()).abs() / f64::from(below)
    };
    let below = denominators
        .reduce(|best, next| if error(next) + 1e-12 < error(best) { next } else { best });
    let below = below.unwrap_or(1);
    let above = (rest * f64::from(below)).round();
    let (whole, above) =
        if has_whole && above >= f64::from(below) { (whole + 1.0, 0.0) } else { (whole, above) };
    match (has_whole, above == 0.0) {
        (true, true) => format!("{whole}"),
        (true, false) if whole != 0.0 => format!("{whole} {above}/{below}"),
        _ => format!("{above}/{below}"),
    }
}

/// A number without a format.
pub(super) fn general(value: f64) -> String {
    if !value.is_finite() {
        return "#NUM!".to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-9..1e15).contains(&size) {
        let text = format!("{value:.5e}");
        let (mantissa, exponent) = text.split_once('e').expect("it was asked for");
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        let sign = if exponent.starts_with('-') { "-" } else { "+" };
        return format!("{mantissa}E{sign}{:0>2}", exponent.trim_start_matches('-'));
    }
    // As many digits as a cell shows; those of a whole number are all there.
    let before = if size < 1.0 { 1 } else { size.log10().floor() as usize + 1 };
    let (digits, decimals) = decimal(size, 10usize.saturating_sub(before));
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{digits}{point}{decimals}")
}

/// The digits of a number before the point, and so many after it.
pub(super) fn decimal(value: f64, places: usize) -> (String, String) {
    if !value.is_finite() {
        return ("0".to_owned(), "0".repeat(places));
    }
    // Fifteen digits: what else is in a number of eight bytes comes of its being binary.
    let text = format!("{value:.14e}");
    let (mantissa, exponent) = text.split_once('e').expect("it was asked for");
    let exponent: i32 = exponent.parse().expect("it is a number");
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    // Where the point stands in them.
    let mut point = exponent + 1;
    let kept = point + places as i32;
    if kept < 0 {
        (digits, point) = (vec![b'0'], 1);
    } else if (kept as usize) < digits.len() {
        let up = digits[kept as usize] >= b'5';
        digits.truncate(kept as usize);
        if up {
            let nines = digits.iter().rev().take_while(|digit| **digit == b'9').count();
            let at = digits.len() - nines;
            digits[at..].fill(b'0');
            if at > 0 {
                digits[at - 1] += 1;
            } else {
                digits.insert(0, b'1');
                point += 1;
            }
        }
    }
    let mut text: String = "0".repeat(usize::try_from(1 - point).unwrap_or(0));
    let before = point.max(1) as usize;
    text.extend(digits.into_iter().map(char::from));
    while text.len() < before + places {
        text.push('0');
    }
    text.truncate(before + places);
    let decimals = text.split_off(before);
    (text, decimals)
}

#[cfg(test)]
mod tests;
