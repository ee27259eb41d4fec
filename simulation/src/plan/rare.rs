//! What would hardly ever come about by itself? Scenes that bring about one situation each, in which one mistake of the
//! service shows. They come last in a world, and have their own random numbers: what comes before does not depend on
//! them.

use domain::ports::element_store::MeetingPart;
use domain::testing::elements::USERS;
use domain::testing::generator::Random;
use domain::testing::strategies::Write;
use serde_json::{Value, json};

use super::pick;
use super::script::{NO_READING, Script};
use crate::event::{Act, Announced, Event, Lowest, Receivers, RedisFault};

/// How many of these scenes a world has.
const RARE_SCENES: usize = 2;

/// The permissions that the user of the tabs has, unless a scene changes that.
const PERMISSIONS: [&str; 2] = ["agenda.can_see", "core.can_see_projector"];

/// The group in which nobody else needs to be.
const GROUP: u64 = 3;

/// The group that sees everything.
const ADMINISTRATORS: u64 = 2;

/// Slides that show the element of the same name, and a field that they show.
const SLIDES: [(&str, &str); 3] =
    [("topics/topic", "title"), ("core/countdown", "description"), ("core/projector-message", "message")];

/// The scenes.
const SCENES: [fn(&mut Script, Place); 10] = [
    Script::shown_elsewhere,
    Script::gone_while_away,
    Script::back_right_after_a_rebuild,
    Script::stream_while_stopping,
    Script::two_tabs_of_a_user,
    Script::messages_lost_unread,
    Script::listener_in_between,
    Script::slide_changes,
    Script::trimmed_unread,
    Script::lost_unread,
];

/// Who acts in a scene, and where.
#[derive(Clone, Copy, Debug)]
struct Place {
    tabs: Tabs,
    instance: usize,
    /// The same, if there is only one instance.
    other: usize,
}

/// Two tabs of one user, who come for these scenes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tabs {
    /// Their user, who has a session from then on.
    pub(super) user: u64,
    /// Their numbers among the clients of the world.
    pub(super) numbers: [usize; 2],
}

impl Tabs {
    /// Chooses their user.
    pub(super) fn new(random: &mut Random, clients: usize) -> Self {
        Self { user: USERS[pick(random, USERS.len() as u64)], numbers: [clients, clients + 1] }
    }
}

impl Script {
    /// Adds the rare scenes.
    pub(super) fn rare_scenes(&mut self, tabs: Tabs) {
        for _ in 0..RARE_SCENES {
            let instance = pick(&mut self.random, self.instances as u64);
            let scene = SCENES[pick(&mut self.random, SCENES.len() as u64)];
            scene(self, Place { tabs, instance, other: (instance + 1) % self.instances });
        }
    }

    /// Everything is well, both tabs are connected to these instances, and their user is who they are meant to be.
    fn begin(&mut self, tabs: Tabs, instances: [usize; 2], also: Vec<Write>) {
        self.events.push(Event::Heal);
        (0..self.instances).for_each(|instance| self.events.push(Event::Start(instance)));
        let mut writes = vec![group(&PERMISSIONS), user(tabs.user, GROUP)];
        writes.retain(|write| also.iter().all(|other| other.key != write.key));
        writes.extend(also);
        self.written(writes, Announced::Once);
        self.events.push(Event::LogIn(tabs.user));
        for (tab, instance) in tabs.numbers.into_iter().zip(instances) {
            self.go_to(tab, instance);
            self.events.push(Event::Client(tab, Act::Return));
        }
        self.events.push(Event::Quiet);
    }

    /// The client uses this instance from its next connection on, which is the next one.
    fn go_to(&mut self, client: usize, instance: usize) {
        let moves = self.events.iter().filter(|event| **event == Event::Client(client, Act::Move)).count();
        let there = (client + moves) % self.instances;
        let steps = (instance + self.instances - there) % self.instances;
        (0..steps).for_each(|_| self.events.push(Event::Client(client, Act::Move)));
        self.events.push(Event::Client(client, Act::Break));
    }

