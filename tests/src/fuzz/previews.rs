//! Files of other people, as the preview's modules read them.
//!
//! Where a ZIP would keep noise out, the target packs the parts. Of each file all is asked that
//! a viewer asks: what a module answers leads to what it answers next.

use std::io::{Cursor, Write as _};

use offing_preview::{
    Answer, Format, InPieces as _, Refusal,
    archive::{self, Archive},
    docx::{Document, Request},
    epub::Book,
    limits,
    pdf::{self, Pdf, Tile},
    picture::{self, Picture},
    sheet::{self, Workbook},
    table::{self, Table},
};
use serde_json::Value;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{put_pieces, take_byte, take_piece};

/// Members, sheets and pages that are asked for.
const ASKED_MAX: usize = 8;

/// By how much a copy may be larger: fields of EXIF that shared their bytes no longer do.
const SEGMENT_BYTES_MAX: usize = 64 * 1024;

const RELATIONS: &str = r#"<Relationships>
    <Relationship Id="a" Type="/sharedStrings" Target="strings.xml"/>
    <Relationship Id="b" Type="/styles" Target="styles.xml"/>
    <Relationship Id="c" Type="/numbering" Target="numbering.xml"/>
    <Relationship Id="d" Type="/footnotes" Target="footnotes.xml"/>
    <Relationship Id="e" Type="/comments" Target="comments.xml"/>
    <Relationship Id="f" Type="/worksheet" Target="sheet.xml"/>
    <Relationship Id="g" Type="/image" Target="a.png"/>
    <Relationship Id="h" Type="/hyperlink" Target="https://example.org/" TargetMode="External"/>
    </Relationships>"#;
/// Parts that are noise, each as long as its piece.
const DOCX: [&str; 5] = ["document", "styles", "numbering", "footnotes", "comments"];
const EPUB: [&str; 6] = ["book.opf", "a.xhtml", "b.xhtml", "toc.ncx", "nav.xhtml", "a.css"];
const XLSX: [&str; 4] = ["workbook", "sheet", "styles", "strings"];

