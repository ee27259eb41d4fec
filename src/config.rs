//! What is configured, by which variable or flag, and with what default? (spec: http.md#variables)
//!
//! [`Config`] is the table: a field `keep_alive_seconds` is the variable `KEEP_ALIVE_SECONDS` and the flag
//! `--keep-alive-seconds`, and its documentation is the line of `--help`. A flag takes precedence over its variable.

mod help;
mod question;
mod redis;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use adapters::http::client_address::TrustedProxies;
use adapters::http::limits::{
    CLAPS_PER_MINUTE_MAX, CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, SENDS_PER_MINUTE_MAX, STREAMS_MAX,
    STREAMS_PER_ADDRESS_MAX, STREAMS_PER_USER_MAX,
};
use adapters::http::stream_response::Compression;
use adapters::redis::{RedisAddress, SentinelAddresses, redacted};
use adapters::tls::TlsMode;
use clap::error::{ContextKind, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use domain::ids::ElementKey;
pub(crate) use question::{Question, Who};
use redis::DEFAULT_MASTER;
pub(crate) use values::{FakeAuth, ListenHost, LogFilter, LogFormat, MetricsAddress, Password, Switch};
use values::{bytes, count, host, host_or_none, milliseconds, one_of, per_minute, port, seconds};

/// The autoupdate service of OpenSlides 3: what every user may see of the meeting, live.
#[derive(Debug, Parser)]
#[command(
    version,
    args_override_self = true,
    after_help = "Each flag is also an environment variable, in capitals and with `_` for `-`; the flag comes first. An empty \
                  variable counts as not set."
)]
struct CommandLine {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    task: Option<Task>,
}

/// What the process is asked to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Subcommand)]
pub(crate) enum Task {
    /// Serves the meeting in Redis; the default without a command.
    #[default]
    Serve,
    /// Serves a made-up meeting to try out, without Redis and without a secret.
    Demo,
    /// Checks the service that runs on this machine: exits with 0 if it is healthy, else with 1.
    Health,
    /// Checks whether the service would work with these settings, and says what to do if not: Redis, the meeting, the
    /// secret, a session, the certificate, the port. Exits with 0 if nothing is wrong, else with 1.
    Check {
        /// Also look at this session: the value of its cookie.
        #[arg(long, value_name = "COOKIE")]
        session: Option<String>,
    },
    /// Prints what a user sees of the meeting in Redis, as JSON; for support.
    View {
        #[command(flatten)]
        question: Question,
        /// Only this element, such as motions/motion:3.
        #[arg(value_name = "KEY", value_parser = question::key)]
        key: Option<ElementKey>,
        /// Print only what differs from what this user sees.
        #[arg(long, value_name = "USER", value_parser = question::user)]
        compare: Option<Who>,
    },
    /// Explains in words why a user sees an element of the meeting in Redis, or does not: exits with 0 if it is
    /// visible, else with 1.
    Explain {
        #[command(flatten)]
        question: Question,
        /// The element, such as motions/motion:3.
        #[arg(value_name = "KEY", value_parser = question::key)]
        key: ElementKey,
    },
}

