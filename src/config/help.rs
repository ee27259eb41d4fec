//! What does `--help` say, and in which order?

use clap::{Arg, Command};

use super::variable_name;

/// The heading of the settings of Redis.
const REDIS: &str = "Redis";

/// The headings, each with the first setting under it, in the order of [`Config`](super::Config).
pub(super) const HEADINGS: [(&str, &str); 9] = [
    ("autoupdate_port", "Listening"),
    ("message_bus_host", REDIS),
    ("reconcile_seconds", "Intervals"),
    ("cookie_name", "Sessions"),
    ("cert_dir", "Connections"),
    ("keep_alive_seconds", "Streams"),
    ("history_versions_max", "Memory"),
    ("ready_stale_seconds_max", "Readiness and stopping"),
    ("log_format", "Log, inspector and metrics"),
];

/// What the demo does not read, besides everything about Redis.
pub(super) const NOT_IN_DEMO: [&str; 4] = ["session_prefix", "fake_auth", "secret_file", "inspector"];

/// What the command `check` reads, besides everything about Redis.
pub(super) const IN_CHECK: [&str; 9] = [
    "autoupdate_port",
    "autoupdate_host",
    "session_prefix",
    "fake_auth",
    "secret_file",
    "cert_dir",
    "tls",
    "connections_max",
    "metrics_address",
];

/// Everything that the command `health` reads.
pub(super) const IN_HEALTH: [&str; 3] = ["autoupdate_port", "autoupdate_host", "tls"];

/// Returns the command line with its settings under headings, each with its variable; commands list only what they
/// read.
pub(super) fn arranged(command: Command) -> Command {
    let mut heading = None;
    let command = command.mut_args(|argument| {
        let name = variable_name(&argument);
        if name.is_empty() {
            return argument;
        }
        let first = HEADINGS.iter().find(|(first, _)| *first == argument.get_id().as_str());
        heading = first.map(|(_, heading)| *heading).or(heading);
        // The name cannot be part of the documentation of the setting, or it would appear twice.
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        argument.global(true).help(format!("{help} [variable: {name}]")).help_heading(heading)
    });
    let settings: Vec<Arg> = command.get_arguments().filter(|argument| argument.is_global_set()).cloned().collect();
    // Settings that are not listed are accepted all the same: one environment may serve all commands, and so may one
    // list of flags.
    let listing = |is_read: fn(&Arg) -> bool| {
        let settings: Vec<Arg> = settings.iter().map(|argument| argument.clone().hide(!is_read(argument))).collect();
        |command: Command| command.args(settings)
    };
    command
        .mut_subcommand("demo", listing(is_in_demo))
        .mut_subcommand("check", listing(is_in_check))
        .mut_subcommand("health", listing(is_in_health))
        .mut_subcommand("view", listing(is_of_redis))
        .mut_subcommand("explain", listing(is_of_redis))
}

fn is_in_demo(argument: &Arg) -> bool {
    argument.get_help_heading() != Some(REDIS) && !NOT_IN_DEMO.contains(&argument.get_id().as_str())
}

/// What is read by the commands that access Redis themselves.
fn is_of_redis(argument: &Arg) -> bool {
    argument.get_help_heading() == Some(REDIS)
}

fn is_in_check(argument: &Arg) -> bool {
    is_of_redis(argument) || IN_CHECK.contains(&argument.get_id().as_str())
}

fn is_in_health(argument: &Arg) -> bool {
    IN_HEALTH.contains(&argument.get_id().as_str())
}
