//! What writes the meeting? The OpenSlides server of a world, which remembers every version that it wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adapters::django::DjangoSecret;
use adapters::memory::announcement;
use adapters::testing::fake_redis::{Copy, FakeRedis};
use domain::ids::{ChangeId, ProjectorId};
use domain::meeting::Meeting;
use domain::ports::element_store::MeetingPart;
use domain::projector::render_projector;
use domain::testing::oracle::{Elements, Oracle, is_sound};
use domain::testing::strategies::{LOWEST, Write, snapshot};
use serde_json::{Value, json};

use crate::event::{Announced, Lowest};

/// The secret that sessions are signed with.
pub(crate) const SECRET: &str = "a secret for simulations alone";

const LOWEST_MEMBER: &[u8] = b"_config:lowest_change_id";

/// A version of the meeting that was in Redis.
pub(crate) struct Version {
    /// Counts rebuilds and fail-overs; ids are unique within an era.
    pub(crate) era: usize,
    pub(crate) change_id: u64,
    pub(crate) elements: Arc<Elements>,
    /// The keys that it wrote.
    pub(crate) written: BTreeSet<String>,
    views: BTreeMap<u64, Arc<Elements>>,
    served: BTreeMap<u64, Option<u64>>,
}

impl Version {
    /// Returns the user that a session of `user` is served as, if any. User 0 is anonymous.
    pub(crate) fn served_as(&mut self, user: u64) -> Option<u64> {
        let elements = &self.elements;
        *self.served.entry(user).or_insert_with(|| Oracle::of(elements).served_as(user))
    }

    /// Returns what the user sees.
    pub(crate) fn view(&mut self, user: u64) -> Arc<Elements> {
        let elements = &self.elements;
        Arc::clone(self.views.entry(user).or_insert_with(|| Arc::new(Oracle::of(elements).view(user))))
    }
}

/// The state of a replica.
struct Replica {
    copy: Copy,
    elements: Arc<Elements>,
    lowest: u64,
    highest: u64,
    sessions: BTreeMap<u64, Option<String>>,
}

/// The OpenSlides server, with everything that it wrote.
pub(crate) struct Server {
    pub(crate) redis: FakeRedis,
    /// Every version, oldest first; never empty.
    pub(crate) versions: Vec<Version>,
    lowest: u64,
    highest: u64,
    /// Entries to be announced after the next change.
    late: Vec<String>,
    replica: Option<Replica>,
    /// The users who are logged in, with the hash of their password at login.
    sessions: BTreeMap<u64, Option<String>>,
    passwords: u64,
    /// The hash of every user's password, by the key of the user.
    hashes: BTreeMap<String, String>,
    /// The users whose password was changed since all was well, with the hash before, which every instance has seen.
    seen_replaced: BTreeSet<(u64, String)>,
    /// Nothing happened since the last quiet moment that takes time to heal.
    pub(crate) is_calm: bool,
}

impl Server {
    /// Creates the server, and fills `redis`.
    pub(crate) fn new(redis: FakeRedis, elements: Elements) -> Self {
        let hash =
            |(key, element): (&String, &Value)| Some((key.clone(), element["session_auth_hash"].as_str()?.to_owned()));
        let hashes = elements.iter().filter_map(hash).collect();
        let mut server = Self {
            redis,
            versions: Vec::new(),
            lowest: LOWEST.0,
            highest: LOWEST.0,
            late: Vec::new(),
            replica: None,
            sessions: BTreeMap::new(),
            passwords: 0,
            hashes,
            seen_replaced: BTreeSet::new(),
            is_calm: false,
        };
        server.keep(0, Arc::new(elements), &[]);
        server.write_cache();
        server
    }

    /// Returns the meeting as it is now.
    pub(crate) fn elements(&self) -> &Arc<Elements> {
        &self.versions[self.versions.len() - 1].elements
    }

    /// Returns the newest version.
    pub(crate) fn newest(&mut self) -> &mut Version {
        let last = self.versions.len() - 1;
        &mut self.versions[last]
    }

    fn keep(&mut self, era: usize, elements: Arc<Elements>, written: &[Write]) {
        self.versions.push(Version {
            era,
            change_id: self.highest,
            elements,
            written: written.iter().map(|write| write.key.clone()).collect(),
            views: BTreeMap::new(),
            served: BTreeMap::new(),
        });
    }

    /// Writes elements as one change, and announces it.
    pub(crate) fn change(&mut self, writes: &[Write], announced: Announced) {
        self.highest += 1;
        let id = self.highest.to_string();
        let mut elements = (**self.elements()).clone();
        let writes: Vec<Write> = writes.iter().map(|write| self.with_password(write)).collect();
        let texts: Vec<_> =
            writes.iter().map(|write| (&write.key, write.element.as_ref().map(Value::to_string))).collect();
        for (write, (key, text)) in writes.iter().zip(&texts) {
            match (&write.element, text) {
                (Some(element), Some(text)) => {
                    elements.insert(write.key.clone(), element.clone());
                    self.redis.run(&[b"HSET", b"full_data", key.as_bytes(), text.as_bytes()]);
                }
                _ => {
                    elements.remove(&write.key);
                    self.redis.run(&[b"HDEL", b"full_data", key.as_bytes()]);
                }
            }
            self.redis.run(&[b"ZADD", b"change_id", id.as_bytes(), key.as_bytes()]);
        }
        let era = self.newest().era;
        self.keep(era, Arc::new(elements), &writes);
        let texts: Vec<_> = texts.iter().map(|(key, text)| (key.as_str(), text.as_deref())).collect();
        self.announce(announcement(ChangeId(self.highest), &texts), announced);
    }

