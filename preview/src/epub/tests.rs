//! Books are written here as they are needed.

use serde_json::{Value, json};

use super::*;
use crate::{blocks::Look, package::tests::packed};

const CONTAINER: &str =
    r#"<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>"#;

/// A book of these chapters and parts beside them; each chapter is the inside of a body.
fn epub(chapters: &[&str], more: &[(&str, &[u8])], manifest: &str) -> Vec<u8> {
    let names = (0..chapters.len()).map(|at| format!("c{at}"));
    let item = |name: &String| {
        format!(
            r#"<item id="{name}" href="text/{name}.xhtml" media-type="application/xhtml+xml"/>"#
        )
    };
    let items: String = names.clone().map(|name| item(&name)).collect();
    let spine: String = names.map(|name| format!(r#"<itemref idref="{name}"/>"#)).collect();
    let package = format!(
        r#"<package><metadata><dc:title>The <b/>Sea</dc:title><dc:creator>Ann</dc:creator><dc:creator> Bo
        Lee</dc:creator><dc:language>en</dc:language></metadata><manifest>{items}{manifest}</manifest><spine>{spine}</spine></package>"#
    );
    let chapters: Vec<(String, String)> = chapters
        .iter()
        .enumerate()
        .map(|(at, body)| {
            let text = format!("<html><head><title>no</title></head><body>{body}</body></html>");
            (format!("OPS/text/c{at}.xhtml"), text)
        })
        .collect();
    let mut parts = vec![
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OPS/book.opf", package.as_bytes()),
    ];
    parts.extend(chapters.iter().map(|(path, text)| (path.as_str(), text.as_bytes())));
    parts.extend(more);
    packed(&parts)
}

fn opened(bytes: Vec<u8>) -> (Book, Value) {
    let (book, about) = Book::open(bytes, "a.epub").unwrap();
    (book, serde_json::from_str(about.json()).unwrap())
}

fn asked(book: &mut Book, request: Request) -> Value {
    serde_json::from_str(book.ask(request).unwrap().json()).unwrap()
}

fn blocks(chapters: &[&str]) -> Value {
    asked(&mut opened(epub(chapters, &[], "")).0, Request::Blocks { start: 0 })
}

fn text(text: &str) -> Value {
    json!({ "text": { "text": text } })
}

fn look(text: &str, look: u8) -> Value {
    json!({ "text": { "text": text, "look": look } })
}

/// The text of each block, with the marks of items.
fn texts(blocks: &Value) -> Vec<String> {
    let said = |block: &Value| {
        let mark = block["text"]["item"][1].as_str().unwrap_or_default();
        let spans = block["text"]["spans"].as_array().into_iter().flatten();
        let spans = spans.filter_map(|span| span["text"]["text"].as_str());
        format!("{mark} {}", spans.collect::<String>()).trim().to_owned()
    };
    blocks.as_array().unwrap().iter().map(said).collect()
}

#[test]
fn a_book_says_whose_it_is_and_its_chapters_stand_in_their_order() {
    let (mut book, about) = opened(epub(&["<h1>One</h1><p>a</p>", "<h2>Two</h2>b"], &[], ""));
    assert_eq!(
        (&about["title"], &about["authors"]),
        (&json!("The Sea"), &json!(["Ann", "Bo Lee"]))
    );
    assert_eq!((&about["rtl"], &about["cut"]), (&json!(false), &json!(false)));
    let read = asked(&mut book, Request::Blocks { start: 0 });
    assert_eq!(texts(&read), ["One", "a", "Two", "b"]);
    assert_eq!(read[2]["text"]["heading"], 2);
    // Without a table of contents the headings are one.
    let outline = json!([{ "title": "One", "level": 1, "block": 0 }, { "title": "Two", "level": 2, "block": 2 }]);
    assert_eq!(about["outline"], outline);
}

#[test]
fn letters_look_as_elements_and_plain_rules_say() {
    let css = (
        "OPS/a.css",
        ".x { font-style: italic } p.mid { text-align: center } .gone { display: none }".as_bytes(),
    );
    let item = r#"<item id="s" href="a.css" media-type="text/css"/>"#;
    let body = r#"<p class="mid">a <b>b<i> c</i></b>  <span class="x">d</span>
        <span style="font-weight:bold;">e</span></p><div class="gone">f<p>g</p></div><p hidden="">h</p><pre>
 1
  2</pre><blockquote><blockquote>i</blockquote></blockquote>j<hr/>k&mdash;&nbsp;&#x2014;&unknown;<br/> l"#;
    let (mut book, _) = opened(epub(&[body], &[css], item));
    let read = asked(&mut book, Request::Blocks { start: 0 });
    let (bold, italic) = (Look::BOLD, Look::ITALIC);
    let spans = json!([
        text("a "),
        look("b", bold),
        look(" c", bold | italic),
        text(" "),
        look("d", italic),
        text(" "),
        look("e", bold)
    ]);
    assert_eq!(read[0], json!({ "text": { "align": "center", "spans": spans } }));
    assert_eq!(read[1], json!({ "text": { "spans": [look(" 1\n  2", Look::CODE)] } }));
    assert_eq!(read[2], json!({ "text": { "quote": 2, "spans": [text("i")] } }));
    assert_eq!(texts(&read)[3..], ["j", "* * *", "k—\u{a0}—\nl"]);
}

#[test]
fn items_count_as_their_lists_say() {
    let read = blocks(&[
        r#"<ul><li>a<ol type="i" start="3"><li>b</li><li><p>c</p><p>d</p></li></ol></li><li>e</li></ul>
        <ol reversed="" start="2"><li>f</li><li>g</li></ol><dl><dt>h</dt><dd>i</dd></dl>"#,
    ]);
    assert_eq!(texts(&read), ["• a", "iii. b", "iv. c", "d", "• e", "2. f", "1. g", "h", "i"]);
    let places: Vec<&Value> = (0..5).map(|at| &read[at]["text"]["item"][0]).collect();
    assert_eq!(json!(places), json!([0, 1, 1, 1, 0]));
    assert_eq!(read[8]["text"]["quote"], 1);
}

#[test]
fn the_table_of_contents_is_that_of_the_book_newer_or_older() {
    let nav = r#"<html><body><nav epub:type="landmarks"><ol><li><a href="text/c0.xhtml">no</a></li></ol></nav>
        <nav epub:type="toc"><h2>Contents</h2><ol><li><a href="text/c0.xhtml"><span>First</span> <i>one</i></a>
        <ol><li><a href="text/c1.xhtml#in">Inner</a></li></ol></li><li><span>Part</span></li><li><a href="gone.xhtml">Gone</a></li></ol></nav></body></html>"#;
    let ncx = r#"<ncx><docTitle><text>no</text></docTitle><navMap><navPoint><navLabel><text>First one</text></navLabel><content src="text/c0.xhtml"/>
        <navPoint><navLabel><text>Inner</text></navLabel><content src="text/c1.xhtml#in"/></navPoint></navPoint></navMap></ncx>"#;
    let chapters = ["<p>a</p>", r#"<p>b</p><p id="in">c</p>"#];
    let newer = r#"<item id="n" href="nav.xhtml" properties="scripted nav" media-type="application/xhtml+xml"/>"#;
    let older = r#"<item id="n" href="toc.ncx" media-type="application/x-dtbncx+xml"/>"#;
    let both = json!([
        { "title": "First one", "level": 1, "block": 0 },
        { "title": "Inner", "level": 2, "block": 2 },
        { "title": "Part", "level": 1, "block": null },
        { "title": "Gone", "level": 1, "block": null },
    ]);
    let about = opened(epub(&chapters, &[("OPS/nav.xhtml", nav.as_bytes())], newer)).1;
    assert_eq!(about["outline"], both);
    let about = opened(epub(&chapters, &[("OPS/toc.ncx", ncx.as_bytes())], older)).1;
    assert_eq!(about["outline"], json!([both[0], both[1]]));
}

#[test]
fn links_lead_to_blocks_and_notes_are_found_by_what_refers_to_them() {
    let (mut book, about) = opened(epub(
        &[
            r#"<p>x</p><p>see <a href="c1.xhtml#here">there</a><a href="javascript:alert(1)">out</a><a href="c9.xhtml#gone">gone</a><a href="c1.xhtml#lost">lost</a>
            <sup><a epub:type="noteref" href="c1.xhtml#n">*</a></sup><a role="doc-noteref" href="c1.xhtml#m"><img src="mark.png"/></a></p>"#,
            r#"<p>y</p><table id="here"><tr><td>z</td></tr></table><aside epub:type="footnote" id="n"><p>a note</p><p>of two</p></aside><p>after</p>"#,
        ],
        &[],
        "",
    ));
    let read = asked(&mut book, Request::Blocks { start: 0 });
    let linked = |text: &str, link: usize| json!({ "text": { "text": text, "link": link } });
    let note = |index: usize, mark: &str| json!({ "note": { "index": index, "mark": mark } });
    let spans = json!([
        text("see "),
        linked("there", 0),
        linked("out", 1),
        linked("gone", 2),
        linked("lost", 3),
        text(" "),
        note(0, "*"),
        note(1, "※")
    ]);
    assert_eq!(read[1]["text"]["spans"], spans);
    // Where no such part is, it is only told; where no such id is, the part is there.
    assert_eq!(about["links"], json!([3, "javascript:alert(1)", "ops/text/c9.xhtml#gone", 2]));
    assert!(read[3]["table"].is_object());
    let note = asked(&mut book, Request::Note { index: 0 });
    assert_eq!(texts(&note), ["a note", "of two"]);
    assert_eq!(note[0]["text"]["note"], "");
    assert_eq!(asked(&mut book, Request::Note { index: 1 }), json!([]));
}

#[test]
fn pictures_are_those_of_the_book_and_the_cover_is_shown_once() {
    let cover =
        r#"<item id="v" href="Cover%20a.png" properties="cover-image" media-type="image/png"/>"#;
    let png: (&str, &[u8]) = ("OPS/cover a.png", b"\x89PNG");
    let chapters = [
        r#"<svg><title>no</title><image xlink:href="../cover%20a.png" width="9"/></svg>"#,
        r#"<p><img src="../cover%20a.png" alt="again" width="20" height="x"/><img src="http://example.org/a.png" alt="spy"/>
        <img src="../../../../etc/passwd"/><svg><text>drawn</text></svg><math alttext="x+1"><mi>x</mi></math><math/><video src="a">old</video></p>"#,
    ];
    let (mut book, _) = opened(epub(&chapters, &[png], cover));
    let read = asked(&mut book, Request::Blocks { start: 0 });
    let picture = |alt: &str, width: u32| json!({ "picture": { "index": 0, "alt": alt, "width": width, "height": 0 } });
    assert_eq!(read[0]["text"]["spans"], json!([picture("The Sea", 0)]));
    let missing = |what: &str| json!({ "missing": what });
    let spans = json!([
        picture("again", 20),
        missing("noPicture"),
        text(" "),
        missing("noPicture"),
        missing("diagram"),
        text("x+1"),
        missing("equation"),
        missing("object")
    ]);
    assert_eq!(read[1]["text"]["spans"], spans);
    assert_eq!(read.as_array().unwrap().len(), 2);
    let picture = book.ask(Request::Picture { index: 0 }).unwrap();
    assert_eq!((picture.json(), picture.bytes()), (r#""image/png""#, b"\x89PNG".as_slice()));
}

#[test]
fn tables_keep_their_cells_also_where_ends_are_missing() {
    let read = blocks(&[
        r#"<table><caption>cap</caption><thead><tr><th>a</th><th>b</th></tr></thead>
        <tr><td colspan="2" rowspan="3">c<p>d</p><table><tr><td>in</td></tr></table></td></tr><td>e<td>f</table>after"#,
    ]);
    assert_eq!(texts(&read)[0], "cap");
    let rows = &read[1]["table"]["rows"];
    assert_eq!((&rows[0]["head"], &rows[1]["head"]), (&json!(true), &Value::Null));
    let cell = &rows[1]["cells"][0];
    assert_eq!((&cell["columns"], &cell["rows"]), (&json!(2), &json!(3)));
    assert_eq!(texts(&cell["blocks"])[..2], ["c", "d"]);
    assert!(cell["blocks"][2]["table"].is_object());
    assert_eq!(
        texts(&json!([
            rows[2]["cells"][0]["blocks"][0],
            rows[2]["cells"][1]["blocks"][0],
            read[2]
        ])),
        ["e", "f", "after"]
    );
}

#[test]
fn a_book_under_a_shops_lock_is_told_from_one_with_locked_fonts() {
    let lock = |algorithm: &str| {
        let text = format!(
            r#"<encryption><e:EncryptedData><e:EncryptionMethod Algorithm="{algorithm}"/></e:EncryptedData></encryption>"#
        );
        Book::open(epub(&["a"], &[("META-INF/encryption.xml", text.as_bytes())], ""), "a").err()
    };
    assert_eq!(lock("http://www.w3.org/2001/04/xmlenc#aes128-cbc"), Some(Refusal::Rights));
    assert_eq!(lock("http://www.idpf.org/2008/embedding"), None);
}

#[test]
fn a_damaged_chapter_ends_where_the_damage_is_and_the_next_one_follows() {
    let (mut book, about) =
        opened(epub(&["<p>one</p><p>two <!-- and", "<p>three</b></p></div>", "<p>four"], &[], ""));
    let read = asked(&mut book, Request::Blocks { start: 0 });
    assert_eq!(texts(&read), ["one", "two", "three", "four"]);
    assert_eq!(about["cut"], true);
    for missing in [vec![], vec![("META-INF/container.xml", CONTAINER.as_bytes())]] {
        assert_eq!(Book::open(packed(&missing), "a").err(), Some(Refusal::Broken));
    }
}

#[test]
fn languages_from_the_right_are_told() {
    let about = opened(epub(&["a"], &[], "")).1;
    assert_eq!(about["rtl"], false);
    let bytes = packed(&[
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OPS/book.opf", br#"<package><metadata><language>ar-EG</language></metadata><manifest><item id="a" href="a" media-type="text/html"/></manifest><spine><itemref idref="a"/></spine></package>"#),
        ("OPS/a", b"<p>a</p>"),
    ]);
    assert_eq!(opened(bytes).1["rtl"], true);
}

#[test]
fn depth_bombs_and_damage_are_never_a_panic() {
    let bomb = vec![b' '; 8 << 20];
    let parts: [(&str, &[u8]); 1] = [("OPS/text/c1.xhtml", &bomb)];
    let item = r#"<item id="c1" href="text/c1.xhtml" media-type="text/html"/>"#;
    let book = epub(&["a"], &parts, item);
    assert!(Book::open(book, "a").is_ok(), "what is no chapter is not read");
    let chapter = "<p>a</p>".to_owned() + &" ".repeat(8 << 20);
    assert_eq!(Book::open(epub(&[&chapter], &[], ""), "a").err(), Some(Refusal::Expands));
    let deep = "<div>".repeat(5000) + "deep";
    assert_eq!(opened(epub(&[&deep], &[], "")).1["cut"], true);
    let tables = "<table><tr><td>".repeat(300) + "deep" + &"</td></tr></table>".repeat(300);
    assert!(blocks(&[&tables]).to_string().contains("deep"));
    for odd in [
        "</p></a></table>",
        "<td>x",
        "<tr/>",
        "<li>x",
        "<a epub:type='noteref' href='#a'>",
        "<svg><svg/></svg>",
        "<svg><table><tr><td>x</svg>",
        "<ol start='99999999999999999999'><li value='-9223372036854775808'>x",
        "<h1><h6>x",
        "<table><table></table>",
        "<td colspan='0' rowspan='99999999999'>",
        "<a id='x' name='y' href='#x'/>",
        "<q><rt>",
    ] {
        Book::open(epub(&[odd], &[], ""), "a").unwrap();
    }
    let whole = epub(&[r##"<h1 id="x">x</h1><p><a href="#x">y</a></p>"##], &[], "");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xa5;
        for bytes in [bytes, whole[..at].to_vec()] {
            Book::open(bytes, "a").ok();
        }
    }
}

#[test]
fn what_is_too_much_is_left_out_and_said_to_be() {
    let long = "x".repeat(300 << 10);
    let (mut book, about) =
        opened(epub(&[&format!("<p>before</p><p>{long}</p><p>after</p>")], &[], ""));
    assert_eq!(about["cut"], true);
    assert_eq!(texts(&asked(&mut book, Request::Blocks { start: 0 })), ["before", "after"]);
    let wide = format!("<table><tr>{}</tr></table>", "<td/>".repeat(2000));
    assert_eq!(opened(epub(&[&wide], &[], "")).1["cut"], true);
}
