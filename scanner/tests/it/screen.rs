//! A real X server with a real window that shows a code.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use fast_qr::ECL;
use scanner::{
    Luma, Read, decode,
    screen::{self, ScreenError},
};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        randr::{ConnectionExt as _, MonitorInfo},
        xproto::{ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, ImageFormat, WindowClass},
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use crate::drawing::{Canvas, Code};

#[test]
fn a_code_in_a_window_is_read_off_the_screen() {
    for depth in [16, 24] {
        let Some(server) = Xvfb::start(depth) else {
            eprintln!("skipped: Xvfb is not installed");
            return;
        };
        assert!(server.read().unwrap().is_empty(), "an empty screen of depth {depth}");

        let dark_mode = Code::of("on the screen", ECL::M, None).draw(5, true);
        let _window = server.show(&dark_mode, 300, 120);

        let reads = server.read().unwrap();
        assert_eq!(reads.len(), 1, "depth {depth}");
        assert_eq!(reads[0].text.as_deref(), Some("on the screen"));
        let (x, y) = reads[0].corners[0];
        assert!((x - 320.0).abs() < 6.0 && (y - 140.0).abs() < 6.0, "{:?}", reads[0].corners);
    }
}

#[test]
fn every_monitor_is_looked_at() {
    let Some(server) = Xvfb::start(24) else {
        eprintln!("skipped: Xvfb is not installed");
        return;
    };
    // One screen, two monitors side by side, as every desktop of two has it.
    let (connection, screen) = x11rb::connect(Some(&server.display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let outputs = connection.randr_get_screen_resources(root).unwrap().reply().unwrap().outputs;
    for (name, x, outputs) in [("left", 0, outputs), ("right", 640, Vec::new())] {
        let name = connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let (width, height) = (640, 800);
        let monitor = MonitorInfo {
            name,
            x,
            width,
            height,
            width_in_millimeters: 160,
            height_in_millimeters: 200,
            outputs,
            ..MonitorInfo::default()
        };
        connection.randr_set_monitor(root, monitor).unwrap().check().unwrap();
    }
    let _left = server.show(&Code::of("on the left", ECL::M, None).draw(5, true), 100, 50);
    let _right = server.show(&Code::of("on the right", ECL::M, None).draw(5, false), 900, 400);

    let monitors = screen::capture_x11(Some(&server.display)).unwrap();
    assert_eq!(
        monitors.iter().map(|picture| (picture.width(), picture.height())).collect::<Vec<_>>(),
        [(640, 800); 2]
    );
    let texts =
        monitors.iter().map(|picture| decode(picture).into_iter().map(|read| read.text.unwrap()).collect());
    assert_eq!(texts.collect::<Vec<Vec<String>>>(), [["on the left"], ["on the right"]]);
    // Corners are in pixels of the code's own monitor.
    let (x, y) = decode(&monitors[1])[0].corners[0];
    assert!((x - 280.0).abs() < 6.0 && (y - 420.0).abs() < 6.0, "{x} {y}");
}

#[test]
fn every_screen_of_the_server_is_looked_at() {
    let Some(server) = Xvfb::with_screens(&["1280x800x24", "2560x1440x24"]) else {
        eprintln!("skipped: Xvfb is not installed");
        return;
    };
    let second = format!("{}.1", server.display);
    let _window = show_on(&second, &Code::of("on the second", ECL::M, None).draw(5, true), 1500, 900);
    let monitors = screen::capture_x11(Some(&server.display)).unwrap();
    assert_eq!(monitors.iter().map(Luma::width).collect::<Vec<_>>(), [1280, 2560]);
    assert_eq!(server.read().unwrap()[0].text.as_deref(), Some("on the second"));
}

#[test]
fn a_server_that_is_gone_is_no_display() {
    let Some(server) = Xvfb::start(24) else {
        eprintln!("skipped: Xvfb is not installed");
        return;
    };
    let display = server.display.clone();
    drop(server);
    assert_eq!(screen::capture_x11(Some(&display)), Err(ScreenError::NoDisplay));
}

/// A server of its own, ended with the value.
struct Xvfb {
    server: Child,
    display: String,
}

impl Xvfb {
    fn start(depth: u8) -> Option<Self> {
        Self::with_screens(&[&format!("1280x800x{depth}")])
    }

    fn with_screens(sizes: &[&str]) -> Option<Self> {
        let screens = sizes.iter().enumerate();
        let mut server =
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-noreset", "-nolisten", "tcp"])
                .args(screens.flat_map(|(number, size)| {
                    ["-screen".to_owned(), number.to_string(), (*size).to_owned()]
                }))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
        // The server writes its display number once it takes connections.
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Some(Self { server, display: format!(":{}", number.trim()) })
    }

    fn read(&self) -> Result<Vec<Read>, ScreenError> {
        let monitors = screen::capture_x11(Some(&self.display))?;
        Ok(monitors.iter().flat_map(decode).collect())
    }

    fn show(&self, canvas: &Canvas, x: i16, y: i16) -> RustConnection {
        show_on(&self.display, canvas, x, y)
    }
}

/// Shows a picture in a window of its own until the connection is dropped.
fn show_on(display: &str, canvas: &Canvas, x: i16, y: i16) -> RustConnection {
    let (connection, screen) = x11rb::connect(Some(display)).unwrap();
    let screen = &connection.setup().roots[screen];
    let (width, height) = (u16::try_from(canvas.width).unwrap(), u16::try_from(canvas.height).unwrap());
    let window = connection.generate_id().unwrap();
    let aux = CreateWindowAux::new().event_mask(EventMask::EXPOSURE).override_redirect(1);
    connection
        .create_window(
            screen.root_depth,
            window,
            screen.root,
            x,
            y,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            screen.root_visual,
            &aux,
        )
        .unwrap();
    connection.map_window(window).unwrap();
    connection.flush().unwrap();
    while !matches!(connection.wait_for_event().unwrap(), Event::Expose(_)) {}
    let gc = connection.generate_id().unwrap();
    connection.create_gc(gc, window, &CreateGCAux::new()).unwrap();
    // Black and white are all bits or none, so any depth looks alike; row padding aside.
    let bytes_per_pixel = if screen.root_depth == 16 { 2 } else { 4 };
    let row = (usize::from(width) * bytes_per_pixel).next_multiple_of(4);
    let mut data = Vec::new();
    for y in 0..canvas.height {
        let start = data.len();
        for x in 0..canvas.width {
            data.extend(std::iter::repeat_n(canvas.get(x, y), bytes_per_pixel));
        }
        data.resize(start + row, 0);
    }
    let depth = screen.root_depth;
    connection
        .put_image(ImageFormat::Z_PIXMAP, window, gc, width, height, 0, 0, 0, depth, &data)
        .unwrap()
        .check()
        .unwrap();
    connection.sync().unwrap();
    connection
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
