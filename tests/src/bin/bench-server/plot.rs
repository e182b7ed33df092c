//! The plots: plain SVG that reads on light and on dark ground.

use std::fmt::Write as _;

use crate::report::{Report, figure};
use crate::soak::Soak;
use crate::subject::Kind;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 90.0;
const BAR: f64 = 13.0;
const ROW: f64 = 19.0;

const STYLE: &str = "
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 11px; fill: #59636e; }
.title { font-weight: 600; font-size: 13px; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.one { fill: #0b62d6; }
.two { fill: #7a7f87; }
.three { fill: #c4622d; }
.line { fill: none; stroke: #0b62d6; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.small { fill: #9aa4af; }
.grid { stroke: #3d444d; }
.one { fill: #5aa2ff; }
.two { fill: #9aa0a8; }
.three { fill: #f0935a; }
.line { stroke: #5aa2ff; }
}
";

const SUBJECTS: [(Kind, &str, &str); 3] = [
    (Kind::Countersign, "Countersign", "one"),
    (Kind::Floor, "bare floor", "two"),
    (Kind::OidcProvider, "oidc-provider", "three"),
];

/// A bar a subject and measure, each measure with a scale of its own.
pub(crate) fn bars(report: &Report) -> String {
    let twice = format!("rss_{}_waiting_mb", report.waiting() * 2);
    let memory = format!(
        "Memory with {} pages waiting, MB: less is better",
        figure(f64::from(report.waiting() * 2), 0)
    );
    let measures = [
        ("memory_logins_per_s", "Whole logins a second, in memory: more is better", 0),
        ("sqlite_logins_per_s", "Whole logins a second, SQLite", 0),
        ("postgres_logins_per_s", "Whole logins a second, PostgreSQL", 0),
        ("polls_per_s", "Polls of a pending request a second", 0),
        ("starts_per_s", "Starts with a waiting socket a second (oidc-provider: without)", 0),
        ("cpu_ms_memory", "Server CPU a login in memory, ms: less is better", 3),
        ("cpu_ms_sqlite", "Server CPU a login on SQLite, ms", 3),
        ("approve_p50_ms", "Approve to signed in, median, ms (oidc-provider asks each 5 s: not drawn)", 2),
        (twice.as_str(), memory.as_str(), 1),
    ];
    let mut body = String::new();
    let mut y = 24.0;
    for (name, title, decimals) in measures {
        let figures: Vec<_> = SUBJECTS
            .iter()
            .filter(|(kind, ..)| name != "approve_p50_ms" || *kind != Kind::OidcProvider)
            .filter_map(|(kind, subject, class)| Some((report.get(*kind, name)?, *subject, *class)))
            .collect();
        let most = figures.iter().map(|(value, ..)| *value).fold(0.0, f64::max);
        if most == 0.0 {
            continue;
        }
        let _ = writeln!(body, "<text class=\"title\" x=\"20\" y=\"{y}\">{title}</text>");
        y += 9.0;
        for (value, subject, class) in figures {
            let width = (WIDTH - LEFT - RIGHT) * value / most;
            let _ = writeln!(
                body,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{subject}</text><rect class=\"{class}\" x=\"{LEFT}\" \
                 y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/><text class=\"small\" x=\"{:.1}\" \
                 y=\"{}\">{}</text>",
                LEFT - 8.0,
                y + 11.0,
                LEFT + width + 6.0,
                y + 11.0,
                figure(value, decimals),
            );
            y += ROW;
        }
        y += 21.0;
    }
    document(&body, y, "Countersign beside a bare floor and a peer")
}

/// Memory over time.
pub(crate) fn soak(soak: &Soak) -> String {
    let (top, bottom, left) = (34.0, 220.0, 60.0);
    let right = WIDTH - 30.0;
    let last_s = soak.samples.last().map_or(1.0, |sample| sample.at_s).max(1.0);
    let most = soak.samples.iter().map(|sample| sample.rss_mb).fold(1.0, f64::max);
    // A round number above, so that the ticks are round as well.
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0].into_iter().find(|step| most < step * 5.0);
    let step = step.unwrap_or(most / 4.0);
    let x = |at_s: f64| left + (right - left) * at_s / last_s;
    let y = |mb: f64| bottom - (bottom - top) * mb / (step * 5.0);
    let mut body =
        "<text class=\"title\" x=\"20\" y=\"20\">Resident memory under steady load, MB</text>\n".to_owned();
    for tick in 0..=5 {
        let mb = step * f64::from(tick);
        let _ = writeln!(
            body,
            "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/><text class=\"small\" \
             x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{mb:.0}</text>",
            y(mb),
            left - 8.0,
            y(mb) + 4.0,
        );
    }
    for tick in 0..=6 {
        let at_s = last_s * f64::from(tick) / 6.0;
        let _ = writeln!(
            body,
            "<text class=\"small\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{:.0} min</text>",
            x(at_s),
            bottom + 18.0,
            at_s / 60.0
        );
    }
    let points: Vec<_> =
        soak.samples.iter().map(|sample| format!("{:.1},{:.1}", x(sample.at_s), y(sample.rss_mb))).collect();
    let _ = writeln!(body, "<polyline class=\"line\" points=\"{}\"/>", points.join(" "));
    document(&body, bottom + 34.0, "Resident memory under steady load")
}

fn document(body: &str, height: f64, label: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"{label}\">\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}
