//! How much may a client ask for that costs work and leads nowhere?

use super::frame::{ErrorCode, Violation};

/// How often within one interval of [`Allowance::renew`] a client may cancel streams, make mistakes, and send frames that
/// only want an answer. A browser does so a few times a minute; a proxy cancels as many streams as its clients had when
/// these go away at once. More is an attack ("rapid reset" and its kin) and ends the connection.
const FRUITLESS_FRAMES_MAX: u16 = 1000;

/// What is left of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance(u16);

impl Allowance {
    pub(super) const fn new() -> Self {
        Self(FRUITLESS_FRAMES_MAX)
    }

    /// Another interval has begun.
    pub(super) fn renew(&mut self) {
        *self = Self::new();
    }

    /// Takes one of it.
    pub(super) fn take(&mut self) -> Result<(), Violation> {
        let left = self.0.checked_sub(1);
        self.0 = left.ok_or(Violation::new(ErrorCode::EnhanceYourCalm, "too many frames that lead nowhere"))?;
        Ok(())
    }
}
