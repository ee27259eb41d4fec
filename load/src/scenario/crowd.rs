//! Who is connected in a scenario? Many clients, logged in as different users.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::client::{Reading, Record, Request, Settings, Shared, Stream, open};
use crate::error::LoadError;
use crate::session;

/// How many clients connect concurrently unless all must connect at once.
const CONNECT_BATCH: usize = 50;

/// The interval between two checks whether something has arrived.
const LOOK_PAUSE: Duration = Duration::from_millis(2);

/// The clients of a scenario. They disconnect when this is dropped.
pub struct Crowd {
    members: Vec<Member>,
}

/// One client.
pub struct Member {
    /// The user who is logged in.
    pub user: u64,
    record: Shared,
    task: JoinHandle<()>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Crowd {
    /// Connects `count` clients, a few at a time, as `users` in turn. They claim to have everything up to `change_id`.
    ///
    /// # Errors
    /// One is refused, or all of them are not connected in time.
    pub async fn gather(
        settings: &Arc<Settings>,
        users: &[u64],
        count: usize,
        change_id: u64,
        time_limit: Duration,
    ) -> Result<Self, LoadError> {
        Self::gather_at(Stream::Autoupdate, settings, users, count, change_id, time_limit).await
    }

    /// Like [`Crowd::gather`], for another stream. The autoupdate stream next to it begins with `change_id`.
    ///
    /// # Errors
    /// One is refused, or all of them are not connected in time.
    pub async fn gather_at(
        stream: Stream,
        settings: &Arc<Settings>,
        users: &[u64],
        count: usize,
        change_id: u64,
        time_limit: Duration,
    ) -> Result<Self, LoadError> {
        let mut crowd = Self { members: Vec::with_capacity(count) };
        let mut users = users.iter().cycle().take(count).peekable();
        while users.peek().is_some() {
            for user in users.by_ref().take(CONNECT_BATCH) {
                crowd.members.push(Member::open(stream, settings, *user, change_id, Reading::Lines));
            }
            let newest = &crowd.members[crowd.members.len().saturating_sub(CONNECT_BATCH)..];
            let connected = |member: &Member| member.read(|record| record.connected_micros.is_some());
            wait(time_limit, "clients to be connected", newest, connected).await?;
        }
        Ok(crowd)
    }

    /// Connects all of them at once, without any data; of compressed answers only one in `lines_of_each` is
    /// decompressed.
    #[must_use]
    pub fn rush(settings: &Arc<Settings>, users: &[u64], count: usize, lines_of_each: usize) -> Self {
        let members = users.iter().cycle().take(count).enumerate();
        let reading = |index: usize| {
            if index.is_multiple_of(lines_of_each) { Reading::Lines } else { Reading::CountIfCompressed }
        };
        Self {
            members: members
                .map(|(index, user)| Member::open(Stream::Autoupdate, settings, *user, 0, reading(index)))
                .collect(),
        }
    }

    /// Returns the clients.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Waits until all `concerned` clients have the change. Returns false if they do not in time.
    ///
    /// # Errors
    /// Returns an error if the stream of a client ended.
    pub async fn have(
        &self,
        change_id: u64,
        concerned: impl Fn(u64) -> bool,
        time_limit: Duration,
    ) -> Result<bool, LoadError> {
        let has = |member: &Member| !concerned(member.user) || member.read(|record| record.change_id >= change_id);
        match wait(time_limit, "lines", &self.members, has).await {
            Err(LoadError::TimeOut { .. }) => Ok(false),
            other => other.map(|()| true),
        }
    }
}

impl Member {
    fn open(stream: Stream, settings: &Arc<Settings>, user: u64, change_id: u64, reading: Reading) -> Self {
        let request = Request { stream, cookie: Some(session::cookie(user)), change_id, reading };
        let (record, task) = open(Arc::clone(settings), request);
        Self { user, record, task }
    }

    /// Reads what was recorded.
    pub fn read<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        self.record.read(read)
    }
}

/// Waits until `done` returns true for every client.
pub(super) async fn wait(
    time_limit: Duration,
    what: &str,
    members: &[Member],
    done: impl Fn(&Member) -> bool,
) -> Result<(), LoadError> {
    let begin = Instant::now();
    let mut first_waiting = 0;
    loop {
        // A client that is done stays done, so those before it need not be checked again.
        while members.get(first_waiting).is_some_and(&done) {
            first_waiting += 1;
        }
        let Some(member) = members.get(first_waiting) else { return Ok(()) };
        if let Some(ended) = member.read(|record| record.ended.clone()) {
            return Err(LoadError::Usage(format!("the stream of user {} ended: {ended}", member.user)));
        }
        if begin.elapsed() > time_limit {
            return Err(LoadError::TimeOut { what: what.to_owned(), seconds: time_limit.as_secs() });
        }
        sleep(LOOK_PAUSE).await;
    }
}
