//! Does the stream keep its promise (spec: stream.md#promise) for random meetings, histories, viewers and clients?

mod returns;
mod world;

use proptest::collection::vec;
use proptest::prelude::*;

use self::world::{ClientStream, World};
use domain::ids::ChangeId;
use domain::testing::client::{Line, difference};
use domain::testing::elements::Dice;
use domain::testing::strategies::{History, LOWEST, cases, history, meeting, viewer};

/// A client that is connected most of the time and checks every line that it gets.
struct Watched<'a> {
    world: &'a World,
    user: u64,
    dice: Dice,
    /// The user whose view the client has: its own, or anonymous (0) if that user does not exist.
    served_as: u64,
    connection: Option<ClientStream>,
    client: domain::testing::client::ThrottledClient,
    is_throttled: bool,
}

impl Watched<'_> {
    fn act(&mut self) -> Result<(), TestCaseError> {
        if self.connection.is_none() || self.dice.one_in(5) {
            self.reconnect()?;
        }
        if self.is_throttled && self.dice.one_in(3) {
            let count = self.dice.roll(4) as usize;
            self.client.release(count).map_err(TestCaseError::fail)?;
        }
        if !self.dice.one_in(3) {
            self.poll()?;
        }
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), TestCaseError> {
        self.connection = None;
        let Some(served_as) = self.world.access(self.user) else {
            return Ok(());
        };
        // A client that is now served as anonymous, or no longer is, still has what it saw before.
        self.served_as = served_as;
        let change_id = self.client.client.change_id;
        let (connection, line) = self.world.connect(self.user, change_id);
        self.connection = Some(connection);
        self.world.check_first_line(self.user, served_as, change_id, line.as_ref())?;
        self.receive(line)
    }

    fn poll(&mut self) -> Result<(), TestCaseError> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        connection.settle();
        let (seen, may_have_more) = (connection.seen, connection.may_have_more);
        let sent = connection.cursor.sent().0;
        let Some(line) = self.world.next(connection) else {
            self.connection = None;
            return Ok(());
        };
        let has_news = line.is_some();
        connection.may_have_more &= line.as_ref().is_none_or(|line| !line.all_data);
        let line = line.or_else(|| if self.dice.one_in(4) { self.world.quiet_line(connection) } else { None });
        let (changed, deleted) =
            difference(&self.world.view(self.served_as, seen), &self.world.view_now(self.served_as));
        match &line {
            // The client may hold back lines about what was in between.
            line if may_have_more && self.world.now() > seen + 1 && self.world.is_kept(seen) => {
                self.world.check_wider_line(self.served_as, seen, line.as_ref().filter(|_| has_news))?;
            }
            None => prop_assert!(changed.is_empty() && deleted.is_empty(), "not sent: {changed:?} {deleted:?}"),
            Some(line) if line.all_data => {
                prop_assert!(!self.world.is_kept(seen), "everything, although {seen} is kept");
            }
            // Exactly what differs for the client.
            Some(line) => prop_assert_eq!((line.changed_keys(), line.deleted_keys()), (changed, deleted)),
        }
        if let Some(line) = &line {
            prop_assert_eq!((line.from_change_id, line.to_change_id), (sent, self.world.now()));
        }
        self.receive(line)
    }

    fn receive(&mut self, line: Option<Line>) -> Result<(), TestCaseError> {
        line.into_iter().for_each(|line| self.client.receive(line));
        if !self.is_throttled {
            self.client.release_all().map_err(TestCaseError::fail)?;
            let id = self.client.client.change_id;
            if id != 0 {
                prop_assert_eq!(&self.client.client.data, &*self.world.view(self.served_as, id));
            }
        }
        Ok(())
    }

    /// Checks that in the end the client has what a new one gets.
    fn finish(mut self) -> Result<(), TestCaseError> {
        if self.connection.is_none() {
            self.reconnect()?;
        }
        self.poll()?;
        if self.connection.is_none() {
            self.reconnect()?;
        }
        if self.connection.is_some() {
            self.client.release_all().map_err(TestCaseError::fail)?;
            prop_assert_eq!(&self.client.client.data, &*self.world.view_now(self.served_as), "user {}", self.served_as);
        }
        Ok(())
    }
}

