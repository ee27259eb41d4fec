//! Does an adapter keep the contract of [`ElementStore`]?

use async_trait::async_trait;

use super::{Driver, MessageBusDriver};
use crate::ids::ChangeId;
use crate::ports::element_store::{Bounds, ElementStore, KeysChanged, MeetingPart, RawElement, StoreError};
use crate::ports::message_bus::{Channel, MessageBus, Position};

type Elements<'a> = &'a [(&'a str, Option<&'a str>)];

const LOWEST: ChangeId = ChangeId(338_638_634_000);

/// Acts as the OpenSlides server, which writes the meeting.
#[async_trait]
pub trait ElementStoreDriver: Driver {
    /// Rebuilds the cache with exactly these elements, all last changed at `lowest`, then marks it ready.
    async fn rebuild(&self, lowest: ChangeId, elements: &[(&str, &str)]);

    /// Starts a rebuild: empties the cache and marks it not ready. [`ElementStoreDriver::rebuild`] completes it.
    async fn begin_rebuild(&self);

    /// Changes the data in one step without announcing it on a channel; `None` deletes. Returns the change id.
    async fn write(&self, elements: &[(&str, Option<&str>)]) -> ChangeId;

    /// Loses a part of the cache, which still claims to be ready. Returns false if this driver cannot do that.
    async fn lose(&self, part: MeetingPart) -> bool;

    /// Puts something that is no change id in the place of one of a cache that holds `core/tag:1`, in the `way`-th of
    /// the ways that this technology knows. Returns what it did; `None` if it knows no more ways.
    async fn spoil_change_id(&self, way: usize) -> Option<String>;
}

/// Checks that `store` fulfills its contract.
pub async fn element_store(store: &dyn ElementStore, driver: &dyn ElementStoreDriver) {
    nothing_is_ready_before_the_cache_is(store, driver).await;
    the_whole_meeting_is_loaded_as_it_stands(store, driver).await;
    changes_are_found_after_every_id(store, driver).await;
    many_changes_are_found(store, driver).await;
    a_rebuilt_cache_shows_by_its_lowest_id(store, driver).await;
    what_lost_a_part_is_incomplete(store, driver).await;
    an_id_that_is_none_is_an_error(store, driver).await;
    silence_is_unavailable(store, driver).await;
}

/// Checks that `store` knows what is gone from the channel of changes of the `bus` that belongs to it.
pub async fn element_store_beside_its_bus<D: ElementStoreDriver + MessageBusDriver>(
    store: &dyn ElementStore,
    bus: &dyn MessageBus,
    driver: &D,
) {
    let follows = async |read| store.changed_since(LOWEST, read).await.expect("the store answers").follows;
    driver.clear().await;
    driver.rebuild(LOWEST, &[("core/tag:1", "{\"id\":1}")]).await;
    assert!(follows(Position::START).await, "there is no message at the start");
    driver.append(Channel::Autoupdate, &[b"one"]).await;
    let one = bus.last_position(Channel::Autoupdate).await.expect("the bus answers");
    driver.append(Channel::Autoupdate, &[b"two"]).await;
    driver.write(&[("core/tag:1", Some("{\"id\":1,\"a\":1}"))]).await;
    assert!(follows(one).await, "it is there");
    driver.trim(Channel::Autoupdate, 1).await;
    assert!(!follows(one).await, "it is gone, and another follows");
    driver.trim(Channel::Autoupdate, 0).await;
    assert!(!follows(one).await, "it is gone, and nothing follows");
    assert!(follows(Position::START).await, "there is no message at the start");
}

async fn nothing_is_ready_before_the_cache_is(store: &dyn ElementStore, driver: &dyn ElementStoreDriver) {
    driver.clear().await;
    check_not_ready(store, "empty").await;
    driver.rebuild(LOWEST, &[("topics/topic:1", "{\"id\": 1}")]).await;
    driver.begin_rebuild().await;
    check_not_ready(store, "being rebuilt").await;
}

