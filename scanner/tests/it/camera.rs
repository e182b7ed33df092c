//! A real V4L2 camera in a virtual machine, where `COUNTERSIGN_CAMERA_VM` names the tool that runs it.
//!
//! The tool runs this test binary again inside the machine, where one scene of [`inside`] is played; `camera-ctl` there
//! pulls the plug. The machine is emulated and slow, so limits are raised and nothing about time is asserted.

use std::{fs, path::Path, process::Command, time::Duration};

use fast_qr::ECL;
use image::{GrayImage, Luma as Grey};
use scanner::{
    Luma,
    camera::{self, CameraError, CameraEvent, Options, Preview, Session, Stall},
    decode::Hint,
};

use crate::drawing::{Canvas, Code};

const TEXT: &str = "HTTPS://LOGIN.EXAMPLE.COM/Q/GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBV";
const TOOL: &str = "COUNTERSIGN_CAMERA_VM";
const SCENE: &str = "COUNTERSIGN_CAMERA_SCENE";

#[test]
fn mjpeg_is_read_and_shown_untouched() {
    run("reads", &["--mode", "mjpeg:1280x720@30", "--mode", "yuyv:640x480@30"]);
}

#[test]
fn mjpeg_is_read_at_three_sizes() {
    let modes = ["mjpeg:640x480@30", "mjpeg:1280x720@30", "mjpeg:1920x1080@30"];
    run("sizes 640x480 1280x720 1920x1080", &modes.map(|mode| ["--mode", mode]).concat());
}

#[test]
fn yuyv_is_read_at_three_sizes() {
    let modes = ["yuyv:640x480@30", "yuyv:800x600@30", "yuyv:1280x720@30"];
    run("sizes 640x480 800x600 1280x720", &modes.map(|mode| ["--mode", mode]).concat());
}

#[test]
fn mjpeg_without_huffman_tables_is_read() {
    run("reads", &["--no-dht", "--mode", "mjpeg:640x480@30"]);
}

#[test]
fn yuyv_is_read_and_shown() {
    run("reads", &["--mode", "yuyv:640x480@30"]);
}

#[test]
fn a_fractional_rate_is_mended() {
    run("fractional", &["--mode", "yuyv:640x480@7.5/30"]);
}

#[test]
fn fractional_rates_alone_are_told() {
    run("fractional-only", &["--mode", "yuyv:640x480@7.5"]);
}

#[test]
fn plugged_in_late_it_reads() {
    run("late", &["--mode", "mjpeg:640x480@30"]);
}

#[test]
fn unplugged_and_plugged_in_again_it_reads_on() {
    run("replug", &["--mode", "mjpeg:640x480@30"]);
}

#[test]
fn frozen_and_thawed_it_reads_on() {
    run("freeze", &["--mode", "mjpeg:640x480@30"]);
}

#[test]
fn frozen_from_the_start_it_is_told_and_reads_when_thawed() {
    run("freeze-first", &["--mode", "mjpeg:640x480@30"]);
}

#[test]
fn a_covered_camera_is_told_to_be_dark() {
    run("cover", &["--mode", "mjpeg:640x480@30"]);
}

#[test]
fn a_frozen_camera_is_let_go_of() {
    run("freeze-close", &["--mode", "yuyv:640x480@30"]);
}

#[test]
fn a_busy_camera_is_told_and_waited_for() {
    run("busy", &["--mode", "mjpeg:640x480@30"]);
}

#[test]
fn damaged_frames_are_told_and_passed_over() {
    run("corrupt", &["--mode", "mjpeg:640x480@30"]);
}

#[test]
fn a_refused_camera_is_told() {
    run("refused", &["--mode", "mjpeg:640x480@30"]);
}

#[test]
fn no_camera_is_told() {
    run("none", &["--device", "none"]);
}

