//! Workbooks are written here as they are needed.

use serde_json::{Value, json};

use super::*;
use crate::package::tests::packed;

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A workbook with a sheet of this XML and a hidden one.
fn xlsx(sheet: &str) -> Vec<u8> {
    let workbook = r#"<workbook xmlns:r="r"><workbookPr/><sheets>
        <sheet name="Figures" sheetId="1" r:id="a"/>
        <sheet name="Secret" sheetId="2" state="hidden" r:id="b"/></sheets></workbook>"#;
    let relation = |id: &str, kind: &str, target: &str| {
        format!(r#"<Relationship Id="{id}" Type="{RELATIONS}/{kind}" Target="{target}"/>"#)
    };
    let relations = format!(
        "<Relationships>{}{}{}{}</Relationships>",
        relation("a", "worksheet", "/xl/Worksheets/a.xml"),
        relation("b", "worksheet", "worksheets/b.xml"),
        relation("c", "sharedStrings", "sharedStrings.xml"),
        relation("d", "styles", "styles.xml"),
    );
    let package = format!(
        "<Relationships>{}</Relationships>",
        relation("a", "officeDocument", "xl/workbook.xml")
    );
    let shared = "<sst><si><t>Name</t><rPh><t>no</t></rPh></si>\
        <si><r><t>two </t></r><r><t>parts</t></r></si></sst>";
    let styles = r##"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="#,##0.00&quot; €&quot;"/></numFmts>
        <fonts><font/><font><b/></font></fonts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>
        <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164" fontId="1"/></cellXfs></styleSheet>"##;
    packed(&[
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/sharedStrings.xml", shared.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/worksheets/a.xml", sheet.as_bytes()),
        ("xl/worksheets/b.xml", sheet.as_bytes()),
    ])
}

