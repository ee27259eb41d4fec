#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::notify_bodies`].
fuzz::target!(notify_bodies);