async fn the_whole_meeting_is_loaded_as_it_stands(store: &dyn ElementStore, driver: &dyn ElementStoreDriver) {
    driver.clear().await;
    // White space, letters above 0x7F, and what does not parse: all of it is returned unchanged.
    let elements = [
        ("topics/topic:1", "{\"id\":  1, \"title\": \"Grüße 🎉\"}"),
        ("core/tag:130", "{\"id\": 130}"),
        ("not a key", "not JSON"),
        ("_config:schema", "3"),
        ("core/tag:4294967297", ""),
    ];
    driver.rebuild(LOWEST, &elements).await;
    let expected: Vec<_> = elements.iter().map(|(key, json)| (*key, Some(*json))).collect();
    check_load(store, bounds(0, 0), &expected).await;
    let change = driver.write(&[("core/tag:130", None), ("core/tag:131", Some("{\"id\":131}"))]).await;
    assert_eq!(change, LOWEST.next(), "the driver counts from the lowest id");
    let mut expected: Vec<_> = expected.into_iter().filter(|(key, _)| *key != "core/tag:130").collect();
    expected.push(("core/tag:131", Some("{\"id\":131}")));
    check_load(store, bounds(0, 1), &expected).await;
}

async fn changes_are_found_after_every_id(store: &dyn ElementStore, driver: &dyn ElementStoreDriver) {
    driver.clear().await;
    driver.rebuild(LOWEST, &[("topics/topic:1", "{\"id\":1}"), ("core/tag:1", "{\"id\":1}")]).await;
    check_changed(store, 0, bounds(0, 0), &[]).await;
    driver.write(&[("topics/topic:2", Some("{\"id\":2}")), ("topics/topic:1", Some("{\"id\":1,\"a\":1}"))]).await;
    driver.write(&[("core/tag:1", None)]).await;
    driver.write(&[("topics/topic:1", Some("{\"id\":1,\"a\":3}"))]).await;
    let topic_1 = ("topics/topic:1", Some("{\"id\":1,\"a\":3}"));
    let topic_2 = ("topics/topic:2", Some("{\"id\":2}"));
    let tag = ("core/tag:1", None);
    // An element that changed at 1 and again at 3 is named once, with its current value.
    check_changed(store, 0, bounds(0, 3), &[topic_1, topic_2, tag]).await;
    check_changed(store, 1, bounds(0, 3), &[topic_1, tag]).await;
    check_changed(store, 2, bounds(0, 3), &[topic_1]).await;
    check_changed(store, 3, bounds(0, 3), &[]).await;
    check_changed(store, 4, bounds(0, 3), &[]).await;
    assert_eq!(store.bounds().await, Ok(bounds(0, 3)));
    // Before the cache was built: everything that changed since. The id the cache was built with is no element.
    let changed = store.changed_since(ChangeId(0), Position::START).await.expect("the store answers");
    check_elements(&changed.elements, &[topic_1, topic_2, tag]);
}

async fn many_changes_are_found(store: &dyn ElementStore, driver: &dyn ElementStoreDriver) {
    driver.clear().await;
    driver.rebuild(LOWEST, &[("core/tag:1", "{\"id\":1}")]).await;
    let texts: Vec<_> = (1..=2_500).map(|id| (format!("core/tag:{id}"), format!("{{\"id\":{id}}}"))).collect();
    let elements: Vec<_> = texts.iter().map(|(key, json)| (key.as_str(), Some(json.as_str()))).collect();
    driver.write(&elements).await;
    check_changed(store, 0, bounds(0, 1), &elements).await;
}

async fn a_rebuilt_cache_shows_by_its_lowest_id(store: &dyn ElementStore, driver: &dyn ElementStoreDriver) {
    driver.clear().await;
    driver.rebuild(LOWEST, &[("core/tag:1", "{\"id\":1}")]).await;
    driver.write(&[("core/tag:2", Some("{\"id\":2}"))]).await;
    driver.begin_rebuild().await;
    check_not_ready(store, "rebuilt").await;
    driver.rebuild(ChangeId(LOWEST.0 + 5_000), &[("core/tag:3", "{\"id\":3}")]).await;
    check_load(store, bounds(5_000, 5_000), &[("core/tag:3", Some("{\"id\":3}"))]).await;
    let changed = store.changed_since(LOWEST.next(), Position::START).await.expect("the store answers");
    assert_eq!(changed.bounds, bounds(5_000, 5_000));
    // An older state, as after a restart without persistence, is returned unchanged as well.
    driver.rebuild(LOWEST, &[("core/tag:3", "{\"id\":3}")]).await;
    assert_eq!(store.bounds().await, Ok(bounds(0, 0)));
}

