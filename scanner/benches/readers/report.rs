//! The figures on the terminal and as JSON.

use serde_json::{Map, Value, json};

use crate::{
    data::Part,
    figures::{Sheet, quantile},
};

/// A row of the main table.
pub(crate) struct Row {
    pub name: String,
    pub real: Option<f64>,
    pub simulated: Option<f64>,
    pub ordinary: Option<f64>,
    pub wrong: usize,
    pub false_positives: usize,
    pub median_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub first_s: Option<f64>,
    pub worst: Option<(String, f64)>,
    /// Ordinary clips read, and of how many.
    pub clips: Option<(u32, u32)>,
    pub hard_clips: Option<(u32, u32)>,
}

/// One row a reader, two for one with a live form.
pub(crate) fn rows(sheets: &[Sheet]) -> Vec<Row> {
    let mut rows = Vec::new();
    for sheet in sheets {
        let row = |live: bool, with_clips: bool| {
            let ms = if live { &sheet.live_ms } else { &sheet.single_ms };
            let (clips, first_s) = sheet.ordinary_clips();
            let hard = sheet.hard_clips();
            let name = match (sheet.has_live(), live) {
                (false, _) => sheet.name.to_owned(),
                (true, true) => format!("{}, live", sheet.name),
                (true, false) => format!("{}, picture", sheet.name),
            };
            Row {
                name,
                real: sheet.part(live, Part::Real),
                simulated: sheet.part(live, Part::Simulated),
                ordinary: sheet.ordinary(live),
                wrong: sheet.wrong.len(),
                false_positives: sheet.false_positives.len(),
                median_ms: quantile(ms, 0.5),
                p95_ms: quantile(ms, 0.95),
                first_s: first_s.filter(|_| with_clips),
                worst: sheet.worst_kind().filter(|_| with_clips).map(|(kind, s)| (kind.to_owned(), s)),
                clips: (with_clips && clips.of > 0).then_some((clips.read, clips.of)),
                hard_clips: (with_clips && hard.of > 0).then_some((hard.read, hard.of)),
            }
        };
        rows.push(row(false, !sheet.has_live()));
        if sheet.has_live() {
            rows.push(row(true, true));
        }
    }
    rows
}

pub(crate) fn decimals(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.places$}"))
}

pub(crate) fn of(count: Option<(u32, u32)>) -> String {
    count.map_or_else(|| "-".to_owned(), |(read, of)| format!("{read} of {of}"))
}

/// Percent of each level, as in `100 100 92`.
pub(crate) fn levels(sheet: &Sheet, name: &str) -> String {
    let levels = sheet.levels(false, name);
    levels.iter().map(|rate| decimals(rate.percent(), 0)).collect::<Vec<_>>().join(" ")
}

pub(crate) fn print(sheets: &[Sheet], summary: &str, list: bool) {
    println!(
        "\n{summary}\nCPU time of one thread; rates of pictures with a code; a clip that is missed counts 2.0 s\n"
    );
    println!(
        "{:<21} {:>6} {:>6} {:>8} {:>6} {:>6} {:>8} {:>8} {:>7}  {:<18} {:>9} {:>8}",
        "reader",
        "real",
        "simul.",
        "ordinary",
        "wrong",
        "false",
        "median",
        "p95",
        "first",
        "worst kind",
        "clips",
        "hard"
    );
    println!(
        "{:<21} {:>6} {:>6} {:>8} {:>6} {:>6} {:>8} {:>8} {:>7}",
        "", "%", "%", "%", "reads", "pos.", "ms", "ms", "s"
    );
    for row in rows(sheets) {
        let worst = row.worst.as_ref().map_or_else(|| "-".to_owned(), |(kind, s)| format!("{kind} {s:.2} s"));
        println!(
            "{:<21} {:>6} {:>6} {:>8} {:>6} {:>6} {:>8} {:>8} {:>7}  {:<18} {:>9} {:>8}",
            row.name,
            decimals(row.real, 1),
            decimals(row.simulated, 1),
            decimals(row.ordinary, 1),
            row.wrong,
            row.false_positives,
            decimals(row.median_ms, 1),
            decimals(row.p95_ms, 1),
            decimals(row.first_s, 3),
            worst,
            of(row.clips),
            of(row.hard_clips),
        );
    }
    for (part, title) in [(Part::Simulated, "condition, %"), (Part::Real, "photographs, %")] {
        conditions(sheets, part, title);
    }
    kinds(sheets);
    for sheet in sheets {
        for (id, text) in &sheet.wrong {
            println!("wrong: {} read {text:?} in {id}", sheet.name);
        }
        for id in &sheet.false_positives {
            println!("false positive: {} in {id}", sheet.name);
        }
    }
    if list {
        for sheet in sheets {
            println!("\n{} missed: {}", sheet.name, sheet.missed.join(" "));
            if sheet.has_live() {
                println!("\n{}, live, missed: {}", sheet.name, sheet.missed_live.join(" "));
            }
        }
    }
}

fn conditions(sheets: &[Sheet], part: Part, title: &str) {
    let Some(first) = sheets.first() else { return };
    if first.names(part).is_empty() {
        return;
    }
    print!("\n{title:<28}");
    for sheet in sheets {
        print!(" {:>15}", sheet.name);
        if sheet.has_live() {
            print!(" {:>6}", "live");
        }
    }
    println!(
        "{}",
        if part == Part::Simulated { format!("   {} by level", first.name) } else { String::new() }
    );
    for name in first.names(part) {
        let count = first.named(false, part, name).of;
        print!("{:<28}", format!("{name} ({count})"));
        for sheet in sheets {
            print!(" {:>15}", decimals(sheet.named(false, part, name).percent(), 0));
            if sheet.has_live() {
                print!(" {:>6}", decimals(sheet.named(true, part, name).percent(), 0));
            }
        }
        println!(
            "{}",
            if part == Part::Simulated { format!("   {}", levels(first, name)) } else { String::new() }
        );
    }
}

fn kinds(sheets: &[Sheet]) {
    let Some(first) = sheets.first().filter(|sheet| !sheet.clips.is_empty()) else { return };
    print!("\n{:<28}", "clips: first decode, s");
    for sheet in sheets {
        print!(" {:>15}", sheet.name);
    }
    println!();
    for kind in first.kinds() {
        print!("{kind:<28}");
        for sheet in sheets {
            let (rate, mean) = sheet.kind(kind);
            print!(" {:>15}", format!("{mean:.2} ({}/{})", rate.read, rate.of));
        }
        println!();
    }
}

/// `{"readers": {KEY: {...}}}`; a figure that the data has no pictures for is null.
pub(crate) fn json(sheets: &[Sheet]) -> Value {
    let rounded = |value: Option<f64>, unit: f64| value.map(|value| (value * unit).round() / unit);
    let mut readers = Map::new();
    for sheet in sheets {
        let (clips, first_s) = sheet.ordinary_clips();
        let ms = sheet.frame_ms();
        readers.insert(
            sheet.key.to_owned(),
            json!({
                "real_pct": rounded(sheet.part(false, Part::Real), 100.0),
                "simulated_pct": rounded(sheet.part(false, Part::Simulated), 100.0),
                "wrong": sheet.wrong.len(),
                "false_positives": sheet.false_positives.len(),
                "median_ms": rounded(quantile(ms, 0.5), 100.0),
                "p95_ms": rounded(quantile(ms, 0.95), 100.0),
                "first_decode_mean_s": rounded(first_s, 1000.0),
                "clips_read": clips.read,
                "clips": clips.of,
            }),
        );
    }
    json!({ "readers": readers })
}
