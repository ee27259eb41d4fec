//! How is something drawn over time? As SVG inside the page: lines over seconds, with the largest value named.

use std::fmt::Write as _;

/// The size of a plot, and the space for its labels, in pixels.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 26.0;

/// The number of lines across.
const STEPS: u32 = 4;

/// The number of colors; further lines have the first ones again.
const COLORS: usize = 4;

/// The most labels below a plot, except the first.
const LABELS_MAX: f64 = 8.0;

/// The most points of a line. Of more, the largest of each group is drawn, so that no peak is lost.
const POINTS_MAX: usize = 720;

/// A line: its name, and a value at each of some seconds.
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// What a plot shows.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// What the values are, for example `ms`; empty for counts.
    pub(super) unit: &'a str,
    pub(super) curves: Vec<Curve>,
    pub(super) seconds: f64,
}

impl Plot<'_> {
    /// Returns the plot as a `figure`.
    pub(super) fn draw(&self) -> String {
        let mut html = format!("<figure>\n<figcaption>{}</figcaption>\n", escape(self.title));
        let all = self.curves.iter().flat_map(|curve| &curve.points);
        let largest = all.map(|point| point.1).fold(0.0, f64::max);
        if self.curves.iter().all(|curve| curve.points.is_empty()) {
            html.push_str("<p class=\"none\">Nothing was measured.</p>\n</figure>\n");
            return html;
        }
        let top = round_up(largest);
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            html,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            self.label(largest)
        );
        self.grid(&mut html, top);
        for (index, curve) in self.curves.iter().enumerate() {
            let mut points = thinned(&curve.points);
            if let [point] = points[..] {
                // A line to itself is a dot.
                points.push(point);
            }
            let points: Vec<String> = points
                .into_iter()
                .map(|(second, value)| format!("{:.1},{:.1}", self.x(second), y(value, top)))
                .collect();
            let _ = writeln!(html, "<polyline class=\"c{}\" points=\"{}\"/>", index % COLORS, points.join(" "));
        }
        html.push_str("</svg>\n");
        if self.curves.len() > 1 {
            html.push_str("<p class=\"legend\">");
            for (index, curve) in self.curves.iter().enumerate() {
                let _ = write!(html, "<span class=\"c{}\">{}</span> ", index % COLORS, escape(&curve.name));
            }
            html.push_str("</p>\n");
        }
        html.push_str("</figure>\n");
        html
    }

    fn label(&self, largest: f64) -> String {
        escape(&format!("{}: at most {} {}", self.title, number(largest), self.unit))
    }

    fn grid(&self, html: &mut String, top: f64) {
        for step in 0..=STEPS {
            let value = top * f64::from(step) / f64::from(STEPS);
            let at = y(value, top);
            let _ = writeln!(html, "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>", WIDTH - RIGHT);
            let text = format!("{} {}", number(value), self.unit);
            let _ = writeln!(
                html,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                escape(text.trim_end())
            );
        }
        let between = pause(self.seconds);
        for second in (0..).map(|step| f64::from(step) * between).take_while(|second| *second <= self.seconds) {
            let _ = writeln!(
                html,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{second:.0} s</text>",
                self.x(second),
                HEIGHT - 6.0
            );
        }
    }

    fn x(&self, second: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (second / self.seconds.max(1.0)).min(1.0)
    }
}

fn y(value: f64, top: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top
}

/// Returns how many seconds lie between two labels.
fn pause(seconds: f64) -> f64 {
    let pauses = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0];
    pauses.into_iter().find(|pause| seconds / pause <= LABELS_MAX).unwrap_or(600.0)
}

/// Returns the next number of the form 1, 2, 4 or 8 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let factor = [1.0, 2.0, 4.0, 8.0].into_iter().find(|factor| factor * power >= value);
    factor.unwrap_or(10.0) * power
}

fn number(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.1} M", value / 1e6),
        value if value >= 10_000.0 => format!("{:.0} k", value / 1e3),
        value if value >= 10.0 || value == 0.0 => format!("{value:.0}"),
        value => format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(POINTS_MAX).max(1);
    let groups = points.chunks(size);
    groups.filter_map(|group| group.iter().copied().max_by(|one, other| one.1.total_cmp(&other.1))).collect()
}

/// Returns a text as it is written in HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_with_round_numbers() {
        for (value, expected) in [(0.0, 1.0), (0.3, 0.4), (1.0, 1.0), (7.0, 8.0), (81.0, 100.0), (800.0, 800.0)] {
            assert!((round_up(value) - expected).abs() < 1e-9, "{value}: {}", round_up(value));
        }
    }

    #[test]
    fn labels_are_round_seconds() {
        for (seconds, expected) in [(1.0, 1.0), (26.0, 5.0), (61.0, 10.0), (121.0, 30.0), (3_600.0, 600.0)] {
            assert!((pause(seconds) - expected).abs() < 1e-9, "{seconds}: {}", pause(seconds));
        }
    }

    #[test]
    fn a_plot_names_its_largest_value_and_escapes_its_texts() {
        let curves = vec![
            Curve { name: "a < b".to_owned(), points: vec![(0.0, 1.0), (10.0, 7.0)] },
            Curve { name: "c".to_owned(), points: vec![] },
        ];
        let html = Plot { title: "R&D", unit: "ms", curves, seconds: 10.0 }.draw();
        for part in ["aria-label=\"R&amp;D: at most 7 ms\"", "a &lt; b", "points=\"76.0,145.0 708.0,31.0\"", ">8 ms<"] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        let none = Plot { title: "x", unit: "", curves: vec![], seconds: 1.0 }.draw();
        assert!(none.contains("Nothing was measured"));
    }

    #[test]
    fn no_peak_is_lost_when_there_are_many_points() {
        let mut points: Vec<(f64, f64)> = (0..3_600).map(|second| (f64::from(second), 1.0)).collect();
        points[1_234].1 = 50.0;
        let thinned = thinned(&points);
        assert!(thinned.len() <= POINTS_MAX && thinned.contains(&(1_234.0, 50.0)));
    }
}
