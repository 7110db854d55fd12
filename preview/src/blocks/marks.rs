//! Numbers as lists and notes write them.

/// A number in a format, named as office programs name it.
pub(crate) fn counted(format: &str, number: u32) -> String {
    match format {
        "lowerLetter" => letters(number).to_lowercase(),
        "upperLetter" => letters(number),
        "lowerRoman" => roman(number).to_lowercase(),
        "upperRoman" => roman(number),
        "decimalZero" => format!("{number:02}"),
        "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" if (1..=20).contains(&number) => {
            char::from_u32(0x2460 + number - 1).map_or_else(|| number.to_string(), String::from)
        }
        "chineseCounting"
        | "chineseCountingThousand"
        | "taiwaneseCounting"
        | "taiwaneseCountingThousand"
        | "japaneseCounting"
        | "ideographDigital" => ideographs(number),
        _ => number.to_string(),
    }
}

/// A, B, … Z, AA, BB, …
fn letters(number: u32) -> String {
    let Some(place) = number.checked_sub(1) else { return number.to_string() };
    let letter = char::from(b'A' + (place % 26) as u8);
    letter.to_string().repeat((place / 26 + 1).min(8) as usize)
}

fn ideographs(number: u32) -> String {
    const DIGITS: [&str; 11] = ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十"];
    let (tens, ones) = (number as usize / 10, number as usize % 10);
    match tens {
        0 => DIGITS[ones].to_owned(),
        10.. => number.to_string(),
        _ => {
            let tens = if tens == 1 { "" } else { DIGITS[tens] };
            let ones = if ones == 0 { "" } else { DIGITS[ones] };
            format!("{tens}十{ones}")
        }
    }
}

fn roman(number: u32) -> String {
    const SIGNS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..5000).contains(&number) {
        return number.to_string();
    }
    let (mut left, mut text) = (number, String::new());
    for (value, sign) in SIGNS {
        while left >= value {
            text += sign;
            left -= value;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_every_way() {
        for (format, number, text) in [
            ("decimal", 12, "12"),
            ("decimalZero", 7, "07"),
            ("lowerLetter", 28, "bb"),
            ("upperLetter", 0, "0"),
            ("upperRoman", 1994, "MCMXCIV"),
            ("lowerRoman", 9, "ix"),
            ("upperRoman", 99_999, "99999"),
            ("chineseCounting", 10, "十"),
            ("chineseCountingThousand", 21, "二十一"),
            ("decimalEnclosedCircle", 3, "③"),
        ] {
            assert_eq!(counted(format, number), text);
        }
    }
}
