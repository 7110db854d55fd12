//! What spreadsheets show of numbers, by their formats.

use super::*;

fn check(code: &str, value: f64, shown: &str) {
    let (_, text) = NumberFormat::parse(code).show(value, false);
    assert_eq!(text, shown, "{code} {value}");
}

#[test]
fn numbers_have_the_digits_that_their_format_asks_for() {
    for (code, value, shown) in [
        ("General", 0.1 + 0.2, "0.3"),
        ("General", 1.0 / 3.0, "0.333333333"),
        ("General", -1234567.0, "-1234567"),
        ("General", 1e20, "1E+20"),
        ("General", 0.0, "0"),
        ("0", 2.5, "3"),
        ("0.00", 1.005, "1.01"),
        ("0.00", 0.999, "1.00"),
        ("0.00", -0.5, "-0.50"),
        ("#.##", 0.5, ".5"),
        ("#,##0", 1_234_567.8, "1,234,568"),
        ("#,##0.00", 999.995, "1,000.00"),
        ("#,##0.0#", 12.0, "12.0"),
        ("#,##0,", 1_234_567.0, "1,235"),
        ("#,.0", 1_234_567.0, "1234.6"),
        ("0.0,,\"M\"", 12_345_678.0, "12.3M"),
        ("000-0000", 5_551_234.0, "555-1234"),
        ("(000) 000", 123_456.0, "(123) 456"),
        ("0%", 0.256, "26%"),
        ("0.0%", -0.0512, "-5.1%"),
        ("0.00E+00", 123_456.0, "1.23E+05"),
        ("0.00E+00", 0.0, "0.00E+00"),
        ("0.0E+0", 9.99, "1.0E+1"),
        ("##0.0E+0", 12_345.0, "12.3E+3"),
        ("# ?/?", 2.75, "2 3/4"),
        ("# ??/??", 0.333_333, "1/3"),
        ("?/8", 0.5, "4/8"),
        ("# ?/?", 3.0, "3"),
        ("00000", 42.0, "00042"),
        ("0.0000000000000000000000000000000000", 1.0, "1.000000000000000000000000000000"),
    ] {
        check(code, value, shown);
    }
}

#[test]
fn sections_are_for_signs_conditions_and_texts() {
    let accounts = "#,##0.00 [$€-407];[Red](#,##0.00);\"none\";\"<\"@\">\"";
    check(accounts, 1234.5, "1,234.50 €");
    check(accounts, -1234.5, "(1,234.50)");
    check(accounts, 0.0, "none");
    check("[<10]\"few\";[>=100]\"many\";0", 3.0, "few");
    check("[<10]\"few\";[>=100]\"many\";0", 300.0, "many");
    check("[<10]\"few\";[>=100]\"many\";0", 30.0, "30");
    check(";;", 5.0, "");
    check("\\$#,##0_);(\\$#,##0)", -7.0, "($7)");
    assert_eq!(NumberFormat::parse(accounts).show_text("a"), "<a>");
    assert_eq!(NumberFormat::parse("0.0").show_text("a"), "a");
}

#[test]
fn dates_and_times_are_as_their_format_says() {
    for (code, value, shown) in [
        ("yyyy-mm-dd", 45_943.0, "2025-10-13"),
        ("d mmm yy", 45_943.0, "13 Oct 25"),
        ("dddd, mmmm d", 45_943.0, "Monday, October 13"),
        ("yyyy\"年\"m\"月\"d\"日\"", 45_943.0, "2025年10月13日"),
        ("dd/mm/yyyy hh:mm", 45_943.75, "13/10/2025 18:00"),
        ("h:mm AM/PM", 0.75, "6:00 PM"),
        ("h:mm A/P", 0.01, "12:14 A"),
        ("mm:ss.00", 0.000_72, "01:02.21"),
        ("[h]:mm:ss", 1.5, "36:00:00"),
        ("[h]:mm", -0.5, "-12:00"),
        ("[mm]:ss", 0.5, "720:00"),
        ("h:mm:ss", 0.999_999_9, "0:00:00"),
        ("yyyy", -1.0, "-1"),
        ("yyyy", 1e9, "1000000000"),
        ("yyyy-mm-dd", 1.0, "1900-01-01"),
        ("yyyy-mm-dd", 61.0, "1900-03-01"),
    ] {
        check(code, value, shown);
    }
    assert_eq!(NumberFormat::of_id(14).show(0.0, true).1, "1904-01-01");
    assert_eq!(
        NumberFormat::of_id(22).show(45_943.5, false),
        (Kind::Time, "2025-10-13 12:00".to_owned())
    );
}

#[test]
fn no_format_and_no_number_is_too_much() {
    let codes = [
        "",
        "[",
        "\"",
        "\\",
        "_",
        "*",
        "/",
        "?/",
        "/?",
        "E+",
        "0E+",
        "0E-0E+0",
        "[>",
        "[$",
        ".",
        ",,,",
        "0,.,0",
        "@@",
        ";;;;;;",
        "m/s",
        "#/#/#",
        "0 0/000000",
    ];
    for code in codes {
        for value in [0.0, -0.0, 1.5, -1e300, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY]
        {
            NumberFormat::parse(code).show(value, false);
            NumberFormat::parse(code).show_text("x");
        }
    }
    for id in 0..200 {
        NumberFormat::of_id(id).show(1.5, false);
    }
}