fn rows(rows: &str) -> Vec<u8> {
    xlsx(&format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"))
}

fn ods(tables: &str) -> Vec<u8> {
    let content = format!(
        r#"<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x">
        <office:automatic-styles>
        <style:style style:name="b"><style:text-properties fo:font-weight="bold"/></style:style>
        <style:style style:name="h"><style:table-properties table:display="false"/></style:style>
        </office:automatic-styles>
        <office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"#
    );
    packed(&[("content.xml", content.as_bytes())])
}

fn asked(book: &mut Workbook, request: Request) -> Value {
    serde_json::from_str(book.ask(request).unwrap().json()).unwrap()
}

/// How large the first sheet is, and its first rows.
fn read(bytes: Vec<u8>) -> (Value, Value) {
    let (mut book, _) = Workbook::open(bytes, "a").unwrap();
    let extent = asked(&mut book, Request::Sheet { index: 0 });
    (extent, asked(&mut book, Request::Rows { start: 0, end: 100 }))
}

#[test]
fn a_workbook_says_its_sheets_and_a_sheet_its_extent() {
    let sheet = rows(
        r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>
        <row r="900000"><c r="B900000" s="1"><v>45943.5</v></c><c s="2"><f>1+1</f><v>1234.5</v></c></row>"#,
    );
    let (mut book, about) = Workbook::open(sheet, "a.xlsx").unwrap();
    assert_eq!(about.json(), r#"{"sheets":["Figures"]}"#);
    let extent = asked(&mut book, Request::Sheet { index: 0 });
    assert_eq!(extent, json!({ "rows": 900_000, "widths": [4, 10, 10], "cut": false }));
    let first = asked(&mut book, Request::Rows { start: 0, end: 100 });
    let cells = json!([[0, "text", false, "Name"], [2, "text", false, "two parts"]]);
    assert_eq!(first, json!({ "rows": [[0, cells]], "merges": [] }));
    let last = asked(&mut book, Request::Rows { start: 899_900, end: 900_100 });
    let cells = json!([[1, "time", false, "2025-10-13"], [2, "number", true, "1,234.50 €"]]);
    assert_eq!(last["rows"], json!([[899_999, cells]]));
    assert_eq!(book.ask(Request::Sheet { index: 1 }), Err(Refusal::Unknown));
    assert_eq!(book.ask(Request::Rows { start: 9, end: 1 }), Err(Refusal::Unknown));
    assert_eq!(book.ask(Request::Rows { start: 0, end: 9999 }), Err(Refusal::Unknown));
}

#[test]
fn every_kind_of_cell_is_read_and_what_looks_like_a_formula_is_a_text() {
    let (_, window) = read(rows(
        r#"<row><c t="b"><v>1</v></c><c t="e"><v>#DIV/0!</v></c><c t="d"><v>2025-10-13T00:00:00</v></c>
        <c t="inlineStr"><is><t>=cmd|'/c calc'!A0</t></is></c><c t="str"><f>A1</f><v>&lt;img&gt;</v></c>
        <c><f>1/0</f></c><c t="n"><v>none</v></c></row><row/><row><c><v>7</v></c></row>"#,
    ));
    let cells = json!([
        [0, "bool", false, "TRUE"],
        [1, "error", false, "#DIV/0!"],
        [2, "time", false, "2025-10-13"],
        [3, "text", false, "=cmd|'/c calc'!A0"],
        [4, "text", false, "<img>"],
        [6, "text", false, "none"],
    ]);
    assert_eq!(window["rows"], json!([[0, cells], [2, [[0, "number", false, "7"]]]]));
}

#[test]
fn a_sheet_with_cells_in_far_corners_takes_no_more_than_its_cells() {
    let (extent, _) = read(rows(
        r#"<row r="1048576"><c r="B1048576"><v>2</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>
        <row r="2"><c r="XFD2"><v>3</v></c></row><row r="4294967295"><c><v>9</v></c></row>"#,
    ));
    assert_eq!(extent, json!({ "rows": 1_048_576, "widths": [1, 1], "cut": true }));
}

#[test]
fn merged_cells_and_widths_are_those_of_the_file() {
    let sheet = r#"<worksheet><cols><col min="1" max="1" width="20.7"/><col min="0" max="9" width="5"/>
        <col min="3" max="9" width="5"/></cols><sheetData>
        <row r="2"><c r="A2"><v>1</v></c><c r="C2"><v>2</v></c></row></sheetData><mergeCells>
        <mergeCell ref="A2:B3"/><mergeCell ref="C9:A1"/><mergeCell ref="A1"/></mergeCells></worksheet>"#;
    let (extent, window) = read(xlsx(sheet));
    assert_eq!(extent["widths"], json!([20, 0, 5]));
    assert_eq!(window["merges"], json!([[1, 0, 2, 1]]));
}

#[test]
fn an_open_document_is_read_as_it_was_last_shown() {
    let bytes = ods(r#"<table:table table:name="Hidden" table:style-name="h"/>
        <table:table table:name="Plain"><table:table-row table:number-rows-repeated="2">
        <table:table-cell table:style-name="b" office:value-type="float" office:value="12.5"
         table:number-columns-spanned="2"><office:annotation><text:p>a note</text:p></office:annotation>
        <text:p>12,50 €</text:p></table:table-cell><table:covered-table-cell/>
        <table:table-cell table:number-columns-repeated="3"/>
        <table:table-cell office:value-type="string"><text:p>one<text:s text:c="2"/>&lt;b&gt;</text:p><text:p>two</text:p></table:table-cell>
        <table:table-cell office:value-type="date" office:date-value="2025-10-13"/>
        </table:table-row></table:table>"#);
    let (mut book, about) = Workbook::open(bytes, "a.ods").unwrap();
    assert_eq!(about.json(), r#"{"sheets":["Plain"]}"#);
    asked(&mut book, Request::Sheet { index: 0 });
    let window = asked(&mut book, Request::Rows { start: 0, end: 9 });
    let cells = json!([
        [0, "number", true, "12,50 €"],
        [5, "text", false, "one  <b>\ntwo"],
        [6, "time", false, "2025-10-13"],
    ]);
    assert_eq!(window["rows"], json!([[0, cells], [1, cells]]));
    assert_eq!(window["merges"], json!([[0, 0, 0, 1]]));
}

#[test]
fn a_cell_that_is_to_be_everywhere_is_cut_off() {
    let text = "x".repeat(1000);
    let (extent, _) = read(ods(&format!(
        r#"<table:table table:name="a"><table:table-row table:number-rows-repeated="4294967295">
        <table:table-cell table:number-columns-repeated="4294967295"><text:p>{text}</text:p></table:table-cell>
        </table:table-row><table:table-row table:number-rows-repeated="4294967295"/></table:table>"#,
    )));
    assert_eq!(extent["cut"], true);
    assert_eq!(extent["widths"].as_array().map(Vec::len), Some(limits::COLUMNS_MAX));
}

#[test]
fn what_is_sealed_is_locked() {
    let manifest = b"<m:manifest><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>";
    let bytes = packed(&[("content.xml", b"noise"), ("META-INF/manifest.xml", manifest)]);
    assert_eq!(Workbook::open(bytes, "a.ods").err(), Some(Refusal::Locked));
}

#[test]
fn a_bomb_in_any_part_is_refused() {
    let padding = " ".repeat(8 << 20);
    let (mut book, _) = Workbook::open(rows(&padding), "a.xlsx").unwrap();
    assert_eq!(book.ask(Request::Sheet { index: 0 }), Err(Refusal::Expands));
    assert_eq!(Workbook::open(ods(&padding), "a.ods").err(), Some(Refusal::Expands));
}

#[test]
fn damage_anywhere_is_refused_and_never_a_panic() {
    let sheets = [
        rows(r#"<row r="1"><c r="A1" s="1"><v>1</v></c></row>"#),
        ods(
            r#"<table:table><table:table-row><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row></table:table>"#,
        ),
    ];
    for whole in sheets {
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xa5;
            for bytes in [bytes, whole[..at].to_vec()] {
                if let Ok((mut book, _)) = Workbook::open(bytes, "a") {
                    book.ask(Request::Sheet { index: 0 }).ok();
                    book.ask(Request::Rows { start: 0, end: 9 }).ok();
                }
            }
        }
    }
    for bytes in [b"".as_slice(), b"PK\x03\x04", b"text"] {
        assert_eq!(Workbook::open(bytes.to_vec(), "a").err(), Some(Refusal::Broken));
    }
}
