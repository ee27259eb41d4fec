#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::cookies`].
fuzz::target!(cookies);
