//! What does each command do, and what does it answer?

use std::collections::BTreeMap;

use crate::redis::EntryId;

use super::data::{Data, Database, Kind, StreamEntry};
use super::resp::Reply;

type Hash = BTreeMap<Vec<u8>, Vec<u8>>;
type Scores = BTreeMap<Vec<u8>, f64>;
type Stream = Vec<StreamEntry>;
type Answer = Result<Reply, String>;

const WRITES: [&str; 11] =
    ["SET", "DEL", "HSET", "HDEL", "ZADD", "ZINCRBY", "ZREM", "ZREMRANGEBYSCORE", "XADD", "XTRIM", "FLUSHALL"];

/// Where the clock starts, in Unix seconds.
const TIME_AT_START: u64 = 1_700_000_000;

/// Whether the command writes, so that a replica refuses it.
pub(super) fn writes(name: &str) -> bool {
    WRITES.contains(&name)
}

/// Whether the command adds entries to a stream, which is what blocked readers wait for.
pub(super) fn adds_entries(words: &[Vec<u8>]) -> bool {
    words.first().is_some_and(|name| name.eq_ignore_ascii_case(b"XADD"))
}

/// Runs one command in a database.
pub(super) fn run(data: &mut Data, database: i64, words: &[Vec<u8>]) -> Reply {
    let name = name(words);
    let words = words.get(1..).unwrap_or_default();
    data.milliseconds += 1;
    let milliseconds = data.milliseconds;
    if name == "FLUSHALL" {
        data.databases.clear();
        return Reply::OK;
    }
    let time = TIME_AT_START + data.seconds_passed;
    let database = data.databases.entry(database).or_default();
    let answer = match name.as_str() {
        "PING" => Ok(words.first().map_or(Reply::Simple("PONG"), |word| Reply::Bulk(word.clone()))),
        "GET" | "SET" | "DEL" | "EXISTS" => strings(database, &name, words),
        "TIME" => Ok(Reply::Array([time, 0].map(|part| Reply::Bulk(part.to_string().into_bytes())).to_vec())),
        "HSET" | "HDEL" | "HGETALL" | "HKEYS" | "HLEN" | "HMGET" => hashes(database, &name, words),
        "ZADD" | "ZINCRBY" | "ZREM" | "ZSCORE" | "ZCOUNT" | "ZREVRANGE" | "ZRANGEBYSCORE" | "ZREMRANGEBYSCORE" => {
            scores(database, &name, words)
        }
        "XADD" | "XTRIM" | "XLEN" | "XRANGE" | "XREVRANGE" | "XREAD" => streams(database, &name, words, milliseconds),
        _ => Err(format!("ERR unknown command '{name}'")),
    };
    answer.unwrap_or_else(Reply::Error)
}

/// The command's name in upper case.
pub(super) fn name(words: &[Vec<u8>]) -> String {
    words.first().map(|word| text(word).to_uppercase()).unwrap_or_default()
}

/// How long an `XREAD` blocks, in milliseconds; `None` if it does not.
pub(super) fn block_milliseconds(words: &[Vec<u8>]) -> Option<u64> {
    let place = words.iter().position(|word| word.eq_ignore_ascii_case(b"BLOCK"))?;
    text(words.get(place + 1)?).parse().ok()
}

fn strings(database: &mut Database, name: &str, words: &[Vec<u8>]) -> Answer {
    match name {
        "GET" => Ok(find::<Vec<u8>>(database, words)?.map_or(Reply::Nil, |value| Reply::Bulk(value.clone()))),
        "SET" => {
            database.remove(at(words, 0)?);
            make::<Vec<u8>>(database, words)?.clone_from(at(words, 1)?);
            Ok(Reply::OK)
        }
        "DEL" => count(words.iter().filter(|key| database.remove(*key).is_some())),
        _ => count(words.iter().filter(|key| database.contains_key(*key))),
    }
}