fn packed(parts: &[(String, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (path, bytes) in parts {
        zip.start_file(path.as_str(), stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A package of noise, whose first part has relations.
fn package(folder: &str, names: &[&str], mut bytes: &[u8]) -> Vec<u8> {
    let relations = format!("{folder}/_rels/{}.xml.rels", names[0]);
    let mut parts = vec![(relations, RELATIONS.as_bytes()), (format!("{folder}/a.png"), b"PNG")];
    for name in names {
        parts.push((format!("{folder}/{name}.xml"), take_piece(&mut bytes)));
    }
    packed(&parts)
}

fn data(answer: &Answer) -> Value {
    serde_json::from_str(answer.json()).expect("a module answers JSON")
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

/// What is asked for and was promised, unless there would be too much of it.
fn asked<F: Format>(format: &mut F, request: F::Request) -> Option<Answer> {
    match format.ask(request) {
        Ok(answer) => Some(answer),
        Err(Refusal::Unknown) => panic!("what was told is not there"),
        Err(_) => None,
    }
}

/// A document: every place that it names is there.
pub(super) fn document(bytes: &[u8]) {
    let opened = Document::open(package("word", &DOCX, bytes), "a.docx");
    let Ok((mut document, about)) = opened else { return };
    let about = data(&about);
    for heading in about["outline"].as_array().unwrap() {
        assert!(number(&heading["block"]) < number(&about["notes"]).max(1));
    }
    follow(&mut document, &about);
}

/// A book: every place that it names is there.
pub(super) fn book(mut bytes: &[u8]) {
    let own = take_byte(&mut bytes).is_multiple_of(2);
    let mut parts = vec![("META-INF/container.xml".to_owned(), CONTAINER.as_bytes())];
    for name in EPUB {
        parts.push((format!("o/{name}"), take_piece(&mut bytes)));
    }
    if !own {
        parts[1].1 = BOOK.as_bytes();
    }
    parts.push(("o/a.png".to_owned(), b"PNG"));
    let Ok((mut book, about)) = Book::open(packed(&parts), "a.epub") else { return };
    let about = data(&about);
    for heading in about["outline"].as_array().unwrap() {
        let block = &heading["block"];
        assert!(block.is_null() || number(block) < number(&about["blocks"]));
    }
    follow(&mut book, &about);
}

/// Reads all blocks and what stands in them.
fn follow<F: Format<Request = Request>>(document: &mut F, about: &Value) {
    let blocks = number(&about["blocks"]);
    let mut links = about["links"].as_array().unwrap().iter();
    assert!(links.all(|link| link.as_u64().is_none_or(|block| (block as usize) < blocks)));
    let mut start = 0;
    while start < blocks {
        let Some(piece) = asked(document, Request::Blocks { start }) else { return };
        let piece = data(&piece);
        start += piece.as_array().unwrap().len().max(1);
        leads(document, about, &piece);
    }
    assert_eq!(start, blocks);
}

/// Follows what stands in a piece.
fn leads<F: Format<Request = Request>>(document: &mut F, about: &Value, piece: &Value) {
    match piece {
        Value::Array(all) => all.iter().for_each(|one| leads(document, about, one)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("link", _) => assert!(about["links"].get(number(value)).is_some()),
                    ("change", _) => assert!(about["changes"].get(number(value)).is_some()),
                    ("note", Value::Object(note)) => {
                        let index = number(&note["index"]);
                        asked(document, Request::Note { index });
                    }
                    ("picture", _) => {
                        let index = number(&value["index"]);
                        asked(document, Request::Picture { index });
                    }
                    ("columns" | "rows", Value::Number(_)) => assert!(number(value) > 0),
                    _ => leads(document, about, value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A workbook of either kind: rows and cells are within what it says of a sheet.
pub(super) fn workbook(mut bytes: &[u8]) {
    let packed = if take_byte(&mut bytes).is_multiple_of(2) {
        package("xl", &XLSX, bytes)
    } else {
        packed(&[("content.xml".to_owned(), bytes)])
    };
    let Ok((mut book, about)) = Workbook::open(packed, "a") else { return };
    let sheets = data(&about)["sheets"].as_array().unwrap().len();
    for index in 0..sheets.min(ASKED_MAX) {
        let Ok(extent) = book.ask(sheet::Request::Sheet { index }) else { continue };
        let extent = data(&extent);
        let (rows, columns) = (number(&extent["rows"]), extent["widths"].as_array().unwrap().len());
        for start in [0, rows.saturating_sub(limits::ROWS_MAX)] {
            let end = start + limits::ROWS_MAX;
            let Some(window) = asked(&mut book, sheet::Request::Rows { start, end }) else {
                return;
            };
            for row in data(&window)["rows"].as_array().unwrap() {
                assert!((start..end.min(rows)).contains(&number(&row[0])));
                let cells = row[1].as_array().unwrap();
                assert!(cells.iter().all(|cell| number(&cell[0]) < columns));
            }
        }
    }
}

/// A table: windows have the rows and columns that it says.
pub(super) fn table(bytes: &[u8]) {
    let Ok((mut table, about)) = Table::open(bytes.to_vec(), "a.csv") else { return };
    let about = data(&about);
    let (rows, columns) = (number(&about["rows"]), number(&about["columns"]));
    let mut read = 0;
    for start in (0..rows).step_by(limits::ROWS_MAX) {
        let end = start + limits::ROWS_MAX;
        let Some(window) = asked(&mut table, table::Request::Rows { start, end }) else { return };
        let window = data(&window);
        let window = window.as_array().unwrap();
        assert!(window.iter().all(|row| row.as_array().unwrap().len() <= columns));
        read += window.len();
    }
    assert_eq!(read, rows);
}

/// An archive: what is unpacked is within its bounds.
pub(super) fn archive(mut bytes: &[u8]) {
    let bytes = match take_byte(&mut bytes) % 2 {
        0 => bytes.to_vec(),
        _ => gzipped(bytes),
    };
    let most = limits::expanded_bytes_max(bytes.len() as u64);
    let whole = Archive::open(bytes.clone(), "a");
    let about = whole.as_ref().map(|(_, about)| data(about)).map_err(|refusal| *refusal);
    assert_eq!(opened_in_pieces(&bytes), about);
    let Ok((mut archive, about)) = whole else { return };
    let members = number(&data(&about)["members"]);
    let list = archive::Request::List { start: 0, end: members };
    let list = asked(&mut archive, list).map(|list| data(&list));
    assert!(list.is_none_or(|list| list.as_array().unwrap().len() == members));
    let mut given = 0;
    for index in 0..members.min(ASKED_MAX) {
        if let Some(member) = asked(&mut archive, archive::Request::Member { index }) {
            given += member.bytes().len() as u64;
        }
    }
    assert!(given <= most, "{given} of {most}");
}

/// What an archive says that is given what it needs, and nothing that it has.
fn opened_in_pieces(bytes: &[u8]) -> Result<Value, Refusal> {
    let mut archive = Archive::begin(bytes.len() as u64, "a");
    for _ in 0..=bytes.len() {
        let about = data(&archive.ask(archive::Request::Open)?);
        let Some(need) = about["need"].as_array() else { return Ok(about) };
        let (start, end) = (number(&need[0]), number(&need[1]));
        assert!(start < end && end <= bytes.len(), "{start}..{end}");
        archive.give(start as u64, bytes[start..end].to_vec());
    }
    panic!("it needs what it has");
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A PDF: a page that it says it has can be drawn and read.
pub(super) fn pdf(bytes: &[u8]) {
    let Ok((mut pdf, about)) = Pdf::open(bytes.to_vec(), "a.pdf") else { return };
    let pages = data(&about)["open"]["pages"].as_array().map_or(0, Vec::len);
    if pages == 0 {
        pdf.ask(pdf::Request::Unlock { password: "a".to_owned() }).ok();
        return;
    }
    for item in data(&pdf.ask(pdf::Request::Outline).unwrap()).as_array().unwrap() {
        assert!(item["page"].is_null() || number(&item["page"]) < pages);
    }
    for page in 0..pages.min(ASKED_MAX) {
        let tile = Tile { x: 0, y: 0, width: 40, height: 30 };
        if let Some(drawn) = asked(&mut pdf, pdf::Request::Draw { page, scale: 0.5, tile }) {
            assert_eq!(drawn.bytes().len(), 4 * 40 * 30);
        }
        asked(&mut pdf, pdf::Request::Text { page });
        let links = asked(&mut pdf, pdf::Request::Links { page });
        for link in links.iter().flat_map(links_of) {
            let Some(address) = link["leads"]["address"].as_str() else {
                assert!(number(&link["leads"]["place"]["page"]) < pages);
                continue;
            };
            let scheme = address.split(':').next().unwrap().to_ascii_lowercase();
            assert!(["http", "https", "mailto"].contains(&scheme.as_str()), "{address}");
        }
    }
}

fn links_of(links: &Answer) -> Vec<Value> {
    data(links).as_array().cloned().unwrap_or_default()
}

/// A picture: a copy tells no place, and a copy of it is the same.
pub(super) fn picture(bytes: &[u8]) {
    let Ok((mut picture, _)) = Picture::open(bytes.to_vec(), "a.jpg") else { return };
    let Ok(copy) = picture.ask(picture::Request::Placeless) else { return };
    assert!(data(&copy)["facts"]["place"].is_null());
    assert!(copy.bytes().len() <= bytes.len() + SEGMENT_BYTES_MAX);
    let (mut again, _) = Picture::open(copy.bytes().to_vec(), "a.jpg").unwrap();
    assert_eq!(again.ask(picture::Request::Placeless).unwrap().bytes(), copy.bytes());
}

/// What fuzzing of these begins with.
pub(super) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let pieces = |all: &[&str]| put_pieces(all.iter().map(|piece| piece.as_bytes()));
    let ods = concat!(
        r#"<o:body><t:table t:name="A"><t:table-row t:number-rows-repeated="2">"#,
        r#"<t:table-cell o:value-type="float" o:value="1" t:number-columns-spanned="2"><x:p>1 €</x:p>"#,
        r#"</t:table-cell></t:table-row></t:table></o:body>"#,
    );
    let tar = {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(3);
        builder.append_data(&mut header, "a/b.txt", b"abc".as_slice()).unwrap();
        builder.into_inner().unwrap()
    };
    let zip = packed(&[("a/b.txt".to_owned(), b"abc"), ("c".to_owned(), b"")]);
    vec![
        ("preview_docx", pieces(&[DOCUMENT, STYLES, NUMBERING, FOOTNOTES, COMMENTS])),
        ("preview_docx", pieces(&[TABLES])),
        ("preview_epub", [vec![1], pieces(&["", CHAPTER, CHAPTER, NCX, NAV, CSS])].concat()),
        ("preview_epub", [vec![0], pieces(&[BOOK, CHAPTER])].concat()),
        ("preview_sheet", [vec![0], pieces(&[WORKBOOK, SHEET, FORMATS, SHARED])].concat()),
        ("preview_sheet", [&[1], ods.as_bytes()].concat()),
        ("preview_table", "a;b\n\"c;\"\"d\";\n1;2;3".into()),
        ("preview_table", [0xff, 0xfe, b'a', 0, b'\t', 0, b'b', 0].into()),
        ("preview_archive", [vec![0], zip].concat()),
        ("preview_archive", [vec![1], tar].concat()),
        ("preview_archive", b"\0\x28\xb5\x2f\xfd\x20\x03\x19\0\0abc".into()),
        ("preview_pdf", PDF.into()),
        ("preview_picture", exif()),
        ("preview_picture", [&JPEG[..28], &exif(), &JPEG[28..]].concat()),
        ("preview_picture", [&PNG[..41], &exif(), &PNG[41..]].concat()),
        ("preview_picture", [WEBP, &exif()].concat()),
        ("preview_picture", [HEIF, &exif()].concat()),
    ]
}

/// A turned picture that was taken at a time and a place.
fn exif() -> Vec<u8> {
    let field = |tag: u16, kind: u16, count: u32, value: u32| {
        let numbers = [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes()];
        [numbers.concat(), value.to_le_bytes().to_vec()].concat()
    };
    let list = |fields: &[Vec<u8>]| {
        [&(fields.len() as u16).to_le_bytes()[..], &fields.concat(), &[0; 4]].concat()
    };
    let (north, west) = (u32::from(b'N'), u32::from(b'W'));
    let angle = |parts: [u32; 6]| parts.map(u32::to_le_bytes).concat();
    [
        b"II*\0\x08\0\0\0".to_vec(),
        list(&[field(0x112, 3, 1, 6), field(0x8769, 4, 1, 50), field(0x8825, 4, 1, 68)]),
        list(&[field(0x9003, 2, 20, 122)]),
        list(&[
            field(1, 2, 2, north),
            field(2, 5, 3, 142),
            field(3, 2, 2, west),
            field(4, 5, 3, 166),
        ]),
        b"2024:05:06 07:08:09\0".to_vec(),
        angle([38, 1, 42, 1, 3000, 100]),
        angle([9, 1, 8, 1, 0, 1]),
    ]
    .concat()
}

/// Files around EXIF of 190 bytes; in PNG a checksum is any.
const JPEG: &[u8] = b"\xff\xd8\xff\xe2\0\x0eICC_PROFILE\0\xff\xe1\0\xc6Exif\0\0\
    \xff\xe1\0\x0dGPSLatitude\xff\xc0\0\x08\x08\0\x1e\0\x28\x01\xff\xda\0\x03\x01\x05\xff\0\x06\xff\xd9behind";
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x28\0\0\0\x1e\x08\x02\0\0\0sum.\0\0\0\xbeeXIf\
    sum.\0\0\0\x05tEXta\0GPSsum.\0\0\0\x01IDAT.sum.\0\0\0\0IENDsum.";
const WEBP: &[u8] =
    b"RIFF\xe6\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x27\0\0\x1d\0\0VP8L\x02\0\0\0..EXIF\xbe\0\0\0";
const HEIF: &[u8] = b"\0\0\0\x14ftypheic\0\0\0\0mif1\0\0\0\x4fmeta\0\0\0\0\0\0\0\x23iinf\0\0\0\0\0\x01\
    \0\0\0\x15infe\x02\0\0\0\0\x01\0\0Exif\0\0\0\0\x20iloc\x01\0\0\0\x44\0\0\x01\0\x01\0\0\0\0\0\x01\
    \0\0\0\x6b\0\0\0\xc2\0\0\0\x08free\0\0\0\0";
const DOCUMENT: &str = r#"<w:body><w:p><w:pPr><w:pStyle w:val="H"/><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr>
<w:r><w:rPr><w:b/></w:rPr><w:t>a&amp;b</w:t><w:tab/></w:r><w:hyperlink r:id="h"><w:r><w:t>c</w:t></w:r></w:hyperlink></w:p>
<w:p><w:ins w:author="A" w:date="2024-05-06T"><w:r><w:t>d</w:t></w:r></w:ins><w:del><w:r><w:delText>e</w:delText></w:r></w:del>
<w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:commentReference w:id="0"/></w:r><m:oMath/>
<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>HYPERLINK "x"</w:instrText><w:fldChar w:fldCharType="separate"/><w:t>f</w:t><w:fldChar w:fldCharType="end"/></w:r>
<w:bookmarkStart w:name="i"/><w:hyperlink w:anchor="I"><w:r><w:t>j</w:t></w:r></w:hyperlink>
<w:r><w:drawing><wp:extent cx="9525" cy="9525"/><wp:docPr descr="g"/><a:blip r:embed="g"/></w:drawing></w:r></w:p></w:body>"#;
const STYLES: &str = r#"<w:styles><w:style w:styleId="H"><w:name w:val="heading 1"/><w:basedOn w:val="B"/></w:style>
<w:style w:styleId="B"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr><w:outlineLvl w:val="2"/></w:pPr><w:rPr><w:i/></w:rPr></w:style></w:styles>"#;
const NUMBERING: &str = r#"<w:numbering><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="1"><w:start w:val="3"/><w:numFmt w:val="lowerRoman"/>
<w:lvlText w:val="%1.%2"/><w:pStyle w:val="H"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="1"/>
<w:lvlOverride w:ilvl="1"><w:startOverride w:val="9"/></w:lvlOverride></w:num></w:numbering>"#;
const FOOTNOTES: &str = r#"<w:footnotes><w:footnote w:id="2"><w:p><w:r><w:t>n</w:t></w:r></w:p></w:footnote></w:footnotes>"#;
const COMMENTS: &str =
    r#"<w:comments><w:comment w:id="0" w:author="A"><w:p/></w:comment></w:comments>"#;
const TABLES: &str = r#"<w:body><w:tbl><w:tr><w:trPr><w:gridBefore w:val="1"/><w:tblHeader/></w:trPr><w:tc><w:tcPr><w:gridSpan w:val="2"/>
<w:vMerge w:val="restart"/></w:tcPr><w:p/></w:tc></w:tr><w:tr><w:tc><w:p/></w:tc><w:tc><w:tcPr><w:gridSpan w:val="2"/><w:vMerge/></w:tcPr>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl></w:body>"#;
const CONTAINER: &str = r#"<container><rootfile full-path="o/book.opf"/></container>"#;
const BOOK: &str = r#"<package><metadata><dc:title>T</dc:title><dc:creator>A</dc:creator><dc:language>he</dc:language><meta name="cover" content="p"/></metadata>
<manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><item id="b" href="b.xhtml" media-type="text/html"/><item id="p" href="a.png" media-type="image/png"/>
<item id="n" href="toc.ncx" media-type="application/x-dtbncx+xml"/><item id="v" href="nav.xhtml" properties="nav"/><item id="s" href="a.css" media-type="text/css"/></manifest>
<spine toc="n"><itemref idref="a"/><itemref idref="b"/><itemref idref="p"/></spine></package>"#;
const CHAPTER: &str = r##"<html><body dir="rtl"><h1 id="h" class="c">a&nbsp;<b>b</b></h1><p style="text-align:right">c <a href="b.xhtml#n">d</a>
<a epub:type="noteref" href="#n">1</a><img src="a.png" alt="e" width="9"/><br></p><ol start="4" type="A"><li>f<ul><li>g</li></ul></li></ol>
<aside epub:type="footnote" id="n">h</aside><table><tr><th colspan="2">i</th></tr><tr><td rowspan="2"><table><tr><td>j</table></td></tr></table>
<blockquote><pre>
 k</pre></blockquote><svg><image xlink:href="a.png"/></svg><svg/><math alttext="l"/><ruby>m<rt>n</rt></ruby><q>o</q><hr/></body></html>"##;
const NCX: &str = r#"<ncx><navMap><navPoint><navLabel><text>A</text></navLabel><content src="a.xhtml#h"/><navPoint/></navPoint></navMap></ncx>"#;
const NAV: &str = r#"<nav epub:type="toc"><ol><li><a href="b.xhtml#n">B</a><ol><li><span>C</span></li></ol></li></ol></nav>"#;
const CSS: &str = "/* a */ @media x { b { c: d } } .c, p.c { font-weight: 700; text-align: center; display: block }";
const WORKBOOK: &str =
    r#"<workbook><workbookPr date1904="1"/><sheets><sheet name="A" r:id="f"/></sheets></workbook>"#;
const SHEET: &str = r#"<worksheet><cols><col min="1" max="2" width="9"/></cols><sheetData><row r="2"><c r="B2" s="1"><v>45000.5</v></c>
<c t="s"><v>0</v></c><c t="inlineStr"><is><t>x</t></is></c></row></sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells></worksheet>"#;
const FORMATS: &str = r##"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[&lt;1]#,##0.0%;yyyy-mm-dd hh:mm"/></numFmts>
<fonts><font><b/></font></fonts><cellXfs><xf/><xf numFmtId="164" fontId="0"/></cellXfs></styleSheet>"##;
const SHARED: &str = "<sst><si><r><t>a</t></r><r><t>_x0041_</t></r></si></sst>";
const PDF: &str = "%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R/Outlines<</First 5 0 R>>/Names 8 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 90 60]/Contents 4 0 R/Annots[6 0 R 7 0 R]/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj
4 0 obj<</Length 66>>stream
q 1 0 0 rg 5 5 40 20 re f Q BT /F 12 Tf 20 40 Td (Hi) Tj ET 0 0 m 9 9 l S
endstream endobj
5 0 obj<</Title(a)/Dest[3 0 R/Fit]>>endobj
6 0 obj<</Subtype/Link/Rect[5 5 40 20]/Dest(n)>>endobj
7 0 obj<</Subtype/Link/Rect[5 30 40 40]/A<</S/URI/URI(https://a.org/)>>>>endobj
8 0 obj<</Dests<</Names[(n)[3 0 R/XYZ 0 9 0]]>>>>endobj
trailer<</Root 1 0 R/Size 9>>
%%EOF";
