//! Who makes things happen in the demo?

use std::io::{Write, stdout};
use std::time::Duration;

use adapters::http::address::Address;
use adapters::memory::MemoryServer;
use domain::ids::UserId;
use tracing::warn;

use crate::demo::{self, Happening, MeetingMap};
use crate::wiring::Ports;

/// Prints what to try, on a thread of its own, so that nothing waits for a stalled reader.
pub(crate) fn greet(address: &Address) {
    let text = demo::greeting(address);
    let greeting = std::thread::Builder::new().name("greeting".to_owned()).spawn(move || {
        // If nobody reads the output, there is nobody to greet.
        let _ = stdout().write_all(text.as_bytes());
    });
    if let Err(error) = greeting {
        warn!(%error, "the demo cannot say what to try");
    }
}

/// Lets something happen every second, like the server, until it is dropped.
pub(crate) async fn tell(server: MemoryServer, mut meeting: MeetingMap, ports: Ports) {
    for tick in 0.. {
        ports.clock.sleep(Duration::from_secs(1)).await;
        let now = ports.clock.unix_seconds();
        match demo::happening(&meeting, tick, now) {
            Happening::Change(change) => {
                let texts: Vec<(&str, Option<String>)> = change
                    .iter()
                    .map(|(key, element)| (key.as_str(), (!element.is_null()).then(|| element.to_string())))
                    .collect();
                let elements: Vec<(&str, Option<&str>)> =
                    texts.iter().map(|(key, text)| (*key, text.as_deref())).collect();
                server.change(&elements);
                demo::apply(&mut meeting, &change);
            }
            Happening::Notify(message) => {
                if let Err(error) = ports.bus.publish_notify(&message.to_string()).await {
                    warn!(%error, "the demo cannot send a message");
                }
            }
            Happening::Applause(users) => {
                for user in users {
                    if let Err(error) = ports.applause.applaud(UserId(user)).await {
                        warn!(%error, "the demo cannot applaud");
                    }
                }
            }
        }
    }
}
