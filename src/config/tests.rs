//! Is every setting read from its variable and its flag, and every invalid value reported with what was expected?

mod help;
mod written;

use adapters::redis::RedisSentinels;

use super::*;

fn ask(arguments: &[&str], variables: &[(&str, &str)]) -> Result<(Task, Config), Stop> {
    let arguments = std::iter::once("autoupdate").chain(arguments.iter().copied()).map(OsString::from);
    let variable = |name: &str| {
        let found = variables.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| OsString::from(value))
    };
    parse(arguments, variable)
}

#[track_caller]
fn config(arguments: &[&str], variables: &[(&str, &str)]) -> Config {
    ask(arguments, variables).expect("usable").1
}

/// Expectations: what the specification gives as defaults (spec: http.md#variables).
#[test]
fn the_defaults_are_those_of_the_specification() {
    let config = config(&[], &[]);
    assert_eq!((&config.autoupdate_host, config.autoupdate_port), (&ListenHost::Network(String::new()), 8002));
    assert_eq!((config.message_bus_host.as_str(), config.message_bus_port), ("localhost", 6379));
    assert_eq!(config.redis_read().to_string(), "localhost:6379");
    assert_eq!(config.redis_write(), config.redis_read());
    assert_eq!(config.applause_interval_ms, 1000);
    assert_eq!(config.cookie_name, "OpenSlidesSessionID");
    assert_eq!(config.session_prefix, "session:");
    assert_eq!(config.fake_auth, FakeAuth::Off);
    assert_eq!((config.certificates(), config.tls), (None, TlsMode::Both));
    assert_eq!(config.secret_file, PathBuf::from("/run/secrets/django"));
    assert_eq!(config.keep_alive_seconds, 30);
    assert_eq!(config.stream_bytes_max, 256 * 1024 * 1024);
    assert_eq!(config.session_check_seconds, 60);
    assert_eq!(config.drain_seconds, 1);
    assert_eq!(config.compression, Compression::Auto);
    assert_eq!(config.metrics_address, MetricsAddress(None));
}

/// Returns the log format with these arguments and this variable, whether or not they are valid.
#[track_caller]
fn check_log_format(arguments: &[&str], variable: Option<&str>, expected: LogFormat) {
    let arguments: Vec<_> =
        std::iter::once("autoupdate").chain(arguments.iter().copied()).map(OsString::from).collect();
    let found = log_format(&arguments, |name| variable.filter(|_| name == "LOG_FORMAT").map(OsString::from));
    assert_eq!(found, expected, "{arguments:?} {variable:?}");
}

#[test]
fn the_form_of_the_log_is_known_even_if_nothing_else_can_be_used() {
    use LogFormat::{Json, Text};
    check_log_format(&[], None, Text);
    check_log_format(&[], Some("json"), Json);
    check_log_format(&["--tls", "maybe"], Some("json"), Json);
    check_log_format(&["--tls=maybe", "--log-format=json"], None, Json);
    check_log_format(&["demo", "--log-format", "json", "--unknown"], Some("text"), Json);
    check_log_format(&["--log-format", "text"], Some("json"), Text);
    check_log_format(&["--log-format=json", "--log-format=text"], None, Text);
    check_log_format(&["--log-format"], None, Text);
    check_log_format(&["--log-formats=json"], None, Text);
    check_log_format(&[], Some("xml"), Text);
}

