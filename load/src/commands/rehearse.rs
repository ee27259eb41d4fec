//! How is a rehearsal started from the command line, and where does its result go?
#![allow(clippy::print_stdout, reason = "results go to the terminal; this is no service")]

use std::fs::OpenOptions;
use std::path::PathBuf;

use clap::Args;
use load::error::LoadError;
use load::rehearse::{Address, Grade, Plan, Session, Summary, Trust, Versions, page, run};

use super::{interrupted, seconds};

#[derive(Args)]
pub(crate) struct RehearseArguments {
    /// Address that browsers use, such as https://openslides.example.org
    #[arg(long)]
    url: Address,
    /// Number of clients; each stands for one open tab
    #[arg(long, default_value_t = 100)]
    clients: usize,
    /// File with one session per line: values of the session cookie, taken in turn
    #[arg(long)]
    sessions: Option<PathBuf>,
    /// A session: the value of the session cookie of somebody who is logged in. May be repeated. Other users of this
    /// machine can see it; --sessions keeps it from them
    #[arg(long)]
    session: Vec<String>,
    /// The name of the session cookie
    #[arg(long, default_value = "OpenSlidesSessionID")]
    cookie_name: String,
    /// How long the rehearsal lasts, in seconds, including the arrival
    #[arg(long = "for", value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    seconds: u64,
    /// Over how many seconds the clients arrive; 0: all at once
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    arrival: u64,
    /// Projectors that each client listens to; empty: none
    #[arg(long, value_delimiter = ',', num_args = 0.., default_value = "1")]
    projectors: Vec<u64>,
    /// Every so many seconds, let one client send a message to the others, which measures how long it takes. This
    /// writes to the stream of messages in Redis, as browsers do; only the clients of the rehearsal receive it
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "1", value_parser = seconds)]
    send_notify: Option<u64>,
    /// After how many seconds of silence the service shows a sign of life (KEEP_ALIVE_SECONDS): streams that are silent
    /// for 15 s longer make the hall not ready, which a rehearsal sees only if it lasts longer than that; 0: they do not
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    keep_alive: u64,
    /// Metrics of the service, such as http://127.0.0.1:9100/metrics. May be repeated, once for each instance
    #[arg(long)]
    metrics: Vec<Address>,
    /// Accept any certificate
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
    /// File with the certificate (PEM) of a private authority
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Offer HTTP/1.1 only
    #[arg(long)]
    http1: bool,
    /// Ask for uncompressed streams, as Firefox gets them
    #[arg(long)]
    uncompressed: bool,
    /// File to write the report to
    #[arg(long, default_value = "rehearsal.html")]
    report: PathBuf,
    /// File to write the figures to, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

impl RehearseArguments {
    fn plan(&self) -> Result<Plan, LoadError> {
        let given: Result<Vec<Session>, LoadError> =
            self.session.iter().map(|text| Session::new(text, &self.cookie_name)).collect();
        let mut sessions = given?;
        if let Some(path) = &self.sessions {
            sessions.extend(Session::read_all(path, &self.cookie_name)?);
        }
        Ok(Plan {
            address: self.url.clone(),
            clients: self.clients,
            sessions,
            cookie_name: self.cookie_name.clone(),
            seconds: self.seconds,
            arrival_seconds: self.arrival,
            projectors: self.projectors.clone(),
            compressed: !self.uncompressed,
            versions: if self.http1 { Versions::Http1 } else { Versions::Both },
            trust: match &self.ca {
                _ if self.insecure => Trust::Anything,
                Some(path) => Trust::File(path.clone()),
                None => Trust::Public,
            },
            keep_alive_seconds: self.keep_alive,
            message_seconds: self.send_notify,
            metrics: self.metrics.clone(),
        })
    }
}

/// Rehearses, and reports. Returns whether the hall is ready.
pub(crate) async fn rehearse(arguments: RehearseArguments) -> Result<bool, LoadError> {
    let plan = arguments.plan()?;
    // A report that cannot be written must not be noticed only when the evening is over.
    for path in [Some(&arguments.report), arguments.json.as_ref()].into_iter().flatten() {
        OpenOptions::new().create(true).append(true).open(path).map_err(LoadError::io(path.display().to_string()))?;
    }
    let (logbook, series) = run(plan.clone(), interrupted()).await?;
    let summary = Summary::new(&plan, &logbook, &series);
    println!("{summary}");
    write(&arguments.report, &page(&summary, &logbook, &series))?;
    println!("The report is in {}.", arguments.report.display());
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&summary).unwrap_or_default();
        write(path, &text)?;
    }
    Ok(matches!(summary.verdict.grade, Grade::Ready | Grade::ReadyWithRemarks))
}

fn write(path: &PathBuf, text: &str) -> Result<(), LoadError> {
    std::fs::write(path, text).map_err(LoadError::io(path.display().to_string()))
}
