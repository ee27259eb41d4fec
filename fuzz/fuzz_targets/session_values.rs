#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::session_values`].
fuzz::target!(session_values);
