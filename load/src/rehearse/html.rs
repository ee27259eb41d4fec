//! What does somebody read who decides whether the hall is ready? One page: the answer in words, then plots and figures.

use std::fmt::Write as _;

use super::plot::{Curve, Plot, escape};
use super::verdict::span;
use super::{Grade, Logbook, Second, Series, Summary, Times};

/// The page may load nothing at all, and run nothing.
const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>Rehearsal</title>\n";

const STYLE: &str = "<style>
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6875; --grid: #d9dfe5; --paper: #fff;
  --c0: #1763a6; --c1: #b34700; --c2: #8a1c62; --c3: #2c7a2c; --good: #1f6f34; --fair: #8a5a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --soft: #9fadba; --grid: #36424d; --paper: #12181e;
  --c0: #6fb3f2; --c1: #f2a25c; --c2: #ec8fd0; --c3: #7fd07f; --good: #6fcf85; --fair: #e5b252; --bad: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } .ready { color: var(--good); } .remarks { color: var(--fair); } .not { color: var(--bad); }
figure { margin: 2rem 0; } figcaption { font-weight: 600; } svg { width: 100%; height: auto; display: block; }
svg line { stroke: var(--grid); } svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
polyline { fill: none; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
polyline.c0 { stroke: var(--c0); } polyline.c1 { stroke: var(--c1); } polyline.c2 { stroke: var(--c2); }
polyline.c3 { stroke: var(--c3); }
.legend { margin: 0; font-size: .85rem; } .legend span { margin-right: 1rem; }
.legend span::before { content: ''; display: inline-block; width: 1em; height: 3px; margin-right: .4em;
  vertical-align: middle; background: currentColor; }
span.c0 { color: var(--c0); } span.c1 { color: var(--c1); } span.c2 { color: var(--c2); } span.c3 { color: var(--c3); }
.none, .soft { color: var(--soft); } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--grid);
  overflow-wrap: anywhere; } th { font-weight: 400; color: var(--soft); }
</style>
</head>
<body>
";

/// Returns the report as one HTML file that needs no other.
#[must_use]
pub fn page(summary: &Summary, logbook: &Logbook, series: &[Series]) -> String {
    let mut html = format!("{HEAD}{STYLE}");
    verdict(&mut html, summary);
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(html, "<p>{}</p>", escape(&in_short(logbook)));
    html.push_str("<h2>Over time</h2>\n");
    for plot in plots(logbook) {
        html.push_str(&plot.draw());
    }
    service(&mut html, logbook, series);
    html.push_str("<h2>Figures</h2>\n<table>\n");
    for figure in &summary.figures {
        row(&mut html, figure.name, &figure.value);
    }
    html.push_str("</table>\n");
    if !summary.troubles.is_empty() {
        html.push_str("<h2>What went wrong, and how often</h2>\n<table>\n");
        for (trouble, count) in &summary.troubles {
            row(&mut html, &count.to_string(), trouble);
        }
        html.push_str("</table>\n");
    }
    html.push_str("</body>\n</html>\n");
    html
}

fn row(html: &mut String, name: &str, value: &str) {
    let _ = writeln!(html, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(name), escape(value));
}

fn verdict(html: &mut String, summary: &Summary) {
    let verdict = &summary.verdict;
    let class = match verdict.grade {
        Grade::Ready => "ready",
        Grade::ReadyWithRemarks | Grade::Unclear => "remarks",
        Grade::NotReady => "not",
    };
    let _ = writeln!(html, "<p class=\"soft\">Rehearsal of {}</p>", escape(&summary.address));
    let _ = writeln!(html, "<h1 class=\"{class}\">{}</h1>", verdict.grade.sentence());
    for (title, texts) in [
        ("What users would have noticed", &verdict.faults),
        ("What users would have noticed, unless it was the rehearsing machine", &verdict.doubts),
        ("Remarks", &verdict.remarks),
    ] {
        if texts.is_empty() {
            continue;
        }
        let _ = writeln!(html, "<h2>{title}</h2>\n<ul>");
        for text in texts {
            let _ = writeln!(html, "<li>{}</li>", escape(text));
        }
        html.push_str("</ul>\n");
    }
    if verdict.grade == Grade::Ready {
        html.push_str("<p>Every client was served in time, and nothing was lost.</p>\n");
    }
}

