//! Does the help of each command list what the command reads, under the right heading?

use super::super::help::{HEADINGS, IN_HEALTH, NOT_IN_DEMO, arranged};
use super::*;

/// The help of a command, in one line.
fn shown(arguments: &[&str]) -> String {
    let Err(Stop::Help(help)) = ask(arguments, &[]) else { panic!("no help") };
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_help_of_a_command_lists_what_it_reads() {
    let serve = shown(&["serve", "--help"]);
    let demo = shown(&["demo", "--help"]);
    let health = shown(&["health", "--help"]);
    let command = arranged(CommandLine::command());
    let settings: Vec<_> = command.get_arguments().filter(|argument| argument.is_global_set()).collect();
    for argument in &settings {
        let (id, entry) = (argument.get_id().as_str(), format!("[variable: {}]", variable_name(argument)));
        assert!(serve.contains(&entry), "{id}");
        let in_demo = argument.get_help_heading() != Some("Redis") && !NOT_IN_DEMO.contains(&id);
        assert_eq!(demo.contains(&entry), in_demo, "{id}");
        assert_eq!(health.contains(&entry), ["autoupdate_port", "autoupdate_host", "tls"].contains(&id), "{id}");
    }
    let names = |ids: &[&str]| ids.iter().all(|id| settings.iter().any(|argument| argument.get_id() == *id));
    assert!(names(&NOT_IN_DEMO) && names(&IN_HEALTH), "only settings are named");
    // Settings that are not listed are still accepted.
    assert!(ask(&["health", "--redis-url", "redis://x"], &[("SECRET_FILE", "/x")]).is_ok());
    assert_eq!(config(&["demo", "--session-prefix", "x"], &[("SESSION_PREFIX", "y")]).session_prefix, "x");
}

#[test]
fn every_setting_stands_under_a_heading() {
    let command = arranged(CommandLine::command());
    let settings: Vec<_> = command.get_arguments().filter(|argument| argument.is_global_set()).collect();
    for argument in &settings {
        assert!(argument.get_help_heading().is_some(), "{}", argument.get_id());
    }
    let help = shown(&["--help"]);
    for (first, heading) in HEADINGS {
        let flag = format!("--{}", first.replace('_', "-"));
        assert!(help.contains(&format!("{heading}: {flag} <")), "{heading}: {flag} in {help}");
    }
}
