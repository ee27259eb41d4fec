//! What does the command line of `load` offer?
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "results go to the terminal; this is no service")]

mod commands;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use commands::{
    AttackArguments, FaultsArguments, PublishArguments, RecordArguments, RehearseArguments, ReplayArguments,
};
use domain::testing::generator::{Generated, Plan};
use load::client::{Coding, TlsClient, Transport};
use load::error::LoadError;
use load::floor::Floor;
use load::publisher::{Access, Publisher};
use load::report::Report;
use load::scenario::{Scenario, Stage, Variation};
use load::server::{Program, Server};
use load::target::Loopback;
use tokio::time::timeout;

/// How many files may be open: two for each connection, and a reserve.
const FILES: u64 = 65_536;

/// Rehearses with an installation, and measures an autoupdate service on this machine.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Opens many clients with the habits of browsers against a running installation, through its proxy, and reports
    /// whether its hall is ready
    ///
    /// Nothing is written to Redis unless --send-notify is given. Ctrl-C ends the rehearsal with the report so far.
    /// The exit status is 0 if the hall is ready, and 1 if it is not or could not be reached.
    Rehearse(Box<RehearseArguments>),
    /// Records a meeting with all names and texts replaced, so that a fault can be reported with it
    Record(RecordArguments),
    /// Plays a recorded meeting into an empty Redis, with a session for each of its users
    Replay(ReplayArguments),
    /// Writes a generated meeting as JSON, {"<key>": element}
    Generate {
        #[command(flatten)]
        meeting: MeetingArguments,
        /// The file to write; standard output if not given
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Fills Redis with a generated meeting and sessions for its users, the way the OpenSlides server does
    Fill {
        #[command(flatten)]
        meeting: MeetingArguments,
        #[command(flatten)]
        redis: RedisArguments,
        /// Replace an existing meeting
        #[arg(long)]
        replace: bool,
        /// File to write the sessions of the users to, for `load rehearse --sessions`
        #[arg(long)]
        sessions: Option<PathBuf>,
    },
    /// Changes lists of speakers in a Redis on this machine at a fixed rate, the way the OpenSlides server does
    Publish(PublishArguments),
    /// Runs scenarios against a service whose Redis was filled with the same meeting
    Run(Box<RunArguments>),
    /// Attacks a running service in known ways, with somebody beside who uses it: exits with 1 if it does not withstand
    Attack(AttackArguments),
    /// Lets Redis, Valkey, sentinels, proxies and the service itself fail, and watches what clients see of it: exits with
    /// 1 if a promise is broken
    Faults(Box<FaultsArguments>),
    /// Writes the same bytes to many sockets in a bare loop, to find the least that a delivery can cost
    Floor {
        /// Number of sockets
        #[arg(long, default_value_t = 1_000)]
        connections: usize,
        /// Bytes in one write
        #[arg(long, default_value_t = 2_200)]
        bytes: usize,
        /// Writes to each socket
        #[arg(long, default_value_t = 50)]
        rounds: usize,
    },
}

#[derive(Args)]
struct MeetingArguments {
    /// Seed of the generator: the same seed makes the same meeting
    #[arg(long, default_value_t = Plan::LARGE.seed)]
    seed: u64,
    /// Number of elements
    #[arg(long, default_value_t = Plan::LARGE.elements)]
    elements: usize,
    /// How many of them are users
    #[arg(long, default_value_t = Plan::LARGE.users)]
    users: usize,
}

#[derive(Args)]
struct RedisArguments {
    /// A Redis on this machine
    #[arg(long, default_value = "redis://127.0.0.1:6379/")]
    redis: String,
    /// The Django secret that sessions are signed with
    #[arg(long, default_value = "secret of the load program")]
    secret: String,
    /// The prefix of the session keys
    #[arg(long, default_value = "session:")]
    session_prefix: String,
}

