#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::certificates`].
fuzz::target!(certificates);
