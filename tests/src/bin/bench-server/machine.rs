//! What the system says: limits, CPU time and memory of processes, and what kind of machine this is.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number of open files to what the system allows; every waiting page is one here and one at the subject.
/// The number; `None` for no limit.
pub(crate) fn raise_open_files() -> Result<Option<u64>> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).context("raising the open files")?;
    Ok(maximum)
}

/// Resident memory in MB of 2^20 bytes.
pub(crate) fn rss_mb(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(kb(&status, "VmRSS:").context("no VmRSS")? / 1024.0)
}

/// Memory that the kernel holds in small pieces, sockets among them; of the whole machine, in KB.
pub(crate) fn kernel_kb() -> Result<f64> {
    kb(&fs::read_to_string("/proc/meminfo")?, "Slab:").context("no Slab")
}

fn kb(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// CPU seconds of a process so far, user and system.
pub(crate) fn cpu_s(process: u32) -> Result<f64> {
    ticks(process, 2)
}

/// CPU seconds of a process, of its children, and of those of them that have ended.
pub(crate) fn family_cpu_s(process: u32) -> Result<f64> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    // One that has just ended counts with its parent from then on.
    let living: f64 = children.map(|child| cpu_s(child).unwrap_or(0.0)).sum();
    Ok(ticks(process, 4)? + living)
}

/// `utime`, `stime`, `cutime`, `cstime` of proc(5), as many as asked.
fn ticks(process: u32, count: usize) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, rest) = stat.rsplit_once(") ").context("no stat")?;
    let ticks = rest.split_whitespace().skip(11).take(count);
    Ok(ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0)
}

/// The process whose command line holds these words.
pub(crate) fn process_with(words: &[&str]) -> Result<u32> {
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        if words.iter().all(|word| line.contains(word)) {
            return Ok(process);
        }
    }
    anyhow::bail!("no process has {words:?} in its command line")
}

/// Processor, cores, system and versions.
pub(crate) fn describe(with_node: bool) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        line.split_once(": ").map(|(_, name)| name.trim().to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let node = if with_node { format!(", Node.js {}", said("node", "--version")) } else { String::new() };
    format!(
        "{} ({cores} cores), {} {} {}, {}{node}",
        cpu.unwrap_or_else(|| "unnamed processor".to_owned()),
        std::env::consts::OS,
        std::env::consts::ARCH,
        said("uname", "-r"),
        said("rustc", "--version").split(" (").next().unwrap_or_default().replace("rustc", "Rust"),
    )
}

/// The day in UTC, as in 2026-01-31.
pub(crate) fn today() -> String {
    said("date", "--utc --iso-8601")
}

fn said(program: &str, args: &str) -> String {
    let output = Command::new(program).args(args.split(' ')).output().ok();
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}
