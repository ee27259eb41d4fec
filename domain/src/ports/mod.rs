//! What the domain needs from the outside: one file a port. Its documentation is the contract, and one test suite
//! checks every adapter against it (`testing::contract`).

pub mod applause_store;
pub mod authenticator;
pub mod clock;
pub mod element_store;
pub mod message_bus;

/// The other side of a port did not do what it was asked. The text is for the log and contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It did not answer, or not sensibly.
    #[error("{cause}")]
    Silent {
        /// What operators call the other side, as in "Redis does not answer". Safe to show to anyone.
        system: &'static str,
        /// Why, for the log.
        cause: String,
    },
    /// It answered that it refuses, and retrying does not help.
    #[error("{cause}")]
    Refused {
        /// What operators call the other side, as in "Redis refuses …".
        system: &'static str,
        /// What it refuses. Safe to show to anyone: it names no address, no user and nothing of the meeting.
        what: String,
        /// Why, for the log.
        cause: String,
    },
}

impl Unavailable {
    /// Returns what happened, in words safe to show to anyone: the address is only for the log.
    pub fn public(&self) -> String {
        match self {
            Self::Silent { system, .. } => format!("{system} does not answer"),
            Self::Refused { system, what, .. } => format!("{system} refuses {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public_names_no_address() {
        let cause = || "Redis at 10.0.0.7:6379: the change ids: refused".to_owned();
        let silent = Unavailable::Silent { system: "Redis", cause: cause() };
        assert_eq!(silent.public(), "Redis does not answer");
        let refused =
            Unavailable::Refused { system: "Redis", what: "the command GET (NOPERM)".to_owned(), cause: cause() };
        assert_eq!(refused.public(), "Redis refuses the command GET (NOPERM)");
        assert_eq!(refused.to_string(), cause());
    }
}
