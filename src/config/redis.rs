//! Which Redis do the variables together mean, and do they contradict each other?

use std::path::Path;

use adapters::redis::{RedisAddress, RedisSentinels, password_from_file};

use super::Config;
use super::values::Password;

/// The name that Redis' own documentation uses for what sentinels watch.
pub(super) const DEFAULT_MASTER: &str = "mymaster";
/// Where Redis is by default; and the port of an address without one.
const DEFAULT_PLACE: (&str, u16) = ("localhost", 6379);

impl Config {
    /// Returns the Redis server to read from.
    #[must_use]
    pub(crate) fn redis_read(&self) -> RedisAddress {
        let from_host = || RedisAddress::from_host(&self.message_bus_host, self.message_bus_port);
        self.redis_url.clone().unwrap_or_else(from_host)
    }

    /// Returns the Redis server to write to: the most specific setting for writing, else the one to read from.
    #[must_use]
    pub(crate) fn redis_write(&self) -> RedisAddress {
        let host = Some(self.redis_write_host.as_str()).filter(|host| !host.is_empty());
        match (&self.redis_write_url, host, self.redis_write_port) {
            (Some(url), _, _) => url.clone(),
            (None, None, None) => self.redis_read(),
            (None, host, port) => {
                RedisAddress::from_host(host.unwrap_or(&self.message_bus_host), port.unwrap_or(self.message_bus_port))
            }
        }
    }

    /// Returns the sentinels that know where Redis is; `None`: its address is given.
    #[must_use]
    pub(crate) fn redis_sentinels(&self) -> Option<RedisSentinels> {
        let non_empty = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (!self.redis_sentinels.is_empty()).then(|| RedisSentinels {
            sentinels: self.redis_sentinels.clone(),
            master: self.redis_sentinel_master.clone(),
            user: non_empty(&self.redis_sentinel_user),
            password: non_empty(&self.redis_sentinel_password.0),
            nodes: self.redis_read(),
        })
    }

    /// Returns the file with the certificate of the authority to trust; `None`: the public authorities.
    #[must_use]
    pub(crate) fn redis_authority(&self) -> Option<&Path> {
        (!self.redis_ca_file.is_empty()).then(|| Path::new(&self.redis_ca_file))
    }

    /// Reads the files that contain addresses of Redis or a password, if any are named.
    ///
    /// # Errors
    /// A file cannot be read or contains something else, or its content contradicts other settings.
    pub(crate) fn with_redis_files(mut self) -> Result<Self, String> {
        for (name, file, address) in [
            ("REDIS_URL_FILE", &mut self.redis_url_file, &mut self.redis_url),
            ("REDIS_WRITE_URL_FILE", &mut self.redis_write_url_file, &mut self.redis_write_url),
        ] {
            let file = std::mem::take(file);
            if !file.is_empty() {
                let read = RedisAddress::from_file(Path::new(&file));
                *address = Some(read.map_err(|error| format!("{name}={error}"))?);
            }
        }
        let file = std::mem::take(&mut self.redis_sentinel_password_file);
        if !file.is_empty() {
            let read = password_from_file(Path::new(&file));
            self.redis_sentinel_password =
                Password(read.map_err(|error| format!("REDIS_SENTINEL_PASSWORD_FILE={error}"))?);
        }
        self.check_redis()?;
        Ok(self)
    }

    /// Returns the files with the service's own certificate and its key; `None`: it has none.
    #[must_use]
    pub(crate) fn redis_identity(&self) -> Option<(&Path, &Path)> {
        let has_both = !self.redis_cert_file.is_empty() && !self.redis_key_file.is_empty();
        has_both.then(|| (Path::new(&self.redis_cert_file), Path::new(&self.redis_key_file)))
    }

