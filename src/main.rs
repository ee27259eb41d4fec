//! The autoupdate service of OpenSlides 3.

use std::process::ExitCode;

/// Designed for many small allocations by several threads, as thousands of streams make them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    autoupdate::main(std::env::args_os(), |name| std::env::var_os(name))
}