/// Plays one scene in the machine.
fn run(scene: &str, options: &[&str]) {
    let Some(tool) = std::env::var_os(TOOL) else {
        eprintln!("skipped: {TOOL} is not set");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let picture = dir.path().join("code.png");
    draw(&picture);
    let output = Command::new(tool)
        .args(options)
        .args(if scene == "none" { vec![] } else { vec!["--image".as_ref(), picture.as_os_str()] })
        .args(["--env", &format!("{SCENE}={scene}"), "--timeout", "300", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["camera::inside", "--exact", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{scene}:\n{said}{}", String::from_utf8_lossy(&output.stderr));
    // The scene's own last line counts: the tool's exit code is its own when the machine is down too early.
    assert!(said.contains("test result: ok. 1 passed"), "{scene}: {}", output.status);
}

/// A screen with a login code in the middle, as a camera at arm's length has it.
fn draw(path: &Path) {
    let code = Code::of(TEXT, ECL::M, None).draw(7, false);
    let mut canvas = Canvas::new(1280, 720, 90);
    canvas.paste(&code, (1280 - code.width) / 2, (720 - code.height) / 2);
    GrayImage::from_fn(canvas.width, canvas.height, |x, y| Grey([canvas.get(x, y)])).save(path).unwrap();
}

/// One scene, inside the machine; outside of it nothing.
#[test]
fn inside() {
    let Ok(scene) = std::env::var(SCENE) else { return };
    if let Some(sizes) = scene.strip_prefix("sizes ") {
        return self::sizes(sizes);
    }
    match scene.as_str() {
        "reads" => reads(),
        "fractional" => fractional(),
        "fractional-only" => fractional_only(),
        "late" => late(),
        "replug" => replug(),
        "freeze" => freeze(),
        "freeze-first" => freeze_first(),
        "freeze-close" => freeze_close(),
        "cover" => cover(),
        "busy" => busy(),
        "corrupt" => corrupt(),
        "refused" => refused(),
        "refused-here" => refused_here(),
        "none" => none(),
        other => panic!("no scene {other}"),
    }
}

fn reads() {
    let cameras = camera::cameras().unwrap();
    assert_eq!(cameras.len(), 1, "the metadata node is no camera: {cameras:?}");
    let mut session = Watched::open();
    let encoding = session.until(|event| match event {
        CameraEvent::Opened { camera, format } => {
            assert_eq!(*camera, cameras[0]);
            Some(format.encoding)
        }
        _ => None,
    });
    session.until_read();
    let frame = session.preview.latest().unwrap();
    let shown = Luma::from_jpeg(&frame.jpeg).unwrap();
    assert_eq!((shown.width(), shown.height()), (frame.width, frame.height));
    assert!(scanner::decode(&shown).iter().any(|read| read.text.as_deref() == Some(TEXT)));
    assert_eq!(&frame.jpeg[frame.jpeg.len() - 2..], [0xff, 0xd9]);
    println!("{encoding:?} {}x{}, {} bytes shown", frame.width, frame.height, frame.jpeg.len());
    session.close();
    // Closed means free: it opens again at once.
    Watched::open().until_read();
}

/// One size after the other, as a person would who changes nothing but the wish.
fn sizes(wished: &str) {
    for size in wished.split(' ') {
        let (width, height) = size.split_once('x').unwrap();
        let size = (width.parse().unwrap(), height.parse().unwrap());
        let mut session = Watched::with_size(size);
        let format = session.until(|event| match event {
            CameraEvent::Opened { format, .. } => Some(*format),
            _ => None,
        });
        assert_eq!((format.width, format.height), size);
        session.until_read();
        let frame = session.preview.latest().unwrap();
        assert_eq!((frame.width, frame.height), size);
        assert_eq!(Luma::from_jpeg(&frame.jpeg).map(|luma| (luma.width(), luma.height())).unwrap(), size);
        println!("{format:?} is read");
        session.close();
    }
}

fn fractional_only() {
    // The driver stays at the one rate there is, which the driver's library refuses.
    let mut session = Watched::open();
    session.until_event(&CameraEvent::Ended(CameraError::NoFormat));
}

fn late() {
    control("unplug");
    let mut session = Watched::open();
    session.until_event(&CameraEvent::Waiting(CameraError::NotFound));
    control("plug");
    session.until_read();
}

fn freeze_first() {
    control("freeze");
    let mut session = Watched::open();
    session.until_event(&CameraEvent::Stalled(Stall::Silent));
    control("thaw");
    session.until_read();
}

fn cover() {
    let mut session = Watched::open();
    session.until_read();
    control("black");
    session.until_event(&CameraEvent::Advice(Some(Hint::TooDark)));
    control("picture");
    session.until_event(&CameraEvent::Advice(None));
    session.until_read();
}

fn fractional() {
    // Leaves the device at the rate that the driver's library refuses.
    let node = v4l::Device::with_path("/dev/video0").unwrap();
    let slow = v4l::video::capture::Parameters::new(v4l::Fraction::new(2, 15));
    let set = v4l::video::Capture::set_params(&node, &slow).unwrap();
    assert_eq!(set.interval.numerator, 2, "{set}");
    drop(node);
    Watched::open().until_read();
}

fn replug() {
    let mut session = Watched::open();
    session.until_read();
    control("unplug");
    session.until_event(&CameraEvent::Waiting(CameraError::Unplugged));
    control("plug");
    session.until(|event| matches!(event, CameraEvent::Opened { .. }).then_some(()));
    session.until_read();
}

fn freeze() {
    let mut session = Watched::open();
    session.until_read();
    control("freeze");
    session.until_event(&CameraEvent::Stalled(Stall::Silent));
    control("thaw");
    session.until_event(&CameraEvent::Recovered);
    session.until_read();
}

fn freeze_close() {
    let mut session = Watched::open();
    session.until_read();
    control("freeze");
    session.until_event(&CameraEvent::Stalled(Stall::Silent));
    session.close();
    // The device is let go of although it sends nothing; in this machine that may take longer than the limit.
    while open_nodes() > 0 {
        std::thread::yield_now();
    }
    control("thaw");
    Watched::open().until_read();
}

fn busy() {
    // Another program: this one again, which holds the camera until its input ends.
    use v4l::{buffer::Type, io::traits::CaptureStream as _, prelude::MmapStream};
    let node = v4l::Device::with_path("/dev/video0").unwrap();
    let mut stream = MmapStream::new(&node, Type::VideoCapture).unwrap();
    stream.next().unwrap();
    let mut session = Watched::open();
    session.until_event(&CameraEvent::Waiting(CameraError::Busy));
    drop(stream);
    drop(node);
    session.until_read();
}

fn corrupt() {
    let mut session = Watched::open();
    session.until_read();
    // Frames cut short and scribbled over: some are dropped, some still read, none ends the session or is read wrong.
    control("corrupt");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let seq = session.preview.latest().unwrap().seq;
    let later = runtime.block_on(session.preview.newer_than(seq + 20)).unwrap();
    println!("frame {seq} to {}", later.seq);
    control("picture");
    runtime.block_on(session.preview.newer_than(later.seq + 5)).unwrap();
    session.pass_over();
    session.until_read();
}

fn refused() {
    // As somebody who may not: the superuser may everything.
    assert!(Command::new("sh").args(["-c", "chmod 600 /dev/video*"]).status().unwrap().success());
    let status = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["camera::inside", "--exact", "--nocapture"])
        .env(SCENE, "refused-here")
        .status()
        .unwrap();
    assert!(status.success());
}

fn refused_here() {
    let cameras = camera::cameras().unwrap();
    assert_eq!(cameras.len(), 1, "listed, so that opening it can say why: {cameras:?}");
    let mut session = Watched::open();
    session.until_event(&CameraEvent::Ended(CameraError::Refused));
}

fn none() {
    assert_eq!(camera::cameras(), Ok(Vec::new()));
    let mut session = Watched::open();
    session.until_event(&CameraEvent::Waiting(CameraError::NotFound));
}

fn control(order: &str) {
    let status = Command::new("camera-ctl").arg(order).status().unwrap();
    println!("camera-ctl {order}: {status}");
    assert!(status.success());
}

/// Video nodes that this process has open.
fn open_nodes() -> usize {
    let links =
        fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter(|target| target.starts_with("/dev") && target.to_string_lossy().contains("video")).count()
}

/// A session that tells what it sees.
struct Watched {
    session: Session,
    preview: Preview,
}

impl Watched {
    fn open() -> Self {
        Self::with_size(Options::default().size)
    }

    fn with_size(size: (u32, u32)) -> Self {
        let options = Options {
            stall_after: Duration::from_secs(8),
            retry_every: Duration::from_secs(1),
            size,
            ..Options::default()
        };
        let session = camera::open(None, options);
        let preview = session.preview();
        Self { session, preview }
    }

    fn until<T>(&mut self, mut wanted: impl FnMut(&CameraEvent) -> Option<T>) -> T {
        loop {
            let event = self.session.blocking_next_event().expect("the session goes on");
            println!("{event:?}");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    fn until_event(&mut self, wanted: &CameraEvent) {
        self.until(|event| (event == wanted).then_some(()));
    }

    /// Waits for the code, and for nothing else to be read.
    fn until_read(&mut self) {
        self.until(|event| match event {
            CameraEvent::Reads { reads, .. } => {
                assert!(reads.iter().all(|read| read.text.as_deref() == Some(TEXT)), "{reads:?}");
                Some(())
            }
            _ => None,
        });
    }

    /// Takes what is told already, all of it right.
    fn pass_over(&mut self) {
        while let Some(event) = self.session.try_next_event() {
            println!("{event:?}");
            if let CameraEvent::Reads { reads, .. } = event {
                assert!(reads.iter().all(|read| read.text.as_deref() == Some(TEXT)), "{reads:?}");
            }
        }
    }

    fn close(self) {
        self.session.close();
    }
}
