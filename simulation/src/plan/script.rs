//! What belongs together? Scenes of several events, after which a certain fault of the service would show.

use domain::ports::element_store::MeetingPart;
use domain::testing::generator::Random;
use domain::testing::strategies::{VIEWERS, Write};

use super::mirror::{self, Mirror};
use super::pick;
use crate::event::{Act, Announced, Event, Lowest, Receivers, RedisFault};

/// What Redis may refuse with.
const ERRORS: [&str; 5] = [
    "LOADING Redis is loading the dataset in memory",
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "NOAUTH Authentication required.",
    "NOPERM this user has no permissions to run this command",
];

/// What keeps an instance from reading streams, while it reads everything else.
pub(super) const NO_READING: &str = "NOPERM this user has no permissions to run the 'xread' command";

/// Writes the events of a world.
pub(super) struct Script {
    pub(super) random: Random,
    pub(super) mirror: Mirror,
    /// Changes of any kind, for some of the events.
    pub(super) changes: std::vec::IntoIter<Vec<Write>>,
    pub(super) clients: usize,
    pub(super) instances: usize,
    pub(super) events: Vec<Event>,
}

impl Script {
    /// Adds one scene.
    pub(super) fn scene(&mut self) {
        match self.random.below(18) {
            0..=3 => self.anything(),
            4 | 5 => self.one_change_after_the_other(),
            6 | 7 => self.away(),
            8 => self.away_over_a_restart(),
            9 => self.ids_given_again(),
            10 => self.gone_for_a_moment(),
            11 if self.instances > 1 => self.passed_over(),
            11 | 12 => self.one_instance_cut_off(),
            13 => self.password(),
            14 => self.stalled(),
            15 => self.planned_restarts(),
            _ => self.messages(),
        }
    }

    /// Changes, and between them whatever comes.
    fn anything(&mut self) {
        for _ in 0..self.random.id(5) {
            for _ in 0..self.random.below(3) {
                self.between();
            }
            let wait = [0, 0, 1, 20, 700, 4_000][pick(&mut self.random, 6)];
            self.events.push(Event::Wait(wait));
            let told = match self.random.below(12) {
                0 => Announced::Never,
                1 => Announced::Twice,
                2 => Announced::Late,
                3 => Announced::Half,
                _ => Announced::Once,
            };
            self.change(told);
        }
        self.events.push(Event::Quiet);
    }

    /// After each change everybody has it soon: nothing later makes up for what was missed.
    fn one_change_after_the_other(&mut self) {
        self.events.push(Event::Quiet);
        for _ in 0..self.random.id(4) {
            self.change_soon_seen();
            self.events.push(Event::Glance);
        }
    }

    /// Rights change while a client is away, or while a tab sleeps that is restored later.
    fn away(&mut self) {
        self.events.push(Event::Quiet);
        let client = self.client();
        let (away, back) = self.leave();
        self.events.push(Event::Client(client, away));
        for _ in 0..self.random.id(4) {
            self.change_soon_seen();
            let wait = [0, 0, 700][pick(&mut self.random, 3)];
            self.events.push(Event::Wait(wait));
        }
        self.events.extend([Event::Wait(1_000), Event::Client(client, back), Event::Glance]);
        if self.random.once_in(2) {
            self.change_soon_seen();
            self.events.push(Event::Glance);
        }
    }

    /// The instances that the client comes back to have never known its version.
    fn away_over_a_restart(&mut self) {
        self.events.push(Event::Quiet);
        let client = self.client();
        let (away, back) = self.leave();
        self.events.push(Event::Client(client, away));
        let kills = self.random.once_in(3);
        for _ in 0..self.random.id(3) {
            self.change(Announced::Once);
        }
        for instance in 0..self.instances {
            if kills {
                self.events.extend([Event::Kill(instance), Event::Start(instance)]);
            } else {
                self.events.push(Event::Replace(instance));
            }
        }
        if self.random.once_in(3) {
            self.change(Announced::Once);
        }
        self.events.extend([Event::Client(client, back), Event::Quiet]);
    }

