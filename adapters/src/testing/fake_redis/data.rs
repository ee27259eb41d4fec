//! What does the Redis in process keep?

use std::collections::{BTreeMap, HashMap};

use crate::redis::EntryId;

/// All databases by their numbers.
#[derive(Clone, Default)]
pub(super) struct Data {
    pub(super) databases: HashMap<i64, Database>,
    /// Grows with every entry of a stream; stands for the time.
    pub(super) milliseconds: u64,
    /// How many seconds the clock was set forward; it stands still by itself.
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

/// An entry of a stream: its fields and values in turn.
#[derive(Clone)]
pub(super) struct StreamEntry {
    pub(super) id: EntryId,
    pub(super) fields: Vec<Vec<u8>>,
}

/// The kinds of values, each found by its key; made where there is none.
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
