//! How is a meeting recorded and played from the command line?
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "results go to the terminal; this is no service")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use load::error::LoadError;
use load::publisher::Access;
use load::recording::{Playing, record, replay};

use super::{interrupted, seconds};

/// The longest recording, in seconds: one day.
const RECORD_SECONDS_MAX: u64 = 24 * 3_600;

/// The speeds that are accepted, besides 0.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.01..=10_000.0;

#[derive(Args)]
pub(crate) struct RecordArguments {
    /// File to write; compressed if its name ends with .gz or .zst. An existing one is not overwritten
    file: PathBuf,
    /// The Redis of the meeting, which is only read
    #[arg(long, default_value = "redis://127.0.0.1:6379/")]
    redis: String,
    /// How long to record changes, in seconds; 0: only the meeting as it is now
    #[arg(long = "for", value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    seconds: u64,
}

#[derive(Args)]
pub(crate) struct ReplayArguments {
    /// The recording
    file: PathBuf,
    /// An empty Redis
    #[arg(long, default_value = "redis://127.0.0.1:6379/")]
    redis: String,
    /// How many times as fast as it was recorded; 0: without pauses
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// The Django secret that sessions are signed with
    #[arg(long, default_value = "secret of the load program")]
    secret: String,
    /// The prefix of the session keys
    #[arg(long, default_value = "session:")]
    session_prefix: String,
    /// File to write the sessions of the users to, for `load rehearse --sessions`
    #[arg(long)]
    sessions: Option<PathBuf>,
}

/// Records a meeting.
pub(crate) async fn record_meeting(arguments: RecordArguments) -> Result<(), LoadError> {
    if arguments.seconds > RECORD_SECONDS_MAX {
        let text = format!("{} s: at most {RECORD_SECONDS_MAX} s can be recorded", arguments.seconds);
        return Err(LoadError::Usage(text));
    }
    eprintln!("Recording for {} s; Ctrl-C ends it earlier …", arguments.seconds);
    let time = Duration::from_secs(arguments.seconds);
    let recorded = record(&arguments.redis, &arguments.file, time, interrupted()).await?;
    println!("{} elements and {} changes in {}", recorded.elements, recorded.changes, arguments.file.display());
    if recorded.was_rebuilt {
        println!("The OpenSlides server rebuilt its cache; the recording ends there. Record again for what follows.");
    }
    println!("Names and texts are replaced; numbers, times and rights are not. Read it before you hand it on.");
    Ok(())
}

/// Plays a recording.
pub(crate) async fn replay_meeting(arguments: ReplayArguments) -> Result<(), LoadError> {
    if arguments.speed != 0.0 && !SPEEDS.contains(&arguments.speed) {
        let (least, most) = (SPEEDS.start(), SPEEDS.end());
        return Err(LoadError::Usage(format!("--speed {}: between {least} and {most}, or 0", arguments.speed)));
    }
    let access = Access { secret: arguments.secret, session_prefix: arguments.session_prefix };
    let playing = Playing { speed: arguments.speed, access };
    let played = replay(&arguments.file, &arguments.redis, &playing, |played| {
        println!(
            "{} elements and {} sessions are there; playing the changes …",
            played.elements,
            played.sessions.len()
        );
        arguments.sessions.as_deref().map_or(Ok(()), |path| write_sessions(path, &played.sessions))
    });
    tokio::select! {
        played = played => println!("{} changes", played?.changes),
        () = interrupted() => println!("stopped; what was played stays in Redis"),
    }
    Ok(())
}

/// Writes session keys to a file that only its owner can read.
pub(crate) fn write_sessions(path: &Path, sessions: &[String]) -> Result<(), LoadError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = sessions.iter().map(|session| format!("{session}\n")).collect::<String>();
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(LoadError::io(path.display().to_string()))
}
