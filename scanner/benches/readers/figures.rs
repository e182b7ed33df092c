//! What a reader reached, and the sums that tables are made of.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    data::{Clip, Data, Group, Part, Picture},
    reader::Contestant,
};

/// Seconds that a clip without a read counts.
pub(crate) const MISS_S: f64 = 2.0;

/// How many were read of how many.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rate {
    pub read: u32,
    pub of: u32,
}

impl Rate {
    /// `None` where nothing was to be read.
    pub(crate) fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| 100.0 * f64::from(self.read) / f64::from(self.of))
    }

    fn add(&mut self, read: bool) {
        self.of += 1;
        self.read += u32::from(read);
    }
}

pub(crate) struct ClipRead {
    pub kind: String,
    /// Seconds from the clip's begin to the first right read.
    pub first_s: Option<f64>,
}

/// Everything about one reader.
pub(crate) struct Sheet {
    pub key: &'static str,
    pub name: &'static str,
    single: BTreeMap<Group, Rate>,
    live: BTreeMap<Group, Rate>,
    pub single_ms: Vec<f64>,
    /// Of the live reader, each frame of the pictures and clips.
    pub live_ms: Vec<f64>,
    /// Of a reader without a live form, each frame of the clips.
    pub clip_ms: Vec<f64>,
    /// Picture or clip, and the text that no code in it holds.
    pub wrong: BTreeSet<(String, String)>,
    /// Pictures without a code in which one was read.
    pub false_positives: BTreeSet<String>,
    pub missed: Vec<String>,
    pub missed_live: Vec<String>,
    pub clips: Vec<ClipRead>,
}

impl Sheet {
    pub(crate) fn of(contestant: &Contestant) -> Self {
        Self {
            key: contestant.key,
            name: contestant.name,
            single: BTreeMap::new(),
            live: BTreeMap::new(),
            single_ms: Vec::new(),
            live_ms: Vec::new(),
            clip_ms: Vec::new(),
            wrong: BTreeSet::new(),
            false_positives: BTreeSet::new(),
            missed: Vec::new(),
            missed_live: Vec::new(),
            clips: Vec::new(),
        }
    }

    /// Counts what was read of a picture, in its single or its live form.
    pub(crate) fn count(&mut self, data: &Data, picture: &Picture, texts: &[String], live: bool) {
        let Some(expected) = &picture.text else {
            if !texts.is_empty() {
                self.false_positives.insert(picture.id.clone());
            }
            return;
        };
        let is_read = texts.contains(expected);
        for text in texts.iter().filter(|text| *text != expected && !data.lists(text)) {
            self.wrong.insert((picture.id.clone(), text.clone()));
        }
        let (rates, missed) =
            if live { (&mut self.live, &mut self.missed_live) } else { (&mut self.single, &mut self.missed) };
        rates.entry(picture.group.clone()).or_default().add(is_read);
        if !is_read {
            missed.push(picture.id.clone());
        }
    }

    pub(crate) fn has_live(&self) -> bool {
        !self.live_ms.is_empty()
    }

    /// The rates of the live form where `live` is asked for, else of single pictures.
    fn rates(&self, live: bool) -> &BTreeMap<Group, Rate> {
        if live { &self.live } else { &self.single }
    }

    pub(crate) fn rate(&self, live: bool, wanted: impl Fn(&Group) -> bool) -> Rate {
        self.rates(live)
            .iter()
            .filter(|(group, _)| wanted(group))
            .fold(Rate::default(), |sum, (_, rate)| Rate { read: sum.read + rate.read, of: sum.of + rate.of })
    }

    pub(crate) fn part(&self, live: bool, part: Part) -> Option<f64> {
        self.rate(live, |group| group.part == part).percent()
    }

    pub(crate) fn ordinary(&self, live: bool) -> Option<f64> {
        self.rate(live, Group::is_ordinary).percent()
    }

    /// Names of the sets or conditions.
    pub(crate) fn names(&self, part: Part) -> BTreeSet<&str> {
        self.single.keys().filter(|group| group.part == part).map(|group| group.name.as_str()).collect()
    }

    pub(crate) fn named(&self, live: bool, part: Part, name: &str) -> Rate {
        self.rate(live, |group| group.part == part && group.name == name)
    }

    /// The rate of each level of a condition, easiest first.
    pub(crate) fn levels(&self, live: bool, name: &str) -> Vec<Rate> {
        let of = |(group, _): &(&Group, &Rate)| group.part == Part::Simulated && group.name == name;
        self.rates(live).iter().filter(of).map(|(_, rate)| *rate).collect()
    }

    /// What a frame of a camera costs: of the live form where there is one, else a picture.
    pub(crate) fn frame_ms(&self) -> &[f64] {
        if self.has_live() {
            &self.live_ms
        } else if self.single_ms.is_empty() {
            &self.clip_ms
        } else {
            &self.single_ms
        }
    }

    pub(crate) fn kinds(&self) -> BTreeSet<&str> {
        self.clips.iter().map(|clip| clip.kind.as_str()).collect()
    }

    /// Clips of a kind that were read, of how many, and the mean seconds to the first read.
    pub(crate) fn kind(&self, kind: &str) -> (Rate, f64) {
        self.clip_sum(|clip| clip.kind == kind)
    }

    /// The same over the ordinary kinds.
    pub(crate) fn ordinary_clips(&self) -> (Rate, Option<f64>) {
        let (rate, mean) = self.clip_sum(|clip| !Clip::is_hard(&clip.kind));
        (rate, (rate.of > 0).then_some(mean))
    }

    pub(crate) fn hard_clips(&self) -> Rate {
        self.clip_sum(|clip| Clip::is_hard(&clip.kind)).0
    }

    /// The ordinary kind that takes longest, and its mean seconds.
    pub(crate) fn worst_kind(&self) -> Option<(&str, f64)> {
        let kinds = self.kinds().into_iter().filter(|kind| !Clip::is_hard(kind));
        kinds.map(|kind| (kind, self.kind(kind).1)).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn clip_sum(&self, wanted: impl Fn(&ClipRead) -> bool) -> (Rate, f64) {
        let mut rate = Rate::default();
        let mut sum = 0.0;
        for clip in self.clips.iter().filter(|clip| wanted(clip)) {
            rate.add(clip.first_s.is_some());
            sum += clip.first_s.unwrap_or(MISS_S);
        }
        (rate, if rate.of == 0 { 0.0 } else { sum / f64::from(rate.of) })
    }
}

/// The value below which this share of the sample lies (nearest rank); `None` of nothing.
pub(crate) fn quantile(sample: &[f64], share: f64) -> Option<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank in a sample of some thousands"
    )]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}
