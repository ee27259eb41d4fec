//! How are proxies run, and made to reload? With the recipes of `deploy/`, on ports of this machine.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::parts::{file_text, find, free_port, send, until};
use crate::error::LoadError;

/// How long a proxy may take to start, to reload or to stop.
const WAIT_SECONDS_MAX: u64 = 30;

const CADDYFILE: &str = include_str!("../../../deploy/Caddyfile");
const NGINX: &str = include_str!("../../../deploy/proxies/nginx.conf");
const HAPROXY: &str = include_str!("../../../deploy/proxies/haproxy.cfg");

/// A kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Caddy,
    Nginx,
    Haproxy,
}

/// A running proxy; told to stop when dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    kind: Kind,
    program: PathBuf,
    child: Child,
    admin: u16,
    /// Where it listens.
    pub(super) port: u16,
    directory: TempDir,
}

impl Kind {
    /// Returns the name of its program.
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::Caddy => "caddy",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    /// Returns the arguments of its program; `PLACE` stands for its folder.
    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Caddy => &["run", "--adapter", "caddyfile", "--config", "PLACE/configuration"],
            Self::Nginx => &["-c", "PLACE/configuration", "-e", "PLACE/log"],
            Self::Haproxy => &["-W", "-f", "PLACE/configuration"],
        }
    }

    /// Returns the recipe of `deploy/`, with what is written before and after it, and what is replaced in it.
    const fn recipe(self) -> Recipe {
        match self {
            Self::Caddy => Recipe {
                before: "{\n\tadmin 127.0.0.1:ADMIN\n\tauto_https disable_redirects\n}\n",
                text: CADDYFILE,
                replaced: &[
                    ("{$DOMAIN:localhost} {", "https://127.0.0.1:PORT {\n\ttls PLACE/certificate.pem PLACE/key.pem\n"),
                    ("{$AUTOUPDATE:autoupdate:8002}", "127.0.0.1:SERVICE"),
                ],
                after: "",
            },
            Self::Nginx => Recipe {
                before: "daemon off; pid PLACE/pid; error_log PLACE/log notice; worker_rlimit_nofile 16384;\n\
                         events { worker_connections 8192; }\nhttp { access_log off; client_body_temp_path PLACE/body; \
                         proxy_temp_path PLACE/proxy; fastcgi_temp_path PLACE/fastcgi; uwsgi_temp_path PLACE/uwsgi; \
                         scgi_temp_path PLACE/scgi;\n",
                text: NGINX,
                replaced: &[
                    ("listen 443 ", "listen 127.0.0.1:PORT "),
                    ("/etc/nginx/openslides.pem", "PLACE/certificate.pem"),
                    ("/etc/nginx/openslides-key.pem", "PLACE/key.pem"),
                    ("127.0.0.1:8002", "127.0.0.1:SERVICE"),
                ],
                after: "}\n",
            },
            Self::Haproxy => Recipe {
                before: "",
                text: HAPROXY,
                replaced: &[
                    ("maxconn 20000", "maxconn 8000"),
                    ("bind :443 ", "bind 127.0.0.1:PORT "),
                    ("/etc/haproxy/openslides.pem", "PLACE/both.pem"),
                    ("127.0.0.1:8002", "127.0.0.1:SERVICE"),
                ],
                after: "",
            },
        }
    }
}

/// A configuration.
#[derive(Clone, Copy)]
struct Recipe {
    before: &'static str,
    text: &'static str,
    replaced: &'static [(&'static str, &'static str)],
    after: &'static str,
}

impl Recipe {
    /// # Errors
    /// The recipe does not contain what is replaced.
    fn fill(self, place: &str, port: u16, admin: u16, service: u16) -> Result<String, LoadError> {
        let mut text = self.text.to_owned();
        for (from, to) in self.replaced {
            if !text.contains(from) {
                return Err(LoadError::Usage(format!("the recipe does not contain {from:?} any more")));
            }
            text = text.replace(from, to);
        }
        let text = format!("{}{text}{}", self.before, self.after).replace("PLACE", place);
        let text = text.replace("ADMIN", &admin.to_string()).replace("PORT", &port.to_string());
        Ok(text.replace("SERVICE", &service.to_string()))
    }
}

