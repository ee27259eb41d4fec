//! Would the service work here, and if not, what is to be done? The command `check` (spec: http.md#check).

mod redis;
mod report;
mod sockets;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use adapters::tls::{CertificateReport, TlsMode};

use crate::config::{Config, ListenHost};
use crate::{descriptors, start};
use report::Report;

/// Prints line by line what is right and what is not, each with its remedy. The status is 0 if nothing is wrong, else 1.
///
/// Nothing is written to Redis.
pub(crate) async fn check(config: Config, session: Option<&str>) -> ExitCode {
    let mut report = Report::default();
    match config.clone().with_redis_files() {
        Err(error) => report.wrong("settings", &error.to_string()),
        Ok(config) => {
            report.right("settings", "all can be read");
            match start::redis(&config) {
                Err(error) => report.wrong("Redis", &error.to_string()),
                Ok(connections) => redis::check(&config, &connections, session, &mut report).await,
            }
        }
    }
    certificate(&config, &mut report);
    sockets::check(&config, &mut report);
    open_files(&config, &mut report);
    report.end()
}

fn certificate(config: &Config, report: &mut Report) {
    const NAME: &str = "certificate";
    let host = match &config.autoupdate_host {
        ListenHost::Network(host) => Some(host.as_str()),
        ListenHost::Unix(_) => None,
    };
    let Some(directory) = config.certificates().filter(|_| config.tls != TlsMode::Off) else {
        let text = match config.tls {
            TlsMode::Off => "none is needed, because TLS=off",
            _ => {
                "a self-signed one is made at each start, which browsers do not trust: fine behind a proxy that speaks plain \
                 HTTP to the service; else set CERT_DIR"
            }
        };
        return report.note(NAME, text);
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    match CertificateReport::read(&directory, host, now) {
        Err(error) => report.wrong(NAME, &error.to_string()),
        Ok(read) if read.doubts.is_empty() => {
            report.right(NAME, &format!("for {}, valid until {}", read.names, read.not_after));
        }
        Ok(read) => read.doubts.iter().for_each(|doubt| report.wrong(NAME, doubt)),
    }
}

fn open_files(config: &Config, report: &mut Report) {
    const NAME: &str = "open files";
    let wanted = config.connections_max;
    match descriptors::connections_max(wanted, 1) {
        Err(error) => report.wrong(NAME, &error.to_string()),
        // A service that is started by somebody else has another limit.
        Ok(allowed) if allowed < wanted => report.note(
            NAME,
            &format!(
                "what is started as this command was may have {allowed} connections, CONNECTIONS_MAX is {wanted}: fine if the \
                 service has a limit of its own, such as LimitNOFILE= of its unit (its log warns if that is too low); else \
                 raise it (ulimit -n) or lower CONNECTIONS_MAX"
            ),
        ),
        Ok(_) => report.right(NAME, &format!("enough for CONNECTIONS_MAX={wanted}")),
    }
}
