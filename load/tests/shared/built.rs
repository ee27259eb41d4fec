//! Where is the program that these tests run?

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

/// The program: built here if need be, or another one, to measure it.
pub(crate) static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(program) = std::env::var_os("AUTOUPDATE_PROGRAM") {
        return program.into();
    }
    let status = Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "autoupdate"]).status();
    assert!(status.expect("cargo").success(), "the service can be built");
    // Beside the folder of the tests.
    let tests = std::env::current_exe().expect("a path");
    tests.ancestors().nth(2).expect("a folder").join("autoupdate")
});
