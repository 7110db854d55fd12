//! Files are written here as they are needed: objects, their table, the trailer.

use super::*;

fn document(bytes: Vec<u8>) -> Document {
    read(&Arc::new(bytes), "").unwrap()
}

const FONT: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";

/// A file of numbered objects, from 1; the first is the catalog.
fn file(objects: &[String]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let table = bytes.len();
    let count = objects.len() + 1;
    bytes.extend(format!("xref\n0 {count}\n0000000000 65535 f \n").bytes());
    for place in places {
        bytes.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let trailer = "/Root 1 0 R /Info 3 0 R";
    bytes.extend(
        format!("trailer\n<< /Size {count} {trailer} >>\nstartxref\n{table}\n%%EOF").bytes(),
    );
    bytes
}

fn stream(content: &str) -> String {
    format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len())
}

/// A file with a page for each content. Objects: catalog, pages, info, font, outline, then
/// each page and its content.
fn pages(contents: &[&str], page_extra: &str) -> Vec<u8> {
    let kids: Vec<String> =
        (0..contents.len()).map(|page| format!("{} 0 R", page_id(page))).collect();
    let outline = format!(
        "<< /Title (Start) /Dest [{} 0 R /Fit] /First << /Title (Nowhere) /Dest [999 0 R] >> >>",
        page_id(contents.len() - 1)
    );
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R /Outlines << /First 5 0 R >> >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), contents.len()),
        "<< /Title (A title) /Author <FEFF4F60597D> /CreationDate (D:20261126093012Z) >>"
            .to_owned(),
        FONT.to_owned(),
        outline,
    ];
    for (page, content) in contents.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents {} 0 R {page_extra} \
             /Resources << /Font << /F 4 0 R >> >> >>",
            page_id(page) + 1
        ));
        objects.push(stream(content));
    }
    file(&objects)
}

fn page_id(page: usize) -> usize {
    6 + page * 2
}

fn text_of(content: &str) -> Vec<Run> {
    let document = document(pages(&[content], ""));
    document.text(0).unwrap()
}

fn read_aloud(runs: &[Run]) -> String {
    let mut text = String::new();
    for run in runs {
        text.push_str(match run.joint {
            Joint::None => "",
            Joint::Space => " ",
            Joint::Line => "\n",
        });
        text.push_str(&run.text);
    }
    text
}

const TILE: Tile = Tile { x: 0, y: 0, width: 200, height: 100 };

#[test]
fn a_file_says_its_pages_and_properties_at_once() {
    let document = document(pages(&["", ""], "/Rotate 90"));
    let overview = document.overview();
    assert_eq!(overview.pages, [(100.0, 200.0), (100.0, 200.0)]);
    assert_eq!(overview.properties.title, "A title");
    assert_eq!(overview.properties.author, "你好");
    assert_eq!(overview.properties.created, "2026-11-26 09:30");
}