    fn announce(&mut self, entry: String, announced: Announced) {
        let late = std::mem::take(&mut self.late);
        match announced {
            Announced::Once => self.append(&entry),
            Announced::Never => {}
            Announced::Twice => (0..2).for_each(|_| self.append(&entry)),
            Announced::Late => self.late.push(entry),
            Announced::Half => {
                let middle =
                    (0..=entry.len() / 2).rev().find(|index| entry.is_char_boundary(*index)).unwrap_or_default();
                self.append(&entry[..middle]);
            }
        }
        late.iter().for_each(|entry| self.append(entry));
    }

    fn append(&self, entry: &str) {
        self.redis.run(&[b"XADD", b"autoupdate", b"*", b"content", entry.as_bytes()]);
    }

    /// Begins to write the whole cache anew: the configuration first, and the new lowest change id. It does not call
    /// itself ready yet (spec: redis.md#rebuild).
    pub(crate) fn begin_rebuild(&self, lowest: Lowest) {
        self.redis.run(&[b"DEL", b"cache_ready", b"change_id", b"full_data"]);
        self.write_lowest(self.next_lowest(lowest));
        self.elements().iter().filter(|(key, _)| key.starts_with("core/config:")).for_each(|it| self.write(it));
    }

    fn next_lowest(&self, lowest: Lowest) -> u64 {
        match lowest {
            Lowest::Higher => self.highest + 1_000,
            Lowest::Lower => self.lowest.saturating_sub(100).max(1),
            Lowest::Same => self.lowest,
        }
    }

    /// Writes the whole cache, with another lowest change id.
    pub(crate) fn end_rebuild(&mut self, lowest: Lowest) {
        self.begin_rebuild(lowest);
        self.late.clear();
        self.lowest = self.next_lowest(lowest);
        self.highest = self.lowest;
        let (era, elements) = (self.newest().era + 1, Arc::clone(self.elements()));
        self.keep(era, elements, &[]);
        self.write_cache();
    }

    /// The newest entries of the stream of changes are lost, which looks as if Redis went back: everybody may be reset.
    pub(crate) fn lose_changes(&mut self, count: usize) {
        self.redis.lose_newest_entries("autoupdate", count);
        let (era, elements) = (self.newest().era + 1, Arc::clone(self.elements()));
        self.keep(era, elements, &[]);
    }

    fn write_lowest(&self, lowest: u64) {
        self.redis.run(&[b"ZADD", b"change_id", lowest.to_string().as_bytes(), LOWEST_MEMBER]);
    }

    fn write(&self, (key, element): (&String, &Value)) {
        self.redis.run(&[b"HSET", b"full_data", key.as_bytes(), element.to_string().as_bytes()]);
    }

    fn write_cache(&self) {
        self.write_lowest(self.lowest);
        self.elements().iter().for_each(|it| self.write(it));
        self.redis.run(&[b"SET", b"cache_ready", b"ok"]);
    }

    /// Loses a part of the cache, which still claims to be ready.
    pub(crate) fn lose(&self, part: MeetingPart) {
        match part {
            MeetingPart::Elements => self.redis.run(&[b"DEL", b"full_data"]),
            // The hash was evicted, and then a change wrote something else.
            MeetingPart::Configuration => {
                self.redis.run(&[b"DEL", b"full_data"]);
                self.redis.run(&[b"HSET", b"full_data", b"core/tag:1", b"{\"id\":1}"]);
            }
            MeetingPart::ChangeIds => self.redis.run(&[b"DEL", b"change_id"]),
            MeetingPart::LowestChangeId => self.redis.run(&[b"ZREM", b"change_id", LOWEST_MEMBER]),
        }
    }

    /// Empties Redis.
    pub(crate) fn flush(&mut self) {
        self.redis.run(&[b"FLUSHALL"]);
        self.sessions.clear();
    }

    /// Makes a replica receive everything up to now.
    pub(crate) fn replicate(&mut self) {
        self.replica = Some(Replica {
            copy: self.redis.copy(),
            elements: Arc::clone(self.elements()),
            lowest: self.lowest,
            highest: self.highest,
            sessions: self.sessions.clone(),
        });
    }

    /// Whether there is a replica that could become the primary.
    pub(crate) fn has_replica(&self) -> bool {
        self.replica.is_some()
    }

