//! What do commands and answers look like on the wire of Redis (RESP2)?

use std::fmt;
use std::io::{self, Write};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// Commands have hardly ever more words.
const WORDS_EXPECTED: usize = 16;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    Simple(&'static str),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Nil,
    NilArray,
    Array(Vec<Reply>),
}

impl Reply {
    pub(super) const OK: Self = Self::Simple("OK");

    /// Appends the bytes that go over the wire.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Simple(text) => put(out, format_args!("+{text}\r\n")),
            Self::Error(text) => put(out, format_args!("-{text}\r\n")),
            Self::Integer(number) => put(out, format_args!(":{number}\r\n")),
            Self::Bulk(bytes) => {
                put(out, format_args!("${}\r\n", bytes.len()));
                out.extend(bytes);
                out.extend(b"\r\n");
            }
            Self::Nil => out.extend(b"$-1\r\n"),
            Self::NilArray => out.extend(b"*-1\r\n"),
            Self::Array(replies) => {
                put(out, format_args!("*{}\r\n", replies.len()));
                for reply in replies {
                    reply.write(out);
                }
            }
        }
    }
}

fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Memory takes everything.
    let _ = out.write_fmt(text);
}

/// Reads one command; `None` at the end of the stream.
pub(super) async fn read_command(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<Vec<u8>>>> {
    let Some(count) = read_number(reader, '*').await? else { return Ok(None) };
    let mut words = Vec::with_capacity(count.min(WORDS_EXPECTED));
    for _ in 0..count {
        let length = read_number(reader, '$').await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut word = vec![0; length + 2];
        reader.read_exact(&mut word).await?;
        word.truncate(length);
        words.push(word);
    }
    Ok(Some(words))
}

async fn read_number(reader: &mut (impl AsyncBufRead + Unpin), kind: char) -> io::Result<Option<usize>> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let number = line.strip_prefix(kind).and_then(|number| number.trim_end().parse().ok());
    number.map(Some).ok_or_else(|| io::Error::other(format!("{line:?} is not a number after `{kind}`")))
}
