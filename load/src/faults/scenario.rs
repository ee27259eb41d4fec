//! Which faults are known? One file each.

mod clients_killed;
mod evicts;
mod fail_over;
mod flushed;
mod full;
mod killed;
mod lost_data;
mod password;
mod paused;
mod primary_killed;
mod proxy_reloaded;
mod restarts;
mod rights_lost;

use std::fmt;
use std::str::FromStr;

use super::proxy;
use super::trial::Trial;
use crate::error::LoadError;

/// A known fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Redis is killed, and started again with its data.
    RedisKilled,
    /// Redis is killed and started again without its data; the server fills it.
    RedisLostData,
    /// Redis is stopped for a short time, as by a snapshot.
    RedisPaused,
    /// Redis is stopped for longer than anything waits.
    RedisPausedLong,
    /// Redis is flushed, and filled by a server whose clock is behind.
    RedisFlushedLower,
    /// Redis is flushed, and filled.
    RedisFlushedHigher,
    /// Redis drops all connections, again and again.
    RedisClientsKilled,
    /// Redis has no memory left, and refuses writes.
    RedisFull,
    /// Redis has no memory left, and drops keys.
    RedisEvicts,
    /// The service's user in Redis loses all rights for a while.
    RightsLost,
    /// Redis demands a password for a while that the service does not have.
    PasswordDemanded,
    /// The primary is killed; three sentinels promote its replica.
    PrimaryKilled,
    /// Three sentinels are told to fail over.
    FailOver,
    /// The service is restarted ten times.
    Restarts,
    /// The same, with a socket that stays open.
    RestartsWithSocket,
    /// Caddy, in front of the service, reloads its configuration.
    CaddyReloaded,
    /// The same with nginx.
    NginxReloaded,
    /// The same with HAProxy.
    HaproxyReloaded,
}

/// What a fault may do to streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// They stay open.
    Nothing,
    /// They may end; nobody reaches the fourth failure in a row, after which the web client shows its user as offline.
    Reconnect,
    /// Users may be shown as offline until it is over.
    Offline,
}

/// What is known of a fault in advance.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// What it may do to streams.
    pub harm: Harm,
    /// Whether clients may be sent everything again.
    pub may_reset: bool,
    /// How many clients there are.
    pub clients: usize,
}

/// How many clients there are at most faults.
const CLIENTS: usize = 200;

/// How many clients there are when the service is restarted.
const CLIENTS_OF_RESTARTS: usize = 1_000;

