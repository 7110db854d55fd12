//! A page, or a piece of it, as pixels.
//!
//! A tile is a window on the page at a scale, so that a page is sharp at any zoom and no
//! drawing holds more than [`PIXELS_MAX`]. What does not touch the tile is passed over by
//! the rasteriser.

use hayro::{
    RenderCache, RenderSettings,
    hayro_interpret::{InterpreterSettings, TransformExt as _},
    hayro_syntax::page::Page,
    kurbo::Affine,
    render_into,
    vello_cpu::{
        Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit,
        color::palette::css::WHITE,
    },
};

use serde::Deserialize;

use crate::Refusal;

/// No tile has more pixels.
pub const PIXELS_MAX: u32 = 8 << 20;
/// No tile has a longer side.
pub const SIDE_PX_MAX: u16 = 8192;
/// The largest scale.
pub const SCALE_MAX: f32 = 32.0;

/// A window on a page, in pixels at the scale that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Tile {
    /// From the page's left edge.
    pub x: u32,
    /// From the page's upper edge.
    pub y: u32,
    /// How wide it is.
    pub width: u16,
    /// How high it is.
    pub height: u16,
}

impl Tile {
    pub(super) fn check(self, scale: f32) -> Result<(), Refusal> {
        let sides = 1..=SIDE_PX_MAX;
        let pixels = u32::from(self.width) * u32::from(self.height);
        let fits = sides.contains(&self.width) && sides.contains(&self.height);
        if fits && pixels <= PIXELS_MAX && scale > 0.0 && scale <= SCALE_MAX {
            Ok(())
        } else {
            Err(Refusal::Unknown)
        }
    }
}

/// An opaque picture: red, green, blue and 255 for each pixel, row after row.
pub(super) fn draw<'a>(
    page: &'a Page<'a>,
    cache: &RenderCache<'a>,
    settings: &InterpreterSettings,
    scale: f32,
    tile: Tile,
) -> Vec<u8> {
    let transform = Affine::translate((-f64::from(tile.x), -f64::from(tile.y)))
        * Affine::scale(f64::from(scale))
        * page.initial_transform(true).to_kurbo();
    let mut context = RenderContext::new(tile.width, tile.height);
    render_into(page, cache, settings, &RenderSettings::default(), &mut context, transform);
    context.flush();
    let mut pixmap = Pixmap::new(tile.width, tile.height);
    // On white nothing is left transparent, so premultiplied is the same as straight.
    let on_white =
        RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..Default::default() };
    context.render_with(&mut pixmap, &mut Resources::default(), on_white);
    pixmap.data_as_u8_slice().to_vec()
}
