//! Runs simulated worlds, as many as one likes.

fn main() -> std::process::ExitCode {
    simulation::command::run()
}