    /// Something is to be seen for a moment, which one instance takes for one step with what came before. A tab that saw
    /// it elsewhere comes to that instance.
    fn shown_elsewhere(&mut self, Place { tabs, instance, other }: Place) {
        let [there, back] = match self.random.below(3) {
            0 => [user(tabs.user, ADMINISTRATORS), user(tabs.user, GROUP)],
            1 => [tag(64, 1), deleted("core/tag:64")],
            _ => [item(false), item(true)],
        };
        self.begin(tabs, [instance, instance], vec![back.clone()]);
        self.events.push(Event::CutOff(other, RedisFault::Closed));
        // Without an entry in the stream the others find it with their next comparison.
        self.written(vec![there], Announced::Never);
        self.events.push(Event::Wait(3_500));
        self.events.push(Event::Client(tabs.numbers[0], Act::Leave));
        self.written(vec![back], Announced::Never);
        self.events.extend([Event::Heal, Event::Wait(4_000)]);
        self.go_to(tabs.numbers[0], other);
        self.events.extend([Event::Client(tabs.numbers[0], Act::Return), Event::Wait(1_000)]);
    }

    /// What decides nothing is deleted or hidden while a tab is away, and nobody knows the version that it has.
    fn gone_while_away(&mut self, Place { tabs, instance, .. }: Place) {
        let [there, gone] = match self.random.below(2) {
            0 => [tag(64, 1), deleted("core/tag:64")],
            _ => [item(false), item(true)],
        };
        self.begin(tabs, [instance, instance], vec![there]);
        let (away, back) = self.leave();
        self.events.push(Event::Client(tabs.numbers[0], away));
        self.written(vec![gone], Announced::Once);
        for number in 0..self.random.below(3) {
            self.written(vec![tag(1, number)], Announced::Once);
        }
        self.events.push(Event::Wait(1_000));
        for instance in 0..self.instances {
            let restart = if self.random.once_in(2) { Event::Replace(instance) } else { Event::Wait(0) };
            self.events.push(restart);
        }
        self.events.extend([Event::Client(tabs.numbers[0], back), Event::Wait(1_000)]);
    }

    /// A tab comes back after the cache was rebuilt and something was written to it, before the instance knows of that.
    fn back_right_after_a_rebuild(&mut self, Place { tabs, instance, .. }: Place) {
        self.begin(tabs, [instance, instance], vec![tag(64, 0)]);
        self.events.push(Event::Client(tabs.numbers[0], Act::Leave));
        for number in 0..4 {
            self.written(vec![tag(if number == 0 { 64 } else { 1 }, number)], Announced::Once);
        }
        self.events.push(Event::Wait(1_000));
        let lowest = if self.random.once_in(4) { Lowest::Lower } else { Lowest::Higher };
        self.events.push(Event::Rebuild(lowest, 0));
        self.written(vec![tag(2, 1)], Announced::Never);
        self.events.extend([Event::Client(tabs.numbers[0], Act::Return), Event::Wait(1_000)]);
    }

    /// A stream is asked for just before the instance stops, and is ready when all others have ended.
    fn stream_while_stopping(&mut self, Place { tabs, instance, .. }: Place) {
        self.begin(tabs, [instance, instance], Vec::new());
        let late = 200 + self.random.below(1_200);
        self.events.push(Event::CutOff(instance, RedisFault::Late(late)));
        self.events.push(Event::Client(tabs.numbers[0], Act::Break));
        // A web client comes back after half a second.
        let wait = 500 + self.random.below(200);
        self.events.extend([Event::Wait(wait), Event::Replace(instance), Event::Heal]);
    }

    /// A message for a user reaches all tabs of that user.
    fn two_tabs_of_a_user(&mut self, Place { tabs, instance, .. }: Place) {
        self.begin(tabs, [instance, instance], Vec::new());
        for _ in 0..self.random.id(2) {
            let receivers = if self.random.once_in(2) {
                Receivers::User(tabs.user)
            } else {
                Receivers::Connection(tabs.numbers[1])
            };
            self.events.push(Event::Send(tabs.numbers[0], receivers));
        }
        self.events.push(Event::Glance);
    }

