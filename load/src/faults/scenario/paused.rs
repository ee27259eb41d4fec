//! Redis is stopped and continues later: a snapshot, a slow disk, a virtual machine that is moved.

use rustix::process::Signal;

use super::super::trial::Trial;
use crate::error::LoadError;

/// Stops Redis for so many seconds.
pub(super) async fn strike(trial: &mut Trial, seconds: f64) -> Result<(), LoadError> {
    trial.primary().signal(Signal::STOP)?;
    trial.wait(seconds).await;
    trial.primary().signal(Signal::CONT)
}
