//! Documents are written here as they are needed.

use serde_json::{Value, json};

use super::*;
use crate::{blocks::Look, package::tests::packed};

const TYPES: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

fn docx(body: &str) -> Vec<u8> {
    let relation = |id: &str, kind: &str, target: &str, mode: &str| {
        format!(r#"<Relationship Id="{id}" Type="{TYPES}/{kind}" Target="{target}" {mode}/>"#)
    };
    let package = format!(
        "<Relationships>{}</Relationships>",
        relation("a", "officeDocument", "word/document.xml", "")
    );
    let relations = [
        relation("s", "styles", "styles.xml", ""),
        relation("n", "numbering", "numbering.xml", ""),
        relation("f", "footnotes", "footnotes.xml", ""),
        relation("o", "comments", "comments.xml", ""),
        relation("p", "image", "media/a.png", ""),
        relation("l", "hyperlink", "https://example.org/", r#"TargetMode="External""#),
    ];
    let relations = format!("<Relationships>{}</Relationships>", relations.concat());
    let styles = r#"<w:styles>
        <w:style w:styleId="H"><w:name w:val="heading 2"/><w:rPr><w:u w:val="single"/></w:rPr></w:style>
        <w:style w:styleId="Own"><w:name w:val="mine"/><w:basedOn w:val="H"/>
            <w:pPr><w:numPr><w:numId w:val="5"/></w:numPr></w:pPr></w:style>
        <w:style w:styleId="Strong"><w:name w:val="Strong"/><w:rPr><w:b/></w:rPr></w:style>
        <w:style w:styleId="Dots"><w:pPr><w:numPr><w:numId w:val="6"/></w:numPr></w:pPr></w:style></w:styles>"#;
    let level = |depth: u8, start: u8, format: &str, text: &str, more: &str| {
        format!(
            r#"<w:lvl w:ilvl="{depth}"><w:start w:val="{start}"/><w:numFmt w:val="{format}"/><w:lvlText w:val="{text}"/>{more}</w:lvl>"#
        )
    };
    let scheme = |id: u8, levels: &str| {
        format!(r#"<w:abstractNum w:abstractNumId="{id}">{levels}</w:abstractNum>"#)
    };
    let list = |id: u8, scheme: u8, more: &str| {
        format!(r#"<w:num w:numId="{id}"><w:abstractNumId w:val="{scheme}"/>{more}</w:num>"#)
    };
    let anew = r#"<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>"#;
    let numbering = [
        scheme(7, &(level(0, 3, "decimal", "%1.", "") + &level(1, 1, "lowerLetter", "%1%2)", ""))),
        scheme(8, r#"<w:numStyleLink w:val="Dots"/>"#),
        scheme(9, &level(0, 1, "bullet", "\u{f0b7}", "")),
        scheme(
            10,
            &(level(0, 1, "upperRoman", "%1", "")
                + &level(1, 1, "decimal", "%1.%2", r#"<w:isLgl/><w:pStyle w:val="Own"/>"#)),
        ),
        list(1, 7, ""),
        list(2, 7, ""),
        list(3, 7, anew),
        list(4, 8, ""),
        list(5, 10, ""),
        list(6, 9, ""),
    ];
    let numbering = format!("<w:numbering>{}</w:numbering>", numbering.concat());
    let notes = r#"<w:footnotes><w:footnote w:id="-1"><w:p><w:r><w:t>line</w:t></w:r></w:p></w:footnote>
        <w:footnote w:id="5"><w:p><w:r><w:t>a note</w:t></w:r></w:p></w:footnote></w:footnotes>"#;
    let comments = r#"<w:comments><w:comment w:id="2" w:author="Ann"><w:p><w:r><w:t>why</w:t></w:r></w:p><w:p><w:r><w:t>else</w:t></w:r></w:p></w:comment></w:comments>"#;
    let document = format!("<w:document><w:body>{body}</w:body></w:document>");
    packed(&[
        ("_rels/.rels", package.as_bytes()),
        ("word/_rels/document.xml.rels", relations.as_bytes()),
        ("word/document.xml", document.as_bytes()),
        ("word/styles.xml", styles.as_bytes()),
        ("word/numbering.xml", numbering.as_bytes()),
        ("word/footnotes.xml", notes.as_bytes()),
        ("word/comments.xml", comments.as_bytes()),
        ("word/media/a.png", b"\x89PNG"),
    ])
}

fn opened(body: &str) -> (Document, Value) {
    let (document, about) = Document::open(docx(body), "a.docx").unwrap();
    (document, serde_json::from_str(about.json()).unwrap())
}

fn asked(document: &mut Document, request: Request) -> Value {
    serde_json::from_str(document.ask(request).unwrap().json()).unwrap()
}

fn blocks(body: &str) -> Value {
    asked(&mut opened(body).0, Request::Blocks { start: 0 })
}

fn item(list: u8, depth: u8, text: &str) -> String {
    format!(
        r#"<w:p><w:pPr><w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{list}"/></w:numPr></w:pPr>
        <w:r><w:t>{text}</w:t></w:r></w:p>"#
    )
}

#[test]
fn headings_and_looks_are_told_as_styles_and_letters_have_them() {
    let (mut document, about) = opened(
        r#"<w:p><w:pPr><w:pStyle w:val="Own"/><w:rPr><w:b/></w:rPr></w:pPr><w:r><w:rPr><w:i/><w:b w:val="0"/></w:rPr>
        <w:t>Title</w:t></w:r><w:r><w:t xml:space="preserve"> &lt;b&gt;</w:t><w:tab/></w:r></w:p>
        <w:p><w:r><w:rPr><w:rStyle w:val="Strong"/></w:rPr><w:t>strong</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>unseen</w:t></w:r>
        <w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>2</w:t><w:sym w:font="Arial" w:char="00D7"/><w:sym w:font="Wingdings 2" w:char="0052"/></w:r></w:p>"#,
    );
    let read = asked(&mut document, Request::Blocks { start: 0 });
    // A style looks as the one that it stands on, and its list knows how deep it is.
    let spans = json!([
        { "text": { "text": "Title", "look": Look::ITALIC | Look::UNDER } },
        { "text": { "text": " <b>\t", "look": Look::UNDER } },
    ]);
    let heading = json!({ "heading": 2, "item": [1, "1.1"], "spans": spans });
    assert_eq!(read[0], json!({ "text": heading }));
    let spans = json!([
        { "text": { "text": "strong", "look": Look::BOLD } },
        { "text": { "text": "2×▫", "look": Look::ABOVE } },
    ]);
    assert_eq!(read[1], json!({ "text": { "spans": spans } }));
    let outline = json!([{ "title": "1.1 Title <b>", "level": 2, "block": 0 }]);
    assert_eq!(about["outline"], outline);
}

#[test]
fn items_are_numbered_as_word_numbers_them() {
    let body =
        [(1, 0), (1, 1), (1, 1), (1, 0), (2, 0), (1, 0), (1, 1), (3, 0), (3, 0), (4, 0), (9, 0)];
    let body: String = body.iter().map(|(list, depth)| item(*list, *depth, "x")).collect();
    let read = blocks(&body);
    let marks: Vec<&Value> =
        read.as_array().unwrap().iter().map(|block| &block["text"]["item"]).collect();
    let marked = json!([
        // It begins with three, and the second level has both numbers.
        [0, "3."],
        [1, "3a)"],
        [1, "3b)"],
        [0, "4."],
        // Another list of the same scheme counts on.
        [0, "5."],
        [0, "6."],
        [1, "6a)"],
        // One that says so begins anew, once.
        [0, "1."],
        [0, "2."],
        // One whose scheme names the style of another list.
        [0, "•"],
        null
    ]);
    assert_eq!(json!(marks), marked);
}

#[test]
fn links_changes_and_what_is_missing_are_told() {
    let (mut document, about) = opened(
        r#"<w:p><w:hyperlink r:id="l"><w:r><w:t>there</w:t></w:r></w:hyperlink>
        <w:hyperlink w:anchor="here"><w:r><w:t>inside</w:t></w:r></w:hyperlink>
        <w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> HYPERLINK "javascript:x" </w:instrText></w:r>
        <w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>script</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>
        <w:ins w:author="Ann" w:date="2024-05-06T07:08:09Z"><w:r><w:rPr><w:rPrChange><w:rPr><w:b/></w:rPr></w:rPrChange></w:rPr><w:t>new</w:t></w:r>
        <w:del w:author="&lt;Bob&gt;"><w:r><w:delText>old</w:delText></w:r></w:del></w:ins>
        <m:oMath><m:r><m:t>x</m:t></m:r></m:oMath><w:r><w:drawing><c:chart r:id="c"/></w:drawing></w:r></w:p><w:altChunk r:id="c"/>"#,
    );
    let spans = json!([
        { "text": { "text": "there", "link": 0 } },
        { "text": { "text": "inside", "link": 1 } },
        { "text": { "text": "script", "link": 2 } },
        { "text": { "text": "new", "change": 0 } },
        { "text": { "text": "old", "change": 1 } },
        { "missing": "equation" },
        { "missing": "chart" },
    ]);
    let read = asked(&mut document, Request::Blocks { start: 0 });
    assert_eq!(read[0], json!({ "text": { "spans": spans } }));
    assert_eq!(read[1], json!({ "text": { "spans": [{ "missing": "object" }] } }));
    // What an address is worth is not decided here: it is told, and nothing follows it.
    assert_eq!(about["links"], json!(["https://example.org/", "here", "javascript:x"]));
    let changes = json!([
        { "deleted": false, "by": "Ann", "on": "2024-05-06" },
        { "deleted": true, "by": "<Bob>", "on": "" },
    ]);
    assert_eq!(about["changes"], changes);
}

#[test]
fn links_within_a_document_lead_to_their_blocks() {
    let field = |code: &str| {
        format!(
            r#"<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>{code}</w:instrText></w:r>
            <w:r><w:fldChar w:fldCharType="separate"/><w:t>x</w:t><w:fldChar w:fldCharType="end"/></w:r></w:p>"#
        )
    };
    let link =
        r#"<w:p><w:hyperlink w:anchor="_Toc1"><w:r><w:t>One</w:t></w:r></w:hyperlink></w:p>"#;
    let fields = [
        r#" HYPERLINK \l "_Toc2" "#,
        " PAGEREF _toc2 \\h ",
        " REF _Toc1 ",
        r#"HYPERLINK "a b" \o "tip""#,
        " HYPERLINK ",
        r#"HYPERLINK \l "gone""#,
    ];
    let fields: String = fields.map(field).concat();
    let places = r#"<w:p><w:bookmarkStart w:name="_Toc1"/><w:r><w:t>One</w:t></w:r></w:p>
        <w:tbl><w:tr><w:tc><w:p><w:bookmarkStart w:name="_TOC2"/></w:p></w:tc></w:tr></w:tbl>"#;
    let (_, about) = opened(&format!("{link}{fields}{places}"));
    assert_eq!(about["links"], json!([7, 8, "a b", "gone"]));
}

#[test]
fn notes_and_comments_stand_below_the_text_and_are_found_by_what_refers_to_them() {
    let (mut document, about) = opened(
        r#"<w:p><w:r><w:commentReference w:id="2"/></w:r><w:r><w:footnoteReference w:id="5"/></w:r>
        <w:r><w:footnoteReference w:id="77"/></w:r></w:p>"#,
    );
    let read = asked(&mut document, Request::Blocks { start: 0 });
    let spans = json!([
        { "note": { "index": 0, "mark": "[1]" } },
        { "note": { "index": 1, "mark": "1" } },
        { "note": { "index": 2, "mark": "2" } },
    ]);
    assert_eq!(read[0], json!({ "text": { "spans": spans } }));
    let said = |text: &str, look: u8| json!({ "text": { "text": text, "look": look } });
    let comment = json!({ "text": { "note": "[1]", "spans": [said("Ann: ", 1), { "text": { "text": "why" } }] } });
    let note = json!({ "text": { "note": "1", "spans": [{ "text": { "text": "a note" } }] } });
    let more = json!({ "text": { "note": "", "spans": [{ "text": { "text": "else" } }] } });
    assert_eq!(json!([read[1], read[2], read[3], read[4]]), json!([comment, more, note, null]));
    assert_eq!((&about["notes"], &about["blocks"]), (&json!(1), &json!(4)));
    assert_eq!(asked(&mut document, Request::Note { index: 1 }), json!([note]));
    assert_eq!(asked(&mut document, Request::Note { index: 2 }), json!([]));
    assert_eq!(document.ask(Request::Note { index: 3 }), Err(Refusal::Unknown));
}

#[test]
fn cells_that_are_one_are_one_and_a_long_table_comes_in_pieces() {
    let cell = |properties: &str, text: &str| {
        format!("<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>")
    };
    let read = blocks(&format!(
        r#"<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>{}{}</w:tr><w:tr>{}{}</w:tr><w:tr>{}{}{}</w:tr></w:tbl>"#,
        cell(r#"<w:gridSpan w:val="2"/>"#, "wide"),
        cell(r#"<w:vMerge w:val="restart"/>"#, "tall"),
        cell(r#"<w:gridSpan w:val="2"/>"#, "a"),
        cell("<w:vMerge/>", "more"),
        cell("", "b"),
        cell("", "c"),
        cell("<w:vMerge/>", ""),
    ));
    let rows = &read[0]["table"]["rows"];
    assert_eq!(rows[0]["head"], true);
    let tall = &rows[0]["cells"][1];
    assert_eq!((&tall["rows"], &tall["columns"]), (&json!(3), &json!(1)));
    assert_eq!(rows[0]["cells"][0]["columns"], 2);
    let counts: Vec<usize> =
        (0..3).map(|row| rows[row]["cells"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [2, 1, 2]);
    // What stood in a cell that went on is not lost.
    assert_eq!(tall["blocks"][1]["text"]["spans"][0]["text"]["text"], "more");

    let rows = format!("<w:tr>{}</w:tr>", cell("", &"x".repeat(4000))).repeat(120);
    let (mut document, about) = opened(&format!("<w:tbl>{rows}</w:tbl>"));
    assert_eq!(about["blocks"], 3);
    let first = asked(&mut document, Request::Blocks { start: 0 });
    assert_eq!((first.as_array().unwrap().len(), &first[0]["table"]["more"]), (1, &Value::Null));
    let second = asked(&mut document, Request::Blocks { start: 1 });
    assert_eq!(second[0]["table"]["more"], true);
}

#[test]
fn a_picture_says_what_it_shows_and_is_unpacked_when_it_is_asked_for() {
    let (mut document, _) = opened(
        r#"<w:p><w:r><w:drawing><wp:inline><wp:extent cx="952500" cy="476250"/><wp:docPr id="1" descr="a boat"/>
        <a:blip r:embed="p"/></wp:inline></w:drawing></w:r></w:p>"#,
    );
    let read = asked(&mut document, Request::Blocks { start: 0 });
    let picture = json!({ "index": 0, "alt": "a boat", "width": 100, "height": 50 });
    assert_eq!(read[0]["text"]["spans"], json!([{ "picture": picture }]));
    let picture = document.ask(Request::Picture { index: 0 }).unwrap();
    assert_eq!((picture.json(), picture.bytes()), (r#""image/png""#, b"\x89PNG".as_slice()));
    assert_eq!(document.ask(Request::Picture { index: 1 }), Err(Refusal::Unknown));
}

#[test]
fn a_box_in_a_line_comes_before_it_and_the_line_goes_on_as_it_was() {
    let read = blocks(
        r#"<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>out</w:t><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>in</w:t></w:r></w:p>
        </w:txbxContent></mc:Choice><mc:Fallback><w:p><w:r><w:t>in</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent><w:t>side</w:t></w:r></w:p>"#,
    );
    let texts: Vec<&Value> =
        (0..2).map(|at| &read[at]["text"]["spans"][0]["text"]["text"]).collect();
    assert_eq!(json!(texts), json!(["in", "outside"]));
    assert_eq!(read.as_array().unwrap().len(), 2);
}

#[test]
fn depth_and_damage_are_never_a_panic() {
    let deep = "<w:tbl><w:tr><w:tc>".repeat(300);
    let read =
        blocks(&format!("{deep}{}{}", item(1, 0, "deep"), "</w:tc></w:tr></w:tbl>".repeat(300)));
    assert!(read.to_string().contains("deep"));
    let endless = docx(&"<w:p>".repeat(5000));
    assert_eq!(Document::open(endless, "a").err(), Some(Refusal::Output));
    for odd in [
        "<w:tc/>",
        "<w:tr/>",
        "<w:tbl/>",
        "<w:t>x</w:t>",
        "<w:gridSpan/>",
        "<w:tbl><w:tc><w:p/></w:tc></w:tbl>",
        "<w:tbl><w:tr><w:tr><w:tc/></w:tr></w:tr></w:tbl>",
        r#"<w:fldChar w:fldCharType="separate"/><w:fldChar w:fldCharType="end"/>"#,
        r#"<w:tbl><w:tr><w:trPr><w:gridBefore w:val="99999"/></w:trPr><w:tc/></w:tr></w:tbl>"#,
    ] {
        Document::open(docx(odd), "a").unwrap();
    }
    let whole = docx("<w:p><w:r><w:t>x</w:t></w:r></w:p>");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xa5;
        for bytes in [bytes, whole[..at].to_vec()] {
            Document::open(bytes, "a").ok();
        }
    }
}

#[test]
fn what_stands_before_a_part_breaks_off_is_shown() {
    let torn = "<w:document><w:body><w:tbl><w:tr><w:tc><w:p><w:r><w:t>torn</w:t>";
    let torn = packed(&[("word/document.xml", torn.as_bytes())]);
    let (mut document, _) = Document::open(torn, "a").unwrap();
    let read = asked(&mut document, Request::Blocks { start: 0 });
    let cell = &read[0]["table"]["rows"][0]["cells"][0];
    assert_eq!(cell["blocks"][0]["text"]["spans"][0]["text"]["text"], "torn");
}

#[test]
fn what_is_too_much_is_left_out_and_said_to_be() {
    let letters = "x".repeat(1000);
    let long = format!("<w:r><w:t>{letters}</w:t><w:br/></w:r>").repeat(300);
    let (mut document, about) =
        opened(&format!("<w:p>{long}</w:p><w:p><w:r><w:t>after</w:t></w:r></w:p>"));
    assert_eq!(about["cut"], true);
    let after = asked(&mut document, Request::Blocks { start: 1 });
    assert_eq!(after[0]["text"]["spans"][0]["text"]["text"], "after");
    let wide = format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", "<w:tc><w:p/></w:tc>".repeat(2000));
    assert_eq!(opened(&wide).1["cut"], true);
}

#[test]
fn the_picture_that_a_file_has_of_itself_is_told_if_it_can_be_shown() {
    let about = |target: &str| {
        let own = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail";
        let package = format!(
            r#"<Relationships><Relationship Id="a" Type="{TYPES}/officeDocument" Target="word/document.xml"/>
            <Relationship Id="t" Type="{own}" Target="{target}"/></Relationships>"#
        );
        let bytes = packed(&[
            ("_rels/.rels", package.as_bytes()),
            ("word/document.xml", b"<w:document><w:body><w:p/></w:body></w:document>"),
            ("docProps/thumbnail.jpeg", b"\xff\xd8"),
            ("docProps/thumbnail.emf", b"EMF"),
        ]);
        let (mut document, about) = Document::open(bytes, "a.docx").unwrap();
        let about: Value = serde_json::from_str(about.json()).unwrap();
        about["cover"].as_u64().map(|index| {
            document.ask(Request::Picture { index: index as usize }).unwrap().bytes().to_vec()
        })
    };
    assert_eq!(about("docProps/thumbnail.jpeg"), Some(b"\xff\xd8".to_vec()));
    for target in ["docProps/thumbnail.emf", "docProps/none.png", "../../word/document.xml", ""] {
        assert_eq!(about(target), None, "{target}");
    }
    assert!(opened("").1["cover"].is_null());
}
