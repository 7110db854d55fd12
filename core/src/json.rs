//! Reads JSON into the types of the caller, and has one answer for all that is wrong with it.
//!
//! `serde_json` reads the same. It also tells what it found in place of what was expected, and
//! code and tables that print fractions come with that: some 10 KiB of what a browser loads, for
//! messages that nobody sees (ADR 38). Writing, which has no part in this, is left to `serde_json`.
//!
//! Our messages have no fractions. A number that is none of `i64` or `u64` is passed over where
//! nobody asks for it, as what a later version may have added, and fits no type otherwise.

use std::borrow::Cow;
use std::fmt::Display;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

/// How deep lists and objects may stand in each other.
const DEPTH_MAX: usize = 127;

/// Reports what is no JSON, or not the JSON that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the JSON that is expected")]
pub struct Unread;

impl serde::de::Error for Unread {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// Reads a value, with nothing but white space around it.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Unread> {
    let json = std::str::from_utf8(json).map_err(|_| Unread)?;
    let mut reader = Reader { json, at: 0, depth: 0 };
    let value = T::deserialize(&mut reader)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(Unread),
    }
}

struct Reader<'a> {
    json: &'a str,
    at: usize,
    depth: usize,
}

/// A value, or the beginning of one that has parts.
enum Token<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    OtherNumber,
    Text(Cow<'a, str>),
    List,
    Object,
}

impl<'a> Reader<'a> {
    fn byte(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    /// Looks at what comes after white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Unread> {
        if self.peek() != Some(wanted) {
            return Err(Unread);
        }
        self.at += 1;
        Ok(())
    }