    /// A fail-over loses changes, and their ids are given to others.
    fn ids_given_again(&mut self) {
        self.events.extend([Event::Quiet, Event::Replicate]);
        self.mirror.replicate();
        let lost = self.random.id(3);
        (0..lost).for_each(|_| self.change(Announced::Once));
        self.events.push(Event::Wait(20));
        let client = self.client();
        let (away, back) = self.leave();
        self.events.push(Event::Client(client, away));
        let is_seen = self.random.once_in(2);
        self.events.push(if is_seen { Event::FailOver } else { Event::FailOverUnseen });
        self.mirror.fail_over();
        for _ in 0..lost + self.random.below(2) {
            self.change(Announced::Once);
        }
        self.events.extend([Event::Client(client, back), Event::Quiet]);
    }

    /// A user does not exist for a moment, and is served as anonymous, who sees more.
    fn gone_for_a_moment(&mut self) {
        let user = self.mirror.user(&mut self.random);
        let writes = self.mirror.let_anonymous_see_more(&mut self.random, user);
        self.written(writes, Announced::Once);
        self.events.push(Event::Quiet);
        let [gone, back] = self.mirror.gone_and_back(&mut self.random, user);
        self.written(vec![gone], Announced::Once);
        let wait = [0, 700, 700, 3_000][pick(&mut self.random, 4)];
        self.events.push(Event::Wait(wait));
        if self.random.once_in(2) {
            self.change_soon_seen();
            self.events.push(Event::Wait(20));
        }
        self.written(vec![back], Announced::Once);
        self.events.push(if self.random.once_in(2) { Event::Glance } else { Event::Quiet });
    }

    /// Clients saw a version that one instance passes over, because it takes several changes as one step.
    fn passed_over(&mut self) {
        self.events.push(Event::Quiet);
        let instance = pick(&mut self.random, self.instances as u64);
        let [there, back] = self.mirror.there_and_back(&mut self.random);
        self.events.push(Event::CutOff(instance, RedisFault::Closed));
        // Without an entry in the stream the others find it with their next comparison.
        self.written(vec![there], Announced::Never);
        self.events.push(Event::Wait(3_500));
        (0..self.clients).for_each(|client| self.events.push(Event::Client(client, Act::Leave)));
        self.written(vec![back], Announced::Never);
        self.events.extend([Event::Heal, Event::Wait(4_000)]);
        for client in 0..self.clients {
            for _ in 0..self.random.below(3) {
                self.events.push(Event::Client(client, Act::Move));
            }
            self.events.push(Event::Client(client, Act::Return));
        }
        self.events.push(Event::Quiet);
    }

    /// Clients with lines that they hold back come to an instance that is behind, because it cannot read the stream,
    /// and that then takes several changes as one step when it compares itself with Redis.
    pub(super) fn come_to_one_that_is_behind(&mut self) {
        let instance = pick(&mut self.random, self.instances as u64);
        // So everybody has the newest id.
        self.everybody_sees_something();
        self.events.extend([Event::Quiet, Event::CutOff(instance, RedisFault::RefusesReading(NO_READING))]);
        // The read that waits is over after five seconds.
        self.events.push(Event::Wait(6_000));
        if self.random.once_in(2) {
            // They hold this back as well, so that the instance that is behind has something for them at once.
            self.everybody_sees_something();
            self.events.push(Event::Wait(3_100));
        }
        let [there, back] = if self.random.once_in(3) {
            self.mirror.there_and_back(&mut self.random)
        } else {
            mirror::tag_there_and_back()
        };
        self.written(vec![there], Announced::Once);
        let wait = self.random.below(300);
        self.events.push(Event::Wait(wait));
        for client in 0..self.clients {
            for _ in 0..self.random.below(3) {
                self.events.push(Event::Client(client, Act::Move));
            }
            self.events.push(Event::Client(client, Act::Break));
        }
        self.events.push(Event::Wait(600));
        self.written(vec![back], Announced::Once);
        self.events.extend([Event::Wait(4_000), Event::Quiet]);
    }

    fn everybody_sees_something(&mut self) {
        let seen = mirror::event_date(&mut self.random);
        self.written(vec![seen], Announced::Once);
    }

