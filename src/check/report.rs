//! How is it told what is right and what is not?

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use crate::start::StartError;

/// What was found so far. Each finding is printed at once: the next one may take a while.
#[derive(Debug, Default)]
pub(super) struct Report {
    right: usize,
    wrong: usize,
}

impl Report {
    /// Tells that `name` is right.
    pub(super) fn right(&mut self, name: &str, text: &str) {
        self.right += 1;
        print("ok   ", name, text);
    }

    /// Tells something that may be meant so.
    pub(super) fn note(&self, name: &str, text: &str) {
        print("note ", name, text);
    }

    /// Tells what is wrong with `name`, and what to do.
    pub(super) fn wrong(&mut self, name: &str, text: &str) {
        self.wrong += 1;
        print("WRONG", name, text);
    }

    /// Tells the sum, and returns the status.
    pub(super) fn end(self) -> Result<ExitCode, StartError> {
        if self.wrong > 0 {
            writeln!(stdout(), "{} wrong, {} ok", self.wrong, self.right)?;
            return Ok(ExitCode::FAILURE);
        }
        writeln!(stdout(), "all is well")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Whoever reads no further need not be told.
fn print(finding: &str, name: &str, text: &str) {
    let _ = writeln!(stdout(), "{finding}  {name}: {text}");
}
