//! Rates on a small fixed part of the bench's pictures: photographs of many people and simulated webcam frames.

use std::{collections::BTreeMap, fs, path::PathBuf};

use scanner::{Luma, Read, decode, decode::Live};

/// Frames that a camera shows in a fifth of a second.
const LIVE_FRAMES: usize = 6;

/// Just under what is reached; raise them with the decoders, never the other way round.
const REAL_LEAST: usize = 24;
const SIMULATED_LEAST: usize = 38;
const REAL_LIVE_LEAST: usize = 24;
const SIMULATED_LIVE_LEAST: usize = 38;

#[test]
fn photographs_are_read_and_nothing_else_in_them() {
    assert_rates("real", REAL_LEAST, REAL_LIVE_LEAST);
}

#[test]
fn simulated_frames_are_read_and_nothing_else_in_them() {
    assert_rates("frames", SIMULATED_LEAST, SIMULATED_LIVE_LEAST);
}

fn assert_rates(part: &str, least: usize, live_least: usize) {
    let pictures = pictures(part);
    let readable = pictures.iter().filter(|picture| picture.text.is_some()).count();
    let mut missed: [Vec<&str>; 2] = [Vec::new(), Vec::new()];
    let mut wrong = Vec::new();
    for picture in &pictures {
        let mut live = Live::default();
        let in_time: Vec<Read> = (0..LIVE_FRAMES).flat_map(|_| live.decode(&picture.luma)).collect();
        for (reads, missed) in [decode(&picture.luma), in_time].into_iter().zip(&mut missed) {
            let texts: Vec<_> = reads.iter().map(|read| read.text.as_deref().map(one_line_end)).collect();
            if picture.text.is_some() && !texts.contains(&picture.text) {
                missed.push(&picture.id);
            }
            wrong.extend(
                texts.into_iter().filter(|text| *text != picture.text).map(|text| (&picture.id, text)),
            );
        }
    }
    let read = missed.each_ref().map(|missed| readable - missed.len());
    println!("{part}: {} of {readable} read, {} of them live; missed {missed:?}", read[0], read[1]);
    assert_eq!(wrong, [], "read wrong, or where there is no code");
    assert!(read[0] >= least, "{} of {readable} pictures, {least} expected; missed {:?}", read[0], missed[0]);
    assert!(
        read[1] >= live_least,
        "{} of {readable} live, {live_least} expected; missed {:?}",
        read[1],
        missed[1]
    );
}

struct Picture {
    id: String,
    /// `None`: there is no code.
    text: Option<String>,
    luma: Luma,
}

fn pictures(part: &str) -> Vec<Picture> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/qr")).join(part);
    let truth: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let picture = |(id, entry): (String, serde_json::Value)| {
        let luma = Luma::from_jpeg(&fs::read(folder.join(format!("{id}.jpg"))).unwrap()).unwrap();
        Picture { id, text: entry["text"].as_str().map(one_line_end), luma }
    };
    truth.into_iter().map(picture).collect()
}

/// The lists of the pictures' sources have one line end for all that a code may hold.
fn one_line_end(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
