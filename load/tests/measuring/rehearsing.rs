//! Does a rehearsal see what its clients see? Against a small service, over both versions of HTTP.

use std::time::Duration;

use load::rehearse::{Address, Grade, Logbook, Plan, Session, Summary, Trust, Verdict, Versions, page, run};

use crate::fake::{Fake, Faults};
use crate::{PLAN, Redis, access};
use domain::testing::generator::Generated;
use load::publisher::{Change, Publisher};

/// A service with a meeting, whose tag 1 can change.
struct Hall {
    fake: Fake,
    publisher: Publisher,
    _redis: Redis,
}

impl Hall {
    async fn open(faults: Faults) -> Self {
        let (redis, mut publisher) = Redis::start().await;
        let first = publisher.fill(&Generated::new(PLAN), &access(), false).await.expect("an empty Redis");
        let fake = Fake::start(&redis.url, first, faults).await;
        Self { fake, publisher, _redis: redis }
    }

    fn plan(&self, scheme: &str) -> Plan {
        let address: Address = format!("{scheme}://{}", self.fake.address).parse().expect("an address");
        Plan {
            address,
            clients: 5,
            sessions: vec![Session::new("abc", "c").expect("a session")],
            cookie_name: "c".to_owned(),
            seconds: 3,
            arrival_seconds: 0,
            projectors: vec![1],
            compressed: true,
            versions: Versions::Both,
            trust: Trust::Anything,
            keep_alive_seconds: 30,
            message_seconds: None,
            metrics: Vec::new(),
        }
    }

