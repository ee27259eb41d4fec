//! Does the load program notice what happens? Tested with a fake service that speaks the protocol, and a real Redis.

mod fake;
mod recordings;
mod rehearsing;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::testing::generator::{Generated, Plan};
use fake::{Fake, Faults};
use load::client::{Coding, TlsClient, Transport};
use load::publisher::{Access, Publisher};
use load::report::Row;
use load::scenario::{Scenario, Stage, Variation};
use load::server::Server;
use load::target::Loopback;
use tempfile::TempDir;

const PLAN: Plan = Plan { seed: 3, elements: 2_300, users: 500 };

/// A `redis-server` for one test.
struct Redis {
    child: Child,
    url: String,
    _files: TempDir,
}

impl Redis {
    async fn start() -> (Self, Publisher) {
        let files = TempDir::new().expect("a temporary directory");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(files.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is on the PATH");
        let redis = Self { child, url: format!("redis://127.0.0.1:{port}/"), _files: files };
        let connect = async {
            loop {
                match Publisher::connect(&redis.url).await {
                    Ok(publisher) => break publisher,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let publisher = tokio::time::timeout(Duration::from_secs(20), connect).await.expect("redis-server answers");
        (redis, publisher)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn access() -> Access {
    Access { secret: "secret".to_owned(), session_prefix: "session:".to_owned() }
}

fn variation(transport: Transport, coding: Option<Coding>) -> Variation {
    Variation {
        transport,
        coding,
        connections: Some(12),
        changes: 3,
        rate: 50,
        seconds: 1,
        patience: Duration::from_secs(20),
    }
}

/// Runs a scenario against a fake service with these faults.
async fn run(scenario: Scenario, variation: Variation, faults: Faults) -> Vec<Row> {
    let (redis, mut publisher) = Redis::start().await;
    let meeting = Generated::new(PLAN);
    let first = publisher.fill(&meeting, &access(), false).await.expect("an empty Redis");
    let fake = Fake::start(&redis.url, first, faults).await;
    let target: Loopback = fake.address.to_string().parse().expect("loopback");
    let mut stage = Stage {
        server: Server::running(target, Some(std::process::id())).expect("this process"),
        program: None,
        publisher,
        meeting,
        cookie_name: "OpenSlidesSessionID".to_owned(),
        tls: TlsClient::new().expect("TLS"),
    };
    stage.run(scenario, variation).await.expect("it can be measured")
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn changes_are_seen_over_every_transport() {
    for transport in Transport::ALL {
        for coding in [None, Some(Coding::Gzip), Some(Coding::Zstd)] {
            let rows = run(Scenario::Speakers, variation(transport, coding), Faults::default()).await;
            let row = &rows[0];
            let counts = (row.connections, row.changes, row.deliveries, row.missing);
            assert_eq!(counts, (12, 3, 36, 0), "{transport} {coding:?}: {row:?}");
            assert_eq!((row.gaps, row.unjoined, row.bad_lines, row.ended), (0, 0, 0, 0), "{transport} {coding:?}");
            assert_eq!(row.coding, coding, "{transport}");
            assert!(row.latency.is_some_and(|latency| latency.max_ms < 20_000.0) && row.wire_bytes_per_connection > 0);
        }
    }
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn every_scenario_runs() {
    for scenario in Scenario::ALL {
        let rows = run(scenario, variation(Transport::Plain, None), Faults::default()).await;
        assert!(!rows.is_empty(), "{scenario}");
        for row in rows {
            assert_eq!((row.gaps, row.unjoined, row.bad_lines, row.ended), (0, 0, 0, 0), "{scenario}: {row:?}");
            assert_eq!(row.missing, 0, "{scenario}: {row:?}");
        }
    }
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn mistakes_of_a_service_are_reported() {
    let faults = Faults { skips_from: true, ..Faults::default() };
    let rows = run(Scenario::Speakers, variation(Transport::Plain, None), faults).await;
    assert!(rows[0].unjoined > 0 && rows[0].gaps > 0, "{:?}", rows[0]);

    let faults = Faults { empty_lines: true, ..Faults::default() };
    let rows = run(Scenario::Speakers, variation(Transport::Plain, None), faults).await;
    assert!(rows[0].bad_lines > 0, "{:?}", rows[0]);
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_redis_that_holds_a_meeting_is_left_alone() {
    let (_redis, mut publisher) = Redis::start().await;
    let meeting = Generated::new(Plan { seed: 1, elements: 300, users: 20 });
    let first = publisher.fill(&meeting, &access(), false).await.expect("an empty Redis");
    assert_eq!(publisher.newest().await.expect("a meeting"), first);
    assert!(publisher.fill(&meeting, &access(), false).await.is_err());
    assert!(publisher.fill(&meeting, &access(), true).await.is_ok());
}
