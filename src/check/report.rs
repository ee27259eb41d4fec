//! How are the findings of a check reported?

use std::io::{Write as _, stdout};
use std::process::ExitCode;

/// The findings so far. Each is printed immediately, because the next one may take a while.
#[derive(Debug, Default)]
pub(super) struct Report {
    right: usize,
    wrong: usize,
}

impl Report {
    /// Reports that `name` is right.
    pub(super) fn right(&mut self, name: &str, text: &str) {
        self.right += 1;
        print("ok   ", name, text);
    }

    /// Reports something that may be intended.
    pub(super) fn note(&self, name: &str, text: &str) {
        print("note ", name, text);
    }

    /// Reports what is wrong with `name`, and what to do.
    pub(super) fn wrong(&mut self, name: &str, text: &str) {
        self.wrong += 1;
        print("WRONG", name, text);
    }

    /// Prints the totals, and returns the exit code.
    pub(super) fn end(self) -> ExitCode {
        if self.wrong > 0 {
            let _ = writeln!(stdout(), "{} wrong, {} ok", self.wrong, self.right);
            return ExitCode::FAILURE;
        }
        let _ = writeln!(stdout(), "all is well");
        ExitCode::SUCCESS
    }
}

/// Prints a finding. If the reader has closed the output, there is nobody to report that to.
fn print(finding: &str, name: &str, text: &str) {
    let _ = writeln!(stdout(), "{finding}  {name}: {text}");
}