/// All settings.
#[derive(Clone, Debug, Args)]
pub(crate) struct Config {
    /// Port to listen on; 0: any that is free.
    #[arg(long, value_name = "PORT", value_parser = port, default_value = "8002")]
    pub(crate) autoupdate_port: u16,
    /// Address or name to listen on, or unix:/path/to/socket; empty, `*` or `::`: all addresses, IPv4 and IPv6.
    #[arg(long, value_name = "HOST", default_value = "")]
    pub(crate) autoupdate_host: ListenHost,
    /// Host of the Redis server for reading.
    #[arg(long, value_name = "HOST", value_parser = host, default_value = "localhost")]
    pub(crate) message_bus_host: String,
    /// Port of the Redis server for reading.
    #[arg(long, value_name = "PORT", value_parser = port, default_value = "6379")]
    pub(crate) message_bus_port: u16,
    /// Host of the Redis server for writing; empty: the same as for reading.
    #[arg(long, value_name = "HOST", value_parser = host_or_none, default_value = "")]
    pub(crate) redis_write_host: String,
    /// Port of the Redis server for writing [default: the same as for reading].
    #[arg(long, value_name = "PORT", value_parser = port)]
    pub(crate) redis_write_port: Option<u16>,
    /// Redis server for reading, in place of its host and port: redis[s]://[[user]:password@]host[:port][/database] or
    /// unix:///path/to/socket.
    #[arg(long, value_name = "URL", value_parser = values::redis)]
    pub(crate) redis_url: Option<RedisAddress>,
    /// Redis server for writing, in place of its host and port, in the same form [default: as for reading].
    #[arg(long, value_name = "URL", value_parser = values::redis)]
    pub(crate) redis_write_url: Option<RedisAddress>,
    /// File that contains REDIS_URL, to keep passwords out of the environment; empty: none.
    #[arg(long, value_name = "FILE", default_value = "")]
    pub(crate) redis_url_file: String,
    /// File that contains REDIS_WRITE_URL; empty: none.
    #[arg(long, value_name = "FILE", default_value = "")]
    pub(crate) redis_write_url_file: String,
    /// Sentinels that know where Redis is, for reading and writing: a comma-separated list of host[:port], with a
    /// single rediss:// in front for TLS; empty: none. User, password, database and TLS of Redis are taken from
    /// REDIS_URL, with the name of the primary as its host.
    #[arg(long, value_name = "HOSTS", value_parser = values::sentinels, default_value = "")]
    pub(crate) redis_sentinels: SentinelAddresses,
    /// Name by which the sentinels know the primary.
    #[arg(long, value_name = "NAME", value_parser = values::master_name, default_value = DEFAULT_MASTER)]
    pub(crate) redis_sentinel_master: String,
    /// User at the sentinels; empty: the default one.
    #[arg(long, value_name = "USER", default_value = "")]
    pub(crate) redis_sentinel_user: String,
    /// Password at the sentinels; empty: none.
    #[arg(long, value_name = "PASSWORD", default_value = "")]
    pub(crate) redis_sentinel_password: Password,
    /// File that contains REDIS_SENTINEL_PASSWORD; empty: none.
    #[arg(long, value_name = "FILE", default_value = "")]
    pub(crate) redis_sentinel_password_file: String,
    /// File with the certificate of the authority that vouches for Redis and its sentinels, in PEM; empty: the public
    /// authorities.
    #[arg(long, value_name = "FILE", default_value = "")]
    pub(crate) redis_ca_file: String,
    /// File with the client certificate by which the service identifies itself to Redis and its sentinels, in PEM;
    /// empty: none.
    #[arg(long, value_name = "FILE", default_value = "")]
    pub(crate) redis_cert_file: String,
    /// File with the key of the certificate in REDIS_CERT_FILE, in PEM.
    #[arg(long, value_name = "FILE", default_value = "")]
    pub(crate) redis_key_file: String,
    /// How often the meeting is compared with Redis in case anything was missed, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds::<1>, default_value = "3")]
    pub(crate) reconcile_seconds: u64,
    /// How often applause is counted, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", value_parser = milliseconds::<1>, default_value = "1000")]
    pub(crate) applause_interval_ms: u64,

    /// Name of the session cookie.
    #[arg(long, value_name = "NAME", value_parser = values::cookie_name, default_value = "OpenSlidesSessionID")]
    pub(crate) cookie_name: String,
    /// Prefix of the keys of sessions in Redis.
    #[arg(long, value_name = "PREFIX", default_value = "session:")]
    pub(crate) session_prefix: String,
    /// How often the sessions of open streams are checked, in seconds; 0: never.
    #[arg(long, value_name = "SECONDS", value_parser = seconds::<0>, default_value = "60")]
    pub(crate) session_check_seconds: u64,
    /// Disables authentication: every request is served as this user, 0: as anonymous. -1: sessions are checked. For
    /// trying out only.
    #[arg(long, value_name = "USER_ID", allow_hyphen_values = true, default_value = "-1")]
    pub(crate) fake_auth: FakeAuth,
    /// File with the line DJANGO_SECRET_KEY='…', the secret of the OpenSlides server.
    #[arg(long, value_name = "FILE", default_value = "/run/secrets/django")]
    pub(crate) secret_file: PathBuf,

