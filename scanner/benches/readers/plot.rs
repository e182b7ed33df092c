//! The plot: what each reader reads of the photographs and of each simulated condition. Plain SVG that reads on light
//! and on dark ground.

use std::fmt::Write as _;

use crate::{data::Part, figures::Sheet, report::decimals};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 40.0;
const BAR: f64 = 11.0;
const ROW: f64 = 19.0;
/// A row of the plot by condition, in which marks of the same rate lie one below the other.
const CONDITION_ROW: f64 = 27.0;
const APART: f64 = 4.5;

/// Shape and colour of a reader; the shape alone tells them apart too.
const MARKS: [(&str, &str); 5] =
    [("dot", "one"), ("square", "two"), ("diamond", "three"), ("up", "four"), ("cross", "five")];

const STYLE: &str = "
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 11px; fill: #59636e; }
.title { font-weight: 600; font-size: 13px; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.one { fill: #0b62d6; stroke: #0b62d6; }
.two { fill: #c4622d; stroke: #c4622d; }
.three { fill: #7a7f87; stroke: #7a7f87; }
.four { fill: #8a5fc4; stroke: #8a5fc4; }
.five { fill: none; stroke: #2c8a57; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.small { fill: #9aa4af; }
.grid { stroke: #3d444d; }
.one { fill: #5aa2ff; stroke: #5aa2ff; }
.two { fill: #f0935a; stroke: #f0935a; }
.three { fill: #9aa0a8; stroke: #9aa0a8; }
.four { fill: #b794f0; stroke: #b794f0; }
.five { fill: none; stroke: #4fc387; }
}
";

pub(crate) fn svg(sheets: &[Sheet]) -> String {
    let mut body = String::new();
    let mut y = 24.0;
    legend(&mut body, sheets, &mut y);
    for (part, title) in
        [(Part::Real, "Photographs read, %"), (Part::Simulated, "Simulated webcam frames read, %")]
    {
        if sheets.iter().any(|sheet| sheet.part(false, part).is_some()) {
            bars(&mut body, sheets, part, title, &mut y);
        }
    }
    conditions(&mut body, sheets, &mut y);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y:.0}\" width=\"{WIDTH}\" height=\"{y:.0}\" \
         role=\"img\" aria-label=\"How many pictures each reader reads\">\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

fn x_of(percent: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * percent / 100.0
}

fn legend(body: &mut String, sheets: &[Sheet], y: &mut f64) {
    let mut x = 20.0;
    for (sheet, mark) in sheets.iter().zip(MARKS) {
        point(body, mark, x, *y - 4.0);
        let _ = writeln!(body, "<text x=\"{}\" y=\"{y}\">{}</text>", x + 12.0, sheet.name);
        x += 135.0;
    }
    *y += 34.0;
}

fn bars(body: &mut String, sheets: &[Sheet], part: Part, title: &str, y: &mut f64) {
    let _ = writeln!(body, "<text class=\"title\" x=\"20\" y=\"{y}\">{title}</text>");
    *y += 10.0;
    for (sheet, (_, class)) in sheets.iter().zip(MARKS) {
        let percent = sheet.part(false, part);
        let width = x_of(percent.unwrap_or(0.0)) - LEFT;
        // The bar of the reader that is drawn as a cross is an outline, like the cross.
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" \
             width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/><text class=\"small\" x=\"{:.1}\" y=\"{}\">{}</text>",
            LEFT - 8.0,
            *y + 10.0,
            sheet.name,
            *y,
            LEFT + width + 6.0,
            *y + 10.0,
            decimals(percent, 1),
        );
        *y += ROW;
    }
    *y += 26.0;
}

fn conditions(body: &mut String, sheets: &[Sheet], y: &mut f64) {
    let Some(first) = sheets.first() else { return };
    let names = first.names(Part::Simulated);
    if names.is_empty() {
        return;
    }
    let _ = writeln!(
        body,
        "<text class=\"title\" x=\"20\" y=\"{y}\">By condition, all levels from easy to extreme</text>"
    );
    *y += 22.0;
    #[expect(clippy::cast_precision_loss, reason = "some twenty rows")]
    let bottom = *y + CONDITION_ROW * names.len() as f64 - 10.0;
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let x = x_of(percent);
        let _ = writeln!(
            body,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{bottom}\"/><text class=\"small\" \
             x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{percent:.0} %</text>",
            *y - 10.0,
            bottom + 16.0,
        );
    }
    for name in names {
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 12.0,
            *y + 4.0,
            label(name),
        );
        // Ours last, so that it lies on top.
        let places = [0.0, -1.0, 1.0, -2.0, 2.0];
        for ((sheet, mark), place) in sheets.iter().zip(MARKS).zip(places).rev() {
            if let Some(percent) = sheet.named(false, Part::Simulated, name).percent() {
                point(body, mark, x_of(percent), *y + APART * place);
            }
        }
        *y += CONDITION_ROW;
    }
    *y += 26.0;
}

fn point(body: &mut String, (shape, class): (&str, &str), x: f64, y: f64) {
    let _ = match shape {
        "dot" => writeln!(body, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>"),
        "square" => writeln!(
            body,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"7\" height=\"7\"/>",
            x - 3.5,
            y - 3.5
        ),
        "diamond" => path(body, class, &format!("M{x:.1} {:.1}l4.5 4.5l-4.5 4.5l-4.5 -4.5z", y - 4.5)),
        "up" => path(body, class, &format!("M{x:.1} {:.1}l4.5 8h-9z", y - 4.5)),
        _ => path(body, class, &format!("M{:.1} {:.1}l7 7m0 -7l-7 7", x - 3.5, y - 3.5)),
    };
}

fn path(body: &mut String, class: &str, d: &str) -> std::fmt::Result {
    writeln!(body, "<path class=\"{class}\" d=\"{d}\"/>")
}

/// A condition as a person says it.
fn label(name: &str) -> &str {
    match name {
        "bands" => "flicker bands",
        "dots" => "dotted modules",
        "round" => "rounded modules",
        "invert" => "dark mode",
        "occl" => "covered in part",
        "over" => "too bright",
        "under" => "too dark",
        "quiet" => "no quiet zone",
        "mix" => "all at once",
        "size" => "small modules",
        "barrel" => "lens distortion",
        "jpeg" => "strong JPEG",
        other => other,
    }
}
