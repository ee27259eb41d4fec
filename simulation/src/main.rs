//! Runs simulated worlds from the command line.

fn main() -> std::process::ExitCode {
    simulation::command::run()
}
