#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::settings`].
fuzz::target!(settings);
