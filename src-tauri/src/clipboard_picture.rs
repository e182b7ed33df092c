//! The picture on the system's clipboard. Some webviews (GTK) hide pasted pictures from the page.

use tauri::AppHandle;
use tauri::image::Image;
use tauri_plugin_clipboard_manager::ClipboardExt;

/// The picture as a PNG file. Blocking.
///
/// # Errors
/// A technical text: the clipboard holds no picture, or its owner does not hand it over.
pub(crate) fn read(app: &AppHandle) -> Result<Vec<u8>, String> {
    let picture = app.clipboard().read_image().map_err(|error| format!("read the clipboard: {error}"))?;
    encode(&picture).map_err(|error| format!("encode the picture of the clipboard: {error}"))
}

fn encode(picture: &Image<'_>) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header()?.write_image_data(picture.rgba())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_becomes_a_png_that_the_scanner_opens() {
        let file = encode(&Image::new(&[255; 4 * 6], 3, 2)).unwrap();
        let luma = scanner::picture::luma(&file).unwrap();
        assert_eq!((luma.width(), luma.height()), (3, 2));
    }

    #[test]
    fn a_picture_with_too_few_bytes_is_refused() {
        assert!(encode(&Image::new(&[255; 4], 3, 2)).is_err());
    }
}