impl Proxy {
    /// Starts it in front of the service at this port, and waits until it listens.
    ///
    /// # Errors
    /// It is not there, or does not start.
    pub(super) async fn start(kind: Kind, service: u16) -> Result<Self, LoadError> {
        let missing = || LoadError::Missing(kind.program().to_owned());
        let program = find(kind.program()).ok_or_else(missing)?;
        let directory = TempDir::new().map_err(LoadError::io("temporary directory"))?;
        let place = directory.path().display().to_string();
        let unsigned = |error: rcgen::Error| LoadError::Usage(format!("no self-signed certificate: {error}"));
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).map_err(unsigned)?;
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let write = |name: &str, text: &str| file_text(&directory.path().join(name), text);
        write("certificate.pem", &certificate)?;
        write("key.pem", &key)?;
        write("both.pem", &format!("{certificate}{key}"))?;
        let (port, admin) = (free_port()?, free_port()?);
        write("configuration", &kind.recipe().fill(&place, port, admin, service)?)?;
        let mut command = Command::new(&program);
        command.args(kind.arguments().iter().map(|argument| argument.replace("PLACE", &place)));
        command.env("HOME", &place).env("XDG_DATA_HOME", &place).env("XDG_CONFIG_HOME", &place);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(LoadError::io(program.display().to_string()))?;
        let proxy = Self { kind, program, child, admin, port, directory };
        until(&format!("{} to listen", kind.program()), WAIT_SECONDS_MAX, async || {
            Ok(TcpStream::connect(("127.0.0.1", port)).await.is_ok())
        })
        .await?;
        Ok(proxy)
    }

    /// Makes it reload its configuration.
    ///
    /// # Errors
    /// It is gone, or refuses.
    pub(super) async fn reload(&self) -> Result<(), LoadError> {
        match self.kind {
            Kind::Nginx => send(&self.child, Signal::HUP),
            Kind::Haproxy => send(&self.child, Signal::USR2),
            Kind::Caddy => {
                let configuration = self.directory.path().join("configuration");
                let address = format!("127.0.0.1:{}", self.admin);
                let mut command = Command::new(&self.program);
                // An unchanged configuration is not loaded again unless it is told to.
                command.args(["reload", "--force", "--adapter", "caddyfile", "--address", &address, "--config"]);
                command.arg(configuration).env("HOME", self.directory.path());
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
                let what = "caddy to reload".to_owned();
                let status = timeout(Duration::from_secs(WAIT_SECONDS_MAX), command.status()).await;
                let status = status.map_err(|_| LoadError::TimeOut { what, seconds: WAIT_SECONDS_MAX })?;
                match status.map_err(LoadError::io("caddy reload"))?.success() {
                    true => Ok(()),
                    false => Err(LoadError::Usage("caddy does not reload".to_owned())),
                }
            }
        }
    }

    /// Stops it, with the processes that it started.
    ///
    /// # Errors
    /// It does not end.
    pub(super) async fn stop(mut self) -> Result<(), LoadError> {
        send(&self.child, Signal::TERM)?;
        if timeout(Duration::from_secs(WAIT_SECONDS_MAX), self.child.wait()).await.is_err() {
            self.child.kill().await.map_err(LoadError::io(self.kind.program()))?;
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It tells its child processes, which a killed one could not. It may have ended already.
        let _ = send(&self.child, Signal::TERM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipes_still_contain_what_is_replaced() {
        for kind in [Kind::Caddy, Kind::Nginx, Kind::Haproxy] {
            let text = kind.recipe().fill("/place", 1, 2, 3).expect("a recipe");
            assert!(text.contains("127.0.0.1:3") && !text.contains("SERVICE"), "{text}");
        }
    }
}
