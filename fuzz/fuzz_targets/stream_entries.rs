#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::stream_entries`].
fuzz::target!(stream_entries);