#[derive(Args)]
struct RunArguments {
    #[command(flatten)]
    meeting: MeetingArguments,
    #[command(flatten)]
    redis: RedisArguments,
    /// Binary of the service to start on a free port, and to stop afterwards
    #[arg(long, conflicts_with_all = ["target", "pid"])]
    program: Option<PathBuf>,
    /// Fill Redis first, replacing its contents
    #[arg(long)]
    fill: bool,
    /// Address of a running service
    #[arg(long, default_value = "127.0.0.1:8002")]
    target: Loopback,
    /// Process id of that service, to measure its CPU time and memory
    #[arg(long)]
    pid: Option<u32>,
    /// start, idle, quiet, connect, speakers, ballot, ballots, bulk, group, notify, projector, churn; all if not given
    #[arg(long = "scenario", value_delimiter = ',')]
    scenarios: Vec<Scenario>,
    /// plain, tls, http2, h2c
    #[arg(long = "transport", value_delimiter = ',', default_value = "plain")]
    transports: Vec<Transport>,
    /// Ask for compressed streams
    #[arg(long, conflicts_with = "zstd")]
    gzip: bool,
    /// Ask for streams compressed with zstd
    #[arg(long)]
    zstd: bool,
    /// Number of connections; if not given, each scenario's default
    #[arg(long)]
    connections: Option<usize>,
    /// Number of changes, one after the other
    #[arg(long, default_value_t = 20)]
    changes: usize,
    /// Ballots per second
    #[arg(long, default_value_t = 200)]
    rate: u64,
    /// Duration, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How long to wait for published changes to arrive, in seconds
    #[arg(long, default_value_t = 60)]
    patience_seconds: u64,
    /// The program ends after this many seconds in any case
    #[arg(long, default_value_t = 1_800)]
    limit_seconds: u64,
    /// The name of the session cookie
    #[arg(long, default_value = "OpenSlidesSessionID")]
    cookie_name: String,
    /// File to write the results to, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

impl MeetingArguments {
    fn plan(&self) -> Plan {
        Plan { seed: self.seed, elements: self.elements, users: self.users }
    }
}

impl RedisArguments {
    fn access(&self) -> Access {
        Access { secret: self.secret.clone(), session_prefix: self.session_prefix.clone() }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = rlimit::increase_nofile_limit(FILES) {
        eprintln!("cannot raise the limit of open files: {error}");
    }
    match run(arguments.command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command. Returns whether its answer is yes.
async fn run(command: Command) -> Result<bool, LoadError> {
    match command {
        Command::Rehearse(arguments) => return commands::rehearse(*arguments).await,
        Command::Publish(arguments) => commands::publish(arguments).await?,
        Command::Record(arguments) => commands::record_meeting(arguments).await?,
        Command::Replay(arguments) => commands::replay_meeting(arguments).await?,
        Command::Generate { meeting, out } => generate(&Generated::new(meeting.plan()), out)?,
        Command::Fill { meeting, redis, replace, sessions } => {
            let meeting = Generated::new(meeting.plan());
            let lowest = Publisher::connect(&redis.redis).await?.fill(&meeting, &redis.access(), replace).await?;
            println!(
                "{} elements, {:.1} MB, {} users and sessions; change id {lowest}",
                meeting.elements().len(),
                meeting.bytes() as f64 / 1e6,
                meeting.users().len()
            );
            if let Some(path) = sessions {
                let keys: Vec<String> = meeting.users().iter().map(|(user, _)| load::session::cookie(user.0)).collect();
                commands::write_sessions(&path, &keys)?;
            }
            println!("A session: --cookie OpenSlidesSessionID={}", load::session::cookie(1));
        }
        Command::Run(arguments) => {
            let seconds = arguments.limit_seconds;
            let what = "the scenarios to end".to_owned();
            timeout(Duration::from_secs(seconds), measure(*arguments))
                .await
                .unwrap_or(Err(LoadError::TimeOut { what, seconds }))?;
        }
        Command::Attack(arguments) => arguments.run().await?,
        Command::Faults(arguments) => return arguments.run().await,
        Command::Floor { connections, bytes, rounds } => {
            for tls in [false, true] {
                let micros = Floor { connections, bytes, rounds, tls }.measure()?;
                let transport = if tls { "TLS" } else { "plain" };
                println!("{transport}: {micros:.1} µs CPU a write of {bytes} bytes to each of {connections} sockets");
            }
        }
    }
    Ok(true)
}

fn generate(meeting: &Generated, out: Option<PathBuf>) -> Result<(), LoadError> {
    let raw = |json: &str| serde_json::value::RawValue::from_string(json.to_owned());
    let elements: Result<BTreeMap<String, _>, _> =
        meeting.elements().iter().map(|(key, json)| Ok((key.to_string(), raw(json)?))).collect();
    let not_json = |error: serde_json::Error| LoadError::Usage(format!("the generator made no JSON: {error}"));
    let text = elements.and_then(|elements| serde_json::to_string(&elements)).map_err(not_json)?;
    match out {
        None => println!("{text}"),
        Some(path) => std::fs::write(&path, text).map_err(LoadError::io(path.display().to_string()))?,
    }
    Ok(())
}

async fn measure(arguments: RunArguments) -> Result<(), LoadError> {
    let meeting = Generated::new(arguments.meeting.plan());
    let access = arguments.redis.access();
    let mut publisher = Publisher::connect(&arguments.redis.redis).await?;
    if arguments.fill {
        publisher.fill(&meeting, &access, true).await?;
    }
    let program = arguments.program.map(|path| Program { path, redis: arguments.redis.redis.clone(), access });
    let server = match &program {
        Some(program) => Server::start(program).await?,
        None => Server::running(arguments.target, arguments.pid)?,
    };
    let (elements, bytes, users) = (meeting.elements().len(), meeting.bytes(), meeting.users().len());
    let tls = TlsClient::new()?;
    let mut stage = Stage { server, program, publisher, meeting, cookie_name: arguments.cookie_name, tls };
    let scenarios = if arguments.scenarios.is_empty() { Scenario::ALL.to_vec() } else { arguments.scenarios };
    let coding = match (arguments.gzip, arguments.zstd) {
        (true, _) => Some(Coding::Gzip),
        (_, true) => Some(Coding::Zstd),
        _ => None,
    };
    let mut report = Report { elements, bytes, users, seed: arguments.meeting.seed, rows: Vec::new() };
    let mut result = Ok(());
    for scenario in scenarios {
        // Where no client connects, the transport makes no difference.
        let transports = if scenario.connections() == 0 { &arguments.transports[..1] } else { &arguments.transports };
        for transport in transports {
            eprintln!("{scenario}, {transport} …");
            let variation = Variation {
                transport: *transport,
                coding,
                connections: arguments.connections,
                changes: arguments.changes,
                rate: arguments.rate,
                seconds: arguments.seconds,
                patience: Duration::from_secs(arguments.patience_seconds),
            };
            match stage.run(scenario, variation).await {
                Ok(rows) => report.rows.extend(rows),
                // The results so far are reported nevertheless.
                Err(error) => {
                    eprintln!("{scenario}, {transport}: {error}");
                    result = Err(LoadError::Usage("not every scenario could be measured".to_owned()));
                }
            }
        }
    }
    println!("{}", report.table());
    if let Some(path) = arguments.json {
        let text = serde_json::to_string_pretty(&report).unwrap_or_default();
        std::fs::write(&path, text).map_err(LoadError::io(path.display().to_string()))?;
    }
    result
}