const fn known(name: &'static str, harm: Harm, may_reset: bool) -> Known {
    Known { name, harm, may_reset, clients: CLIENTS }
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 18] = [
        Self::RedisKilled,
        Self::RedisLostData,
        Self::RedisPaused,
        Self::RedisPausedLong,
        Self::RedisFlushedLower,
        Self::RedisFlushedHigher,
        Self::RedisClientsKilled,
        Self::RedisFull,
        Self::RedisEvicts,
        Self::RightsLost,
        Self::PasswordDemanded,
        Self::PrimaryKilled,
        Self::FailOver,
        Self::Restarts,
        Self::RestartsWithSocket,
        Self::CaddyReloaded,
        Self::NginxReloaded,
        Self::HaproxyReloaded,
    ];

    /// Returns what is known of it (docs/OPERATIONS.md, When Redis …).
    #[must_use]
    pub const fn known(self) -> Known {
        match self {
            Self::RedisKilled => known("redis-killed", Harm::Nothing, false),
            // The sessions are gone until the server has filled it, and so are messages.
            Self::RedisLostData => known("redis-lost-data", Harm::Reconnect, true),
            Self::RedisPaused => known("redis-paused", Harm::Nothing, false),
            Self::RedisPausedLong => known("redis-paused-long", Harm::Nothing, false),
            Self::RedisFlushedLower => known("redis-flushed-lower-ids", Harm::Reconnect, true),
            Self::RedisFlushedHigher => known("redis-flushed-higher-ids", Harm::Reconnect, true),
            Self::RedisClientsKilled => known("redis-clients-killed", Harm::Nothing, false),
            Self::RedisFull => known("redis-full", Harm::Nothing, false),
            // Sessions are among the keys that it drops, and nobody knows which are missing.
            Self::RedisEvicts => known("redis-evicts", Harm::Offline, true),
            Self::RightsLost => known("rights-lost", Harm::Nothing, false),
            Self::PasswordDemanded => known("password-demanded", Harm::Nothing, false),
            // Changes that the replica lacks are lost.
            Self::PrimaryKilled => known("primary-killed", Harm::Nothing, true),
            // Who may have missed a message is ended.
            Self::FailOver => known("fail-over", Harm::Reconnect, true),
            // If the rights of a group changed meanwhile, a new process cannot tell who may keep what.
            Self::Restarts => Known { clients: CLIENTS_OF_RESTARTS, ..known("restarts", Harm::Reconnect, true) },
            Self::RestartsWithSocket => {
                Known { clients: CLIENTS_OF_RESTARTS, ..known("restarts-with-socket", Harm::Reconnect, true) }
            }
            Self::CaddyReloaded => known("caddy-reloaded", Harm::Reconnect, true),
            Self::NginxReloaded => known("nginx-reloaded", Harm::Nothing, false),
            Self::HaproxyReloaded => known("haproxy-reloaded", Harm::Nothing, false),
        }
    }

    /// Lets it happen, and returns when it is over.
    pub(super) async fn strike(self, trial: &mut Trial) -> Result<(), LoadError> {
        match self {
            Self::RedisKilled => killed::strike(trial).await,
            Self::RedisLostData => lost_data::strike(trial).await,
            Self::RedisPaused => paused::strike(trial, 5.0).await,
            Self::RedisPausedLong => paused::strike(trial, 40.0).await,
            Self::RedisFlushedLower => flushed::strike(trial, trial.lowest - flushed::DISTANCE).await,
            Self::RedisFlushedHigher => flushed::strike(trial, trial.lowest + flushed::DISTANCE).await,
            Self::RedisClientsKilled => clients_killed::strike(trial).await,
            Self::RedisFull => full::strike(trial).await,
            Self::RedisEvicts => evicts::strike(trial).await,
            Self::RightsLost => rights_lost::strike(trial).await,
            Self::PasswordDemanded => password::strike(trial).await,
            Self::PrimaryKilled => primary_killed::strike(trial).await,
            Self::FailOver => fail_over::strike(trial).await,
            Self::Restarts | Self::RestartsWithSocket => restarts::strike(trial).await,
            Self::CaddyReloaded | Self::NginxReloaded | Self::HaproxyReloaded => proxy_reloaded::strike(trial).await,
        }
    }

    /// Returns whether Redis may lose messages that the service has not read yet.
    pub(super) const fn may_lose_entries(self) -> bool {
        matches!(
            self,
            Self::RedisLostData
                | Self::RedisFlushedLower
                | Self::RedisFlushedHigher
                | Self::RedisEvicts
                | Self::PrimaryKilled
                | Self::FailOver
        )
    }

    /// Returns whether sentinels watch Redis.
    pub(super) const fn needs_sentinels(self) -> bool {
        matches!(self, Self::PrimaryKilled | Self::FailOver)
    }

    /// Returns whether the service's socket outlives it.
    pub(super) const fn hands_over_socket(self) -> bool {
        matches!(self, Self::RestartsWithSocket)
    }

    /// Returns whether the service logs in to Redis as the user with the least rights. A password can only be demanded
    /// of one who has none.
    pub(super) const fn has_user_of_its_own(self) -> bool {
        !matches!(self, Self::PasswordDemanded)
    }

    /// Returns after how many seconds the rights of a group change, and the canary comes or goes. When the service is
    /// restarted it is less often: a new process sends everything to those whom it may concern, and a thousand such
    /// clients would measure this program.
    pub(super) const fn canary_seconds(self) -> u64 {
        if matches!(self, Self::Restarts | Self::RestartsWithSocket) { 20 } else { 1 }
    }

    /// Returns which proxy is in front of the service.
    pub(super) const fn proxy(self) -> Option<proxy::Kind> {
        match self {
            Self::CaddyReloaded => Some(proxy::Kind::Caddy),
            Self::NginxReloaded => Some(proxy::Kind::Nginx),
            Self::HaproxyReloaded => Some(proxy::Kind::Haproxy),
            _ => None,
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Nothing => "streams stay open",
            Self::Reconnect => "clients reconnect unnoticed",
            Self::Offline => "users may be offline",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.known().name)
    }
}

impl FromStr for Fault {
    type Err = LoadError;

    fn from_str(text: &str) -> Result<Self, LoadError> {
        let names = || Self::ALL.map(|fault| fault.known().name).join(", ");
        let fault = Self::ALL.into_iter().find(|fault| fault.known().name == text);
        fault.ok_or_else(|| LoadError::Usage(format!("{text:?} is none of {}", names())))
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        for fault in Fault::ALL {
            assert_eq!(fault.to_string().parse::<Fault>().ok(), Some(fault));
        }
        assert!("nonsense".parse::<Fault>().is_err());
    }
}
