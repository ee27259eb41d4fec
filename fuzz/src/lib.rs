//! What comes from outside must not break the service: each reader, tried with arbitrary bytes.
//!
//! Each function takes what a stranger, a browser, a file or Redis may send, gives it to the service's own reader, and
//! panics if something is wrong: where there is a second opinion, an oracle that shares no code with the reader, it must
//! agree. `cargo fuzz` drives the functions with what it finds by coverage, the tests of this package with the kept
//! seeds and with random changes of them (docs/DEVELOPING.md).

mod certificates;
mod cookies;
mod elements;
mod notify_bodies;
mod queries;
mod redis_replies;
mod secret_files;
mod session_values;
mod settings;
mod small_meeting;
mod stream_entries;
#[cfg(test)]
mod tests;

pub use certificates::certificates;
pub use cookies::cookies;
pub use elements::elements;
pub use notify_bodies::notify_bodies;
pub use queries::queries;
pub use redis_replies::redis_replies;
pub use secret_files::secret_files;
pub use session_values::session_values;
pub use settings::settings;
pub use stream_entries::stream_entries;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use libfuzzer_sys;

/// Makes a program of one of the functions. Built by `cargo fuzz` it fuzzes, else it tries the files that it is given,
/// for instance one that `cargo fuzz` found.
#[cfg(fuzzing)]
#[macro_export]
macro_rules! target {
    ($function:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::$function(bytes));
    };
}

/// Makes a program of one of the functions. Built by `cargo fuzz` it fuzzes, else it tries the files that it is given,
/// for instance one that `cargo fuzz` found.
#[cfg(not(fuzzing))]
#[macro_export]
macro_rules! target {
    ($function:ident) => {
        fn main() -> std::io::Result<()> {
            std::env::args_os().skip(1).try_for_each(|file| std::fs::read(file).map(|bytes| $crate::$function(&bytes)))
        }
    };
}