/// One run: changes arrive singly, several at once before clients look, or are missed and caught up with; clients act
/// between them at random.
fn run(history: &History, users: [u64; 3], versions_max: usize, steps: &[u64]) -> Result<(), TestCaseError> {
    let world = World::new(history, versions_max);
    let mut clients: Vec<_> = users
        .into_iter()
        .enumerate()
        .map(|(index, user)| Watched {
            world: &world,
            user,
            dice: Dice::new(steps[0] ^ index as u64),
            served_as: user,
            connection: None,
            client: Default::default(),
            is_throttled: index > 0,
        })
        .collect();
    for step in steps {
        let before = world.version();
        match step % 8 {
            0 => world.miss_changes(2),
            1 => world.miss_changes(3),
            2 => world.make_changes(2),
            _ => world.make_changes(1),
        }
        // Sometimes the change is not announced, and every client has to check by itself.
        let mut connections: Vec<_> = clients.iter_mut().filter_map(|client| client.connection.as_mut()).collect();
        if step / 8 % 2 > 0 {
            connections.iter_mut().for_each(|to| world.announce(before, to));
        }
        if step / 16 % 4 == 0 {
            world.end_comparison(world.begin_comparison());
            connections.into_iter().for_each(|connection| connection.compared = Some(world.now()));
        }
        for client in &mut clients {
            client.act()?;
        }
    }
    clients.into_iter().try_for_each(Watched::finish)
}

/// Checks that a returning client, whatever its id and whatever lines it holds back, ends up with what a new client
/// gets.
///
/// The client may have its data from another instance, whose versions contain different changes.
fn check_every_return(world: &World, user: u64, dice: &mut Dice) -> Result<(), TestCaseError> {
    let Some(served_as) = world.access(user) else {
        return Ok(());
    };
    let all: Vec<u64> = (LOWEST.0..=world.now()).collect();
    let some = all.iter().copied().filter(|_| dice.one_in(2)).collect();
    for versions in [world.made(), all, some] {
        for (place, applied) in versions.iter().enumerate() {
            let Some(was_served_as) = world.access_at(user, *applied) else {
                continue;
            };
            let (_, line) = world.connect(user, *applied);
            world.check_first_line(user, served_as, *applied, line.as_ref())?;
            let later = &versions[place + 1..];
            check_held_lines(world, (user, served_as, was_served_as), *applied, later, line.as_slice())?;
        }
    }
    Ok(())
}

/// A client that comes from an instance that has every version to this one, which is behind.
struct Coming<'a> {
    world: &'a World,
    user: u64,
    /// What it has applied when it comes. It may hold back lines about what came later.
    applied: u64,
    /// What the other instance had when it came.
    ahead: u64,
    stream: ClientStream,
    /// What this instance has sent.
    lines: Vec<Line>,
}

impl<'a> Coming<'a> {
    /// Connects the client; `None` if the user is not served, by this instance now or by the other one then.
    fn connect(world: &'a World, user: u64, applied: u64, ahead: u64) -> Option<Self> {
        world.access(user)?;
        world.access_at(user, applied)?;
        let (stream, first_line) = world.connect(user, applied);
        let lines = first_line.into_iter().collect();
        Some(Self { world, user, applied, ahead: ahead.max(applied), stream, lines })
    }

    /// Lets this instance take the next changes, as one step or as several, and announces them.
    fn take_changes(&mut self, count: usize, is_one_step: bool) {
        let before = self.world.version();
        if is_one_step {
            self.world.miss_changes(count);
        } else {
            self.world.make_changes(count);
        }
        self.world.announce(before, &mut self.stream);
    }

    /// Lets this instance compare itself with the store, which has what the other one had, and catch up.
    fn compare(&mut self) {
        let comparison = self.world.begin_comparison();
        let missing = self.ahead.saturating_sub(self.world.now());
        self.take_changes(missing as usize, true);
        self.world.end_comparison(comparison);
    }

    /// Reads what there is. Returns false if the stream ended.
    fn look(&mut self) -> bool {
        let line = self.world.next(&mut self.stream);
        let goes_on = line.is_some();
        self.lines.extend(line.flatten());
        goes_on
    }

    /// Checks that the client has what a new one gets, whatever lines of the other instance it holds back.
    fn check(&self) -> Result<(), TestCaseError> {
        let Self { world, user, applied, ahead, .. } = *self;
        let (Some(served_as), Some(was_served_as)) = (world.access(user), world.access_at(user, applied)) else {
            return Ok(());
        };
        let later: Vec<u64> = (applied + 1..=ahead.min(world.now())).collect();
        check_held_lines(world, (user, served_as, was_served_as), applied, &later, &self.lines)
    }
}

/// Returns whether the line only brings the client up to the current id.
fn is_quiet(line: &Line) -> bool {
    !line.all_data && line.changed.is_empty() && line.deleted.is_empty()
}