    fn token(&mut self) -> Result<Token<'a>, Unread> {
        match self.peek().ok_or(Unread)? {
            b'n' => self.word("null", Token::Null),
            b't' => self.word("true", Token::Bool(true)),
            b'f' => self.word("false", Token::Bool(false)),
            b'"' => self.text().map(Token::Text),
            b'[' => self.open(Token::List),
            b'{' => self.open(Token::Object),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(Unread),
        }
    }

    fn word(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>, Unread> {
        let found = self.json.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        if found { Ok(token) } else { Err(Unread) }
    }

    fn open(&mut self, token: Token<'a>) -> Result<Token<'a>, Unread> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(Unread) } else { Ok(token) }
    }

    fn close(&mut self, end: u8) -> Result<(), Unread> {
        self.depth -= 1;
        self.expect(end)
    }

    fn number(&mut self) -> Result<Token<'a>, Unread> {
        let negative = self.byte() == Some(b'-');
        self.at += usize::from(negative);
        let start = self.at;
        let digits = self.digits()?;
        if digits.len() > 1 && digits.starts_with('0') {
            return Err(Unread);
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let whole = self.json[start..self.at].parse::<u64>();
        Ok(match whole {
            Ok(whole) if !negative => Token::Unsigned(whole),
            Ok(whole) if whole > 0 => {
                0_i64.checked_sub_unsigned(whole).map_or(Token::OtherNumber, Token::Negative)
            }
            Ok(_) | Err(_) => Token::OtherNumber,
        })
    }

    fn digits(&mut self) -> Result<&'a str, Unread> {
        let rest = &self.json[self.at..];
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        self.at += len;
        if len == 0 { Err(Unread) } else { Ok(&rest[..len]) }
    }

    fn text(&mut self) -> Result<Cow<'a, str>, Unread> {
        self.at += 1;
        let mut text = Cow::Borrowed("");
        loop {
            let rest = &self.json[self.at..];
            let special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
            let len = rest.bytes().position(special).ok_or(Unread)?;
            text += &rest[..len];
            self.at += len + 1;
            match rest.as_bytes()[len] {
                b'"' => return Ok(text),
                b'\\' => text.to_mut().push(self.escaped()?),
                _ => return Err(Unread),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Unread> {
        let sign = self.byte().ok_or(Unread)?;
        self.at += 1;
        Ok(match sign {
            b'"' | b'\\' | b'/' => char::from(sign),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                let mut units = vec![unit];
                if (0xd800..0xdc00).contains(&unit) {
                    if !self.json.as_bytes()[self.at..].starts_with(b"\\u") {
                        return Err(Unread);
                    }
                    self.at += 2;
                    units.push(self.unit()?);
                }
                let mut signs = char::decode_utf16(units);
                match (signs.next(), signs.next()) {
                    (Some(Ok(sign)), None) => sign,
                    _ => return Err(Unread),
                }
            }
            _ => return Err(Unread),
        })
    }

    fn unit(&mut self) -> Result<u16, Unread> {
        let digits = self.json.as_bytes().get(self.at..self.at + 4).ok_or(Unread)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| {
            let digit = char::from(*digit).to_digit(16).ok_or(Unread)?;
            Ok(unit << 4 | digit as u16)
        })
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.token()? {
            Token::Null | Token::OtherNumber => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Unsigned(value) => visitor.visit_u64(value),
            Token::Negative(value) => visitor.visit_i64(value),
            Token::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Token::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Token::List => {
                let value = visitor.visit_seq(Parts { reader: self, end: b']', first: true })?;
                self.close(b']').map(|()| value)
            }
            Token::Object => {
                let value = visitor.visit_map(Parts { reader: self, end: b'}', first: true })?;
                self.close(b'}').map(|()| value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.peek() == Some(b'n') {
            self.token()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        let Token::Text(name) = self.token()? else { return Err(Unread) };
        visitor.visit_enum(name.into_deserializer())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// What stands in a list or an object, up to its end.
struct Parts<'r, 'de> {
    reader: &'r mut Reader<'de>,
    end: u8,
    first: bool,
}

impl Parts<'_, '_> {
    /// Goes to the next part, if there is one.
    fn go_on(&mut self) -> Result<bool, Unread> {
        if self.reader.peek() == Some(self.end) {
            return Ok(false);
        }
        if !std::mem::take(&mut self.first) {
            self.reader.expect(b',')?;
        }
        Ok(true)
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Unread;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unread> {
        if !self.go_on()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unread> {
        if !self.go_on()? {
            return Ok(None);
        }
        if self.reader.peek() != Some(b'"') {
            return Err(Unread);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unread> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde::de::IgnoredAny;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Message {
        text: String,
        count: u64,
        offset: Option<i64>,
        #[serde(flatten)]
        more: More,
        sign: Sign,
        #[serde(default)]
        list: Vec<Answer>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct More {
        yes: bool,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Sign {
        Of,
        Rain,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "status", rename_all = "snake_case")]
    enum Answer {
        Ok { seq: u64 },
        Gone,
    }

    /// Reads what `serde_json` reads, and refuses what it refuses.
    fn agrees<T: DeserializeOwned + PartialEq + std::fmt::Debug>(json: &str) {
        assert_eq!(read::<T>(json.as_bytes()).ok(), serde_json::from_str(json).ok(), "{json}");
    }

    fn agrees_on_shape(json: &str) {
        let read = read::<IgnoredAny>(json.as_bytes()).is_ok();
        assert_eq!(read, serde_json::from_str::<IgnoredAny>(json).is_ok(), "{json}");
    }

    #[test]
    fn a_message_reads_as_it_was_written() {
        for json in [
            r#"{"text":"a","count":1,"yes":true,"sign":"rain"}"#,
            r#" {"text" : "a\"\\\/\b\f\n\r\t\u00e9\ud83c\udf0a", "offset":-9223372036854775808,
                "count":18446744073709551615,"yes":false,"sign":"of",
                "list":[{"status":"ok","seq":7},{"status":"gone","later":[1.5,{"x":null}]}]} "#,
            r#"{"text":"a","count":1,"offset":null,"yes":true,"sign":"rain","later":-1.5e-3}"#,
            r#"{"text":"a","count":1.5,"yes":true,"sign":"rain"}"#,
            r#"{"text":"a","count":-1,"yes":true,"sign":"rain"}"#,
            r#"{"text":"a","count":18446744073709551616,"yes":true,"sign":"rain"}"#,
            r#"{"text":"a","count":1,"offset":-0,"yes":true,"sign":"rain"}"#,
            r#"{"text":"a","count":1,"count":1,"yes":true,"sign":"rain"}"#,
            r#"{"text":"a","count":1,"yes":true,"sign":"snow"}"#,
            r#"{"text":null,"count":1,"yes":true,"sign":"rain"}"#,
            r#"{"text":"a","count":1,"yes":true}"#,
            r#"{"text":"a","count":1,"yes":true,"sign":"rain"},"#,
        ] {
            agrees::<Message>(json);
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for json in [
            "",
            " ",
            "1",
            "01",
            "-",
            "-1",
            "1.",
            ".5",
            "1e",
            "1e+5",
            "1E-5",
            "1.5.5",
            "+1",
            "0x1",
            "nul",
            "null",
            "nulll",
            "true",
            "tru",
            "[",
            "[]",
            "[,]",
            "[1,]",
            "[1 2]",
            "[1,2]",
            "]",
            "{}",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{"a":}"#,
            "{1:2}",
            r#"{"a":1"b":2}"#,
            "\"\u{1}\"",
            r#""\x""#,
            r#""\u12""#,
            r#""\u+123""#,
            r#""a"#,
            r#"""#,
            "\u{feff}1",
            "1 2",
            "[1}",
            "\u{a0}1",
        ] {
            agrees_on_shape(json);
        }
        for json in [r#""\ud800""#, r#""\ud800\u0041""#, r#""\udc00""#, r#""\ud83c\udf0a""#] {
            agrees::<String>(json);
        }
    }

    #[test]
    fn what_is_too_deep_is_refused() {
        for depth in [1, DEPTH_MAX, DEPTH_MAX + 1, 100_000] {
            let nested = ["[".repeat(depth), "]".repeat(depth)].concat();
            assert_eq!(read::<IgnoredAny>(nested.as_bytes()).is_ok(), depth <= DEPTH_MAX);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(read::<String>(b"\"\xff\"").unwrap_err(), Unread);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            agrees::<String>(&serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn noise_is_read_as_serde_json_reads_it(json in r#"[\[\]{}",:0-9a-z\\ .eE+-]{0,24}"#) {
            agrees::<Vec<u64>>(&json);
            agrees::<String>(&json);
            agrees::<Option<i64>>(&json);
        }
    }
}
