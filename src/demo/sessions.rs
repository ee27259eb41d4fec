//! Which cookies does the demo know, so that one can compare what different users see?

/// A session that exists from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DemoSession {
    /// The value of the session cookie.
    pub(crate) cookie: &'static str,
    /// The user who is logged in with it.
    pub(crate) user_id: u64,
    /// What can be seen with it.
    pub(crate) sees: &'static str,
}

/// The sessions of the demo. Without a cookie a request is anonymous, which this meeting allows.
pub(crate) const SESSIONS: [DemoSession; 8] = [
    session("admin", 1, "everything"),
    session("staff", 2, "nearly everything: manages agenda, motions and elections"),
    session("delegate", 3, "what delegates see, and the own ballots"),
    session("proxy", 5, "as a delegate who votes for two others too"),
    session("committee", 200, "internal motions and their comments, and no ballots"),
    session("guest", 202, "agenda and projector; sometimes motions, when the permission is given"),
    session("press", 203, "motions and lists of speakers, and the users these name"),
    session("nobody", 205, "no more than what everybody may see"),
];

const fn session(cookie: &'static str, user_id: u64, sees: &'static str) -> DemoSession {
    DemoSession { cookie, user_id, sees }
}