    /// Goes back to what the replica has, which is returned, and which becomes the primary now.
    pub(crate) fn fail_over(&mut self) -> Option<Copy> {
        let replica = self.replica.take()?;
        self.late.clear();
        (self.lowest, self.highest, self.sessions) = (replica.lowest, replica.highest, replica.sessions);
        let era = self.newest().era + 1;
        self.keep(era, replica.elements, &[]);
        Some(replica.copy)
    }

    /// Logs the user in, with the password of now.
    pub(crate) fn log_in(&mut self, user: u64) {
        let hash = self.password_hash(user);
        let session = match &hash {
            Some(hash) => json!({"_auth_user_id": user.to_string(), "_auth_user_hash": hash}),
            None => json!({"_auth_user_id": user.to_string()}),
        };
        let value = DjangoSecret::new(SECRET).encode_session(&session.to_string());
        self.redis.run(&[b"SET", format!("session:{}", cookie(user)).as_bytes(), value.as_bytes()]);
        self.sessions.insert(user, hash);
    }

    /// Ends the user's session.
    pub(crate) fn log_out(&mut self, user: u64) {
        self.redis.run(&[b"DEL", format!("session:{}", cookie(user)).as_bytes()]);
        self.sessions.remove(&user);
    }

    /// Changes the user's password, if the user exists; their session stays in Redis.
    pub(crate) fn change_password(&mut self, user: u64) {
        let key = format!("users/user:{user}");
        let Some(Value::Object(mut element)) = self.elements().get(&key).cloned() else { return };
        self.passwords += 1;
        let hash = format!("hash{}", self.passwords);
        // Nobody knows the hash of an element that cannot be read (docs/RELIABILITY.md).
        let is_known = is_sound(&key, &Value::Object(element.clone()));
        let before = element.insert("session_auth_hash".to_owned(), json!(hash));
        if let Some(Value::String(before)) = before.filter(|_| is_known) {
            self.seen_replaced.insert((user, before));
        }
        self.hashes.insert(key.clone(), hash);
        self.change(&[Write { key, element: Some(Value::Object(element)) }], Announced::Once);
    }

    /// A user keeps the password, whatever else is written.
    fn with_password(&self, write: &Write) -> Write {
        let mut write = write.clone();
        if let (Some(hash), Some(Value::Object(element))) = (self.hashes.get(&write.key), &mut write.element) {
            element.insert("session_auth_hash".to_owned(), json!(hash));
        }
        write
    }

    /// Everything is well now, so that whatever happens from now on is seen by every instance.
    pub(crate) fn begin_calm(&mut self) {
        self.seen_replaced.clear();
        self.is_calm = true;
    }

    /// Returns as whom a session of the user that was begun with this hash must be served now, where every instance has
    /// seen every change since all was well.
    pub(crate) fn access_at_once(&mut self, user: u64, at_login: Option<&str>) -> Access {
        let is_replaced = at_login.is_some_and(|hash| self.seen_replaced.contains(&(user, hash.to_owned())));
        match (self.access(user), self.newest().served_as(user)) {
            // As anonymous nobody needs a password.
            (_, Some(served_as)) if is_replaced && served_as == user => Access::Refused,
            (access, _) => access,
        }
    }

    /// Returns the hash with which the user's session was begun.
    pub(crate) fn at_login(&self, user: u64) -> Option<String> {
        self.sessions.get(&user).cloned().flatten()
    }

    fn password_hash(&self, user: u64) -> Option<String> {
        let element = self.elements().get(&format!("users/user:{user}"))?;
        Some(element["session_auth_hash"].as_str()?.to_owned())
    }

    /// Returns what the projectors 1 and 2 show to this user, rendered afresh. User 0 is anonymous.
    pub(crate) fn slides(&mut self, served_as: u64) -> BTreeMap<String, Value> {
        let view = self.newest().view(served_as);
        let meeting = Meeting::load(snapshot(self.elements(), ChangeId(self.highest)), None).meeting;
        let is_seen = |id: &u64| view.contains_key(&format!("core/projector:{id}"));
        let rendered = [1, 2].into_iter().filter(is_seen).filter_map(|id| {
            let json = render_projector(&meeting, ProjectorId(id)).json?;
            Some((id.to_string(), serde_json::from_str(&json).unwrap_or_default()))
        });
        rendered.collect()
    }

    /// Returns how the user must be served now.
    pub(crate) fn access(&mut self, user: u64) -> Access {
        let hash = self.password_hash(user);
        let served = self.newest().served_as(user);
        match (served, self.sessions.get(&user)) {
            (_, None) if user != 0 => Access::Refused,
            (None, _) => Access::Refused,
            // Refused by an instance that has seen the password change, but not by one started since.
            (Some(served), Some(at_login)) if *at_login != hash => Access::Perhaps(served),
            (Some(served), _) => Access::Served(served),
        }
    }
}

/// How a user must be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// As this user.
    Served(u64),
    /// As this user, or not at all.
    Perhaps(u64),
    /// Not at all.
    Refused,
}

/// Returns the session cookie of a user.
pub(crate) fn cookie(user: u64) -> String {
    format!("session-of-{user}")
}
