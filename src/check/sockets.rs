//! Could the service listen where it is configured to, or does it already?

use adapters::http::listen::bind;
use adapters::http::probe;

use super::report::Report;
use crate::config::{Config, ListenHost};

/// Tries the address of the service and that of the metrics.
pub(super) fn check(config: &Config, report: &mut Report) {
    // It is kept until the other address has been tried, which may be the same.
    let mut listener = None;
    let (name, listening, health) = match &config.autoupdate_host {
        ListenHost::Network(host) => (
            format!("port {}", config.autoupdate_port),
            match bind(host, config.autoupdate_port) {
                Ok(bound) => {
                    listener = Some(bound);
                    None
                }
                Err(error) => Some(error.to_string()),
            },
            probe::health(host, config.autoupdate_port, config.tls),
        ),
        // To try it would take the socket from a service that starts just now.
        ListenHost::Unix(path) => {
            let health = probe::health_at(path, config.tls);
            let folder = path.parent().filter(|folder| folder.is_dir());
            let missing = folder.is_none().then(|| {
                format!("the directory of {} does not exist: create it, writable by the service's user", path.display())
            });
            (format!("socket {}", path.display()), missing, health)
        }
    };
    match (listening, health) {
        (_, Ok(())) => report.right(&name, "the service listens there, and is healthy"),
        (None, _) => report.right(&name, "free to listen on"),
        (Some(_), Err(probe::ProbeError::Unhealthy(problem))) => {
            report.wrong(&name, &format!("the service listens there, but is not healthy: {problem}; see its log"));
        }
        (Some(problem), Err(_)) => report.wrong(&name, &problem),
    }
    if let Some((host, port)) = &config.metrics_address.0 {
        let name = format!("metrics port {port}");
        match bind(host, *port) {
            Ok(_) => report.right(&name, "free to listen on"),
            // The service does not run, so it does not have it.
            Err(error) if listener.is_some() => {
                report.wrong(&name, &format!("{error}: choose another METRICS_ADDRESS"))
            }
            Err(error) => report.note(&name, &format!("{}: fine if this service runs already", error.cause())),
        }
    }
}
