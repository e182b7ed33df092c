//! Showing every picture to every reader.

use std::io::{IsTerminal, Write};

use scanner::Luma;

use crate::{
    clock::timed,
    data::{Clip, Data},
    figures::{ClipRead, Sheet},
    reader::Contestant,
};

/// Frames of a camera that holds still for 0.2 seconds on each picture, to measure the live reader without a clip.
const LIVE_FRAMES: usize = 6;

/// Seconds between two frames of a clip.
const FRAME_S: f64 = 1.0 / 30.0;

/// Measures all of them, picture by picture, so that a disturbance of the machine meets every reader alike.
pub(crate) fn all(contestants: &[Contestant], data: &Data) -> Result<Vec<Sheet>, String> {
    // Readers of others panic on some pictures; that is a miss, and no news for the terminal.
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = measured(contestants, data);
    let _ = std::panic::take_hook();
    outcome
}

fn measured(contestants: &[Contestant], data: &Data) -> Result<Vec<Sheet>, String> {
    let mut sheets: Vec<Sheet> = contestants.iter().map(Sheet::of).collect();
    for (n, picture) in data.pictures.iter().enumerate() {
        progress(&format!("picture {} of {}: {}", n + 1, data.pictures.len(), picture.id));
        let luma = picture.luma()?;
        for (contestant, sheet) in contestants.iter().zip(&mut sheets) {
            if n == 0 {
                // Memory and caches of the first call.
                contestant.read(&luma);
            }
            let (texts, ms) = timed(|| contestant.read(&luma));
            sheet.single_ms.push(ms);
            sheet.count(data, picture, &texts, false);
            if contestant.has_live() {
                let mut session = contestant.session();
                let mut seen = Vec::new();
                for _ in 0..LIVE_FRAMES {
                    let (texts, ms) = timed(|| session(&luma));
                    sheet.live_ms.push(ms);
                    seen.extend(texts);
                }
                sheet.count(data, picture, &seen, true);
            }
        }
    }
    for (n, clip) in data.clips.iter().enumerate() {
        progress(&format!("clip {} of {}: {}", n + 1, data.clips.len(), clip.id));
        let frames = clip.frames()?;
        if frames.is_empty() {
            return Err(format!("clip {} in {} has no frames", clip.id, data.folder().display()));
        }
        for (contestant, sheet) in contestants.iter().zip(&mut sheets) {
            replay(contestant, sheet, clip, &frames);
        }
    }
    progress("");
    Ok(sheets)
}

/// Replays a clip at 30 frames a second to the end, as the camera's lane does it: whoever is free takes the newest frame.
fn replay(contestant: &Contestant, sheet: &mut Sheet, clip: &Clip, frames: &[Luma]) {
    let mut session = contestant.session();
    let (mut free_at_s, mut next) = (0.0_f64, 0);
    let mut first = None;
    while next < frames.len() {
        // Frames that arrived while it was busy: only the newest is still there.
        let newest = frames_until(free_at_s).saturating_sub(1).clamp(next, frames.len() - 1);
        let (texts, ms) = timed(|| session(&frames[newest]));
        free_at_s = free_at_s.max(at_s(newest)) + ms / 1e3;
        if contestant.has_live() {
            sheet.live_ms.push(ms);
        } else {
            sheet.clip_ms.push(ms);
        }
        for text in texts {
            if text == clip.text {
                first = first.or(Some(free_at_s));
            } else {
                sheet.wrong.insert((clip.id.clone(), text));
            }
        }
        next = newest + 1;
    }
    sheet.clips.push(ClipRead { kind: clip.kind.clone(), first_s: first });
}

#[expect(clippy::cast_precision_loss, reason = "a clip has some sixty frames")]
fn at_s(frame: usize) -> f64 {
    frame as f64 * FRAME_S
}

/// How many frames have arrived at this time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a clip, never negative"
)]
fn frames_until(seconds: f64) -> usize {
    (seconds / FRAME_S + 1e-9) as usize + 1
}

fn progress(text: &str) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        // Nobody is waiting for this line: a terminal that is gone changes nothing.
        let _ = write!(out, "\r\x1b[2K{text}").and_then(|()| out.flush());
    }
}