    /// Messages are trimmed before an instance has read them, and others are still there.
    fn messages_lost_unread(&mut self, Place { tabs, instance, other }: Place) {
        self.begin(tabs, [instance, other], Vec::new());
        let send = Event::Send(tabs.numbers[1], Receivers::All);
        self.events.extend([send.clone(), Event::Wait(20), Event::CutOff(instance, RedisFault::Closed)]);
        (0..1 + self.random.id(3)).for_each(|_| self.events.push(send.clone()));
        self.events.push(Event::TrimMessages(1));
        let wait = self.random.below(3_000);
        self.events.extend([Event::Wait(wait), Event::Heal]);
    }

    /// Somebody begins to listen while an instance cannot read messages, of which some were sent before.
    fn listener_in_between(&mut self, Place { tabs, instance, .. }: Place) {
        self.begin(tabs, [instance, instance], Vec::new());
        self.events.push(Event::Client(tabs.numbers[1], Act::Leave));
        self.events.push(Event::CutOff(instance, RedisFault::RefusesReading(NO_READING)));
        // The read that waits is over after five seconds.
        self.events.push(Event::Wait(6_000));
        self.events.push(Event::Send(tabs.numbers[0], Receivers::All));
        self.events.extend([Event::Client(tabs.numbers[1], Act::Return), Event::Wait(200), Event::Heal]);
    }

    /// What a slide shows changes while it is shown.
    fn slide_changes(&mut self, Place { tabs, instance, .. }: Place) {
        let (collection, field) = SLIDES[pick(&mut self.random, SLIDES.len() as u64)];
        let id = [1, 2][pick(&mut self.random, 2)];
        let shown = |number| written(collection, json!({"id": id, field: format!("{number}")}));
        let projector = written("core/projector", json!({"id": 1, "elements": [{"name": collection, "id": id}]}));
        self.begin(tabs, [instance, instance], vec![shown(0), projector]);
        for number in 1..=self.random.id(2) {
            self.written(vec![shown(number)], Announced::Once);
            self.events.push(Event::Glance);
        }
    }

    /// The stream of changes is trimmed before it was read, and something is left of it.
    fn trimmed_unread(&mut self, Place { tabs, instance, .. }: Place) {
        self.begin(tabs, [instance, instance], vec![tag(64, 0)]);
        for number in 1..=1 + self.random.id(2) {
            self.written(vec![tag(64, number)], Announced::Once);
        }
        self.events.extend([Event::TrimStream(1), Event::Wait(1_000)]);
    }

    /// The elements are lost, among them one of a change that nobody has read, and something is left of the cache.
    fn lost_unread(&mut self, Place { tabs, instance, .. }: Place) {
        self.begin(tabs, [instance, instance], vec![tag(64, 0)]);
        self.written(vec![tag(64, 1)], Announced::Never);
        let wait = 3_000 + self.random.below(6_000);
        self.events.push(Event::Lose(MeetingPart::Configuration, Vec::new(), wait));
    }
}

fn written(collection: &str, element: Value) -> Write {
    Write { key: format!("{collection}:{}", element["id"]), element: Some(element) }
}

fn deleted(key: &str) -> Write {
    Write { key: key.to_owned(), element: None }
}

/// Everybody sees tags, and they decide nothing.
fn tag(id: u64, number: u64) -> Write {
    written("core/tag", json!({"id": id, "name": format!("tag {number}")}))
}

fn item(is_hidden: bool) -> Write {
    written("agenda/item", json!({"id": 64, "is_hidden": is_hidden, "is_internal": false}))
}

fn group(permissions: &[&str]) -> Write {
    written("users/group", json!({"id": GROUP, "permissions": permissions}))
}

fn user(id: u64, group: u64) -> Write {
    written("users/user", json!({"id": id, "username": "tabs", "groups_id": [group], "is_active": true}))
}