fn check_held_lines(
    world: &World,
    (user, served_as, was_served_as): (u64, u64, u64),
    applied: u64,
    later: &[u64],
    then: &[Line],
) -> Result<(), TestCaseError> {
    let lines = lines_of_others(world, user, was_served_as, applied, later);
    for held in 0..=lines.len() {
        let mut client = domain::testing::client::ThrottledClient::default();
        client.client.change_id = applied;
        client.client.data = (*world.view(was_served_as, applied)).clone();
        lines[..held].iter().chain(then).for_each(|line| client.receive(line.clone()));
        client.release_all().map_err(TestCaseError::fail)?;
        let (has, sees) = (&client.client.data, world.view_now(served_as));
        prop_assert_eq!(has, &*sees, "from {}, held {} of {:?}", applied, held, later);
    }
    Ok(())
}

/// Returns the lines that an instance with these versions sent to a client at `applied`, before the client switched to
/// this one.
fn lines_of_others(world: &World, user: u64, was_served_as: u64, applied: u64, versions: &[u64]) -> Vec<Line> {
    let (mut seen_as, mut seen) = (was_served_as, applied);
    let mut lines = Vec::new();
    for to in versions {
        let line = match world.access_at(user, *to) {
            None => continue,
            Some(served_as) if served_as == seen_as => world.line_of_oracle(served_as, seen, *to),
            Some(served_as) => {
                seen_as = served_as;
                world.everything_of_oracle(served_as, seen, *to)
            }
        };
        if !is_quiet(&line) {
            lines.push(line);
            seen = *to;
        }
    }
    lines
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn clients_have_what_a_new_one_would_get(
        history in history(14),
        users in [viewer(), viewer(), viewer()],
        versions_max in prop_oneof![Just(100_usize), Just(3), Just(1), Just(0)],
        steps in vec(any::<u64>(), 4..14),
    ) {
        run(&history, users, versions_max, &steps)?;
    }

    #[test]
    fn clients_return_with_every_id(
        history in history(6), user in viewer(),
        versions_max in prop_oneof![4 => Just(100_usize), 1 => 0..3_usize],
        made in 0..3_usize, missed in 0..4_usize, seed: u64,
    ) {
        let world = World::new(&history, versions_max);
        world.make_changes(made);
        world.miss_changes(missed);
        world.make_changes(6);
        check_every_return(&world, user, &mut Dice::new(seed))?;
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn clients_come_to_an_instance_that_is_behind(
        history in history(8), user in viewer(), made in 0..4_usize, applied in 0..4_u64, ahead in 0..8_u64,
        is_comparing: bool,
        steps in vec((0..4_u8, 1..4_usize, any::<bool>(), any::<bool>()), 1..5),
    ) {
        let world = World::new(&history, 100);
        world.make_changes(made);
        let running = is_comparing.then(|| world.begin_comparison());
        let (applied, ahead) = (world.now().min(LOWEST.0 + applied), world.end().min(LOWEST.0 + ahead));
        let Some(mut coming) = Coming::connect(&world, user, applied, ahead) else { return Ok(()) };
        // It began before the client came, so it tells nothing about what the other instance has.
        running.into_iter().for_each(|comparison| world.end_comparison(comparison));
        for (kind, count, is_one_step, looks) in steps {
            match kind {
                0 => coming.compare(),
                _ => coming.take_changes(count, is_one_step),
            }
            if looks && !coming.look() {
                return Ok(());
            }
        }
        if coming.look() {
            coming.check()?;
        }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_reset_gives_everybody_everything(
        history in history(3), other in meeting(), user in viewer(), highest in 0..8_u64, is_rebuilt: bool,
    ) {
        let world = World::new(&history, 100);
        world.make_changes(1);
        if let Some(served_as) = world.access(user) {
            let (mut connection, _) = world.connect(user, 0);
            let sent = connection.cursor.sent().0;
            world.make_changes(3);
            let lowest = if is_rebuilt { LOWEST.0 + 5000 } else { LOWEST.0 };
            world.reset(&other, ChangeId(lowest), ChangeId(lowest + highest));
            let still_served = world.access(user) == Some(served_as);
            match world.next(&mut connection) {
                None => prop_assert!(!still_served),
                Some(line) => {
                    prop_assert!(still_served);
                    let line = line.ok_or_else(|| TestCaseError::fail("no line after a reset"))?;
                    prop_assert_eq!((line.all_data, line.from_change_id, line.to_change_id), (true, sent, lowest + highest));
                    let mut client = domain::testing::client::Client::default();
                    client.apply(&line).map_err(TestCaseError::fail)?;
                    prop_assert_eq!(&client.data, &*world.view_now(served_as));
                    // A client that returns with an id from before the reset gets everything as well.
                    let (_, line) = world.connect(user, sent);
                    prop_assert!(line.is_some_and(|line| line.all_data));
                }
            }
        }
    }
}
