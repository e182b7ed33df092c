//! Settings: a file, then overrides as on a command line, one a line after a line `---`. What is accepted can be run,
//! what is refused is refused with a word and without the server's key.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use countersign_server::config::{ConfigError, Override, Settings, check, load};
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("countersign-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder.join("server.toml")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (file, flags) = text.split_once("\n---\n").unwrap_or((text, ""));
    std::fs::write(&*FILE, file).expect("the file can be written");
    let mut overrides = Vec::new();
    for line in flags.lines() {
        match line.parse::<Override>() {
            Ok(flag) => overrides.push(flag),
            Err(said) => assert!(!said.is_empty() && !line.contains('=')),
        }
    }
    match load(Some(&FILE), &overrides) {
        Ok(settings) => assert_is_usable(&settings, &overrides),
        Err(error) => assert_says_why(&error, text),
    }
});

fn assert_is_usable(settings: &Settings, overrides: &[Override]) {
    assert!(check(settings).is_empty());
    let again = load(Some(&FILE), overrides).expect("the same once more");
    assert_eq!(format!("{settings:?}"), format!("{again:?}"));
    let lives = settings.lives();
    for life_s in [lives.waiting_s, lives.scanned_s, lives.approved_s, lives.frame_s, lives.final_s] {
        assert!((1..=86_400).contains(&life_s));
    }
    assert!(lives.frame_s >= lives.frame_step_s && lives.waiting_s <= 255 * lives.frame_step_s);
    match &settings.origin {
        Some(origin) => assert!(origin.is_https() || (origin.is_loopback() && !settings.serves_tls())),
        None => assert!(settings.listen.ip().is_loopback()),
    }
    if let Some(key) = &settings.server_key {
        assert!(key.parse().is_some());
    }
    // The last word on the command line wins over everything.
    let mut louder = overrides.to_vec();
    louder.push("lives.approved_s=17".parse().expect("an override"));
    let louder = load(Some(&FILE), &louder).expect("a good value in place of another");
    assert_eq!(louder.lives.approved_s, 17);
}

fn assert_says_why(error: &ConfigError, text: &str) {
    let said = error.to_string();
    assert!(!said.trim().is_empty());
    if let ConfigError::Wrong(wrong) = error {
        assert!(!wrong.is_empty() && wrong.iter().all(|one| said.contains(one.name)));
    }
    // A key that was meant for server_key, however the rest went wrong.
    for line in text.lines().filter(|line| line.trim_start().starts_with("server_key")) {
        let digits = |c: char| !c.is_ascii_hexdigit();
        for key in line.split(digits).filter(|run| run.len() >= 32) {
            assert!(!said.contains(key), "the key is told: {said}");
        }
    }
}
