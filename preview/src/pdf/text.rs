//! A page's text as runs with their places, from the interpreter that also draws it.
//!
//! A run is what stands on one line without a gap, in one size and direction, so that its
//! letters are nearly where a font of the same size puts them. Between runs stands what a
//! reader sees there: nothing, a space, a new line. Glyphs whose character is unknown are
//! passed over: they are seen, and cannot be found.

use hayro::{
    hayro_interpret::{
        BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
        InterpreterCache, InterpreterSettings, SoftMask, TransformExt as _,
        font::{Glyph, GlyphRun, PositionedGlyph},
        hayro_cmap::{BfString, WritingMode},
        interpret_page,
    },
    hayro_syntax::page::Page,
    kurbo::{Affine, BezPath, Point, Rect, Vec2},
};
use serde::Serialize;

use super::size;

/// A page's further runs are left out.
pub const RUNS_MAX: usize = 20_000;
/// A page's further text is left out.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// A glyph's em in its own units.
const EM: f64 = 1000.0;
/// A gap of so much of the size is a space, and ends the run.
const SPACE: f64 = 0.16;
/// So far to the side, of the size, is still the same line.
const LEVEL: f64 = 0.5;

/// What a reader sees between a run and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Joint {
    /// Nothing: the word goes on.
    None,
    /// A space.
    Space,
    /// The end of a line.
    Line,
}

/// A piece of text on one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its characters.
    pub text: String,
    /// Where it begins, on its base line.
    pub x: f32,
    /// Where it begins, on its base line.
    pub y: f32,
    /// How long it is, along its direction.
    pub length: f32,
    /// The size of its font.
    pub size: f32,
    /// Its direction, in degrees clockwise: 0 for what is read to the right.
    pub degrees: f32,
    /// What stands before it.
    pub joint: Joint,
}

/// What a page says.
pub(super) fn read<'a>(page: &'a Page<'a>, settings: &InterpreterSettings) -> Vec<Run> {
    let transform = page.initial_transform(true).to_kurbo();
    let (width, height) = size(page);
    let shown = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    // A cache of its own: fonts of pages that are only searched are not kept.
    let cache = InterpreterCache::new();
    let mut context = Context::new(transform, shown, &cache, page.xref(), settings.clone());
    let mut reader = Reader { shown, runs: Vec::new(), bytes: 0, last: None };
    interpret_page(page, &mut context, &mut reader);
    reader.close();
    reader.runs
}

/// Where a glyph stands.
#[derive(Clone, Copy)]
struct Place {
    start: Point,
    end: Point,
    /// Of length one.
    direction: Vec2,
    size: f64,
}

impl Place {
    /// Nothing for a glyph that is squeezed to nothing, or far out.
    fn of(glyph: &PositionedGlyph<'_>, transform: Affine, mode: WritingMode) -> Option<Self> {
        let whole = transform * glyph.transform();
        let origin = whole * Point::ORIGIN;
        let right = whole * Point::new(EM, 0.0) - origin;
        let up = whole * Point::new(0.0, EM) - origin;
        let (advance, along, size) = match mode {
            WritingMode::Horizontal => {
                let advance = match &**glyph {
                    Glyph::Outline(outline) => outline.advance_width(),
                    Glyph::Type3(type3) => type3.advance_width(),
                };
                (advance.map_or(0.5, |advance| f64::from(advance) / EM), right, up.hypot())
            }
            WritingMode::Vertical => (1.0, -up, right.hypot()),
        };
        let place = Self {
            start: origin,
            end: origin + along * advance,
            direction: along / along.hypot(),
            size,
        };
        let sane = size.is_finite() && size > 0.01 && place.direction.is_finite();
        (sane && place.end.is_finite()).then_some(place)
    }

    /// How far it is from where the last one ended: along the line, and to its side, as
    /// parts of the size.
    fn from(&self, last: &Self) -> (f64, f64) {
        let way = self.start - last.end;
        (way.dot(last.direction) / last.size, way.cross(last.direction) / last.size)
    }

    fn like(&self, last: &Self) -> bool {
        self.direction.dot(last.direction) > 0.99 && (0.8..1.25).contains(&(self.size / last.size))
    }
}

/// Takes glyphs from the interpreter.
struct Reader {
    shown: Rect,
    runs: Vec<Run>,
    bytes: usize,
    /// The open run, and where its last glyph stands.
    last: Option<(Run, Place)>,
}

impl Reader {
    fn add(&mut self, text: &str, place: Place) {
        if self.bytes + text.len() > TEXT_BYTES_MAX || !self.shown.contains(place.start) {
            return;
        }
        self.bytes += text.len();
        let (along, aside) = match &self.last {
            Some((_, last)) => place.from(last),
            None => (0.0, 0.0),
        };
        let level = aside.abs() < LEVEL && along > -1.0;
        if let Some((run, last)) = &mut self.last
            && place.like(last)
            && level
            && along < SPACE
        {
            run.text.push_str(text);
            run.length = length(run, &place);
            *last = place;
            return;
        }
        let joint = match &self.last {
            None => Joint::None,
            Some(_) if !level => Joint::Line,
            Some((run, _)) if along >= SPACE && !run.text.ends_with(' ') => Joint::Space,
            Some(_) => Joint::None,
        };
        self.close();
        let mut run = Run {
            text: text.to_owned(),
            x: place.start.x as f32,
            y: place.start.y as f32,
            length: 0.0,
            size: place.size as f32,
            degrees: place.direction.atan2().to_degrees() as f32,
            joint,
        };
        run.length = length(&run, &place);
        self.last = Some((run, place));
    }

    fn close(&mut self) {
        if let Some((run, _)) = self.last.take()
            && self.runs.len() < RUNS_MAX
        {
            self.runs.push(run);
        }
    }
}

fn length(run: &Run, last: &Place) -> f32 {
    let start = Point::new(f64::from(run.x), f64::from(run.y));
    (last.end - start).dot(last.direction).max(0.0) as f32
}

impl<'a> Device<'a> for Reader {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        // Text that is filled and outlined comes twice; outlined alone it is rare.
        if matches!(mode, DrawMode::Stroke(_)) {
            return;
        }
        for glyph in run.glyphs() {
            let Some(place) = Place::of(glyph, props.transform, run.writing_mode()) else {
                continue;
            };
            match glyph.as_unicode() {
                Some(BfString::Char(char)) if !char.is_control() => {
                    self.add(char.encode_utf8(&mut [0; 4]), place);
                }
                Some(BfString::String(text)) => {
                    let text: String = text.chars().filter(|char| !char.is_control()).collect();
                    self.add(&text, place);
                }
                Some(BfString::Char(_)) | None => {}
            }
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_clip_rect(&mut self, _: &Rect) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