/// Returns the figures that matter most, in sentences.
fn in_short(logbook: &Logbook) -> String {
    let mut text = format!(
        "{} of {} clients had data, and {} were connected at the end.",
        logbook.clients_with_data(),
        logbook.clients(),
        logbook.total.connected
    );
    for (times, percent, what, whom) in [
        (&logbook.total.first_data, 95.0, "The first data was there", "nineteen of twenty"),
        (&logbook.total.messages, 99.0, "A message was there", "99 of 100"),
        (&logbook.total.spread, 99.0, "After the first client, a change was there", "99 of 100"),
    ] {
        if let Some(ms) = times.percentile_ms(percent) {
            // Writing to a string cannot fail.
            let _ = write!(text, " {what} within {} for {whom}.", span(ms));
        }
    }
    text
}

fn plots(logbook: &Logbook) -> Vec<Plot<'static>> {
    let gauge = |name: &str, value: fn(&Second) -> f64| {
        let seconds = logbook.seconds.iter().enumerate();
        Curve { name: name.to_owned(), points: seconds.map(|(second, of)| (second as f64, value(of))).collect() }
    };
    let percentiles = |times: fn(&Second) -> &Times| {
        let at = |name: &str, percent: f64| {
            let seconds = logbook.seconds.iter().enumerate();
            let points = seconds.filter_map(|(second, of)| Some((second as f64, times(of).percentile_ms(percent)?)));
            Curve { name: name.to_owned(), points: points.collect() }
        };
        vec![at("half of the clients", 50.0), at("95 %", 95.0), at("99 %", 99.0)]
    };
    let plot = |title, unit, curves| Plot { title, unit, curves, seconds: logbook.seconds.len() as f64 };
    vec![
        plot(
            "Clients",
            "",
            vec![gauge("connected", |of| of.connected as f64), gauge("offline", |of| of.offline as f64)],
        ),
        plot("From opening the page to the first data", "ms", percentiles(|of| &of.first_data)),
        plot("A message from one client to all others", "ms", percentiles(|of| &of.messages)),
        plot("A change, from the first client that had it to the others", "ms", percentiles(|of| &of.spread)),
        plot(
            "Streams interrupted, and changes missing, per second",
            "",
            vec![gauge("interrupted", |of| of.interruptions as f64), gauge("missing", |of| of.gaps as f64)],
        ),
        plot("Received", "MB/s", vec![gauge("received", |of| of.bytes as f64 / 1e6)]),
        plot("How late the rehearsing program itself was", "ms", vec![gauge("late", |of| of.lag_micros as f64 / 1e3)]),
    ]
}

fn service(html: &mut String, logbook: &Logbook, series: &[Series]) {
    if series.is_empty() {
        return;
    }
    html.push_str("<h2>The service meanwhile</h2>\n");
    let curves = |of: &dyn Fn(&Series) -> Vec<(f64, f64)>| {
        series.iter().map(|series| Curve { name: series.address.to_string(), points: of(series) }).collect()
    };
    let scaled = |points: Vec<(f64, f64)>, factor: f64| -> Vec<(f64, f64)> {
        points.into_iter().map(|(second, value)| (second, value * factor)).collect()
    };
    let plots = [
        ("CPU", "%", curves(&|series| scaled(series.rate("process_cpu_seconds_total"), 100.0))),
        ("Memory", "MB", curves(&|series| scaled(series.gauge("process_resident_memory_bytes"), 1e-6))),
        ("Connections", "", curves(&|series| series.gauge("autoupdate_connections_open"))),
        ("Streams", "", curves(&|series| series.gauge("autoupdate_streams_open"))),
        ("Failures of Redis, per second", "", curves(&|series| series.rate("autoupdate_redis_failures_total"))),
    ];
    for (title, unit, curves) in plots {
        html.push_str(&Plot { title, unit, curves, seconds: logbook.seconds.len() as f64 }.draw());
    }
}
