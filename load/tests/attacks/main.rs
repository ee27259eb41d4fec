//! Does the real program withstand the known attacks? Each is shortened, and its limits are lowered to be met at once.

#[path = "../shared/built.rs"]
mod built;
mod program;

use std::time::Duration;

use load::attack::{Attack, Siege, Verdict};
use load::process::Process;
use program::Demo;

/// How many connections each attack opens: more than the limits of [`Demo`] allow.
const COUNT: usize = 60;

/// Attacks a demo in all of these ways, one after the other and each for so many seconds at most; panics if it does not
/// withstand one.
async fn attack(attacks: &[Attack], seconds_max: u64) -> Vec<Verdict> {
    let demo = Demo::start();
    let siege = Siege {
        target: demo.address.parse().expect("loopback"),
        process: Some(Process::new(demo.id()).expect("it runs")),
        from: Some([127, 0, 0, 2].into()),
        cookie_name: "OpenSlidesSessionID".to_owned(),
        session: "delegate".to_owned(),
        user: 3,
        canary_session: "admin".to_owned(),
        count: Some(COUNT),
        seconds_max,
        quiet: Duration::from_millis(300),
    };
    let mut verdicts = Vec::new();
    for attack in attacks {
        let verdict = siege.run(*attack).await.expect("it can be made");
        assert_eq!(verdict.failure, None, "{}", verdict.row());
        verdicts.push(verdict);
    }
    verdicts
}

/// Checks that the attack meets its limit: that it ends in this way at least once.
async fn check(attack_kind: Attack, end: &str) {
    // Long enough for a slow machine.
    let verdicts = attack(&[attack_kind], 10).await;
    assert!(verdicts[0].ends.count(end) > 0, "no {end:?}: {}", verdicts[0].row());
}

#[tokio::test]
async fn the_service_withstands_every_attack_one_after_the_other() {
    let verdicts = attack(&Attack::ALL, 1).await;
    assert_eq!(verdicts.len(), Attack::ALL.len());
    for verdict in verdicts {
        let [before, highest, after] = verdict.readings.expect("the process is known");
        assert!(highest.descriptors > 0 && after.cpu_micros >= before.cpu_micros, "{}", verdict.row());
    }
}

/// (spec: http.md#fair-shares)
#[tokio::test]
async fn attacks_of_one_address_or_user_meet_their_limits() {
    tokio::join!(
        check(Attack::Connections, "closed"),
        check(Attack::Streams, "429"),
        check(Attack::Sends, "429"),
        check(Attack::Claps, "429"),
    );
}

#[tokio::test]
async fn attacks_on_http2_are_told_to_calm_down() {
    for attack in [Attack::RapidReset, Attack::MadeYouReset, Attack::Continuation] {
        check(attack, "GOAWAY ENHANCE_YOUR_CALM").await;
    }
}

/// (spec: http.md#request-length)
#[tokio::test]
async fn no_request_is_smuggled() {
    let verdicts = attack(&[Attack::Smuggling], 60).await;
    assert_eq!(verdicts[0].ends.count("200 then"), 0, "{}", verdicts[0].row());
}
