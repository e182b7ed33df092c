//! The pictures: `real/` and `frames/` with a `truth.json` each, `clips/KIND-N/FRAME.jpg` with `clips/truth.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use scanner::Luma;

/// With `--quick`, every picture of so many, and the first clip of each kind.
const QUICK_STEP: usize = 4;

/// Conditions in which a person expects a code to be read, with the highest level of each.
const ORDINARY: &[(&str, u32)] = &[
    ("clean", 0),
    ("size", u32::MAX),
    ("tilt", 4),
    ("roll", u32::MAX),
    ("defocus", 3),
    ("motion", 1),
    ("noise", u32::MAX),
    ("jpeg", u32::MAX),
    ("bands", u32::MAX),
    ("occl", 2),
    ("invert", u32::MAX),
    ("dots", u32::MAX),
    ("round", u32::MAX),
    ("haze", u32::MAX),
];
/// Modules of 1.5 pixels, the one size that is not.
const TINY: (&str, u32) = ("size", 0);

/// Kinds of clips that no reader is expected to read.
const HARD_KINDS: &[&str] = &["blurry", "fardim", "worst"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Real,
    Simulated,
}

/// What a picture is counted with: the set of a photograph, the condition of a simulated frame.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub part: Part,
    pub name: String,
    pub level: u32,
}

impl Group {
    fn of(part: Part, id: &str) -> Self {
        let folder = id.split('/').next().unwrap_or(id);
        let graded = folder.rsplit_once('-').and_then(|(name, level)| Some((name, level.parse().ok()?)));
        match (part, graded) {
            (Part::Simulated, Some((name, level))) => Self { part, name: name.to_owned(), level },
            (Part::Simulated, None) | (Part::Real, _) => Self { part, name: folder.to_owned(), level: 0 },
        }
    }

    pub(crate) fn is_ordinary(&self) -> bool {
        let named = |&(name, most): &(&str, u32)| self.name == name && self.level <= most;
        self.part == Part::Simulated && (self.name.as_str(), self.level) != TINY && ORDINARY.iter().any(named)
    }
}

pub(crate) struct Picture {
    pub id: String,
    pub group: Group,
    /// What the code holds; `None` when there is none.
    pub text: Option<String>,
    file: PathBuf,
}

impl Picture {
    pub(crate) fn luma(&self) -> Result<Luma, String> {
        luma(&self.file)
    }
}

pub(crate) struct Clip {
    pub id: String,
    pub kind: String,
    pub text: String,
    folder: PathBuf,
}

impl Clip {
    pub(crate) fn is_hard(kind: &str) -> bool {
        HARD_KINDS.contains(&kind)
    }

    /// The frames in their order.
    pub(crate) fn frames(&self) -> Result<Vec<Luma>, String> {
        let unreadable = |error| format!("cannot list {}: {error}", self.folder.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unreadable)? {
            files.push(entry.map_err(unreadable)?.path());
        }
        files.retain(|file| file.extension().is_some_and(|extension| extension == "jpg"));
        files.sort_by_key(|file| {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (name.len(), name)
        });
        files.iter().map(|file| luma(file)).collect()
    }
}

pub(crate) struct Data {
    folder: PathBuf,
    pub pictures: Vec<Picture>,
    pub clips: Vec<Clip>,
    absent: Vec<String>,
    quick: bool,
}

impl Data {
    pub(crate) fn open(folder: &Path, quick: bool) -> Result<Self, String> {
        let mut absent = Vec::new();
        let mut pictures = Vec::new();
        for (part, name) in [(Part::Real, "real"), (Part::Simulated, "frames")] {
            match truth(folder, name)? {
                Some(truth) => pictures.extend(truth.into_iter().map(|(id, text)| Picture {
                    group: Group::of(part, &id),
                    file: folder.join(name).join(format!("{id}.jpg")),
                    id,
                    text,
                })),
                None => absent.push(format!(
                    "There is no {name}/truth.json in {}: its rate is left out.",
                    folder.display()
                )),
            }
        }
        let mut clips = Vec::new();
        match truth(folder, "clips")? {
            Some(truth) => clips.extend(truth.into_iter().filter_map(|(id, text)| {
                let kind = id.rsplit_once('-').map_or(id.as_str(), |(kind, _)| kind).to_owned();
                Some(Clip { kind, folder: folder.join("clips").join(&id), id, text: text? })
            })),
            None => absent.push(format!(
                "There is no clips/truth.json in {}: time to first decode is left out.",
                folder.display()
            )),
        }
        if pictures.is_empty() && clips.is_empty() {
            return Err(format!(
                "nothing to read in {}: it wants real/, frames/ or clips/, each with a truth.json",
                folder.display()
            ));
        }
        if quick {
            pictures = pictures.into_iter().step_by(QUICK_STEP).collect();
            let mut kinds = BTreeSet::new();
            clips.retain(|clip| kinds.insert(clip.kind.clone()));
        }
        Ok(Self { folder: folder.to_owned(), pictures, clips, absent, quick })
    }

    /// What is not there, a sentence each.
    pub(crate) fn absent(&self) -> &[String] {
        &self.absent
    }

    /// One sentence on how much was looked at.
    pub(crate) fn summary(&self) -> String {
        let count = |part: Part, with_code: bool| {
            self.pictures.iter().filter(|p| p.group.part == part && p.text.is_some() == with_code).count()
        };
        let kinds: BTreeSet<&str> = self.clips.iter().map(|clip| clip.kind.as_str()).collect();
        format!(
            "{} photographs with a code, {} without, {} simulated frames, {} clips of {} kinds{}",
            count(Part::Real, true),
            count(Part::Real, false) + count(Part::Simulated, false),
            count(Part::Simulated, true),
            self.clips.len(),
            kinds.len(),
            if self.quick { " (a quick look at a part)" } else { "" },
        )
    }

    /// Whether a picture here has this text. Of a code inside another, the list of one source names the inner and that of
    /// another source the outer one: whoever reads both has misread nothing.
    pub(crate) fn lists(&self, text: &str) -> bool {
        self.pictures.iter().any(|picture| picture.text.as_deref() == Some(text))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// `FOLDER/NAME/truth.json`: `{id: {"text": ...}}` or `{id: ...}`, each text a string or null. `None` when it is absent.
fn truth(folder: &Path, name: &str) -> Result<Option<BTreeMap<String, Option<String>>>, String> {
    let file = folder.join(name).join("truth.json");
    if !file.is_file() {
        return Ok(None);
    }
    let damaged = |why: String| format!("cannot read {}: {why}", file.display());
    let bytes = fs::read(&file).map_err(|error| damaged(error.to_string()))?;
    let entries: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let text = |entry: serde_json::Value| {
        let text = entry.get("text").unwrap_or(&entry);
        text.as_str().map(one_line_end)
    };
    Ok(Some(entries.into_iter().map(|(id, entry)| (id, text(entry))).collect()))
}

/// The lists of the pictures' sources have one line end for all that a code may hold.
pub(crate) fn one_line_end(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn luma(file: &Path) -> Result<Luma, String> {
    let bytes = fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Luma::from_jpeg(&bytes).map_err(|error| format!("cannot read {}: {error}", file.display()))
}