async fn what_lost_a_part_is_incomplete(store: &dyn ElementStore, driver: &dyn ElementStoreDriver) {
    for part in [MeetingPart::Elements, MeetingPart::ChangeIds, MeetingPart::LowestChangeId] {
        assert_eq!(store.loss(part).part, part);
        driver.clear().await;
        driver.rebuild(LOWEST, &[("core/tag:1", "{\"id\":1}"), ("core/tag:2", "{\"id\":2}")]).await;
        driver.write(&[("core/tag:1", Some("{\"id\":1,\"a\":1}"))]).await;
        if driver.lose(part).await {
            check_missing(store, StoreError::Incomplete(store.loss(part)), "lost").await;
        }
        // A cache that is being built is not ready, whatever is missing from it.
        driver.begin_rebuild().await;
        check_missing(store, StoreError::NotReady, "being built").await;
    }
}

async fn an_id_that_is_none_is_an_error(store: &dyn ElementStore, driver: &dyn ElementStoreDriver) {
    for way in 0.. {
        driver.clear().await;
        driver.rebuild(LOWEST, &[("core/tag:1", "{\"id\":1}")]).await;
        let Some(spoiled) = driver.spoil_change_id(way).await else { break };
        check_unavailable(store, &spoiled).await;
    }
}

async fn silence_is_unavailable(store: &dyn ElementStore, driver: &dyn ElementStoreDriver) {
    driver.clear().await;
    driver.rebuild(LOWEST, &[("core/tag:1", "{\"id\":1}")]).await;
    if driver.set_reachable(false).await {
        check_unavailable(store, "silence").await;
        driver.set_reachable(true).await;
    }
    check_load(store, bounds(0, 0), &[("core/tag:1", Some("{\"id\":1}"))]).await;
}

fn bounds(lowest: u64, highest: u64) -> Bounds {
    Bounds { lowest: ChangeId(LOWEST.0 + lowest), highest: ChangeId(LOWEST.0 + highest) }
}

async fn check_load(store: &dyn ElementStore, bounds: Bounds, expected: Elements<'_>) {
    let snapshot = store.load().await.expect("the store answers");
    assert_eq!(snapshot.bounds, bounds);
    check_elements(&snapshot.elements, expected);
    assert_eq!(store.bounds().await, Ok(bounds));
}

async fn check_changed(store: &dyn ElementStore, since: u64, bounds: Bounds, expected: Elements<'_>) {
    let changed = store.changed_since(ChangeId(LOWEST.0 + since), Position::START).await.expect("the store answers");
    assert_eq!(changed.bounds, bounds, "since {since}");
    let all = store.load().await.expect("the store answers").elements.len();
    assert_eq!(changed.count, all as u64, "the count since {since}");
    check_elements(&changed.elements, expected);
    let KeysChanged { bounds: of_keys, mut keys } =
        store.keys_changed_since(ChangeId(LOWEST.0 + since)).await.expect("the store answers");
    assert_eq!(of_keys, bounds, "the keys since {since}");
    let mut expected: Vec<Vec<u8>> = expected.iter().map(|(key, _)| key.as_bytes().to_vec()).collect();
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected, "the keys since {since}");
}

async fn check_not_ready(store: &dyn ElementStore, when: &str) {
    check_missing(store, StoreError::NotReady, when).await;
}

async fn check_missing(store: &dyn ElementStore, error: StoreError, when: &str) {
    assert_eq!(store.load().await, Err(error.clone()), "{when}");
    assert_eq!(store.changed_since(ChangeId(0), Position::START).await, Err(error.clone()), "{when}");
    assert_eq!(store.keys_changed_since(ChangeId(0)).await, Err(error.clone()), "{when}");
    assert_eq!(store.bounds().await, Err(error), "{when}");
}

async fn check_unavailable(store: &dyn ElementStore, when: &str) {
    let is_unavailable = |error: Option<StoreError>| matches!(error, Some(StoreError::Unavailable(_)));
    assert!(is_unavailable(store.load().await.err()), "load: {when}");
    assert!(is_unavailable(store.changed_since(LOWEST, Position::START).await.err()), "changed_since: {when}");
    assert!(is_unavailable(store.bounds().await.err()), "bounds: {when}");
}

#[track_caller]
fn check_elements(actual: &[RawElement], expected: Elements<'_>) {
    let mut actual: Vec<_> =
        actual.iter().map(|element| (text(&element.key), element.json.as_deref().map(text))).collect();
    let mut expected: Vec<_> =
        expected.iter().map(|(key, json)| ((*key).to_owned(), json.map(ToOwned::to_owned))).collect();
    actual.sort();
    expected.sort();
    assert_eq!(actual, expected);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
