//! Opens a camera and prints what happens, for reports about cameras: `camera-check [ID]`, until Enter is pressed.
#![expect(clippy::print_stdout, reason = "this program is there to print")]

use scanner::camera::{self, CameraEvent, CameraId, Options};

fn main() {
    match camera::cameras() {
        Ok(cameras) if cameras.is_empty() => println!("no cameras"),
        Ok(cameras) => {
            for camera in cameras {
                println!("camera: {} (id {})", camera.name, camera.id);
            }
        }
        Err(error) => println!("cameras cannot be listed: {error}"),
    }
    let mut session = camera::open(std::env::args().nth(1).map(CameraId::new), Options::default());
    let preview = session.preview();
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_line(&mut String::new());
        std::process::exit(0);
    });
    let mut reads_told = 0;
    while let Some(event) = session.blocking_next_event() {
        if let CameraEvent::Reads { reads, .. } = &event {
            reads_told += reads.len();
            if reads_told > 20 {
                continue;
            }
        }
        let frames = preview.latest().map_or(0, |frame| frame.seq);
        println!("after {frames} frames: {event:?}");
    }
}
