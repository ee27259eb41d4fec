#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::queries`].
fuzz::target!(queries);