    /// Refuses contradictions: the operator believes something that is not so.
    pub(super) fn check_redis(&self) -> Result<(), String> {
        let files = [
            ("REDIS_URL", &self.redis_url_file, self.redis_url.is_some()),
            ("REDIS_WRITE_URL", &self.redis_write_url_file, self.redis_write_url.is_some()),
            ("REDIS_SENTINEL_PASSWORD", &self.redis_sentinel_password_file, !self.redis_sentinel_password.0.is_empty()),
        ];
        if let Some((name, ..)) = files.iter().find(|(_, file, is_set)| !file.is_empty() && *is_set) {
            return Err(format!("{name} and {name}_FILE are both set: leave one of them out"));
        }
        if files.iter().any(|(_, file, _)| !file.is_empty()) {
            // Its content is checked when it is read.
            return Ok(());
        }
        if self.redis_sentinels.is_empty() {
            self.check_no_sentinels()?
        } else {
            self.check_sentinels()?
        }
        self.check_redis_certificates()
    }

    fn check_redis_certificates(&self) -> Result<(), String> {
        let files = [
            ("REDIS_CA_FILE", &self.redis_ca_file),
            ("REDIS_CERT_FILE", &self.redis_cert_file),
            ("REDIS_KEY_FILE", &self.redis_key_file),
        ];
        let mut given = files.iter().filter(|(_, file)| !file.is_empty());
        let speaks_tls = self.redis_read().is_tls() || self.redis_write().is_tls() || self.redis_sentinels.is_tls();
        if let (Some((name, file)), false) = (given.next(), speaks_tls) {
            return Err(format!(
                "{name} is {file:?}, but nothing is reached by TLS: give REDIS_URL (and REDIS_WRITE_URL or \
                 REDIS_SENTINELS, if they are set) with rediss://"
            ));
        }
        let [_, certificate, key] = files;
        match (certificate.1.is_empty(), key.1.is_empty()) {
            (false, true) => Err(missing(certificate, key)),
            (true, false) => Err(missing(key, certificate)),
            _ => Ok(()),
        }
    }

    fn check_no_sentinels(&self) -> Result<(), String> {
        let set = [
            ("REDIS_SENTINEL_MASTER", self.redis_sentinel_master != DEFAULT_MASTER),
            ("REDIS_SENTINEL_USER", !self.redis_sentinel_user.is_empty()),
            ("REDIS_SENTINEL_PASSWORD", !self.redis_sentinel_password.0.is_empty()),
        ];
        match set.iter().find(|(_, is_set)| *is_set) {
            Some((name, _)) => {
                Err(format!("{name} is set, but REDIS_SENTINELS is not: say there where the sentinels are"))
            }
            None => Ok(()),
        }
    }

    fn check_sentinels(&self) -> Result<(), String> {
        let set = [
            ("MESSAGE_BUS_HOST", self.message_bus_host != DEFAULT_PLACE.0),
            ("MESSAGE_BUS_PORT", self.message_bus_port != DEFAULT_PLACE.1),
            ("REDIS_WRITE_HOST", !self.redis_write_host.is_empty()),
            ("REDIS_WRITE_PORT", self.redis_write_port.is_some()),
            ("REDIS_WRITE_URL", self.redis_write_url.is_some()),
        ];
        if let Some((name, _)) = set.iter().find(|(_, is_set)| *is_set) {
            return Err(format!(
                "{name} and REDIS_SENTINELS are both set: the sentinels say where Redis is, for reading and writing; \
                 leave {name} out"
            ));
        }
        let master = &self.redis_sentinel_master;
        match self.redis_url.as_ref().map(|url| (url, url.host_and_port())) {
            Some((url, place)) if place != Some((master.as_str(), DEFAULT_PLACE.1)) => Err(format!(
                "REDIS_URL leads to {url} and REDIS_SENTINELS is set: the sentinels say where Redis is; put the name of \
                 the primary in the place of host and port (redis[s]://[[user]:password@]{master}[/database]), or leave \
                 REDIS_URL out"
            )),
            _ => Ok(()),
        }
    }
}

/// Only one of two files that belong together is given.
fn missing((name, file): (&str, &String), (other, _): (&str, &String)) -> String {
    format!("{name} is {file:?}, but {other} is not set: the certificate and its key are needed together")
}
