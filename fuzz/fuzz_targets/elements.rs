#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::elements`].
fuzz::target!(elements);
