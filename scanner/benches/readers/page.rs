//! The measured part of `docs/scanner.md`, and the plot beside it.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use crate::{
    clock::today,
    data::Part,
    figures::Sheet,
    plot,
    report::{decimals, levels, of, rows},
};

/// Everything between these two lines of the page is written by the bench.
const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->\n";

pub(crate) fn write(folder: &Path, sheets: &[Sheet], summary: &str) -> Result<(), String> {
    let file = folder.join("scanner.md");
    let page =
        fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let (before, rest) =
        page.split_once(BEGIN).ok_or_else(|| format!("{} has no {BEGIN}", file.display()))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| format!("{} has no {END}", file.display()))?;
    let measured = measured(sheets, summary);
    let written = |file: &Path, text: &str| {
        fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
    };
    written(&file, &format!("{before}{BEGIN}\n{measured}\n{END}{after}"))?;
    written(&folder.join("scanner.svg"), &plot::svg(sheets))
}

fn measured(sheets: &[Sheet], summary: &str) -> String {
    let mut text = format!("{}, {}. {}.\n", today(), machine(), summary);
    text.push_str("\n| reader | real, % | simulated, % | ordinary, % | wrong reads | false positives | median, ms | p95, ms | first decode, s | slowest ordinary kind | clips | hard clips |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|\n");
    for row in rows(sheets) {
        let worst =
            row.worst.as_ref().map_or_else(|| "-".to_owned(), |(kind, s)| format!("{kind}, {s:.2} s"));
        let cells = [
            row.name,
            decimals(row.real, 1),
            decimals(row.simulated, 1),
            decimals(row.ordinary, 1),
            row.wrong.to_string(),
            row.false_positives.to_string(),
            decimals(row.median_ms, 1),
            decimals(row.p95_ms, 1),
            decimals(row.first_s, 3),
            worst,
            of(row.clips),
            of(row.hard_clips),
        ];
        line(&mut text, &cells);
    }
    let Some(first) = sheets.first() else { return text };
    for (part, title, heading) in [
        (Part::Simulated, "condition", "### Simulated frames, % by condition"),
        (Part::Real, "set", "### Photographs, % by set"),
    ] {
        if first.names(part).is_empty() {
            continue;
        }
        let with_levels = part == Part::Simulated;
        let mut head = vec![title.to_owned(), "pictures".to_owned()];
        for sheet in sheets {
            head.push(sheet.name.to_owned());
            if sheet.has_live() {
                head.push("live".to_owned());
            }
        }
        if with_levels {
            head.push(format!("{} by level, easy to hard", first.name));
        }
        let _ = write!(text, "\n{heading}\n\n");
        line(&mut text, &head);
        text.push_str(&"|---".repeat(head.len()));
        text.push_str("|\n");
        for name in first.names(part) {
            let mut cells = vec![name.to_owned(), first.named(false, part, name).of.to_string()];
            for sheet in sheets {
                cells.push(decimals(sheet.named(false, part, name).percent(), 0));
                if sheet.has_live() {
                    cells.push(decimals(sheet.named(true, part, name).percent(), 0));
                }
            }
            if with_levels {
                cells.push(levels(first, name));
            }
            line(&mut text, &cells);
        }
    }
    if !first.clips.is_empty() {
        text.push_str("\n### Clips: seconds to the first decode, clips read\n\n");
        let names = sheets.iter().map(|sheet| sheet.name.to_owned());
        let head: Vec<String> = std::iter::once("kind".to_owned()).chain(names).collect();
        line(&mut text, &head);
        text.push_str(&"|---".repeat(head.len()));
        text.push_str("|\n");
        for kind in first.kinds() {
            let mut cells = vec![kind.to_owned()];
            for sheet in sheets {
                let (rate, mean) = sheet.kind(kind);
                cells.push(format!("{mean:.2}, {} of {}", rate.read, rate.of));
            }
            line(&mut text, &cells);
        }
    }
    text
}

fn line(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// Processor, cores, system and compiler, as far as the machine tells.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        line.split_once(": ").map(|(_, name)| name.trim().to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rustc = Command::new("rustc").arg("--version").output().ok();
    let rustc = rustc.and_then(|output| String::from_utf8(output.stdout).ok());
    let rustc = rustc.as_deref().and_then(|line| line.split(' ').nth(1)).unwrap_or("unknown").to_owned();
    format!(
        "{} ({cores} cores), {} {}, Rust {rustc}, one thread",
        cpu.unwrap_or_else(|| "unnamed processor".to_owned()),
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}