#[test]
fn a_page_that_is_asked_for_comes_with_its_pixels() {
    let (mut pdf, answer) = Pdf::open(pages(&[""], ""), "a.pdf").unwrap();
    assert!(answer.json().starts_with(r#"{"open":{"pages":[[200.0,100.0]],"#), "{answer:?}");
    let ask = r#"{"draw":{"page":0,"scale":0.5,"tile":{"x":0,"y":0,"width":100,"height":50}}}"#;
    let answer = pdf.ask(crate::request::<Pdf>(ask).unwrap()).unwrap();
    assert_eq!(answer.bytes(), [255; 100 * 50 * 4]);
    let locked = Request::Unlock { password: String::new() };
    assert_eq!(pdf.ask(locked), Err(Refusal::Unknown));
}

#[test]
fn a_locked_file_opens_with_its_password_only() {
    // A page that says so, sealed with AES-256 under this password.
    let bytes = include_bytes!("tests/locked.pdf").to_vec();
    let (mut pdf, answer) = Pdf::open(bytes, "a.pdf").unwrap();
    assert_eq!(answer.json(), r#""locked""#);
    assert_eq!(pdf.ask(Request::Text { page: 0 }), Err(Refusal::Locked));
    let unlock = |password: &str| Request::Unlock { password: password.to_owned() };
    assert_eq!(pdf.ask(unlock("open")).unwrap().json(), r#""locked""#);
    let answer = pdf.ask(unlock("open sesame")).unwrap();
    assert!(answer.json().starts_with(r#"{"open":"#), "{answer:?}");
    let answer = pdf.ask(Request::Text { page: 0 }).unwrap();
    assert!(answer.json().contains(r#""text":"secret""#), "{answer:?}");
}

#[test]
fn a_page_is_drawn_as_it_says() {
    let document = document(pages(&["1 0 0 rg 0 0 100 100 re f"], ""));
    let pixels = document.draw(0, 1.0, TILE).unwrap();
    assert_eq!(pixels.len(), 200 * 100 * 4);
    assert_eq!(pixels[..4], [255, 0, 0, 255]);
    assert_eq!(pixels[199 * 4..200 * 4], [255, 255, 255, 255]);
}

#[test]
fn a_tile_is_the_same_piece_of_the_whole_page() {
    let document =
        document(pages(&["BT /F 40 Tf 10 20 Td (Tile) Tj ET 0 0 1 rg 3 4 99 9 re f"], ""));
    let whole = document.draw(0, 2.0, Tile { width: 400, height: 200, ..TILE }).unwrap();
    let tile = Tile { x: 32, y: 64, width: 128, height: 96 };
    let piece = document.draw(0, 2.0, tile).unwrap();
    for y in 0..96 {
        let start = ((64 + y) * 400 + 32) * 4;
        assert_eq!(piece[y * 512..][..512], whole[start..start + 512], "row {y}");
    }
}

#[test]
fn text_has_its_places() {
    let runs = text_of("BT /F 10 Tf 20 70 Td (Hello) Tj ET");
    let [run] = &runs[..] else { panic!("{runs:?}") };
    assert_eq!((run.text.as_str(), run.x, run.size, run.degrees), ("Hello", 20.0, 10.0, 0.0));
    assert!((run.y - 30.0).abs() < 0.01, "{run:?}");
    assert!((20.0..26.0).contains(&run.length), "{run:?}");
}

#[test]
fn gaps_are_read_as_people_read_them() {
    let kerned = text_of("BT /F 10 Tf 20 70 Td [(W) 80 (ord) -300 (next)] TJ ET");
    assert_eq!(read_aloud(&kerned), "Word next");
    let columns =
        text_of("BT /F 10 Tf 20 70 Td (left) Tj 80 0 Td (right) Tj -80 -12 Td (below) Tj ET");
    assert_eq!(read_aloud(&columns), "left right\nbelow");
    assert_eq!(columns.len(), 3);
    let raised = text_of("BT /F 10 Tf 20 70 Td (see) Tj /F 6 Tf 4 Ts (1) Tj ET");
    assert_eq!(read_aloud(&raised), "see1");
}

#[test]
fn turned_text_says_its_direction() {
    let runs = text_of("BT /F 10 Tf 0 1 -1 0 50 20 Tm (up) Tj ET");
    assert_eq!(read_aloud(&runs), "up");
    assert!((runs[0].degrees + 90.0).abs() < 0.01, "{runs:?}");
}

#[test]
fn invisible_text_is_found_and_text_outside_of_the_page_is_not() {
    assert_eq!(read_aloud(&text_of("BT 3 Tr /F 10 Tf 20 70 Td (scanned) Tj ET")), "scanned");
    assert_eq!(text_of("BT /F 10 Tf 20 700 Td (outside) Tj ET"), []);
}

#[test]
fn the_outline_leads_to_pages() {
    let document = document(pages(&["", "", ""], ""));
    let items = document.outline();
    let start = Item { title: "Start".to_owned(), depth: 0, page: Some(2) };
    // What stands in the file where a reference is to stand has no identity, and is passed over.
    assert_eq!(items, [start]);
}

#[test]
fn an_outline_in_a_circle_ends() {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R /Outlines << /First 4 0 R >> >>",
        "<< /Type /Pages /Kids [5 0 R] /Count 1 >>",
        "<< >>",
        "<< /Title (Again) /Next 4 0 R /First 4 0 R >>",
        "<< /Type /Page /MediaBox [0 0 9 9] >>",
    ];
    let document = document(file(&objects.map(str::to_owned)));
    assert_eq!(document.outline().len(), 1);
}

/// The links of the first of three pages, whose annotations are these.
fn links_of(annotations: &str) -> Vec<Link> {
    let pages = pages(&["", "", ""], &format!("/Annots [{annotations}]"));
    document(pages).links(0).unwrap()
}

fn leads_of(annotations: &str) -> Vec<Leads> {
    links_of(annotations).into_iter().map(|link| link.leads).collect()
}

/// A link in the middle of the page.
fn link(more: &str) -> String {
    format!("<< /Subtype /Link /Rect [20 60 80 70] {more} >>")
}

fn web(address: &str) -> String {
    link(&format!("/A << /S /URI /URI ({address}) >>"))
}

#[test]
fn links_lead_to_places_of_the_file_and_to_the_web() {
    let third = page_id(2);
    let annotations = [
        link(&format!("/Dest [{third} 0 R /XYZ 10 75 0]")),
        link(&format!("/A << /S /GoTo /D [{third} 0 R /FitH 40] >>")),
        link("/Dest [1 /Fit]"),
        web("HTTPS://example.org/a b?c"),
        web("mailto:a@example.org"),
    ];
    let links = links_of(&annotations.concat());
    let place = |page, top| Leads::Place(Place { page, top });
    let address = |address: &str| Leads::Address(address.to_owned());
    let leads: Vec<Leads> = links.iter().map(|link| link.leads.clone()).collect();
    assert_eq!(
        leads,
        [
            place(2, Some(25.0)),
            place(2, Some(60.0)),
            place(1, None),
            address("HTTPS://example.org/a b?c"),
            address("mailto:a@example.org"),
        ]
    );
    let Link { x, y, width, height, .. } = links[0];
    assert_eq!((x, y, width, height), (20.0, 30.0, 60.0, 10.0));
}

#[test]
fn links_lead_to_places_by_their_names() {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R /Dests << /Old << /D [4 0 R /XYZ null 80 null] >> >> \
         /Names << /Dests << /Kids [5 0 R 5 0 R] >> >> >>",
        "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>",
        "<< /Type /Page /MediaBox [0 0 200 100] /Annots [\
         << /Subtype /Link /Rect [20 60 80 70] /Dest /Old >> \
         << /Subtype /Link /Rect [80 70 20 60] /Dest (new) >> \
         << /Subtype /Link /Rect [20 60 80 70] /Dest (unknown) >>] >>",
        "<< /Type /Page /MediaBox [0 0 200 100] /Rotate 90 >>",
        "<< /Names [(new) [4 0 R /FitR 30 0 60 90]] /Kids [5 0 R] >>",
    ];
    let document = document(file(&objects.map(str::to_owned)));
    let leads: Vec<Leads> = document.links(0).unwrap().into_iter().map(|link| link.leads).collect();
    // On a page that is turned, what was at the left is at the top.
    let place = |top| Leads::Place(Place { page: 1, top: Some(top) });
    assert_eq!(leads, [place(0.0), place(30.0)]);
}

#[test]
fn what_would_do_anything_else_at_a_click_is_no_link() {
    for action in [
        "/A << /S /JavaScript /JS (app.alert\\(1\\)) >>",
        "/A << /S /Launch /F (calc.exe) >>",
        "/A << /S /GoToR /F (other.pdf) /D [0 /Fit] >>",
        "/A << /S /GoToE /D [0 /Fit] >>",
        "/A << /S /SubmitForm /F (https://example.org/) >>",
        "/A << /S /Named /N /NextPage >>",
        "/A << /URI (https://example.org/) >>",
        "/AA << /D << /S /URI /URI (https://example.org/) >> >>",
        "/Dest [999 0 R /Fit]",
        "/Dest [3 /Fit]",
        "/Dest [-1 /Fit]",
        "/Dest []",
        "",
    ] {
        assert_eq!(leads_of(&link(action)), [], "{action}");
    }
    let long = format!("https://example.org/{}", "a".repeat(ADDRESS_BYTES_MAX));
    for address in [
        "javascript:alert\\(1\\)",
        "data:text/html,a",
        "file:///etc/passwd",
        "blob:https://example.org/a",
        "example.org",
        "//example.org/",
        "https:",
        "java\nscript:a",
        "https://example.org/\\001",
        "https://example.org/\\377",
        &long,
        "",
    ] {
        assert_eq!(leads_of(&web(address)), [], "{address}");
    }
}

#[test]
fn what_nobody_takes_for_a_link_is_none() {
    let somewhere = |more: &str| format!("<< /Subtype /Link /Dest [1 /Fit] {more} >>");
    for more in [
        "",
        "/Rect [0 0 200 100]",
        "/Rect [-9999999 -9999999 9999999 9999999]",
        "/Rect [300 300 400 400]",
        "/Rect [20 60 20 70]",
        "/Rect [20 60 80]",
        "/Rect [20 60 80 70] /F 2",
        "/Rect [20 60 80 70] /F 32",
    ] {
        assert_eq!(leads_of(&somewhere(more)), [], "{more}");
    }
    // What hangs over the edge ends there.
    let links = links_of(&somewhere("/Rect [150 -50 9999 40] /F 4"));
    assert_eq!((links[0].x, links[0].width, links[0].height), (150.0, 50.0, 40.0));
    let text = "<< /Subtype /Text /Rect [20 60 80 70] /Dest [1 /Fit] >> 7 null";
    assert_eq!(leads_of(text), []);
    assert_eq!(links_of(&web("https://example.org/").repeat(LINKS_MAX + 9)).len(), LINKS_MAX);
}

#[test]
fn what_is_no_pdf_is_refused() {
    for bytes in [b"".as_slice(), b"%PDF-1.7", b"PK\x03\x04", b"%PDF-1.4\ntrailer << >>"] {
        assert_eq!(Pdf::open(bytes.to_vec(), "a.pdf").err(), Some(Refusal::Broken));
    }
}

#[test]
fn a_cut_file_is_refused_or_read_as_far_as_it_goes() {
    let whole = pages(&["BT /F 10 Tf 20 70 Td (Hello) Tj ET"], "");
    for len in 0..whole.len() {
        if let Ok(document) = read(&Arc::new(whole[..len].to_vec()), "") {
            document.overview();
            document.outline();
            document.links(0).unwrap();
            document.text(0).unwrap();
            document.draw(0, 0.1, TILE).unwrap();
        }
    }
}

#[test]
fn pieces_out_of_bounds_are_refused() {
    let document = document(pages(&[""], ""));
    for tile in [
        Tile { width: 0, ..TILE },
        Tile { height: SIDE_PX_MAX + 1, ..TILE },
        Tile { width: SIDE_PX_MAX, height: SIDE_PX_MAX, ..TILE },
    ] {
        assert_eq!(document.draw(0, 1.0, tile), Err(Refusal::Unknown));
    }
    for scale in [0.0, -1.0, SCALE_MAX * 2.0, f32::NAN] {
        assert_eq!(document.draw(0, scale, TILE), Err(Refusal::Unknown));
    }
    assert_eq!(document.draw(1, 1.0, TILE), Err(Refusal::Unknown));
    assert_eq!(document.text(1), Err(Refusal::Unknown));
    assert_eq!(document.links(1), Err(Refusal::Unknown));
}

#[test]
fn a_page_of_boundless_size_or_text_has_bounds() {
    let content = format!(
        "BT /F 1 Tf 20 70 Td {} ET",
        "(aaaaaaaaaaaaaaaaaaaa) Tj 1 9 Td -1 -9 Td ".repeat(30_000)
    );
    let runs = text_of(&content);
    assert!(runs.len() <= RUNS_MAX);
    let huge = pages(
        &[""],
        "/CropBox [-1 -1 99999999999999 99999999999999] /MediaBox [-1 -1 99999999999999 99999999999999]",
    );
    let document = document(huge);
    let (width, height) = document.overview().pages[0];
    assert!(width <= SIDE_PT_MAX && height <= SIDE_PT_MAX);
    document.draw(0, 1.0, TILE).unwrap();
}

#[test]
fn a_thousand_pages_open_without_any_being_read() {
    let contents = vec!["BT /F 10 Tf 20 70 Td (Page) Tj ET"; 1000];
    let document = document(pages(&contents, ""));
    assert_eq!(document.overview().pages.len(), 1000);
    assert_eq!(read_aloud(&document.text(999).unwrap()), "Page");
}
