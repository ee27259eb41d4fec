//! Could the service listen where it is configured to, or does it already?

use adapters::http::listen::bind;
use adapters::http::probe;

use super::report::Report;
use crate::config::{Config, ListenHost};

/// Tries the address of the service and that of the metrics.
pub(super) fn check(config: &Config, report: &mut Report) {
    let (name, listening, health) = match &config.autoupdate_host {
        ListenHost::Network(host) => (
            format!("port {}", config.autoupdate_port),
            bind(host, config.autoupdate_port).err().map(|error| error.to_string()),
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
    let is_free = listening.is_none();
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
            Ok(_held) if is_free && !is_free_now(config) => report.wrong(
                &name,
                "it is the port of the service itself (AUTOUPDATE_PORT): choose another one for METRICS_ADDRESS",
            ),
            Ok(_) => report.right(&name, "free to listen on"),
            // A service that runs has it.
            Err(error) => report.note(&name, &format!("{}: fine if this service runs already", error.cause())),
        }
    }
}

/// Returns whether the service could listen; at a Unix socket it can.
fn is_free_now(config: &Config) -> bool {
    match &config.autoupdate_host {
        ListenHost::Network(host) => bind(host, config.autoupdate_port).is_ok(),
        ListenHost::Unix(_) => true,
    }
}