    /// Directory with autoupdate.pem and autoupdate-key.pem, or cert.pem and key.pem, or fullchain.pem and privkey.pem,
    /// or tls.crt and tls.key; empty: a self-signed certificate.
    #[arg(long, value_name = "DIRECTORY", default_value = "")]
    pub(crate) cert_dir: String,
    /// Which connections are served: both, only (those with TLS), off (only those without TLS).
    #[arg(long, value_name = "MODE", value_parser = one_of::<TlsMode>, default_value = "both")]
    pub(crate) tls: TlsMode,
    /// Maximum number of simultaneous connections; further ones wait until one ends. Lowered if the system allows fewer
    /// open files.
    #[arg(long, value_name = "COUNT", value_parser = count::<1>, default_value_t = CONNECTIONS_MAX)]
    pub(crate) connections_max: usize,
    /// Maximum number of simultaneous connections of one address that is not in TRUSTED_PROXIES; further ones are
    /// closed. 0: no limit.
    #[arg(long, value_name = "COUNT", value_parser = count::<0>, default_value_t = CONNECTIONS_PER_ADDRESS_MAX)]
    pub(crate) connections_per_address_max: usize,
    /// Addresses that speak for others, so that clients behind them are told apart by X-Forwarded-For: a
    /// comma-separated list of addresses and networks, in which private stands for those of this machine and of private
    /// networks; none: nobody.
    #[arg(long, value_name = "NETWORKS", value_parser = one_of::<TrustedProxies>, default_value = "private")]
    pub(crate) trusted_proxies: TrustedProxies,

    /// After how many seconds without other traffic a stream sends a sign of life; 0: never.
    #[arg(long, value_name = "SECONDS", value_parser = seconds::<0>, default_value = "30")]
    pub(crate) keep_alive_seconds: u64,
    /// After about how many seconds an idle client is sent the current change id; 0: never.
    #[arg(long, value_name = "SECONDS", value_parser = seconds::<0>, default_value = "240")]
    pub(crate) quiet_line_seconds: u64,
    /// After how many bytes of text a stream is ended; its client reconnects and continues. 0: no limit.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "268435456")]
    pub(crate) stream_bytes_max: u64,
    /// Compression of streams: auto (for browsers that can read compressed streams while they arrive), on (for all that
    /// ask for it), off.
    #[arg(long, value_name = "MODE", value_parser = one_of::<Compression>, default_value = "auto")]
    pub(crate) compression: Compression,
    /// Maximum number of messages that wait for a slow client; one that falls further behind is disconnected.
    #[arg(long, value_name = "COUNT", value_parser = count::<1>, default_value = "1000")]
    pub(crate) notify_buffer_max: usize,
    /// Maximum number of open streams; further ones are refused. 0: no limit.
    #[arg(long, value_name = "COUNT", value_parser = count::<0>, default_value_t = STREAMS_MAX)]
    pub(crate) streams_max: usize,
    /// Maximum number of open streams of one user; further ones are refused. 0: no limit.
    #[arg(long, value_name = "COUNT", value_parser = count::<0>, default_value_t = STREAMS_PER_USER_MAX)]
    pub(crate) streams_per_user_max: usize,
    /// Maximum number of open streams of one address that is not in TRUSTED_PROXIES; further ones are refused. 0: no
    /// limit.
    #[arg(long, value_name = "COUNT", value_parser = count::<0>, default_value_t = STREAMS_PER_ADDRESS_MAX)]
    pub(crate) streams_per_address_max: usize,
    /// How many messages a user may send at once, and a minute; further ones are refused. 0: no limit.
    #[arg(long, value_name = "COUNT", value_parser = per_minute, default_value_t = SENDS_PER_MINUTE_MAX)]
    pub(crate) sends_per_minute_max: u32,
    /// How often a user may applaud at once, and a minute; further applause is refused. 0: no limit.
    #[arg(long, value_name = "COUNT", value_parser = per_minute, default_value_t = CLAPS_PER_MINUTE_MAX)]
    pub(crate) claps_per_minute_max: u32,

    /// How many versions of the meeting are kept for returning clients; clients with older ones are sent more.
    #[arg(long, value_name = "COUNT", value_parser = count::<1>, default_value = "1000")]
    pub(crate) history_versions_max: usize,
    /// How long versions of the meeting are kept, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds::<1>, default_value = "600")]
    pub(crate) history_seconds_max: u64,
    /// How many bytes of changes the kept versions may hold, including those that clients are still reading.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "268435456")]
    pub(crate) history_bytes_max: u64,
    /// How many bytes of rendered text are kept for sharing; 0: six times the text of the meeting, at least 96 MiB.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "0")]
    pub(crate) render_cache_bytes_max: u64,

