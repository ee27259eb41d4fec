#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::redis_replies`].
fuzz::target!(redis_replies);