fn hashes(database: &mut Database, name: &str, words: &[Vec<u8>]) -> Answer {
    if name == "HSET" {
        let hash = make::<Hash>(database, words)?;
        return count(
            words[1..].chunks_exact(2).filter(|pair| hash.insert(pair[0].clone(), pair[1].clone()).is_none()),
        );
    }
    let mut none = Hash::new();
    let hash = find::<Hash>(database, words)?.unwrap_or(&mut none);
    match name {
        "HDEL" => count(words[1..].iter().filter(|field| hash.remove(*field).is_some())),
        "HLEN" => count(hash.iter()),
        "HKEYS" => Ok(Reply::Array(hash.keys().cloned().map(Reply::Bulk).collect())),
        "HGETALL" => {
            let words = hash.iter().flat_map(|(field, value)| [field.clone(), value.clone()]);
            Ok(Reply::Array(words.map(Reply::Bulk).collect()))
        }
        _ => {
            let value = |field| hash.get(field).map_or(Reply::Nil, |value| Reply::Bulk(value.clone()));
            Ok(Reply::Array(words[1..].iter().map(value).collect()))
        }
    }
}

fn scores(database: &mut Database, name: &str, words: &[Vec<u8>]) -> Answer {
    if name == "ZADD" {
        let set = make::<Scores>(database, words)?;
        for pair in words[1..].chunks_exact(2) {
            set.insert(pair[1].clone(), number(&pair[0])?);
        }
        return Ok(Reply::Integer(1));
    }
    let mut none = Scores::new();
    let set = find::<Scores>(database, words)?.unwrap_or(&mut none);
    let bulk = |score: f64| Reply::Bulk(score.to_string().into_bytes());
    match name {
        "ZINCRBY" => {
            let score = number(at(words, 1)?)? + set.get(at(words, 2)?).copied().unwrap_or_default();
            set.insert(at(words, 2)?.clone(), score);
            Ok(bulk(score))
        }
        "ZREM" => count(words[1..].iter().filter(|member| set.remove(*member).is_some())),
        "ZSCORE" => Ok(set.get(at(words, 1)?).map_or(Reply::Nil, |score| bulk(*score))),
        // Only this form is supported: `ZREVRANGE key 0 0 WITHSCORES`.
        "ZREVRANGE" => {
            let highest = set.iter().max_by(|a, b| a.1.total_cmp(b.1));
            let pair = |(member, score): (&Vec<u8>, &f64)| vec![Reply::Bulk(member.clone()), bulk(*score)];
            Ok(Reply::Array(highest.map(pair).unwrap_or_default()))
        }
        _ => {
            let (low, high) = (bound(at(words, 1)?)?, bound(at(words, 2)?)?);
            let inside = |score: f64| {
                (score > low.0 || (!low.1 && score == low.0)) && (score < high.0 || (!high.1 && score == high.0))
            };
            let found: Vec<_> =
                set.iter().filter(|(_, score)| inside(**score)).map(|(member, _)| member.clone()).collect();
            match name {
                "ZCOUNT" => count(found.into_iter()),
                "ZREMRANGEBYSCORE" => count(found.iter().filter(|member| set.remove(*member).is_some())),
                _ => Ok(Reply::Array(found.into_iter().map(Reply::Bulk).collect())),
            }
        }
    }
}

fn streams(database: &mut Database, name: &str, words: &[Vec<u8>], milliseconds: u64) -> Answer {
    match name {
        "XADD" => add_entry(database, words, milliseconds),
        "XTRIM" => {
            let keep: usize = text(words.last().ok_or(WRONG_NUMBER)?).parse().map_err(|_| NOT_AN_INTEGER)?;
            trim(make::<Stream>(database, words)?, keep);
            Ok(Reply::Integer(0))
        }
        "XLEN" => count(find::<Stream>(database, words)?.into_iter().flatten()),
        // Only this form is supported: `XRANGE key id id`.
        "XRANGE" => {
            let id: EntryId = text(at(words, 1)?).parse().map_err(|_| "ERR Invalid stream ID")?;
            let stream = find::<Stream>(database, words)?.into_iter().flatten();
            Ok(Reply::Array(stream.filter(|entry| entry.id == id).map(|one| entry(one)).collect()))
        }
        // Only this form is supported: `XREVRANGE key + - COUNT 1`.
        "XREVRANGE" => {
            let newest = find::<Stream>(database, words)?.and_then(|stream| stream.last().map(entry));
            Ok(Reply::Array(newest.into_iter().collect()))
        }
        _ => {
            let place =
                words.iter().position(|word| word.eq_ignore_ascii_case(b"STREAMS")).ok_or("ERR syntax error")?;
            let after: EntryId = text(at(words, place + 2)?).parse().map_err(|_| "ERR Invalid stream ID")?;
            let limit: usize = words.get(1).and_then(|word| text(word).parse().ok()).unwrap_or(usize::MAX);
            let stream = find::<Stream>(database, &words[place + 1..])?;
            let entries: Vec<_> = stream
                .into_iter()
                .flat_map(|stream| stream.iter().filter(|entry| entry.id > after))
                .take(limit)
                .map(entry)
                .collect();
            if entries.is_empty() {
                return Ok(Reply::NilArray);
            }
            Ok(Reply::Array(vec![Reply::Array(vec![Reply::Bulk(words[place + 1].clone()), Reply::Array(entries)])]))
        }
    }
}

