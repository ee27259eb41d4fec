//! What else does a browser's tab hold open beside the stream of the meeting? A stream of messages, and one of slides.

use std::sync::PoisonError;
use std::time::Duration;

use domain::testing::generator::Random;
use tokio::time::{sleep, timeout};

use crate::client::{ANSWER_TIME_MAX, Around, CUT, GREETING, before_reconnecting};
use crate::connection::{Connection, Manners, NotOpened};
use crate::control::Control;
use crate::server::cookie;
use crate::slides::Slides;

/// The projectors that a tab watches.
pub(crate) const PROJECTORS: &str = "/system/projector?projector_ids=1,2";

/// One of these streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The stream of messages.
    Messages,
    /// The stream of slides.
    Slides,
}

/// One stream of a tab, which goes and comes with the client.
pub(crate) struct Tab {
    pub(crate) kind: Kind,
    pub(crate) client: usize,
    pub(crate) user: u64,
    pub(crate) manners: Manners,
    pub(crate) control: Control,
    pub(crate) around: Around,
    pub(crate) random: Random,
}

impl Tab {
    /// Comes and goes with the client, for ever.
    pub(crate) async fn run(mut self) {
        loop {
            self.control.until(|state| state.is_online).await;
            let mut was_served = false;
            tokio::select! {
                biased;
                () = self.control.ended() => {}
                () = self.stay(&mut was_served) => {}
            }
            self.ended();
            sleep(before_reconnecting(was_served, &mut self.random)).await;
        }
    }

    fn ended(&self) {
        match self.kind {
            Kind::Messages => self.around.mail().ended(self.client),
            Kind::Slides => self.control.state().slides = Slides::default(),
        }
    }

    async fn stay(&self, was_served: &mut bool) {
        let Some(door) = self.around.door(self.control.state().instance) else { return };
        let target = match self.kind {
            Kind::Messages => "/system/notify",
            Kind::Slides => PROJECTORS,
        };
        let cookie = (self.user != 0).then(|| cookie(self.user));
        if self.kind == Kind::Messages {
            self.around.mail().opens(self.client);
        }
        let opening = Connection::open(&door, &self.manners, target, cookie.as_deref());
        let mut stream = match timeout(ANSWER_TIME_MAX, opening).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(NotOpened::Failed(_))) => return,
            Ok(Err(NotOpened::Refused(status, text))) => {
                if status == 500 {
                    self.violated(format!("the service failed: {text}"));
                }
                return;
            }
            Err(_) => return self.violated(format!("no answer within {ANSWER_TIME_MAX:?}")),
        };
        *was_served = true;
        if self.kind == Kind::Slides {
            self.control.state().slides.is_connected = true;
        }
        loop {
            match stream.next().await {
                Ok(Some(line)) if line == GREETING => {}
                Ok(Some(line)) => self.take(&line),
                Ok(None) if stream.is_cut() => return self.violated(CUT.to_owned()),
                Ok(None) => return,
                Err(wrong) => return self.violated(wrong),
            }
        }
    }

    fn take(&self, line: &[u8]) {
        let taken = match self.kind {
            Kind::Messages => self.around.mail().receive(self.client, self.user, line),
            Kind::Slides => self.control.state().slides.take(line),
        };
        // The channel has a part that is drawn at random.
        let text = if self.kind == Kind::Messages { "a line".into() } else { String::from_utf8_lossy(line) };
        self.around.trace.add(&format!("client {} {:?}", self.client, self.kind), &text);
        if let Err(wrong) = taken {
            self.violated(wrong);
        }
    }

    fn violated(&self, what: String) {
        self.around.violated(format!("{:?} of client {} of user {}: {what}", self.kind, self.client, self.user));
    }
}

/// Returns what a new stream of slides is told first; `None`: nothing within a moment.
pub(crate) async fn fresh_slides(around: &Around, instance: usize, user: u64) -> Result<Option<Slides>, String> {
    const MOMENT: Duration = Duration::from_millis(100);
    let Some(door) = around.door(instance) else { return Ok(None) };
    let manners = Manners { http2: false, tls: None, accepts: "identity", pipe_bytes: 64 * 1024, half_closes: None };
    let cookie = (user != 0).then(|| cookie(user));
    let Ok(mut stream) = Connection::open(&door, &manners, PROJECTORS, cookie.as_deref()).await else {
        return Ok(None);
    };
    let mut slides = Slides::default();
    let reading = async {
        while let Some(line) = stream.next().await? {
            if line != GREETING {
                slides.take(&line)?;
            }
        }
        Ok::<_, String>(())
    };
    if let Ok(Err(wrong)) = timeout(MOMENT, reading).await {
        return Err(wrong);
    }
    Ok(Some(slides))
}

impl Around {
    /// The messages of the world.
    pub(crate) fn mail(&self) -> std::sync::MutexGuard<'_, crate::mail::Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
