//! How does a meeting change while nobody works on it? Lists of speakers change at a fixed rate, on this machine.
#![allow(clippy::print_stdout, reason = "results go to the terminal; this is no service")]

use std::time::Duration;

use clap::Args;
use domain::collection::Collection;
use domain::ids::ElementKey;
use load::error::LoadError;
use load::publisher::{Change, Publisher};
use load::scenario::RATE_MAX;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::{interrupted, seconds};

/// How many lists of speakers change, one after the other.
const LISTS: u64 = 20;

/// The longest time, in seconds.
const SECONDS_MAX: u64 = 3_600;

#[derive(Args)]
pub(crate) struct PublishArguments {
    /// A Redis on this machine, whose meeting is changed
    #[arg(long, default_value = "redis://127.0.0.1:6379/")]
    redis: String,
    /// Changes per second
    #[arg(long, default_value_t = 5)]
    rate: u64,
    /// How long, in seconds
    #[arg(long = "for", value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    seconds: u64,
}

/// Changes the first lists of speakers at a rate, each time the weight of the last speaker.
pub(crate) async fn publish(arguments: PublishArguments) -> Result<(), LoadError> {
    if arguments.rate == 0 || arguments.rate > RATE_MAX || arguments.seconds > SECONDS_MAX {
        let text = format!("between 1 and {RATE_MAX} changes per second, at most {SECONDS_MAX} s");
        return Err(LoadError::Usage(text));
    }
    let mut publisher = Publisher::connect(&arguments.redis).await?;
    let mut lists = Vec::new();
    for id in 1..=LISTS {
        let key = ElementKey::new(Collection::ListOfSpeakers, id);
        if let Some(list) = publisher.element(key).await? {
            lists.push((key, list));
        }
    }
    if lists.is_empty() {
        return Err(LoadError::Usage("this Redis holds no lists of speakers; fill it with `load fill`".to_owned()));
    }
    let begin = Instant::now();
    let mut published = 0;
    tokio::select! {
        result = async {
            for number in 0..arguments.rate * arguments.seconds {
                sleep_until(begin + Duration::from_micros(number * 1_000_000 / arguments.rate)).await;
                let count = lists.len() as u64;
                let (key, list) = &mut lists[(number % count) as usize];
                publisher.publish(&changed(*key, list, number)).await?;
                published += 1;
            }
            Ok::<(), LoadError>(())
        } => result?,
        () = interrupted() => {}
    }
    println!("{published} changes in {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn changed(key: ElementKey, list: &mut Value, number: u64) -> Change {
    if let Some(last) = list["speakers"].as_array_mut().and_then(|speakers| speakers.last_mut()) {
        last["weight"] = json!(1_000 + number);
    }
    let text = list.to_string();
    vec![(key, Some(domain::json::wire_form(text.as_bytes()).unwrap_or(text)))]
}