/// `XADD key [MAXLEN ~ n] id field value …`
fn add_entry(database: &mut Database, words: &[Vec<u8>], milliseconds: u64) -> Answer {
    let has_limit = at(words, 1)?.eq_ignore_ascii_case(b"MAXLEN");
    let id_at = if has_limit { 4 } else { 1 };
    let asked = text(at(words, id_at)?);
    let stream = make::<Stream>(database, words)?;
    let last = stream.last().map(|entry| entry.id).unwrap_or_default();
    let id = match asked.as_str() {
        "*" => EntryId { milliseconds: milliseconds.max(last.milliseconds + 1), counter: 0 },
        asked => asked.parse().map_err(|_| "ERR Invalid stream ID specified as stream command argument")?,
    };
    if id <= last {
        return Err("ERR The ID specified in XADD is equal or smaller than the target stream top item".to_owned());
    }
    stream.push(StreamEntry { id, fields: words[id_at + 1..].to_vec() });
    if has_limit {
        trim(stream, text(at(words, 3)?).parse().map_err(|_| NOT_AN_INTEGER)?);
    }
    Ok(Reply::Bulk(id.to_string().into_bytes()))
}

/// Loses the newest `count` entries of a stream of the first database.
pub(super) fn lose_newest_entries(data: &mut Data, key: &str, count: usize) {
    let database = data.databases.entry(0).or_default();
    if let Ok(Some(stream)) = find::<Stream>(database, &[key.as_bytes().to_vec()]) {
        stream.truncate(stream.len().saturating_sub(count));
    }
}

fn trim(stream: &mut Stream, keep: usize) {
    stream.drain(..stream.len().saturating_sub(keep));
}

fn entry(entry: &StreamEntry) -> Reply {
    let fields = entry.fields.iter().cloned().map(Reply::Bulk).collect();
    Reply::Array(vec![Reply::Bulk(entry.id.to_string().into_bytes()), Reply::Array(fields)])
}

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const WRONG_NUMBER: &str = "ERR wrong number of arguments";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";

/// The value of the key given by the first word.
fn find<'a, T: Kind>(database: &'a mut Database, words: &[Vec<u8>]) -> Result<Option<&'a mut T>, String> {
    match database.get_mut(at(words, 0)?) {
        Some(value) => T::of(value).map(Some).ok_or_else(|| WRONG_TYPE.to_owned()),
        None => Ok(None),
    }
}

fn make<'a, T: Kind>(database: &'a mut Database, words: &[Vec<u8>]) -> Result<&'a mut T, String> {
    let value = database.entry(at(words, 0)?.clone()).or_insert_with(T::empty);
    T::of(value).ok_or_else(|| WRONG_TYPE.to_owned())
}

fn at(words: &[Vec<u8>], index: usize) -> Result<&Vec<u8>, String> {
    words.get(index).ok_or_else(|| WRONG_NUMBER.to_owned())
}

/// A bound of a range of scores, and whether it is exclusive.
fn bound(word: &[u8]) -> Result<(f64, bool), String> {
    match word.strip_prefix(b"(") {
        Some(word) => Ok((number(word)?, true)),
        None => Ok((number(word)?, false)),
    }
}

fn number(word: &[u8]) -> Result<f64, String> {
    text(word).parse().map_err(|_| "ERR value is not a valid float".to_owned())
}

fn count(items: impl Iterator) -> Answer {
    Ok(Reply::Integer(i64::try_from(items.count()).unwrap_or(i64::MAX)))
}

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}
