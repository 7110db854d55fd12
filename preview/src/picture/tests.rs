use std::io::Cursor;

use ::exif::{Context, Field, In, Rational, Tag, Value, experimental::Writer};

use super::*;

/// Fields as a camera writes them, and more than that.
fn fields() -> Vec<Field> {
    let text = |tag, text: &str| (tag, Value::Ascii(vec![text.into()]));
    let ratios = |tag, all: &[(u32, u32)]| {
        (tag, Value::Rational(all.iter().map(|&(num, denom)| Rational { num, denom }).collect()))
    };
    [
        text(Tag::Make, "Kestrel Optical Ltd"),
        text(Tag::Model, "Kestrel K5"),
        (Tag::Orientation, Value::Short(vec![6])),
        text(Tag::Artist, "Ada <b>\u{202e}Lovelace\n"),
        text(Tag::ImageDescription, "At 38.7 N"),
        text(Tag::DateTimeOriginal, "2024:05:06 07:08:09"),
        text(Tag::OffsetTimeOriginal, "+02:00"),
        ratios(Tag::ExposureTime, &[(1, 250)]),
        ratios(Tag::FNumber, &[(28, 10)]),
        (Tag::PhotographicSensitivity, Value::Short(vec![400])),
        ratios(Tag::FocalLength, &[(35, 1)]),
        text(Tag::LensModel, "K 35mm"),
        (Tag::MakerNote, Value::Undefined(b"Lisbon, secretly".to_vec(), 0)),
        text(Tag::GPSLatitudeRef, "N"),
        ratios(Tag::GPSLatitude, &[(38, 1), (42, 1), (3000, 100)]),
        text(Tag::GPSLongitudeRef, "W"),
        ratios(Tag::GPSLongitude, &[(9, 1), (8, 1), (0, 1)]),
        (Tag::GPSAltitudeRef, Value::Byte(vec![0])),
        ratios(Tag::GPSAltitude, &[(1225, 100)]),
    ]
    .map(|(tag, value)| Field { tag, ifd_num: In::PRIMARY, value })
    .into()
}

fn block(fields: &[Field]) -> Vec<u8> {
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, true).unwrap();
    block.into_inner()
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], &length[..], body].concat()
}

/// Packed pixels, with all that may stand in them.
const SCAN: [u8; 9] = [1, 0xff, 0, 2, 0xff, 0xd3, 3, 0xff, 0];
const FRAME: [u8; 9] = [8, 0, 30, 0, 40, 1, 1, 0x11, 0];

/// A JPEG, its segments before the picture, and what is behind it.
fn jpeg(segments: &[Vec<u8>], behind: &[u8]) -> Vec<u8> {
    let jfif = segment(0xe0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\0\0");
    let scan = [segment(0xda, &[1, 1, 0, 0, 63, 0]), SCAN.to_vec()].concat();
    let picture = [
        segment(0xdb, &[0; 65]),
        segment(0xc2, &FRAME),
        segment(0xc4, &[0; 20]),
        scan.clone(),
        segment(0xc4, &[1; 20]),
        scan,
        vec![0xff, 0xd9],
    ];
    [&[vec![0xff, 0xd8], jfif], segments, &picture, &[behind.to_vec()]].concat().concat()
}

fn exif_segment(fields: &[Field]) -> Vec<u8> {
    segment(0xe1, &[b"Exif\0\0", &block(fields)[..]].concat())
}

fn xmp() -> Vec<u8> {
    [&b"http://ns.adobe.com/xap/1.0/\0"[..], b"<x exif:GPSLatitude='38,42.5N'/>"].concat()
}

fn colours() -> Vec<u8> {
    segment(0xe2, b"ICC_PROFILE\0\x01\x01colours")
}

fn png_chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let sum = crc32fast::hash(&[name, body].concat()).to_be_bytes();
    [&(body.len() as u32).to_be_bytes()[..], name, body, &sum].concat()
}

fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    let head = png_chunk(b"IHDR", &[0, 0, 0, 40, 0, 0, 0, 30, 8, 2, 0, 0, 0]);
    let start = [b"\x89PNG\r\n\x1a\n".to_vec(), head].concat();
    let end = [png_chunk(b"IDAT", b"pixels"), png_chunk(b"IEND", b"")].concat();
    [&[start], chunks, &[end]].concat().concat()
}

fn webp_chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut chunk = [name, &(body.len() as u32).to_le_bytes()[..], body].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn webp(flags: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let head = webp_chunk(b"VP8X", &[flags, 0, 0, 0, 39, 0, 0, 29, 0, 0]);
    let body = [&[b"WEBP".to_vec(), head], chunks].concat().concat();
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

fn open(bytes: &[u8]) -> (Picture, String) {
    let (picture, about) = Picture::open(bytes.to_vec(), "a.jpg").unwrap();
    (picture, about.json().to_owned())
}

/// The bytes of a copy and what is said of it.
fn copy(bytes: &[u8]) -> (Vec<u8>, String) {
    let answer = open(bytes).0.ask(Request::Placeless).unwrap();
    (answer.bytes().to_vec(), answer.json().to_owned())
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_photo_says_when_where_and_with_what_it_was_taken() {
    let (picture, about) = open(&jpeg(&[exif_segment(&fields())], b""));
    let facts = picture.facts;
    assert_eq!(facts.pixels, Some((40, 30)));
    assert_eq!(facts.orientation, Some(6));
    assert_eq!(facts.taken, Some(Taken { clock: [2024, 5, 6, 7, 8, 9], offset: Some(120) }));
    assert_eq!(facts.camera.as_deref(), Some("Kestrel K5"));
    assert_eq!(facts.lens.as_deref(), Some("K 35mm"));
    assert_eq!((facts.exposure, facts.aperture), (Some((1, 250)), Some(280)));
    assert_eq!((facts.sensitivity, facts.focal), (Some(400), Some(3500)));
    let place = Place { latitude: 38_708_333, longitude: -9_133_333, altitude: Some(12) };
    assert_eq!(facts.place, Some(place));
    assert!(about.ends_with(r#","copies":true,"more":false}"#), "{about}");
}

#[test]
fn texts_are_one_line_and_turn_nothing_around() {
    let facts = open(&jpeg(&[exif_segment(&fields())], b"")).0.facts;
    assert_eq!(facts.author.as_deref(), Some("Ada <b> Lovelace"));
}

#[test]
fn a_copy_has_the_same_picture_and_no_place() {
    let says = [
        exif_segment(&fields()),
        segment(0xe1, &xmp()),
        segment(0xed, b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x0b\x1c\x02\x5a\0\x06Lisbon"),
        segment(0xfe, b"taken in Lisbon"),
        segment(0xe2, b"MPF\0more pictures"),
        colours(),
        exif_segment(&fields()),
    ];
    let (copied, said) = copy(&jpeg(&says, b""));
    for told in [&b"Lisbon"[..], b"GPS", b"38.7 N", b"+02:00", b"MPF"] {
        assert!(!holds(&copied, told));
    }
    let kept: Vec<Field> = fields()
        .into_iter()
        .filter(|Field { tag, .. }| {
            tag.context() != Context::Gps
                && ![Tag::ImageDescription, Tag::OffsetTimeOriginal, Tag::MakerNote].contains(tag)
        })
        .collect();
    assert_eq!(copied, jpeg(&[exif_segment(&kept), colours()], b""));
    assert!(said.contains(r#""place":null,"tellsPlace":false"#), "{said}");
    assert!(said.ends_with(r#""shortened":false}"#), "{said}");
    assert_eq!(copy(&copied).0, copied, "a copy of a copy is the same");
}

#[test]
fn what_is_behind_a_picture_is_left_out_and_told() {
    let behind =
        [jpeg(&[exif_segment(&fields())], b""), b"ftypmp42 +38.7-009.1/".to_vec()].concat();
    let (copied, said) = copy(&jpeg(&[], &behind));
    assert_eq!(copied, jpeg(&[], b""));
    assert!(said.ends_with(r#""shortened":true}"#), "{said}");
}

#[test]
fn small_pictures_in_the_head_go_with_what_they_say() {
    let small = segment(0xe0, b"JFXX\0\x10\xff\xd8 at home \xff\xd9");
    assert_eq!(copy(&jpeg(&[small], b"")).0, jpeg(&[], b""));
}

#[test]
fn a_png_and_a_webp_have_copies_too() {
    let (exif, profile) = (block(&fields()), b"p\0\0profile");
    let chunks = [
        png_chunk(b"iCCP", profile),
        png_chunk(b"eXIf", &exif),
        png_chunk(b"iTXt", &xmp()),
        png_chunk(b"zTXt", b"Raw profile type exif\0\0packed"),
        png_chunk(b"teLL", b"Lisbon"),
    ];
    let (copied, said) = copy(&[png(&chunks), b"Lisbon".to_vec()].concat());
    assert!(said.ends_with(r#""shortened":true}"#), "{said}");
    let left = open(&copied).0;
    let exif = Exif::read(&exif).unwrap().kept().unwrap();
    assert_eq!(left.bytes, png(&[png_chunk(b"iCCP", profile), png_chunk(b"eXIf", &exif)]));
    assert_eq!(left.facts.camera.as_deref(), Some("Kestrel K5"));

    let all = [b"Exif\0\0", &block(&fields())[..]].concat();
    let pixels = [webp_chunk(b"ICCP", profile), webp_chunk(b"VP8L", b"\x2fpixels.")].concat();
    let says = [webp_chunk(b"EXIF", &all), webp_chunk(b"XMP ", &xmp()), webp_chunk(b"odd ", b"a")];
    let (copied, _) = copy(&webp(0x2c, &[vec![pixels.clone()], says.into()].concat()));
    assert_eq!(copied, webp(0x28, &[pixels.clone(), webp_chunk(b"EXIF", &exif)]));
    assert_eq!(copy(&webp(0x20, std::slice::from_ref(&pixels))).0, webp(0x20, &[pixels]));
}

#[test]
fn a_moving_webp_is_copied_unless_its_frames_hold_more() {
    let frame = |inside: Vec<u8>| webp_chunk(b"ANMF", &[vec![0; 16], inside].concat());
    let plain =
        webp(2, &[frame(webp_chunk(b"VP8 ", &[0; 12])), frame(webp_chunk(b"VP8L", b"abcd"))]);
    assert_eq!(copy(&plain).0, plain);
    let more =
        webp(2, &[frame([webp_chunk(b"VP8L", b"abcd"), webp_chunk(b"EXIF", b"ab")].concat())]);
    assert_eq!(open(&more).0.ask(Request::Placeless), Err(Refusal::Broken));
}

#[test]
fn a_place_in_words_is_noticed() {
    for words in [segment(0xe1, &xmp()), segment(0xed, b"8BIM\x1c\x02\x65\0\x02PT")] {
        let facts = open(&jpeg(&[words], b"")).0.facts;
        assert!(facts.tells_place && facts.place.is_none());
    }
    assert!(!open(&jpeg(&[segment(0xe1, b"http: nothing"), colours()], b"")).0.facts.tells_place);
}

#[test]
fn the_beginning_of_a_file_says_whether_there_is_more() {
    let more = |bytes: &[u8]| open(bytes).1.ends_with(r#""more":true}"#);
    let photo = jpeg(&[exif_segment(&fields())], b"");
    assert!(!more(&photo[..photo.len() - 10]));
    assert!(more(&photo[..200]));
    let says = png(&[png_chunk(b"eXIf", &block(&fields()))]);
    assert!(!more(&says[..says.len() - 20]));
    let silent = png(&[]);
    assert!(more(&silent[..40]));
    assert!(!more(&silent));
    assert!(more(&webp(8, &[webp_chunk(b"VP8L", b"abcd")])[..40]));
    assert!(!more(&webp(0, &[webp_chunk(b"VP8L", b"abcd")])[..40]));
}

#[test]
fn a_picture_that_is_cut_off_has_no_copy() {
    let photo = jpeg(&[exif_segment(&fields())], b"");
    for end in 3..photo.len() - 1 {
        assert_eq!(open(&photo[..end]).0.ask(Request::Placeless), Err(Refusal::Broken), "{end}");
    }
}

#[test]
fn a_tiff_is_read_and_not_copied() {
    let (mut picture, about) = open(&block(&fields()));
    assert!(picture.facts.place.is_some());
    assert!(about.contains(r#""copies":false"#), "{about}");
    assert_eq!(picture.ask(Request::Placeless), Err(Refusal::Unsupported));
    assert!(open(&block(&fields())[..100]).1.ends_with(r#""more":true}"#));
}

#[test]
fn exif_in_boxes_is_read() {
    let exif = [&[0, 0, 0, 0][..], &block(&fields())].concat();
    let boxed = |name: &[u8; 4], body: &[u8]| {
        [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
    };
    let item = boxed(b"infe", b"\x02\0\0\0\0\x01\0\0Exif\0");
    let items = boxed(b"iinf", &[b"\0\0\0\0\0\x01", &item[..]].concat());
    let length = (exif.len() as u32).to_be_bytes();
    // In the data of the box itself, at its beginning.
    let place = [b"\x01\0\0\0\x44\0\0\x01\0\x01\0\x01\0\0\0\x01\0\0\0\0", &length[..]].concat();
    let meta = [&[0; 4][..], &items, &boxed(b"iloc", &place), &boxed(b"idat", &exif)].concat();
    let file = [boxed(b"ftyp", b"heic\0\0\0\0mif1"), boxed(b"meta", &meta)].concat();
    let (picture, about) = open(&file);
    assert_eq!(picture.facts.place.map(|place| place.latitude), Some(38_708_333));
    assert!(about.contains(r#""copies":false,"more":false"#), "{about}");
}

#[test]
fn lists_that_lead_to_one_list_are_no_exif() {
    // A thousand pointers to a list of five thousand fields.
    let mut block = b"II*\0\x08\0\0\0\xe8\x03".to_vec();
    let list = 8 + 2 + 12 * 1000 + 4;
    for _ in 0..1000 {
        block.extend([0x69, 0x87, 4, 0, 1, 0, 0, 0]);
        block.extend((list as u32).to_le_bytes());
    }
    block.extend([0; 4]);
    block.extend(5000_u16.to_le_bytes());
    block.extend(std::iter::repeat_n([1, 0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0], 5000).flatten());
    block.extend([0; 4]);
    assert!(Exif::read(&block).is_none());
    assert_eq!(open(&block).0.facts, Facts::default());
    // A copy of what holds it has none of it.
    let chunk = png_chunk(b"eXIf", &block);
    assert_eq!(copy(&png(&[chunk])).0, png(&[]));
}

#[test]
fn times_and_places_that_cannot_be_are_none() {
    let with = |tag: Tag, value: Value| {
        let mut fields = fields();
        fields.iter_mut().find(|field| field.tag == tag).unwrap().value = value;
        open(&jpeg(&[exif_segment(&fields)], b"")).0.facts
    };
    let time = |text: &str| with(Tag::DateTimeOriginal, Value::Ascii(vec![text.into()])).taken;
    assert_eq!(time("2024:13:06 07:08:09"), None);
    assert_eq!(time("0000:00:00 00:00:00"), None);
    assert_eq!(time("yesterday"), None);
    let north = |num, denom| with(Tag::GPSLatitude, Value::Rational(vec![Rational { num, denom }]));
    assert_eq!(north(91, 1).place, None);
    assert_eq!(north(1, 0).place, None);
    assert!(north(91, 1).tells_place, "it tells one all the same");
}

#[test]
fn what_is_no_picture_is_refused() {
    for bytes in [&b""[..], b"hello", b"<svg/>", b"GIF89a"] {
        assert_eq!(Picture::open(bytes.to_vec(), "a.jpg").err(), Some(Refusal::Unsupported));
    }
}
