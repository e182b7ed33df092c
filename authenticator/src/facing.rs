//! Which way a camera looks, as far as its name tells.

/// Words in the names of cameras that look away from the person, at paper, or at no scene at all.
const AWAY: [&str; 14] = [
    "rear",
    "back",
    "world",
    "environment",
    "document",
    "visualiser",
    "visualizer",
    "overhead",
    "microscope",
    "endoscope",
    "capture",
    "grabber",
    "hdmi",
    "virtual",
];

/// Words that say the opposite, whatever else the name holds.
const TOWARDS: [&str; 2] = ["front", "user"];

/// Whether a camera looks at the person in front of this computer, who then expects a mirror. Systems do not tell it for
/// most webcams; one that stands on a desk or is built into a screen does, so that is what a plain name means.
pub(crate) fn is_towards_person(name: &str) -> bool {
    let name = name.to_lowercase();
    let has = |words: &[&str]| name.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word));
    has(&TOWARDS) || !has(&AWAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webcams_look_at_the_person_and_others_do_not() {
        for name in
            ["Integrated Camera", "FaceTime HD Camera", "Logi Webcam C920", "Feedback Cam", "", "Front back"]
        {
            assert!(is_towards_person(name), "{name}");
        }
        for name in [
            "Surface Camera Rear",
            "Back Camera",
            "USB Document-Camera",
            "HDMI Capture",
            "OBS Virtual Camera",
        ] {
            assert!(!is_towards_person(name), "{name}");
        }
    }
}
