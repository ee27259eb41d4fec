//! Where do lines end, and which change ids are in them? Found without parsing JSON.

/// How many bytes of the beginning of a line are kept.
const HEAD_BYTES: usize = 160;

/// How many bytes of the end of a line are kept: the ids are there, after the data.
const TAIL_BYTES: usize = 160;

/// How messages of the load program are recognized: by their name.
const OWN_NAME: &str = "\"name\":\"load\"";

/// What a line means to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LineMeaning {
    /// `{"connected":true}`: the beginning of a stream, or a keep-alive.
    Connected,
    /// The channel id of a listener.
    Channel(String),
    /// Data from one change id to another; `is_quiet` if nothing in it changed.
    Data { from: u64, to: u64, all_data: bool, is_quiet: bool },
    /// What projectors show at a change id, or a message of the load program, which is its number.
    Point { to: u64 },
    /// A message of somebody else, or applause.
    Message,
    /// Empty, or without ids.
    Bad,
}

/// Finds lines in bytes, however they are split.
#[derive(Debug, Default)]
pub(super) struct LineScanner {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl LineScanner {
    /// Processes the next bytes and reports each line that ends in them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(LineMeaning)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.keep(&bytes[..end]);
            line(self.seen());
            self.head.clear();
            self.tail.clear();
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let missing = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        if bytes.len() >= TAIL_BYTES {
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - TAIL_BYTES..]);
        } else {
            let surplus = (self.tail.len() + bytes.len()).saturating_sub(TAIL_BYTES);
            self.tail.drain(..surplus);
            self.tail.extend_from_slice(bytes);
        }
    }

    fn seen(&self) -> LineMeaning {
        if self.head.starts_with(b"{\"connected\"") {
            return LineMeaning::Connected;
        }
        if let Some(rest) = self.head.strip_prefix(b"{\"channel_id\":") {
            return leading_text(rest).map_or(LineMeaning::Bad, LineMeaning::Channel);
        }
        if let Some(to) = self.head.strip_prefix(b"{\"change_id\":") {
            return leading_number(to).map_or(LineMeaning::Bad, |to| LineMeaning::Point { to });
        }
        if self.head.starts_with(b"{\"sender_user_id\":") {
            return message(&self.head);
        }
        let number = |name: &str| number_after(&self.tail, name).or_else(|| number_after(&self.head, name));
        match (number("\"from_change_id\":"), number("\"to_change_id\":")) {
            (Some(from), Some(to)) => {
                let is_all = |part: &[u8]| {
                    memchr::memmem::find(part, b"\"all_data\":true").is_some()
                        || memchr::memmem::find(part, b"\"all_data\": true").is_some()
                };
                let is_quiet = self.head.starts_with(b"{\"changed\":{},\"deleted\":{},");
                LineMeaning::Data { from, to, all_data: is_all(&self.tail) || is_all(&self.head), is_quiet }
            }
            _ => LineMeaning::Bad,
        }
    }
}

/// Returns the meaning of a message: only those of the load program have numbers, and all of those are short.
fn message(head: &[u8]) -> LineMeaning {
    let is_own = memchr::memmem::find(head, OWN_NAME.as_bytes()).is_some();
    match number_after(head, "\"message\":").filter(|_| is_own) {
        Some(to) => LineMeaning::Point { to },
        None => LineMeaning::Message,
    }
}

/// Returns the JSON string, without escapes, that `text` begins with.
fn leading_text(text: &[u8]) -> Option<String> {
    let text = text.trim_ascii_start().strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', text)?;
    std::str::from_utf8(&text[..end]).ok().map(str::to_owned)
}

fn number_after(text: &[u8], name: &str) -> Option<u64> {
    leading_number(&text[memchr::memmem::rfind(text, name.as_bytes())? + name.len()..])
}

fn leading_number(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[LineMeaning]) {
        // However the bytes are cut, the lines are the same.
        for size in [1, 2, 7, 64, 100_000] {
            let mut scanner = LineScanner::default();
            let mut seen = Vec::new();
            text.as_bytes().chunks(size).for_each(|piece| scanner.feed(piece, |line| seen.push(line)));
            assert_eq!(seen, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn lines_are_found_however_they_are_cut() {
        let long = "x".repeat(5_000);
        check(
            &format!(
                "{{\"connected\":true}}\n{{\"changed\":{{\"a/b\":[{{\"t\":\"{long}\"}}]}},\"deleted\":{{}},\
                 \"from_change_id\":12,\"to_change_id\":15,\"all_data\":true}}\n\
                 {{\"changed\":{{}},\"deleted\":{{}},\"from_change_id\": 338638634001, \"to_change_id\": 338638634002, \
                 \"all_data\": false}}\n{{\"conn"
            ),
            &[
                LineMeaning::Connected,
                LineMeaning::Data { from: 12, to: 15, all_data: true, is_quiet: false },
                LineMeaning::Data { from: 338_638_634_001, to: 338_638_634_002, all_data: false, is_quiet: true },
            ],
        );
    }

    #[test]
    fn ids_may_stand_in_front_too() {
        let long = "x".repeat(500);
        check(
            &format!("{{\"to_change_id\":3,\"from_change_id\":2,\"all_data\":false,\"changed\":\"{long}\"}}\n"),
            &[LineMeaning::Data { from: 2, to: 3, all_data: false, is_quiet: false }],
        );
    }

    #[test]
    fn lines_of_projectors_and_messages_lead_to_an_id() {
        let long = "x".repeat(500);
        check(
            &format!("{{\"change_id\":12,\"data\":{{\"1\":[{{\"change_id\":3,\"data\":\"{long}\"}}]}}}}\n"),
            &[LineMeaning::Point { to: 12 }],
        );
        check(
            "{\"channel_id\":\"a:1:0\",\"channelID\":\"a:1:0\"}\n\
             {\"sender_user_id\":1,\"sender_channel_id\":\"a:1:0\",\"name\":\"load\",\"message\":7}\n\
             {\"sender_user_id\":0,\"sender_channel_id\":\"Server\",\"name\":\"applause\",\"message\":{\"level\":1}}\n",
            &[LineMeaning::Channel("a:1:0".to_owned()), LineMeaning::Point { to: 7 }, LineMeaning::Message],
        );
    }

    #[test]
    fn lines_that_a_client_cannot_use_are_told() {
        check("\n{\"error\":{}}\n", &[LineMeaning::Bad, LineMeaning::Bad]);
    }
}
