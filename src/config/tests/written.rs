//! Are settings accepted in the forms in which operators write them: empty, with brackets, in files?

use super::*;

/// Compose files with `${VAR}` pass empty variables for everything that is not set.
/// (spec: http.md#empty-variable)
#[test]
fn an_empty_variable_counts_as_unset() {
    let names: Vec<String> = CommandLine::command().get_arguments().map(variable_name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    let defaults = format!("{:?}", config(&[], &[]));
    for name in &names {
        assert_eq!(format!("{:?}", config(&[], &[(name, "")])), defaults, "{name}");
    }
    let all: Vec<_> = names.iter().map(|name| (*name, "")).collect();
    assert!(all.len() > 30 && all.contains(&("SESSION_PREFIX", "")), "{all:?}");
    assert_eq!(format!("{:?}", config(&[], &all)), defaults);
}

/// (spec: http.md#empty-variable)
#[test]
fn an_empty_flag_is_taken_literally() {
    assert_eq!(config(&["--session-prefix="], &[]).session_prefix, "");
    let variables = [("METRICS_ADDRESS", ":9100")];
    assert_eq!(config(&["--metrics-address="], &variables).metrics_address, MetricsAddress(None));
    for flag in ["--autoupdate-port=", "--redis-write-port=", "--message-bus-host=", "--redis-url=", "--fake-auth="] {
        assert!(matches!(ask(&[flag], &[]), Err(Stop::Invalid(_))), "{flag}");
    }
    for flag in ["--cookie-name=", "--redis-sentinel-master=", "--tls="] {
        assert!(matches!(ask(&[flag], &[]), Err(Stop::Invalid(_))), "{flag}");
    }
}

/// The ways to write a host, and what they mean.
#[test]
fn hosts_are_taken_as_people_write_them() {
    let network = |host: &str| ListenHost::Network(host.to_owned());
    for (written, meant) in [
        ("", network("")),
        ("*", network("*")),
        ("0.0.0.0", network("0.0.0.0")),
        ("::", network("::")),
        ("[::]", network("::")),
        ("[::1]", network("::1")),
        ("fe80::1%eth0", network("fe80::1%eth0")),
        ("some.host-name", network("some.host-name")),
        ("unix:/run/a.sock", ListenHost::Unix("/run/a.sock".into())),
        ("unix:///run/a.sock", ListenHost::Unix("/run/a.sock".into())),
    ] {
        assert_eq!(config(&[], &[("AUTOUPDATE_HOST", written)]).autoupdate_host, meant, "{written:?}");
    }
    for (written, meant) in [
        ("redis", "redis:6379"),
        ("127.0.0.1", "127.0.0.1:6379"),
        ("::1", "[::1]:6379"),
        ("[::1]", "[::1]:6379"),
        ("[fd00::1]", "[fd00::1]:6379"),
    ] {
        assert_eq!(config(&[], &[("MESSAGE_BUS_HOST", written)]).redis_read().to_string(), meant, "{written:?}");
        assert_eq!(config(&[], &[("REDIS_WRITE_HOST", written)]).redis_write().to_string(), meant, "{written:?}");
    }
    let sentinels = config(&[], &[("REDIS_SENTINELS", "[::1]:26379,[fd00::1]")]).redis_sentinels;
    assert_eq!(sentinels.to_string(), "[::1]:26379, [fd00::1]:26379");
    for (written, host, port) in [
        ("127.0.0.1:9100", "127.0.0.1", 9100),
        ("[::1]:9100", "::1", 9100),
        ("[::]:9100", "::", 9100),
        ("localhost:9100", "localhost", 9100),
        (":9100", "", 9100),
        ("*:0", "*", 0),
    ] {
        let found = config(&[], &[("METRICS_ADDRESS", written)]).metrics_address;
        assert_eq!(found, MetricsAddress(Some((host.to_owned(), port))), "{written:?}");
    }
}

/// `FILE` stands for a file with this text: the addresses for reading and for writing, or why they are not used.
fn with_files(variables: &[(&str, &str)], text: &str) -> Result<(String, String), String> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("url");
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8");
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.replace("FILE", path))).collect();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let config = config(&[], &variables).with_redis_files()?;
    Ok((config.redis_read().to_string(), config.redis_write().to_string()))
}

#[test]
fn the_password_of_the_sentinels_may_stand_in_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("password");
    std::fs::write(&path, "s3cret\n").expect("written");
    let file = ("REDIS_SENTINEL_PASSWORD_FILE", path.to_str().expect("UTF-8"));
    let sentinels = ("REDIS_SENTINELS", "a");
    let read = |variables: &[(&str, &str)]| {
        let config = config(&[], variables).with_redis_files()?;
        Ok::<_, String>(config.redis_sentinels().and_then(|sentinels| sentinels.password))
    };
    assert_eq!(read(&[sentinels, file]), Ok(Some("s3cret".to_owned())));
    assert_eq!(read(&[sentinels]), Ok(None));
    for (variables, part) in [
        (&[file][..], "REDIS_SENTINELS is not"),
        (&[sentinels, (file.0, "/no/such/file")], "REDIS_SENTINEL_PASSWORD_FILE=/no/such/file cannot be read"),
    ] {
        let error = read(variables).expect_err("not usable");
        assert!(error.contains(part) && !error.contains("s3cret"), "{error}");
    }
    let both = [sentinels, file, ("REDIS_SENTINEL_PASSWORD", "s3cret")];
    check_contradiction(&both, &["REDIS_SENTINEL_PASSWORD and REDIS_SENTINEL_PASSWORD_FILE are both set"]);
}

#[test]
fn addresses_of_redis_may_stand_in_files() {
    let (read, write) = (("REDIS_URL_FILE", "FILE"), ("REDIS_WRITE_URL_FILE", "FILE"));
    let pair = |read: &str, write: &str| Ok((read.to_owned(), write.to_owned()));
    let url = "rediss://:s3cret@redis/3\n";
    let (tls, plain) = ("redis:6379 (TLS), database 3", "localhost:6379");
    assert_eq!(with_files(&[read], url), pair(tls, tls));
    assert_eq!(with_files(&[write], url), pair(plain, tls));
    assert_eq!(with_files(&[read, ("REDIS_WRITE_URL", "redis://w")], url), pair(tls, "w:6379"));
    assert_eq!(with_files(&[], url), pair(plain, plain));
    // The content of the file is checked against the other settings as if it were the variable.
    let authority = ("REDIS_CA_FILE", "/ca.pem");
    assert_eq!(with_files(&[read, authority], url), pair(tls, tls));
    let sentinels = ("REDIS_SENTINELS", "a");
    for (variables, text, part) in [
        (&[read, authority][..], "redis://:s3cret@redis", "rediss://"),
        (&[read, sentinels], url, "mymaster[/database]"),
        (&[write, sentinels], url, "REDIS_SENTINELS"),
        (&[read], "s3cret", "REDIS_URL_FILE"),
        (&[write], "http://:s3cret@redis", "REDIS_WRITE_URL_FILE"),
        (&[("REDIS_URL_FILE", "/no/such/file")], "", "/no/such/file"),
    ] {
        let error = with_files(variables, text).expect_err("not usable");
        assert!(error.contains(part) && !error.contains("s3cret"), "{part} in {error}");
    }
    check_contradiction(&[read, ("REDIS_URL", "redis://:s3cret@a")], &["REDIS_URL and REDIS_URL_FILE are both set"]);
    check_contradiction(&[write, ("REDIS_WRITE_URL", "redis://a")], &["REDIS_WRITE_URL and REDIS_WRITE_URL_FILE"]);
}
