//! What does the fake Redis store?

use std::collections::{BTreeMap, HashMap};

use crate::redis::EntryId;

/// All databases by number.
#[derive(Clone, Default)]
pub(super) struct Data {
    pub(super) databases: HashMap<i64, Database>,
    /// The time part of new entry ids; grows with every command.
    pub(super) milliseconds: u64,
    /// How many seconds the clock was advanced; otherwise it does not move.
    pub(super) seconds_passed: u64,
}

pub(super) type Database = HashMap<Vec<u8>, Value>;

#[derive(Clone)]
pub(super) enum Value {
    String(Vec<u8>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    Scores(BTreeMap<Vec<u8>, f64>),
    Stream(Vec<StreamEntry>),
}

/// An entry of a stream: fields and values, alternating.
#[derive(Clone)]
pub(super) struct StreamEntry {
    pub(super) id: EntryId,
    pub(super) fields: Vec<Vec<u8>>,
}

/// A type of value that commands find by key, or create empty.
pub(super) trait Kind: Sized {
    fn empty() -> Value;
    fn of(value: &mut Value) -> Option<&mut Self>;
}

macro_rules! kind {
    ($type:ty, $variant:ident) => {
        impl Kind for $type {
            fn empty() -> Value {
                Value::$variant(Self::default())
            }

            fn of(value: &mut Value) -> Option<&mut Self> {
                match value {
                    Value::$variant(value) => Some(value),
                    _ => None,
                }
            }
        }
    };
}

kind!(Vec<u8>, String);
kind!(BTreeMap<Vec<u8>, Vec<u8>>, Hash);
kind!(BTreeMap<Vec<u8>, f64>, Scores);
kind!(Vec<StreamEntry>, Stream);