    /// One instance cannot reach Redis, the others serve versions that it never has.
    fn one_instance_cut_off(&mut self) {
        self.events.push(Event::Quiet);
        let instance = pick(&mut self.random, self.instances as u64);
        let fault = [RedisFault::Silent, RedisFault::Closed, RedisFault::Late(3_000)][pick(&mut self.random, 3)];
        self.events.push(Event::CutOff(instance, fault));
        for _ in 0..1 + self.random.id(3) {
            self.change(Announced::Once);
            let wait = self.random.below(2_500);
            self.events.push(Event::Wait(wait));
            if self.random.once_in(2) {
                let client = self.client();
                self.events.extend([Event::Client(client, Act::Move), Event::Client(client, Act::Break)]);
            }
        }
        self.events.push(Event::Heal);
        for client in 0..self.clients {
            if self.random.once_in(2) {
                self.events.extend([Event::Client(client, Act::Move), Event::Client(client, Act::Break)]);
            }
        }
        self.events.push(Event::Quiet);
    }

    /// A password change ends the sessions begun before, at once.
    fn password(&mut self) {
        let user = self.mirror.user(&mut self.random);
        self.events.extend([Event::ChangePassword(user), Event::LogIn(user), Event::Quiet]);
        self.events.extend([Event::ChangePassword(user), Event::Glance]);
        if self.random.once_in(2) {
            self.change_soon_seen();
            self.events.push(Event::Glance);
        }
        self.events.push(Event::LogIn(user));
    }

    /// Several changes become one line, as far as the pipe lets them.
    fn stalled(&mut self) {
        self.events.push(Event::Quiet);
        let client = self.client();
        self.events.push(Event::Client(client, Act::Stall));
        for _ in 0..self.random.id(4) {
            self.change_soon_seen();
            self.events.push(Event::Wait(20));
        }
        self.events.extend([Event::Client(client, Act::Resume), Event::Glance]);
    }

    /// One instance after the other is replaced.
    fn planned_restarts(&mut self) {
        self.events.push(Event::Quiet);
        for instance in 0..self.instances {
            self.events.push(Event::Replace(instance));
            let wait = self.random.below(3_000);
            self.events.push(Event::Wait(wait));
            self.change(Announced::Once);
        }
        self.events.push(Event::Quiet);
    }

    /// Messages, applause and slides, while all is well, and then while it is not.
    fn messages(&mut self) {
        self.events.push(Event::Quiet);
        for _ in 0..1 + self.random.id(4) {
            let client = self.client();
            let event = match self.random.below(8) {
                0..=3 => Event::Send(client, receivers(&mut self.random, self.clients)),
                4 => Event::Applaud(client),
                5 => Event::Nonsense(client, NONSENSE[pick(&mut self.random, NONSENSE.len() as u64)]),
                _ => {
                    let write = self.mirror.project(&mut self.random);
                    self.mirror.follow(std::slice::from_ref(&write));
                    Event::Change(vec![write], Announced::Once)
                }
            };
            self.events.push(event);
        }
        self.events.push(Event::Glance);
        let instance = pick(&mut self.random, self.instances as u64);
        let trouble = match self.random.below(6) {
            0 => Event::TrimMessages(pick(&mut self.random, 2)),
            1 => Event::LoseEntries("notify", 1),
            2 => Event::DropRedisConnections,
            3 => Event::CutOff(instance, fault(&mut self.random)),
            4 => Event::Replace(instance),
            _ => return,
        };
        self.events.push(trouble);
        for _ in 0..self.random.id(3) {
            let client = self.client();
            self.events.push(Event::Send(client, receivers(&mut self.random, self.clients)));
            let wait = self.random.below(3_000);
            self.events.push(Event::Wait(wait));
        }
        self.events.push(Event::Quiet);
    }

    fn client(&mut self) -> usize {
        pick(&mut self.random, self.clients as u64)
    }

    /// How a client goes away, and comes back with what it had.
    pub(super) fn leave(&mut self) -> (Act, Act) {
        if self.random.once_in(2) { (Act::Leave, Act::Return) } else { (Act::Remember, Act::GoBack) }
    }

    /// A change that is told so that no comparison with the store is needed to see it.
    fn change_soon_seen(&mut self) {
        let told = match self.random.below(8) {
            0 => Announced::Twice,
            1 => Announced::Half,
            _ => Announced::Once,
        };
        self.change(told);
    }

    fn change(&mut self, told: Announced) {
        let any = if self.random.once_in(4) { self.changes.next() } else { None };
        let writes = any.unwrap_or_else(|| self.mirror.change(&mut self.random));
        self.written(writes, told);
    }

    pub(super) fn written(&mut self, writes: Vec<Write>, told: Announced) {
        self.mirror.follow(&writes);
        self.events.push(Event::Change(writes, told));
    }