    /// For how many seconds the meeting may not have been compared with Redis before /system/health?ready says 503; at
    /// least twice RECONCILE_SECONDS.
    #[arg(long, value_name = "SECONDS", value_parser = seconds::<1>, default_value = "30")]
    pub(crate) ready_stale_seconds_max: u64,
    /// For how many seconds the service continues to serve after the signal to stop while it reports that it is
    /// unhealthy, so that load balancers stop sending clients.
    #[arg(long, value_name = "SECONDS", value_parser = seconds::<0>, default_value = "0")]
    pub(crate) shutdown_delay_seconds: u64,
    /// Over how many seconds the ends of streams are spread when the service stops.
    #[arg(long, value_name = "SECONDS", value_parser = seconds::<0>, default_value = "1")]
    pub(crate) drain_seconds: u64,
    /// Log format: text, json.
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<LogFormat>, default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or a filter by module such as `info,adapters::redis=debug`.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    pub(crate) log_level: LogFilter,
    /// Serves the inspector at /system/inspector, a page that shows the meeting as the session that opens it sees it,
    /// and explains to superadmins why somebody does not see something: off, on.
    #[arg(long, value_name = "MODE", value_parser = one_of::<Switch>, default_value = "off")]
    pub(crate) inspector: Switch,
    /// Address and port for metrics, such as 127.0.0.1:9100, or :9100 for all addresses; empty: none.
    #[arg(long, value_name = "ADDRESS", default_value = "")]
    pub(crate) metrics_address: MetricsAddress,
}

impl Config {
    /// Returns where the certificate is; `None`: it is created at startup.
    #[must_use]
    pub(crate) fn certificates(&self) -> Option<PathBuf> {
        (!self.cert_dir.is_empty()).then(|| PathBuf::from(&self.cert_dir))
    }
}

/// Why the process ends before it began.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It was asked for its help or version: the text for standard output.
    Help(String),
    /// An argument or variable is invalid: the text for standard error.
    Invalid(String),
}

/// Reads the settings from the arguments (the program's name first) and the environment's variables.
///
/// # Errors
/// There is nothing to start.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<(Task, Config), Stop> {
    let command = help::arranged(CommandLine::command());

    // A variable is read as if its flag preceded all others: the last one counts.
    let mut arguments = arguments.into_iter();
    let mut line: Vec<OsString> = arguments.next().into_iter().collect();
    for argument in command.get_arguments() {
        let name = variable_name(argument);
        // Compose files with `${VAR}` set unset variables to nothing. An empty flag is meant that way.
        let value = variable(&name).filter(|value| !value.is_empty());
        if let (Some(flag), Some(value)) = (argument.get_long(), value) {
            if value.to_str().is_none() {
                return Err(Stop::Invalid(format!("{name} cannot be used: expected text in UTF-8")));
            }
            let mut argument = OsString::from(format!("--{flag}="));
            argument.push(value);
            line.push(argument);
        }
    }
    line.extend(arguments);

    let matches = command.try_get_matches_from(line).map_err(|error| stop(&error))?;
    let CommandLine { config, task } = CommandLine::from_arg_matches(&matches).map_err(|error| stop(&error))?;
    config.check_redis().map_err(Stop::Invalid)?;
    Ok((task.unwrap_or_default(), config))
}

/// Returns the requested log format, even where other settings are invalid.
pub(crate) fn log_format(arguments: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> LogFormat {
    const FLAG: &str = "--log-format";
    let given = (0..arguments.len()).rev().find_map(|place| match arguments[place].to_str()?.strip_prefix(FLAG)? {
        "" => arguments.get(place + 1)?.to_str(),
        value => value.strip_prefix('='),
    });
    let variable = variable("LOG_FORMAT");
    let text = given.or_else(|| variable.as_ref()?.to_str());
    text.and_then(|text| text.parse().ok()).unwrap_or(LogFormat::Text)
}

/// Returns the variable of a flag; empty if it has none.
fn variable_name(argument: &clap::Arg) -> String {
    argument.get_long().unwrap_or_default().to_ascii_uppercase().replace('-', "_")
}

/// Flags of single commands, which are not variables.
const IS_NO_VARIABLE: [&str; 3] = ["--user", "--compare", "--session"];

fn stop(error: &clap::Error) -> Stop {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Stop::Help(error.to_string());
    }
    let text = |kind| error.get(kind).map(ToString::to_string);
    match (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue), std::error::Error::source(error)) {
        (Some(argument), Some(value), Some(expected)) => {
            // As it appears in the usage: `--autoupdate-port <PORT>`.
            let flag = argument.split(' ').next().unwrap_or_default();
            let name = flag.trim_start_matches('-').to_ascii_uppercase().replace('-', "_");
            let value = redacted(&value);
            // Only settings are also variables.
            let name = if flag.starts_with("--") && !IS_NO_VARIABLE.contains(&flag) {
                format!("{name} (or {flag})")
            } else {
                flag.to_owned()
            };
            Stop::Invalid(format!("{name} is {value:?}, which cannot be used: expected {expected}"))
        }
        _ => Stop::Invalid(error.to_string().trim_end().to_owned()),
    }
}

#[cfg(test)]
mod tests;
