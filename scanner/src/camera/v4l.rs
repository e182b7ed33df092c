//! What Linux needs beyond nokhwa: names that last, no metadata nodes, whole frame rates, and a way out of a frozen read.

use std::{fs, panic::catch_unwind, path::PathBuf};

use nokhwa::utils::CameraIndex;
use v4l::{
    Device as Node, FourCC,
    capability::Flags,
    frameinterval::FrameIntervalEnum,
    framesize::FrameSizeEnum,
    video::{Capture as _, capture::Parameters},
};

use super::{
    CameraId, CameraInfo,
    device::{Device, number_equal_ids},
};

/// Of all video nodes those that capture pictures, in order of their numbers, each with an id that lasts. Of equal
/// cameras the one at the lower port is the first, whichever was plugged in first.
pub(super) fn devices(found: &[nokhwa::utils::CameraInfo]) -> Vec<Device> {
    let mut numbers: Vec<(u32, String)> =
        found.iter().filter_map(|info| Some((info.index().as_index().ok()?, info.human_name()))).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut devices: Vec<Device> = numbers
        .into_iter()
        .filter(|(number, _)| captures(*number))
        .map(|(number, name)| {
            let info = CameraInfo { id: CameraId::of(&name, &hardware(number)), name };
            Device { info, index: CameraIndex::Index(number) }
        })
        .collect();
    let number = |device: &Device| device.index.as_index().unwrap_or(u32::MAX);
    devices.sort_by_cached_key(|device| (port(number(device)), number(device)));
    number_equal_ids(&mut devices);
    devices.sort_unstable_by_key(number);
    devices
}

/// Where the device is plugged in, as the kernel's path to it.
fn port(number: u32) -> String {
    let device = fs::canonicalize(format!("/sys/class/video4linux/video{number}/device"));
    device.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether a node gives pictures. One that may not be opened stays in the list, so that opening it can say why.
fn captures(number: u32) -> bool {
    let capabilities = catch_unwind(|| node(number).and_then(|node| node.query_caps()));
    match capabilities {
        Ok(Ok(found)) => found.capabilities.intersects(Flags::VIDEO_CAPTURE | Flags::VIDEO_CAPTURE_MPLANE),
        // The first node of a device is the one with pictures.
        Ok(Err(_)) | Err(_) => sysfs(number, "index").is_none_or(|index| index == "0"),
    }
}

/// What tells this device from others wherever it is plugged in: its USB identity, else its place on the bus.
fn hardware(number: u32) -> String {
    let usb = |file: &str| sysfs(number, &format!("device/../{file}"));
    if let Some((vendor, product)) = usb("idVendor").zip(usb("idProduct")) {
        return format!("{vendor}:{product}:{}", usb("serial").unwrap_or_default());
    }
    let capabilities = catch_unwind(|| node(number).and_then(|node| node.query_caps()));
    capabilities.ok().and_then(Result::ok).map(|found| found.bus).unwrap_or_default()
}

fn sysfs(number: u32, file: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/sys/class/video4linux/video{number}/{file}")).ok()?;
    Some(text.trim().to_owned())
}

fn node(number: u32) -> std::io::Result<Node> {
    Node::with_path(path(number))
}

fn path(number: u32) -> PathBuf {
    format!("/dev/video{number}").into()
}

/// Bytes a row of raw pixels in the format that is set.
pub(super) fn stride(index: &CameraIndex) -> Option<usize> {
    let stride = node(index.as_index().ok()?).ok()?.format().ok()?.stride;
    usize::try_from(stride).ok().filter(|stride| *stride > 0)
}

/// Sets a device that was left at a rate like 7.5 frames a second, which nokhwa refuses to open, to one that it takes.
pub(super) fn set_whole_rate(index: &CameraIndex) -> bool {
    let Some(node) = index.as_index().ok().and_then(|number| node(number).ok()) else { return false };
    whole_rates(&node).into_iter().any(|(fourcc, width, height, rate)| {
        let set = node.set_format(&v4l::Format::new(width, height, fourcc));
        set.and_then(|_| node.set_params(&Parameters::with_fps(rate)))
            .is_ok_and(|set| set.interval.numerator == 1)
    })
}

/// Everything that the device offers at a whole number of frames a second.
fn whole_rates(node: &Node) -> Vec<(FourCC, u32, u32, u32)> {
    let mut found = Vec::new();
    for format in node.enum_formats().unwrap_or_default() {
        for size in node.enum_framesizes(format.fourcc).unwrap_or_default() {
            let (width, height) = match size.size {
                FrameSizeEnum::Discrete(size) => (size.width, size.height),
                FrameSizeEnum::Stepwise(step) => (step.max_width, step.max_height),
            };
            for interval in node.enum_frameintervals(format.fourcc, width, height).unwrap_or_default() {
                match interval.interval {
                    FrameIntervalEnum::Discrete(interval) if interval.numerator == 1 => {
                        found.push((format.fourcc, width, height, interval.denominator));
                    }
                    FrameIntervalEnum::Discrete(_) => {}
                    FrameIntervalEnum::Stepwise(_) => found.push((format.fourcc, width, height, 30)),
                }
            }
        }
    }
    found
}

/// Stops the stream that this process has on the device, so that a thread waiting for a frame that never comes returns
/// with an error and lets go of the device. Nokhwa has no way to ask for this and its read has no time limit.
pub(super) fn stop_streaming(index: &CameraIndex) {
    let Ok(number) = index.as_index() else { return };
    let node = path(number);
    for entry in fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        if fs::read_link(entry.path()).is_ok_and(|target| target == node)
            && let Some(descriptor) = entry.file_name().to_str().and_then(|name| name.parse().ok())
        {
            let mut kind = v4l::buffer::Type::VideoCapture as u32;
            #[expect(
                unsafe_code,
                reason = "the only way to end a blocked read of a V4L2 device from outside"
            )]
            // SAFETY: the request reads one integer, which lives on this stack. Should the descriptor have been closed
            // meanwhile and its number given to another file, that file does not know the request and refuses it.
            let stopped = unsafe {
                v4l::v4l2::ioctl(descriptor, v4l::v4l2::vidioc::VIDIOC_STREAMOFF, (&raw mut kind).cast())
            };
            tracing::debug!(?stopped, "A frozen camera was stopped");
        }
    }
}