    /// Rehearses until all clients have data and then the changes, or the plan's time is over.
    async fn rehearse(&mut self, plan: &Plan, changes: u64) -> Logbook {
        let change: Change =
            Generated::new(PLAN).elements().iter().take(1).map(|(key, json)| (*key, Some(json.clone()))).collect();
        let publisher = &mut self.publisher;
        let changing = async {
            for _ in 0..changes {
                tokio::time::sleep(Duration::from_secs(1)).await;
                publisher.publish(&change).await.expect("Redis");
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            result = run(plan.clone(), std::future::pending()) => result.expect("it can be reached").0,
            () = changing => unreachable!("it never ends"),
        }
    }
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn clients_have_data_and_changes_over_both_versions_of_http() {
    let mut hall = Hall::open(Faults::default()).await;
    for (scheme, versions, compressed, answers) in [
        ("http", Versions::Both, true, [false, true]),
        ("https", Versions::Both, true, [true, false]),
        ("https", Versions::Http1, false, [false, true]),
    ] {
        let plan = Plan { versions, compressed, seconds: 5, ..hall.plan(scheme) };
        let logbook = hall.rehearse(&plan, 2).await;
        let context = format!("{scheme} {versions:?}: {:?}", logbook.troubles);
        assert_eq!((logbook.clients_with_data(), logbook.total.connected), (5, 5), "{context}");
        // The first client that has a change is not measured. Slow ones may get both in one line.
        let measured = logbook.total.spread.count();
        assert!((1..=2).contains(&logbook.changes) && (1..=2 * 4).contains(&measured), "{context}: {measured}");
        assert_eq!((logbook.failures, logbook.total.gaps, logbook.bad_lines), ([0; 4], 0, 0), "{context}");
        assert_eq!(logbook.answers.map(|count| count > 0), answers, "{context}");
        assert_eq!(logbook.compressed_answers > 0, compressed, "{context}");
        assert!(Verdict::of(&plan, &logbook).faults.is_empty(), "{context}");
        let summary = Summary::new(&plan, &logbook, &[]);
        assert!(summary.to_string().contains("The hall is ready"), "{summary}");
        let html = page(&summary, &logbook, &[]);
        assert!(html.contains("The hall is ready") && html.contains("<polyline"), "{html}");
        // Nothing is loaded from elsewhere, and nothing runs.
        for foreign in ["<script", "src=", "<link", "@import", "url("] {
            assert!(!html.contains(foreign), "{foreign}");
        }
    }
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn messages_are_sent_if_asked_for_and_reach_every_client() {
    let mut hall = Hall::open(Faults::default()).await;
    for scheme in ["http", "https"] {
        let plan = Plan { seconds: 5, message_seconds: Some(1), ..hall.plan(scheme) };
        let logbook = hall.rehearse(&plan, 0).await;
        assert!(logbook.messages_sent >= 1, "{scheme}: {:?}", logbook.troubles);
        let arrived = logbook.total.messages.count();
        assert!((1..=logbook.messages_expected).contains(&arrived), "{scheme}: {arrived}");
        assert!(logbook.troubles.is_empty(), "{scheme}: {:?}", logbook.troubles);
    }
    let without = hall.rehearse(&hall.plan("http"), 0).await;
    assert_eq!((without.messages_sent, without.total.messages.count()), (0, 0));
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn what_users_would_notice_is_seen() {
    let mut hall = Hall::open(Faults { skips_from: true, ..Faults::default() }).await;
    let logbook = hall.rehearse(&hall.plan("http"), 1).await;
    assert!(logbook.total.gaps >= 1, "{:?}", logbook.troubles);
    assert_eq!(Verdict::of(&hall.plan("http"), &logbook).grade, Grade::NotReady);

    let mut hall = Hall::open(Faults { empty_lines: true, ..Faults::default() }).await;
    let logbook = hall.rehearse(&hall.plan("http"), 0).await;
    assert!(logbook.bad_lines >= 1);
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn errors_name_the_address() {
    let hall = Hall::open(Faults::default()).await;
    let failure = async |plan: Plan| run(plan, std::future::pending()).await.expect_err("it fails").to_string();
    let plan = hall.plan("https");
    let untrusted = failure(Plan { trust: Trust::Public, ..plan.clone() }).await;
    assert!(untrusted.contains(&plan.address.to_string()) && untrusted.contains("--insecure"), "{untrusted}");
    let nobody = Plan { address: "http://127.0.0.1:1".parse().expect("an address"), ..plan.clone() };
    assert!(failure(nobody).await.contains("http://127.0.0.1:1"));
    let elsewhere = Hall::open(Faults { is_another: true, ..Faults::default() }).await;
    let welcomed = failure(elsewhere.plan("http")).await;
    assert!(welcomed.contains("/system/health") && welcomed.contains("--url"), "{welcomed}");
    assert!(failure(Plan { clients: 0, ..plan.clone() }).await.contains("0 clients"));
    let missing = std::path::PathBuf::from("/nowhere/ca.pem");
    assert!(failure(Plan { trust: Trust::File(missing), ..plan }).await.contains("/nowhere/ca.pem"));
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn it_ends_early_with_what_was_seen_so_far() {
    let hall = Hall::open(Faults::default()).await;
    let plan = Plan { seconds: 3_000, ..hall.plan("http") };
    let (logbook, _) = run(plan.clone(), tokio::time::sleep(Duration::from_secs(1))).await.expect("it can be reached");
    assert!(logbook.is_cut_short && logbook.clients_started() == 5);
    assert!(Verdict::of(&plan, &logbook).remarks.iter().any(|remark| remark.contains("stopped")));
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn the_program_reports_also_when_it_is_interrupted() {
    let hall = Hall::open(Faults::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (report, json) = (folder.path().join("report.html"), folder.path().join("report.json"));
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_load"))
        .args(["rehearse", "--clients", "3", "--session", "abc", "--for", "600s", "--arrival", "0"])
        .args(["--cookie-name", "c", "--url", &format!("http://{}", hall.fake.address)])
        .arg("--report")
        .arg(&report)
        .arg("--json")
        .arg(&json)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program");
    // Once it shows its progress, it listens for signals.
    let mut progress = tokio::io::BufReader::new(program.stderr.take().expect("a pipe"));
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut progress, &mut line).await.expect("text");
    assert!(line.starts_with("0 of 600 s:"), "{line}");
    let id = program.id().expect("it runs").to_string();
    let killed = tokio::process::Command::new("kill").args(["-INT", &id]).status().await;
    assert!(killed.expect("kill").success());
    let output = tokio::time::timeout(Duration::from_secs(30), program.wait_with_output()).await;
    let output = output.expect("it ends").expect("an output");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("stopped before its end") && text.contains("report.html"), "{text}");
    assert!(!text.contains("abc"), "it shows the session: {text}");
    let html = std::fs::read_to_string(&report).expect("the report");
    assert!(html.ends_with("</html>\n"));
    let figures: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).expect("the figures")).expect("JSON");
    assert!(figures["verdict"]["grade"].is_string());
}
