//! Which commands does the service need in Redis, and which of them are refused?

use domain::ports::Unavailable;
use domain::ports::authenticator::SessionKey;
use redis::Pipeline;

use super::link::RedisLink;
use super::{Redis, RedisSessions};

/// Where a command is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Read,
    Write,
    Both,
}

/// Stands for the prefix of sessions in an invocation.
const SESSION: &str = "<session>";

/// Every command that the service needs, with an invocation that changes nothing. Those that write are given an
/// argument that cannot be used: Redis complains of that only after it has looked at rights, memory and role.
const NEEDED: [(&str, At, &[&[&str]]); 21] = [
    ("ping", At::Both, &[&["PING"]]),
    ("unwatch", At::Both, &[&["UNWATCH"]]),
    ("multi", At::Read, &[&["MULTI"]]),
    ("exec", At::Read, &[&["EXEC"]]),
    ("time", At::Write, &[&["TIME"]]),
    ("get", At::Both, &[&["GET", SESSION]]),
    ("exists", At::Both, &[&["EXISTS", SESSION]]),
    ("hlen", At::Read, &[&["HLEN", "full_data"]]),
    ("hgetall", At::Read, &[&["HGETALL", "full_data"]]),
    ("hmget", At::Read, &[&["HMGET", "full_data", "core/config:1"]]),
    ("zscore", At::Read, &[&["ZSCORE", "change_id", "core/config:1"]]),
    ("zrevrange", At::Read, &[&["ZREVRANGE", "change_id", "0", "0"]]),
    ("zrangebyscore", At::Read, &[&["ZRANGEBYSCORE", "change_id", "(1", "0"]]),
    ("zadd", At::Write, &[&["ZADD", "applause", "no number", "1"]]),
    ("zcount", At::Write, &[&["ZCOUNT", "applause", "(1", "0"]]),
    ("zremrangebyscore", At::Write, &[&["ZREMRANGEBYSCORE", "applause", "no number", "0"]]),
    ("xread", At::Read, &[&["XREAD", "COUNT", "1", "STREAMS", "autoupdate", "notify", "0", "0"]]),
    ("xlen", At::Read, &[&["XLEN", "autoupdate"], &["XLEN", "notify"]]),
    ("xrange", At::Read, &[&["XRANGE", "autoupdate", "0-1", "0-1"], &["XRANGE", "notify", "0-1", "0-1"]]),
    ("xrevrange", At::Read, &[&["XREVRANGE", "autoupdate", "0-1", "0-1"], &["XREVRANGE", "notify", "0-1", "0-1"]]),
    ("xadd", At::Write, &[&["XADD", "notify", "no id", "content", ""]]),
];

/// Returns the names of all commands that the service needs, in lower case.
pub fn needed_commands() -> impl Iterator<Item = &'static str> {
    NEEDED.iter().map(|(name, _, _)| *name)
}

/// What one of the two addresses of Redis allows.
#[derive(Debug)]
pub struct LinkRights {
    /// What the address is for, and where it leads, such as `Redis for reading, localhost:6379`.
    pub name: String,
    /// How many commands are needed there.
    pub needed: usize,
    /// What is refused, each with what Redis said and what to do.
    ///
    /// # Errors
    /// Redis cannot be asked.
    pub refused: Result<Vec<Refused>, Unavailable>,
}

/// A command that Redis refuses.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The command in capitals, with the key that it was refused for; or what is refused in its place, such as the
    /// login.
    pub what: String,
    /// What Redis said.
    pub error: String,
    /// What to do.
    pub advice: &'static str,
}

impl Redis {
    /// Tries every command that the service needs, at the address where it needs it. Changes nothing in Redis.
    pub async fn rights(&self, session_prefix: &str) -> Vec<LinkRights> {
        if self.reads_where_it_writes() {
            return vec![rights("Redis for reading and writing", &self.read, session_prefix, |_| true).await];
        }
        vec![
            rights("Redis for reading", &self.read, session_prefix, |at| at != At::Write).await,
            rights("Redis for writing", &self.write, session_prefix, |at| at != At::Read).await,
        ]
    }
}

async fn rights(purpose: &str, link: &RedisLink, session_prefix: &str, is_needed: impl Fn(At) -> bool) -> LinkRights {
    let needed: Vec<_> = NEEDED.iter().filter(|(_, at, _)| is_needed(*at)).collect();
    let mut refused = Ok(Vec::new());
    for invocation in needed.iter().flat_map(|(_, _, invocations)| invocations.iter()) {
        let Ok(known) = &mut refused else { break };
        match refusal(link, invocation, session_prefix).await {
            // A problem with the login or with Redis as a whole is reported only once.
            Ok(Some(refusal)) if known.last() == Some(&refusal) => {}
            Ok(Some(refusal)) => known.push(refusal),
            Ok(None) => {}
            Err(error) => refused = Err(error),
        }
    }
    LinkRights { name: format!("{purpose}, {}", link.name()), needed: needed.len(), refused }
}

async fn refusal(link: &RedisLink, invocation: &[&str], session_prefix: &str) -> Result<Option<Refused>, Unavailable> {
    let session = format!("{session_prefix}check");
    let mut commands = redis::pipe();
    match invocation {
        // Only together: a connection must not be left within a transaction.
        ["MULTI"] => drop(commands.cmd("MULTI").cmd("EXEC")),
        ["EXEC"] => drop(commands.atomic().cmd("PING")),
        _ => one(&mut commands, invocation, &session),
    }
    let refusal = link.refusal(&commands).await?;
    Ok(refusal.map(|refusal| Refused {
        what: match invocation {
            // The other arguments are not keys, or say no more.
            [name, key, ..] if *name == refusal.command && *name != "XREAD" => {
                format!("{name} {}", if *key == SESSION { &session } else { *key })
            }
            _ => refusal.command.clone(),
        },
        advice: refusal.advice(),
        error: refusal.error,
    }))
}

fn one(commands: &mut Pipeline, invocation: &[&str], session: &str) {
    let mut words = invocation.iter();
    let command = commands.cmd(words.next().copied().unwrap_or_default());
    for word in words {
        command.arg(if *word == SESSION { session } else { word });
    }
}

/// How many sessions are looked at, at most.
const SESSIONS_MAX: usize = 20;
/// How many steps through the keys of Redis are made for that, at most; each blocks Redis for less than a millisecond.
const STEPS_MAX: usize = 200;

impl RedisSessions {
    /// Returns some sessions, 20 at most. For this alone `SCAN` must be allowed.
    ///
    /// # Errors
    /// Redis cannot be asked, or refuses that.
    pub async fn some(&self) -> Result<Vec<SessionKey>, Unavailable> {
        let (mut cursor, mut found) = (0_u64, Vec::new());
        for _ in 0..STEPS_MAX {
            let mut commands = redis::pipe();
            let pattern = format!("{}*", literally(&self.prefix));
            commands.cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(1000);
            let ((next, keys),): ((u64, Vec<String>),) = self.redis.write.ask("listing sessions", &commands).await?;
            found.extend(keys.iter().filter_map(|key| Some(SessionKey(key.strip_prefix(&self.prefix)?.to_owned()))));
            found.truncate(SESSIONS_MAX);
            if next == 0 || found.len() == SESSIONS_MAX {
                break;
            }
            cursor = next;
        }
        Ok(found)
    }
}

/// Returns the text as a pattern that only matches itself.
fn literally(text: &str) -> String {
    let escaped = |one: char| if "*?[]^\\".contains(one) { vec!['\\', one] } else { vec![one] };
    text.chars().flat_map(escaped).collect()
}