    /// Something that is not a change; sometimes several events that belong together.
    fn between(&mut self) {
        let random = &mut self.random;
        let user = VIEWERS[1 + pick(random, VIEWERS.len() as u64 - 1)];
        let milliseconds = random.below(8_000);
        let instance = pick(random, self.instances as u64);
        let events = match random.below(39) {
            0..=13 => vec![Event::Client(pick(random, self.clients as u64), act(random))],
            14 => vec![Event::LogOut(user)],
            15 => vec![Event::LogIn(user)],
            16 => vec![Event::ChangePassword(user)],
            17..=19 => vec![Event::Fault(fault(random)), Event::Wait(milliseconds), Event::Heal],
            20 => vec![Event::DropRedisConnections],
            21 => vec![if random.once_in(2) { Event::DeleteStream } else { Event::TrimStream(pick(random, 3)) }],
            22 => {
                let parts = [
                    MeetingPart::Elements,
                    MeetingPart::Configuration,
                    MeetingPart::ChangeIds,
                    MeetingPart::LowestChangeId,
                ];
                let mut writes = if random.once_in(2) { self.mirror.change(random) } else { Vec::new() };
                // What is left, with a configuration, could be a meeting: nobody can notice that (docs/RELIABILITY.md).
                writes.retain(|write| !write.key.starts_with("core/config:"));
                self.mirror.follow(&writes);
                vec![Event::Lose(parts[pick(random, 4)], writes, milliseconds)]
            }
            23 => vec![Event::Flush(milliseconds)],
            24 => {
                vec![Event::Rebuild(if random.once_in(2) { Lowest::Higher } else { Lowest::Lower }, milliseconds / 4)]
            }
            25 => {
                self.mirror.replicate();
                vec![Event::Replicate]
            }
            26 => {
                self.mirror.fail_over();
                vec![Event::FailOver]
            }
            27 => vec![Event::JumpClocks(random.below(100_000))],
            28 => vec![if random.once_in(2) { Event::Stop(instance) } else { Event::Kill(instance) }],
            29 => vec![Event::CutOff(instance, fault(random)), Event::Wait(milliseconds), Event::Heal],
            30 => {
                let stream = if random.once_in(2) { "autoupdate" } else { "notify" };
                vec![Event::LoseEntries(stream, 1 + pick(random, 3))]
            }
            31 => vec![Event::TrimMessages(pick(random, 3))],
            32..=34 => {
                let client = pick(random, self.clients as u64);
                vec![Event::Send(client, receivers(random, self.clients))]
            }
            35 => vec![Event::Applaud(pick(random, self.clients as u64))],
            36 => {
                let client = pick(random, self.clients as u64);
                vec![Event::Nonsense(client, NONSENSE[pick(random, NONSENSE.len() as u64)])]
            }
            37 => vec![Event::Replace(instance)],
            _ => vec![Event::Start(instance)],
        };
        self.events.extend(events);
    }
}

/// Change ids that nobody was given, and such as are none.
const NONSENSE: [&str; 9] =
    ["-1", "-9223372036854775808", "9223372036854775807", "9223372036854775808", "1e3", "1.5", "%2B1", "x", "0x10"];

fn receivers(random: &mut Random, clients: usize) -> Receivers {
    match random.below(3) {
        0 => Receivers::All,
        1 => Receivers::User(VIEWERS[pick(random, VIEWERS.len() as u64)]),
        _ => Receivers::Connection(pick(random, clients as u64)),
    }
}

fn fault(random: &mut Random) -> RedisFault {
    match random.below(9) {
        0 => RedisFault::Closed,
        1 => RedisFault::Silent,
        2 => RedisFault::Late(1 + random.below(4_000)),
        3 => RedisFault::Half,
        _ => RedisFault::Refuses(ERRORS[pick(random, ERRORS.len() as u64)]),
    }
}

fn act(random: &mut Random) -> Act {
    const ACTS: [Act; 10] = [
        Act::Leave,
        Act::Return,
        Act::Break,
        Act::Stall,
        Act::Resume,
        Act::Reload,
        Act::Remember,
        Act::GoBack,
        Act::ClaimFuture,
        Act::Move,
    ];
    ACTS[pick(random, ACTS.len() as u64)]
}
