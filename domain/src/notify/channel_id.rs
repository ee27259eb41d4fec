//! Which connection listens or sends? (spec: notify.md#channel-id)

use std::fmt;
use std::str::FromStr;

use crate::ids::UserId;

/// The length of a process tag, in characters.
const PROCESS_CHARACTERS: usize = 8;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Identifies this process among all that ever share a Redis: eight letters or digits, constant while it runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessTag([u8; PROCESS_CHARACTERS]);

impl ProcessTag {
    /// Creates the tag from `random`, which must come from the operating system's generator: all 64 bits count.
    #[must_use]
    pub fn from_random(mut random: u64) -> Self {
        Self([(); PROCESS_CHARACTERS].map(|()| {
            let character = ALPHABET[(random % 62) as usize];
            random /= 62;
            character
        }))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII letters and digits only")
    }
}

impl fmt::Debug for ProcessTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ProcessTag({})", self.as_str())
    }
}

/// Identifies one listening connection: `<process>:<user id>:<counter>`, unique across all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId {
    /// The process that serves the connection.
    pub process: ProcessTag,
    /// Who listens; anonymous is written as user 0.
    pub user: Option<UserId>,
    /// Which of the process's connections it is.
    pub counter: u64,
}

impl fmt::Display for ChannelId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.map_or(0, |user| user.0);
        write!(formatter, "{}:{user}:{}", self.process.as_str(), self.counter)
    }
}

/// Why a text is not a [`ChannelId`] that any process of this service gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not of the form <8 letters or digits>:<user id>:<counter>")]
pub struct ChannelIdError;

impl FromStr for ChannelId {
    type Err = ChannelIdError;

    fn from_str(text: &str) -> Result<Self, ChannelIdError> {
        let [process, user, counter] = parts(text).ok_or(ChannelIdError)?;
        let process: [u8; PROCESS_CHARACTERS] = process.as_bytes().try_into().map_err(|_| ChannelIdError)?;
        if !process.iter().all(u8::is_ascii_alphanumeric) {
            return Err(ChannelIdError);
        }
        Ok(Self {
            process: ProcessTag(process),
            user: user_of_number(number(user).ok_or(ChannelIdError)?),
            counter: number(counter).ok_or(ChannelIdError)?,
        })
    }
}

/// Returns the user id in a sender's channel id, 0 for anonymous; `None` if there is none.
///
/// Less strict than parsing a [`ChannelId`]: for everybody but the process that gave it out, it is just a text of three
/// parts with the user id in the middle.
#[must_use]
pub fn user_inside(channel_id: &str) -> Option<u64> {
    let [_, user, _] = parts(channel_id)?;
    number(user)
}

/// Returns the user with that number; 0 is anonymous.
pub(super) fn user_of_number(number: u64) -> Option<UserId> {
    (number > 0).then_some(UserId(number))
}

fn parts(text: &str) -> Option<[&str; 3]> {
    let mut parts = text.split(':');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// Parses a number in its canonical form, so that equal ids are equal texts: no sign, no leading zeros.
fn number(text: &str) -> Option<u64> {
    let usual = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    usual.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, channel_id: Option<(u64, u64)>, user: Option<u64>) {
        let parsed = text.parse::<ChannelId>();
        assert_eq!(parsed.ok().map(|id| (id.user.map_or(0, |user| user.0), id.counter)), channel_id, "{text:?}");
        if let Ok(parsed) = parsed {
            assert_eq!(parsed.to_string(), text);
        }
        assert_eq!(user_inside(text), user, "{text:?}");
    }

    #[test]
    fn channel_ids_parse_in_their_exact_form_and_print_as_they_parse() {
        check("lVbO2irQ:1:0", Some((1, 0)), Some(1));
        check("00000000:0:17", Some((0, 17)), Some(0));
        check("zzzzzzzz:4294967296:18446744073709551615", Some((1 << 32, u64::MAX)), Some(1 << 32));
    }

    #[test]
    fn a_sender_is_known_by_the_middle_of_three_parts() {
        check("server:5:x", None, Some(5));
        check("lVbO2irQ:5:01", None, Some(5));
        check("lVbO2ir_:5:1", None, Some(5));
        check("lVbO2irQQ:5:1", None, Some(5));
        check("Server", None, None);
        check("", None, None);
        check("a:5", None, None);
        check("a:5:1:2", None, None);
        for user in ["", "-5", "+5", "05", " 5", "5.0", "x", "99999999999999999999"] {
            check(&format!("lVbO2irQ:{user}:1"), None, None);
        }
    }

    #[test]
    fn process_tags_are_eight_letters_or_digits_and_differ_with_the_random_number() {
        for random in [0, 1, 61, 62, u64::MAX, 0x0123_4567_89ab_cdef] {
            let tag = ProcessTag::from_random(random);
            assert_eq!(tag.as_str().len(), 8);
            assert!(tag.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()), "{tag:?}");
            let id = ChannelId { process: tag, user: None, counter: 0 };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(ProcessTag::from_random(62).as_str(), "01000000");
        assert_ne!(ProcessTag::from_random(1), ProcessTag::from_random(2));
    }
}
