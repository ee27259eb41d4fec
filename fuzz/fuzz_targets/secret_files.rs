#![cfg_attr(fuzzing, no_main)]
//! Fuzzes [`fuzz::secret_files`].
fuzz::target!(secret_files);
