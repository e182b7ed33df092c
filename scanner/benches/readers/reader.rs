//! The readers, each as its own documentation says it is used at its best, for QR codes in an 8-bit luma picture.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rxing::{BarcodeFormat, DecodeHints};
use scanner::{Luma, Read, decode::Live};

use crate::data::one_line_end;

/// Reads one picture of a camera's stream; keeps what it wants to keep until the next.
pub(crate) type Session = Box<dyn FnMut(&Luma) -> Vec<String>>;

pub(crate) struct Contestant {
    /// Its name in the JSON.
    pub key: &'static str,
    /// Its name in tables.
    pub name: &'static str,
    single: fn(&Luma) -> Vec<String>,
    /// Where a stream of frames is read in another way than a picture.
    live: Option<fn() -> Session>,
}

impl Contestant {
    pub(crate) fn all() -> Vec<Self> {
        vec![
            Self { key: "countersign", name: "Countersign", single: ours, live: Some(ours_live) },
            Self { key: "rxing_filtered", name: "rxing filtered", single: rxing_filtered, live: None },
            Self { key: "rxing", name: "rxing", single: rxing_plain, live: None },
            Self { key: "rqrr", name: "rqrr", single: rqrr_alone, live: None },
            #[cfg(feature = "zxing-cpp")]
            Self { key: "zxing_cpp", name: "zxing-cpp", single: zxing_cpp, live: None },
        ]
    }

    /// Every text that a picture gives. A reader that panics has read nothing.
    pub(crate) fn read(&self, luma: &Luma) -> Vec<String> {
        let texts = catch_unwind(AssertUnwindSafe(|| (self.single)(luma))).unwrap_or_default();
        texts.iter().map(|text| one_line_end(text)).collect()
    }

    pub(crate) fn has_live(&self) -> bool {
        self.live.is_some()
    }

    pub(crate) fn session(&self) -> Session {
        let mut inner: Session = match self.live {
            Some(start) => start(),
            None => Box::new(self.single),
        };
        Box::new(move |luma| {
            let texts = catch_unwind(AssertUnwindSafe(|| inner(luma))).unwrap_or_default();
            texts.iter().map(|text| one_line_end(text)).collect()
        })
    }
}

fn texts(reads: Vec<Read>) -> Vec<String> {
    reads
        .into_iter()
        .map(|read| read.text.unwrap_or_else(|| String::from_utf8_lossy(&read.bytes).into_owned()))
        .collect()
}

fn ours(luma: &Luma) -> Vec<String> {
    texts(scanner::decode(luma))
}

fn ours_live() -> Session {
    let mut live = Live::default();
    Box::new(move |luma| texts(live.decode(luma)))
}

/// Everything on that helps it: both polarities, more effort.
fn hints() -> DecodeHints {
    DecodeHints {
        PossibleFormats: Some(HashSet::from([BarcodeFormat::QR_CODE])),
        TryHarder: Some(true),
        AlsoInverted: Some(true),
        ..DecodeHints::default()
    }
}

fn rxing_plain(luma: &Luma) -> Vec<String> {
    let read = rxing::helpers::detect_in_luma_with_hints(
        luma.data().to_vec(),
        luma.width(),
        luma.height(),
        None,
        &mut hints(),
    );
    read.into_iter().map(|read| read.getText().to_owned()).collect()
}

fn rxing_filtered(luma: &Luma) -> Vec<String> {
    let read = rxing::helpers::detect_in_luma_filtered_with_hints(
        luma.data().to_vec(),
        luma.width(),
        luma.height(),
        None,
        &mut hints(),
    );
    read.into_iter().map(|read| read.getText().to_owned()).collect()
}

fn rqrr_alone(luma: &Luma) -> Vec<String> {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| luma.data()[y * width + x]);
    let grids = prepared.detect_grids();
    grids.iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

#[cfg(feature = "zxing-cpp")]
fn zxing_cpp(luma: &Luma) -> Vec<String> {
    use zxingcpp::{BarcodeFormat, ImageFormat, ImageView, TextMode};
    let reader = zxingcpp::read()
        .formats(BarcodeFormat::QRCode)
        .try_harder(true)
        .try_rotate(true)
        .try_invert(true)
        .try_downscale(true)
        .text_mode(TextMode::Plain);
    let Ok(view) = ImageView::from_slice(luma.data(), luma.width(), luma.height(), ImageFormat::Lum) else {
        return Vec::new();
    };
    let read = reader.from(view).unwrap_or_default();
    read.into_iter().map(|code| code.text()).collect()
}
