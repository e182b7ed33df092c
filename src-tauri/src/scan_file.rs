//! `countersign scan FILE`: tells what the codes in a picture hold. Nothing is opened or contacted.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use authenticator::describe::describe;
use scanner::picture::{self, PictureError};

/// Exit code when the picture holds no code.
const EXIT_NO_CODE: u8 = 1;
/// Exit code when the picture cannot be read.
const EXIT_UNREADABLE: u8 = 2;

/// Prints one paragraph a code.
pub(crate) fn run(path: &Path) -> ExitCode {
    match picture::read_file(path) {
        Ok(found) if found.is_empty() => {
            crate::complain(&format!(
                "{} holds no QR code. Take a picture that shows the whole code with its white edge.",
                path.display()
            ));
            ExitCode::from(EXIT_NO_CODE)
        }
        Ok(found) => {
            let told: Vec<String> = found.iter().map(|read| describe(read).to_string()).collect();
            // A closed pipe (`| head`) ends the output and is no failure.
            let _ = writeln!(std::io::stdout(), "{}", told.join("\n\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            crate::complain(&format!("{}: {}", path.display(), sentence(&error)));
            ExitCode::from(EXIT_UNREADABLE)
        }
    }
}

fn sentence(error: &PictureError) -> String {
    match error {
        PictureError::NotAPicture => {
            "not a picture that can be read. Give a PNG, JPEG, WebP, GIF or BMP file.".to_owned()
        }
        PictureError::TooLarge => format!(
            "the picture is too large. Give one under {} MB, or cut it down to the code.",
            picture::MAX_FILE_BYTES >> 20
        ),
        PictureError::Damaged(cause) => format!("the picture is damaged ({cause}). Save it again."),
        PictureError::Unreadable(cause) => format!("the file cannot be read ({cause})."),
    }
}
