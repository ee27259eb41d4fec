//! What are the commands `view` and `explain` asked about?

use clap::Args;
use domain::ids::{ElementKey, ElementKeyError, UserId};

/// What the commands `view` and `explain` are asked about.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Question {
    /// Id of the user, or `anonymous`.
    #[arg(long, value_name = "USER", value_parser = user)]
    pub(crate) user: Who,
    /// Look at the demo's meeting instead of the one in Redis.
    #[arg(long)]
    pub(crate) demo: bool,
}

/// A user, or anonymous (`None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who(pub(crate) Option<UserId>);

/// Reads a user's id, or `anonymous`.
pub(super) fn user(text: &str) -> Result<Who, String> {
    match text {
        "anonymous" | "0" => Ok(Who(None)),
        _ => text.parse().map(|id| Who(Some(UserId(id)))).map_err(|_| "the id of a user, or `anonymous`".to_owned()),
    }
}

/// Reads an element key.
pub(super) fn key(text: &str) -> Result<ElementKey, String> {
    text.parse().map_err(|error| match error {
        ElementKeyError::Malformed => "a key of the form <collection>:<id>, such as motions/motion:3".to_owned(),
        ElementKeyError::UnknownCollection => {
            "a collection that has a rule: elements of any other are hidden from everybody".to_owned()
        }
    })
}
