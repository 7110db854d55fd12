//! What documents become.

use super::*;
use crate::steps::Rendering;

/// The blocks of a rendering, as markup that only these tests read.
fn blocks(text: &str) -> Vec<String> {
    let bytes = render(text).unwrap();
    let rendering = Rendering::read(&bytes).unwrap();
    let mut printed = Vec::new();
    for steps in rendering.steps(0, rendering.blocks.len()) {
        let mut open: Vec<&str> = Vec::new();
        let mut block = String::new();
        let mut in_tag = false;
        for step in steps {
            let step = step.unwrap();
            if in_tag && !matches!(step, Step::Attribute(_)) {
                block.push('>');
                in_tag = false;
            }
            match step {
                Step::Open(tag) => {
                    block.push_str(&format!("<{}", tag.name()));
                    open.push(tag.name());
                    in_tag = true;
                }
                Step::Attribute(Attribute::Class(class)) => {
                    block.push_str(&format!(" {}", class.name()));
                }
                Step::Attribute(attribute) => block.push_str(&format!(" {attribute:?}")),
                Step::Text(text) => block.push_str(text),
                Step::Close => block.push_str(&format!("</{}>", open.pop().unwrap())),
            }
        }
        printed.push(block);
    }
    printed
}

fn rendered(text: &str) -> String {
    blocks(text).concat()
}

#[test]
fn blocks_follow_the_document() {
    let found = blocks("# T\n\na *b* ~~c~~\nd\n\n- [x] e\n- [ ] f\n");
    assert_eq!(found[..2], ["<h1>T</h1>", "<p>a <em>b</em> <del>c</del>\nd</p>"]);
    let task = |done: &str, text: &str| format!("<li><input Done({done})></input>{text}</li>");
    assert_eq!(found[2..], [format!("<ul>{}{}</ul>", task("true", "e"), task("false", "f"))]);
}

#[test]
fn tables_have_head_body_and_alignment() {
    assert_eq!(
        rendered("| a | b |\n|:--|--:|\n| 1 | 2 |\n"),
        "<table><thead><tr><th md-left>a</th><th md-right>b</th></tr></thead>\
         <tbody><tr><td md-left>1</td><td md-right>2</td></tr></tbody></table>"
    );
}

#[test]
fn raw_html_stays_text() {
    assert_eq!(
        rendered("<script>alert(1)</script>\n\nx <img src=y onerror=z>\n"),
        "<p md-raw><script>alert(1)</script>\n</p><p>x <img src=y onerror=z></p>"
    );
    let bytes = render("<b onclick=x>y</b>").unwrap();
    let rendering = Rendering::read(&bytes).unwrap();
    let steps: Vec<_> = rendering.steps(0, 1).next().unwrap().map(Result::unwrap).collect();
    let text = Step::Text("<b onclick=x>y</b>");
    assert_eq!(steps, [Step::Open(steps::Tag::P), text, Step::Close]);
}

#[test]
fn mathematics_stays_the_text_that_it_is() {
    assert_eq!(rendered("so $a*b*c$ and $x_1 + y_1$"), "<p>so $a*b*c$ and $x_1 + y_1$</p>");
    assert_eq!(rendered("$$\\sum_{i} a*b*c\n_d_$$\n"), "<p>$$\\sum_{i} a*b*c\n_d_$$</p>");
    // Money is none.
    assert_eq!(rendered("from $5 to *10* $"), "<p>from $5 to <em>10</em> $</p>");
}

#[test]
fn links_and_code_carry_what_the_document_says() {
    assert_eq!(rendered("[x](y \"z\")"), "<p><a Href(\"y\") Title(\"z\")>x</a></p>");
    assert_eq!(rendered("[x](y)"), "<p><a Href(\"y\")>x</a></p>");
    assert_eq!(rendered("```rust\na\n```\n"), "<pre Language(\"rust\")>a\n</pre>");
    assert_eq!(rendered("    a\n"), "<pre>a\n</pre>");
    assert_eq!(rendered("3. a\n"), "<ol Start(3)><li>a</li></ol>");
    assert_eq!(rendered("a  \n`b`\n\n---\n"), "<p>a<br></br><code>b</code></p><hr></hr>");
}

#[test]
fn pictures_are_their_description_and_carry_where_they_are() {
    assert_eq!(rendered("![a cat](z.png)"), "<p><span Picture(\"z.png\")>a cat</span></p>");
    assert_eq!(
        rendered("![a cat](z.png \"t\")"),
        "<p><span Picture(\"z.png\") Title(\"t\")>a cat</span></p>"
    );
}

#[test]
fn footnotes_point_at_their_text() {
    assert_eq!(
        rendered("a[^1]\n\n[^1]: b\n"),
        "<p>a<sup><a NoteLink(\"1\")>1</a></sup></p><div Note(\"1\")><p>b</p></div>"
    );
}

#[test]
fn only_the_edited_block_gets_another_fingerprint() {
    let fingerprints = |text: &str| -> Vec<u64> {
        let bytes = render(text).unwrap();
        let rendering = Rendering::read(&bytes).unwrap();
        rendering.blocks.iter().map(|block| block.fingerprint).collect()
    };
    let old = fingerprints("# a\n\nb\n\nc\n\nd\n");
    let new = fingerprints("# a\n\nb\n\nc changed\n\nd\n");
    assert_eq!(old.len(), 4);
    assert_eq!((old[..2].to_vec(), old[3]), (new[..2].to_vec(), new[3]));
    assert_ne!(old[2], new[2]);
}

#[test]
fn deep_nesting_is_flattened_and_loses_no_text() {
    let quotes = format!("{}deep\n", "> ".repeat(400));
    assert!(rendered(&quotes).contains("deep"));
    // A table, a footnote and a task at each depth around the bound.
    for depth in DEPTH_MAX - 8..DEPTH_MAX + 2 {
        let quote = "> ".repeat(depth);
        let text = format!(
            "{quote}| a[^n] |\n{quote}|---|\n{quote}| **b** |\n{quote}\n{quote}- [x] c\n\nafter\n\n\
             [^n]: d\n"
        );
        let found = blocks(&text);
        assert_eq!(found.len(), 3, "at {depth}: {found:?}");
        assert!(found[0].contains('a') && found[0].contains('b') && found[0].contains('c'));
        assert_eq!(found[1], "<p>after</p>");
    }
}

#[test]
fn a_text_whose_rendering_would_be_too_large_is_refused() {
    // As much as any text makes: 14 bytes of rendering for two of text.
    let text = "#\n".repeat(10_000);
    let bytes = render(&text).unwrap().len();
    assert!(bytes / text.len() <= 8, "{bytes}");
    assert!(render_within(&text, bytes).is_some());
    assert!(render_within(&text, bytes - 1).is_none());
    // Most of it never comes into being.
    assert!(render_within(&text, 100).is_none());
}

#[test]
fn nothing_makes_a_document_of_nothing() {
    assert_eq!(blocks(""), [""; 0]);
    assert_eq!(blocks("\n \n"), [""; 0]);
}
