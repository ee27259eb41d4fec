//! What do clients ask for besides streams? Every answer is checked.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::client::{ANSWER_TIME_MAX, Around};
use crate::connection::{Connection, Manners, NotOpened, ask};
use crate::mail::Receivers;
use crate::server::{Access, cookie};

/// Somebody who asks.
pub(crate) struct Asker<'a> {
    pub(crate) around: &'a Around,
    pub(crate) user: u64,
    pub(crate) instance: usize,
    /// Everything has been well for a while: whoever may be served is served.
    pub(crate) is_calm: bool,
}

/// How long it takes to read a change that was announced while all is well.
const UNTIL_READ: Duration = Duration::from_secs(1);

const MANNERS: Manners =
    Manners { http2: false, tls: None, accepts: "identity", pipe_bytes: 64 * 1024, half_closes: None };

impl Asker<'_> {
    /// Sends a message (spec: notify.md#send-body).
    ///
    /// # Errors
    /// The answer is wrong.
    pub(crate) async fn send(&self, to: &Receivers) -> Result<(), String> {
        let (number, body) = self.around.mail().write(self.user, to);
        if self.is_done("/system/notify/send", body).await? {
            self.around.mail().is_stored(number);
        }
        Ok(())
    }

    /// Applauds (spec: notify.md#applaud), and returns whether that was recorded.
    ///
    /// # Errors
    /// The answer is wrong.
    pub(crate) async fn applaud(&self) -> Result<bool, String> {
        self.around.mail().applauds(self.user);
        self.is_done("/system/applause", String::new()).await
    }

    /// Returns whether the service says that it did it.
    async fn is_done(&self, target: &str, body: String) -> Result<bool, String> {
        let must_be_done = self.must_be_served_as() == Some(self.user) && self.user != 0;
        let Some(door) = self.around.door(self.instance) else { return Ok(false) };
        let cookie = (self.user != 0).then(|| cookie(self.user));
        let attempt = || timeout(ANSWER_TIME_MAX, ask(&door, &MANNERS, target, cookie.as_deref(), body.clone()));
        let mut answer = attempt().await;
        if must_be_done && matches!(answer, Ok(Ok((400, _)))) {
            // A user who was just set active may be refused until the change is read (spec: auth.md#missing-user).
            sleep(UNTIL_READ).await;
            answer = attempt().await;
        }
        match answer.map_err(|_| format!("{target}: no answer within {ANSWER_TIME_MAX:?}"))? {
            Ok((200, _)) if self.user == 0 => Err(format!("{target}: done without a login")),
            Ok((200, _)) => Ok(true),
            Ok((status, text)) if must_be_done || status == 500 => Err(format!("{target}: refused: {status} {text}")),
            Err(error) if must_be_done => Err(format!("{target}: {error:?}")),
            Ok(_) | Err(_) => Ok(false),
        }
    }

    /// Asks for a stream with a change id that nobody was given or that is none (spec: stream.md#change-id).
    ///
    /// # Errors
    /// The answer is wrong.
    pub(crate) async fn ask_nonsense(&self, change_id: &str) -> Result<(), String> {
        let Some(door) = self.around.door(self.instance) else { return Ok(()) };
        let cookie = (self.user != 0).then(|| cookie(self.user));
        let target = format!("/system/autoupdate?change_id={change_id}");
        let attempt = || timeout(ANSWER_TIME_MAX, Connection::open(&door, &MANNERS, &target, cookie.as_deref()));
        let shown = change_id.replace("%2B", "+");
        let is_number = shown.parse::<i64>().is_ok() && !shown.starts_with('+');
        let must_be_served = self.must_be_served_as().is_some();
        let mut answer = attempt().await;
        if is_number && must_be_served && matches!(answer, Ok(Err(NotOpened::Refused(400, _)))) {
            // A user who was just set active may be refused until the change is read, and so may somebody without a user
            // when anonymous access was just switched on (spec: auth.md#missing-user).
            sleep(UNTIL_READ).await;
            answer = attempt().await;
        }
        match answer.map_err(|_| format!("{target}: no answer within {ANSWER_TIME_MAX:?}"))? {
            Ok(stream) if is_number => self.begins_anew(stream, &target).await,
            Ok(_) => Err(format!("{target}: is served")),
            Err(NotOpened::Refused(400, text))
                if text.contains(&format!("Change id has to be a number not {shown}")) =>
            {
                if is_number {
                    Err(format!("{target}: {text}"))
                } else {
                    Ok(())
                }
            }
            Err(NotOpened::Refused(status, text)) if !is_number || status == 500 => {
                Err(format!("{target}: {status} {text}"))
            }
            Err(_) if must_be_served => Err(format!("{target}: is not served")),
            Err(_) => Ok(()),
        }
    }

    /// The first line holds everything: the client has nothing that the service knows of.
    async fn begins_anew(&self, mut stream: Connection, target: &str) -> Result<(), String> {
        const FIRST_LINES: usize = 2;
        let mut lines = Vec::new();
        let reading = async {
            while lines.len() < FIRST_LINES
                && let Some(line) = stream.next().await?
            {
                lines.push(line);
            }
            Ok::<_, String>(())
        };
        let read = timeout(Duration::from_secs(1), reading).await;
        if !self.is_calm {
            return Ok(());
        }
        read.map_err(|_| format!("{target}: no first line"))??;
        let first = lines.pop().unwrap_or_default();
        let is_all = String::from_utf8_lossy(&first).contains(r#""all_data":true"#);
        if is_all { Ok(()) } else { Err(format!("{target}: begins with {}", String::from_utf8_lossy(&first))) }
    }

    /// As whom the user must be served; `None`: perhaps not at all.
    fn must_be_served_as(&self) -> Option<u64> {
        let mut server = self.around.server.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let at_login = server.at_login(self.user);
        match server.access_at_once(self.user, at_login.as_deref()) {
            Access::Served(served_as) if self.is_calm => Some(served_as),
            _ => None,
        }
    }
}