/// Sets one variable, then its flag, then both, and checks the field each time.
#[track_caller]
fn check(variable: &str, value: &str, field: impl Fn(&Config) -> String, expected: &str) {
    let flag = format!("--{}", variable.to_ascii_lowercase().replace('_', "-"));
    let joined = format!("{flag}={value}");
    type Given<'a> = &'a [&'a str];
    type Set<'a> = &'a [(&'a str, &'a str)];
    let ways: [(Given<'_>, Set<'_>); 5] = [
        (&[], &[(variable, value)]),
        (&[&flag, value], &[]),
        (&[&joined], &[]),
        (&["demo", &flag, value], &[]),
        (&[&flag, value, "demo"], &[]),
    ];
    for (arguments, variables) in ways {
        assert_eq!(field(&config(arguments, variables)), expected, "{arguments:?} {variables:?}");
    }
}

#[test]
fn every_setting_is_a_variable_and_a_flag() {
    check("AUTOUPDATE_PORT", "9000", |config| config.autoupdate_port.to_string(), "9000");
    check("AUTOUPDATE_HOST", "::1", |config| format!("{:?}", config.autoupdate_host), "Network(\"::1\")");
    check("MESSAGE_BUS_HOST", "redis", |config| config.redis_read().to_string(), "redis:6379");
    check("MESSAGE_BUS_PORT", "7", |config| config.redis_read().to_string(), "localhost:7");
    check("REDIS_WRITE_HOST", "fd00::1", |config| config.redis_write().to_string(), "[fd00::1]:6379");
    check("REDIS_WRITE_PORT", "7", |config| config.redis_write().to_string(), "localhost:7");
    check("REDIS_URL", "rediss://a:b@c/3", |config| config.redis_write().to_string(), "c:6379 (TLS), database 3");
    check("REDIS_WRITE_URL", "redis://c:1", |config| config.redis_write().to_string(), "c:1");
    check("REDIS_URL_FILE", "/u", |config| config.redis_url_file.clone(), "/u");
    check("REDIS_WRITE_URL_FILE", "/u", |config| config.redis_write_url_file.clone(), "/u");
    check("REDIS_SENTINEL_PASSWORD_FILE", "/p", |config| config.redis_sentinel_password_file.clone(), "/p");
    check("REDIS_SENTINELS", "a,b:1", |config| config.redis_sentinels.to_string(), "a:26379, b:1");
    check("REDIS_CA_FILE", "", |config| format!("{:?}", config.redis_authority()), "None");
    check("REDIS_CERT_FILE", "", |config| format!("{:?}", config.redis_identity()), "None");
    check("REDIS_KEY_FILE", "", |config| format!("{:?}", config.redis_identity()), "None");
    check("RECONCILE_SECONDS", "1", |config| config.reconcile_seconds.to_string(), "1");
    check("APPLAUSE_INTERVAL_MS", "500", |config| config.applause_interval_ms.to_string(), "500");
    check("COOKIE_NAME", "sid", |config| config.cookie_name.clone(), "sid");
    check("SESSION_PREFIX", "s:", |config| config.session_prefix.clone(), "s:");
    check("SESSION_CHECK_SECONDS", "0", |config| config.session_check_seconds.to_string(), "0");
    check("FAKE_AUTH", "-1", |config| format!("{:?}", config.fake_auth), "Off");
    check("FAKE_AUTH", "0", |config| format!("{:?}", config.fake_auth), "Anonymous");
    check("FAKE_AUTH", "300", |config| format!("{:?}", config.fake_auth), "User(UserId(300))");
    check("SECRET_FILE", "/x", |config| config.secret_file.display().to_string(), "/x");
    check("CERT_DIR", "/c", |config| format!("{:?}", config.certificates()), "Some(\"/c\")");
    check("TLS", "only", |config| config.tls.to_string(), "only");
    check("CONNECTIONS_MAX", "10", |config| config.connections_max.to_string(), "10");
    check("CONNECTIONS_PER_ADDRESS_MAX", "5", |config| config.connections_per_address_max.to_string(), "5");
    check("TRUSTED_PROXIES", "none", |config| format!("{:?}", config.trusted_proxies), "TrustedProxies([])");
    check("STREAMS_MAX", "5", |config| config.streams_max.to_string(), "5");
    check("STREAMS_PER_USER_MAX", "0", |config| config.streams_per_user_max.to_string(), "0");
    check("STREAMS_PER_ADDRESS_MAX", "5", |config| config.streams_per_address_max.to_string(), "5");
    check("SENDS_PER_MINUTE_MAX", "5", |config| config.sends_per_minute_max.to_string(), "5");
    check("CLAPS_PER_MINUTE_MAX", "0", |config| config.claps_per_minute_max.to_string(), "0");
    check("KEEP_ALIVE_SECONDS", "0", |config| config.keep_alive_seconds.to_string(), "0");
    check("QUIET_LINE_SECONDS", "9", |config| config.quiet_line_seconds.to_string(), "9");
    check("STREAM_BYTES_MAX", "0", |config| config.stream_bytes_max.to_string(), "0");
    check("COMPRESSION", "off", |config| format!("{:?}", config.compression), "Off");
    check("NOTIFY_BUFFER_MAX", "5", |config| config.notify_buffer_max.to_string(), "5");
    check("HISTORY_VERSIONS_MAX", "5", |config| config.history_versions_max.to_string(), "5");
    check("HISTORY_SECONDS_MAX", "5", |config| config.history_seconds_max.to_string(), "5");
    check("HISTORY_BYTES_MAX", "5", |config| config.history_bytes_max.to_string(), "5");
    check("RENDER_CACHE_BYTES_MAX", "5", |config| config.render_cache_bytes_max.to_string(), "5");
    check("READY_STALE_SECONDS_MAX", "9", |config| config.ready_stale_seconds_max.to_string(), "9");
    check("SHUTDOWN_DELAY_SECONDS", "9", |config| config.shutdown_delay_seconds.to_string(), "9");
    check("DRAIN_SECONDS", "60", |config| config.drain_seconds.to_string(), "60");
    check("LOG_FORMAT", "json", |config| format!("{:?}", config.log_format), "Json");
    check("LOG_LEVEL", "warn,h2=off", |config| format!("{:?}", config.log_level), "LogFilter(\"warn,h2=off\")");
    check("INSPECTOR", "on", |config| format!("{:?}", config.inspector), "On");
    check("METRICS_ADDRESS", "[::]:1", |config| format!("{:?}", config.metrics_address.0), "Some((\"::\", 1))");
}

#[test]
fn a_flag_overrides_its_variable() {
    let variables = [("AUTOUPDATE_PORT", "1")];
    assert_eq!(config(&["--autoupdate-port", "2"], &variables).autoupdate_port, 2);
    assert_eq!(config(&["demo", "--autoupdate-port", "2"], &variables).autoupdate_port, 2);
}

#[test]
fn redis_for_writing_is_what_is_configured_most_precisely() {
    let url = ("REDIS_URL", "redis://read/");
    assert_eq!(config(&[], &[url, ("MESSAGE_BUS_HOST", "other")]).redis_read().to_string(), "read:6379");
    let write = config(&[], &[url, ("REDIS_WRITE_HOST", "write")]).redis_write();
    assert_eq!(write.to_string(), "write:6379");
    let all = [url, ("REDIS_WRITE_HOST", "write"), ("REDIS_WRITE_URL", "redis://precise/")];
    assert_eq!(config(&[], &all).redis_write().to_string(), "precise:6379");
}

/// Checks what is used of other variables that are set beside the sentinels.
#[track_caller]
fn check_sentinels(variables: &[(&str, &str)], shown: &str) {
    let config = config(&[], &[&[("REDIS_SENTINELS", "a,b:1")], variables].concat());
    let RedisSentinels { sentinels, master, user, password, nodes } = config.redis_sentinels().expect("sentinels");
    // Without an URL the place of the nodes is that of the other variables, which does not matter.
    let nodes = nodes.to_string().replace("localhost", "mymaster");
    assert_eq!(format!("{sentinels}; {user:?} {password:?}; {master}; {nodes}"), format!("a:26379, b:1; {shown}"));
}

#[test]
fn sentinels_take_the_place_of_hosts() {
    check_sentinels(&[], "None None; mymaster; mymaster:6379");
    check_sentinels(
        &[("REDIS_SENTINEL_USER", "ada"), ("REDIS_SENTINEL_PASSWORD", "x")],
        "Some(\"ada\") Some(\"x\"); mymaster; mymaster:6379",
    );
    let tls = "None None; mymaster; mymaster:6379 (TLS), database 3";
    check_sentinels(&[("REDIS_URL", "rediss://ada:x@mymaster/3")], tls);
    let renamed = [("REDIS_URL", "redis://M_1.x"), ("REDIS_SENTINEL_MASTER", "M_1.x")];
    check_sentinels(&renamed, "None None; M_1.x; M_1.x:6379");
    assert!(config(&[], &[]).redis_sentinels().is_none());
}

/// Checks that startup is refused with a message that contains all of `parts`.
#[track_caller]
fn check_contradiction(variables: &[(&str, &str)], parts: &[&str]) {
    let Err(Stop::Invalid(message)) = ask(&[], variables) else { panic!("{variables:?} is used") };
    for part in parts {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(!message.contains("s3cret"), "{message}");
}

#[test]
fn settings_that_contradict_each_other_stop_the_start() {
    let sentinels = ("REDIS_SENTINELS", "a");
    for (name, value) in [
        ("MESSAGE_BUS_HOST", "redis"),
        ("MESSAGE_BUS_PORT", "6380"),
        ("REDIS_WRITE_HOST", "redis"),
        ("REDIS_WRITE_PORT", "6379"),
        ("REDIS_WRITE_URL", "redis://mymaster"),
    ] {
        check_contradiction(&[sentinels, (name, value)], &[name, "REDIS_SENTINELS", "leave"]);
    }
    for url in ["redis://x:s3cret@redis", "redis://mymaster:6380", "unix:///mymaster?pass=s3cret"] {
        check_contradiction(&[sentinels, ("REDIS_URL", url)], &["REDIS_URL", "REDIS_SENTINELS", "mymaster[/database]"]);
    }
    let renamed = [sentinels, ("REDIS_URL", "redis://mymaster"), ("REDIS_SENTINEL_MASTER", "other")];
    check_contradiction(&renamed, &["REDIS_URL", "other[/database]"]);
    for name in ["REDIS_SENTINEL_MASTER", "REDIS_SENTINEL_USER", "REDIS_SENTINEL_PASSWORD"] {
        check_contradiction(&[(name, "s3cret")], &[name, "REDIS_SENTINELS"]);
    }
}

#[test]
fn an_authority_is_for_tls_only() {
    let file = ("REDIS_CA_FILE", "/ca.pem");
    for tls in [
        &[("REDIS_URL", "rediss://redis")][..],
        &[("REDIS_WRITE_URL", "rediss://redis")],
        &[("REDIS_SENTINELS", "rediss://a")],
        &[("REDIS_SENTINELS", "a"), ("REDIS_URL", "rediss://mymaster")],
    ] {
        let config = config(&[], &[&[file], tls].concat());
        assert_eq!(config.redis_authority(), Some(std::path::Path::new("/ca.pem")), "{tls:?}");
    }
    for plain in [&[][..], &[("REDIS_URL", "redis://redis")], &[("REDIS_SENTINELS", "a")]] {
        check_contradiction(&[&[file], plain].concat(), &["REDIS_CA_FILE", "\"/ca.pem\"", "rediss://"]);
    }
}

#[test]
fn a_client_certificate_is_for_tls_only_and_needs_its_key() {
    let (certificate, key) = (("REDIS_CERT_FILE", "/c.pem"), ("REDIS_KEY_FILE", "/k.pem"));
    for tls in [("REDIS_URL", "rediss://redis"), ("REDIS_SENTINELS", "rediss://a")] {
        let config = config(&[], &[certificate, key, tls]);
        let [certificate, key] = ["/c.pem", "/k.pem"].map(std::path::Path::new);
        assert_eq!(config.redis_identity(), Some((certificate, key)), "{tls:?}");
    }
    check_contradiction(&[certificate, key], &["REDIS_CERT_FILE", "\"/c.pem\"", "rediss://"]);
    let tls = ("REDIS_URL", "rediss://redis");
    check_contradiction(&[tls, certificate], &["REDIS_CERT_FILE is \"/c.pem\"", "REDIS_KEY_FILE is not set"]);
    check_contradiction(&[tls, key], &["REDIS_KEY_FILE is \"/k.pem\"", "REDIS_CERT_FILE is not set"]);
}

#[test]
fn the_task_is_a_command() {
    for (arguments, task) in
        [(&[][..], Task::Serve), (&["serve"], Task::Serve), (&["demo"], Task::Demo), (&["health"], Task::Health)]
    {
        assert_eq!(ask(arguments, &[]).expect("usable").0, task);
    }
    let session = Some("one".to_owned());
    assert_eq!(ask(&["check", "--session", "one"], &[]).expect("usable").0, Task::Check { session });
}

/// Checks that the message names the variable, the value and what was expected, wherever the value came from.
#[track_caller]
fn check_refused(variable: &str, value: &str, expected: &str) {
    let flag = format!("--{}={value}", variable.to_ascii_lowercase().replace('_', "-"));
    for result in [ask(&[], &[(variable, value)]), ask(&[&flag], &[]), ask(&["demo", &flag], &[])] {
        let Err(Stop::Invalid(message)) = result else { panic!("{variable}={value} is used") };
        for part in [variable, &format!("{value:?}"), expected] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}

#[test]
fn a_value_that_does_not_parse_stops_the_start() {
    for value in ["x", "65536", "-1", "8002 ", "80.5"] {
        check_refused("AUTOUPDATE_PORT", value, "a port number from 0 to 65535");
    }
    check_refused("MESSAGE_BUS_PORT", "redis", "a port number");
    check_refused("REDIS_WRITE_PORT", "x", "a port number");
    for value in ["redis://x", "redis:6379", "[redis]", "[::1]:6379", "[::1", "1::2::3", "a b"] {
        check_refused("MESSAGE_BUS_HOST", value, "a host, without a port");
        check_refused("REDIS_WRITE_HOST", value, "a host, without a port");
        check_refused("AUTOUPDATE_HOST", value, "without a port, or unix:/path");
    }
    for value in ["unix:", "unix:run/a.sock", "unix://run/a.sock"] {
        check_refused("AUTOUPDATE_HOST", value, "unix:/path/to/socket");
    }
    for value in ["redis", "http://x", "redis://", "redis://x:y", "redis://x/y", "redis://x y"] {
        check_refused("REDIS_URL", value, "redis[s]://");
        check_refused("REDIS_WRITE_URL", value, "redis[s]://");
    }
    for value in ["a,", "a:x", "redis://a", "a,rediss://b"] {
        check_refused("REDIS_SENTINELS", value, "host[:port] of each sentinel");
    }
    for value in ["my master", "a/b"] {
        check_refused("REDIS_SENTINEL_MASTER", value, "letters, digits");
    }
    for value in ["x", "-2", "1.5", "9223372036854775808"] {
        check_refused("FAKE_AUTH", value, "a user id");
    }
    check_refused("TLS", "yes", "both, only, off");
    check_refused("COMPRESSION", "gzip", "auto, on, off");
    check_refused("LOG_FORMAT", "xml", "text, json");
    for value in ["loud", "info,loud", "adapters=loud"] {
        check_refused("LOG_LEVEL", value, "error, warn, info");
    }
    for value in ["9100", "here", "::1:9100", "127.0.0.1:", "127.0.0.1:x", "a b:1", "[::1]"] {
        check_refused("METRICS_ADDRESS", value, "an address and a port");
    }
    check_refused("COOKIE_NAME", "a=b", "the name of a cookie");
    check_refused("APPLAUSE_INTERVAL_MS", "0", "milliseconds from 1");
    check_refused("RECONCILE_SECONDS", "0", "seconds from 1");
    check_refused("CONNECTIONS_MAX", "0", "at least 1");
    check_refused("KEEP_ALIVE_SECONDS", "99999999999", "seconds from 0 to 31536000");
    check_refused("DRAIN_SECONDS", "1s", "seconds");
    check_refused("READY_STALE_SECONDS_MAX", "0", "seconds from 1");
    check_refused("SHUTDOWN_DELAY_SECONDS", "-1", "seconds");
    check_refused("RENDER_CACHE_BYTES_MAX", "96MiB", "bytes");
    check_refused("INSPECTOR", "yes", "one of off, on");
}

#[test]
fn a_password_is_never_shown() {
    let url = "redis://user:s3cret@mymaster:6379/1";
    let sentinels = [("REDIS_SENTINELS", "a"), ("REDIS_SENTINEL_PASSWORD", "s3cret")];
    let config = config(&[], &[&[("REDIS_URL", url)], &sentinels[..]].concat());
    assert!(!format!("{config:?} {} {:?}", config.redis_read(), config.redis_sentinels()).contains("s3cret"));
    for value in [
        "redis://user:s3cret@redis:x",
        "user:s3cret@redis",
        "http://user:s3cret@redis",
        "unix:///run/redis.sock?db=x&pass=s3cret",
        "unix:///run/redis.sock?db=x&pass=x@s3cret",
    ] {
        let Err(Stop::Invalid(message)) = ask(&[], &[("REDIS_URL", value)]) else { panic!("{value} is used") };
        assert!(message.contains("REDIS_URL") && !message.contains("s3cret"), "{message}");
    }
}

#[test]
fn what_is_no_setting_is_refused_too() {
    for arguments in [&["--no-such-flag"][..], &["no-such-command"], &["--autoupdate-port"]] {
        assert!(matches!(ask(arguments, &[]), Err(Stop::Invalid(_))), "{arguments:?}");
    }
}

const TABLE: &str = "| variable | default | meaning |\n|---|---|---|\n";

/// Generates the line about a setting in the tables of variables from `--help`.
fn row(argument: &clap::Arg) -> String {
    let name = variable_name(argument);
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    // If the default depends on other settings, the help text ends with it.
    let (meaning, default) = match help.trim_end_matches('.').split_once(" [default: ") {
        Some((meaning, default)) => (meaning.to_owned(), default.trim_end_matches(']').to_owned()),
        None => {
            let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
            let default = defaults.map(|value| if value.is_empty() { "empty".into() } else { format!("`{value}`") });
            let default = default.collect::<Vec<_>>().join(" ");
            (help, if default.is_empty() { "none".to_owned() } else { default })
        }
    };
    format!("| `{name}` | {default} | {} |\n", meaning.trim_end_matches('.'))
}

/// Generates all tables of variables, under the headings of `--help`.
fn tables() -> String {
    let mut tables = String::new();
    for argument in CommandLine::command().get_arguments() {
        if let Some((_, heading)) = super::help::HEADINGS.iter().find(|(first, _)| *first == argument.get_id().as_str())
        {
            tables.push_str(&format!("\n## {heading}\n\n{TABLE}"));
        }
        tables.push_str(&row(argument));
    }
    tables
}

#[test]
fn the_manual_lists_what_help_says() {
    let manual = include_str!("../../docs/CONFIGURATION.md");
    let expected = tables();
    assert!(manual.ends_with(&expected), "docs/CONFIGURATION.md must end with:\n{expected}");
}

/// A part of the manual's.
#[test]
fn the_table_of_the_readme_is_what_help_says() {
    let (_, rows) = include_str!("../../README.md").split_once(TABLE).expect("a table of variables");
    let rows: Vec<_> = rows.lines().take_while(|line| line.starts_with('|')).collect();
    let expected = tables();
    assert!(rows.len() > 10, "{rows:#?}");
    for row in rows {
        assert!(expected.lines().any(|line| line == row), "README.md: {row}\n must be one of:\n{expected}");
    }
}

/// Examples stand there for what has no default.
#[test]
fn the_environment_of_the_unit_lists_variables_with_their_defaults() {
    let lines = include_str!("../../deploy/systemd/environment").lines().filter_map(|line| line.strip_prefix('#'));
    let settings: Vec<_> = lines.filter_map(|line| line.split_once('=')).collect();
    let settings: Vec<_> = settings.into_iter().filter(|(name, _)| !name.contains(' ')).collect();
    let expected = tables();
    assert!(settings.len() > 5, "{settings:#?}");
    for (name, value) in settings {
        let value = value.trim_matches('\'');
        config(&[], &[(name, value)]);
        let row = expected.lines().find(|line| line.starts_with(&format!("| `{name}` | ")));
        let row = row.unwrap_or_else(|| panic!("{name} is not a variable"));
        let has_default = row.starts_with(&format!("| `{name}` | `"));
        assert!(!has_default || row.starts_with(&format!("| `{name}` | `{value}` |")), "{name}={value}, but: {row}");
    }
}

#[test]
fn help_lists_every_variable_with_its_default() {
    let Err(Stop::Help(help)) = ask(&["--help"], &[("AUTOUPDATE_PORT", "1")]) else { panic!("no help") };
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for argument in CommandLine::command().get_arguments() {
        let name = variable_name(argument);
        assert!(name.is_empty() || help.contains(&format!("[variable: {name}]")), "{name} in {help}");
    }
    for part in ["--autoupdate-port <PORT>", "[default: 8002]", "[default: session:]", "demo", "check", "health"] {
        assert!(help.contains(part), "{part} in {help}");
    }
    assert!(matches!(ask(&["--version"], &[]), Err(Stop::Help(version)) if version.starts_with("autoupdate ")));
}
