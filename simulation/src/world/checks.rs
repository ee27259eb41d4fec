//! What is checked in a world, and when?

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

use super::World;
use crate::check;
use crate::control::State;
use crate::event::Act;
use crate::request::Asker;
use crate::server::{Access, Server};
use crate::tab::fresh_slides;

/// How long nothing goes wrong before everything is checked: a session check (60 s), and all recovery before it.
const QUIET: Duration = Duration::from_secs(90);
/// How long a change takes at most that is told while all is well.
const GLANCE: Duration = Duration::from_secs(1);
/// How long applause takes at most while all is well: it is counted once a second.
const APPLAUSE_TIME_MAX: Duration = Duration::from_millis(1_500);

impl World<'_> {
    /// Lets a while pass without faults, then checks that everything is as if nothing had happened.
    pub(super) async fn rest(&mut self) {
        self.nodes.heal();
        if self.instances.iter().all(Option::is_none) {
            self.start(0);
        }
        self.controls.iter().for_each(|control| control.act(Act::Resume));
        sleep(QUIET).await;
        self.check_all(check::at_rest);
        self.check_tabs(true).await;
        self.controls.iter().for_each(|control| control.state().failures = 0);
        self.around.is_orderly.store(true, Ordering::Relaxed);
        self.server().begin_calm();
    }

    /// A second later everybody who is connected must be up to date, if nothing needs to heal.
    pub(super) async fn glance(&mut self) {
        sleep(GLANCE).await;
        if self.is_calm() {
            self.check_all(check::at_once);
            self.check_tabs(false).await;
        }
    }

    /// Checks the other streams of the clients: whether they received every message, and show what a new stream does.
    async fn check_tabs(&self, is_at_rest: bool) {
        for (number, client) in self.plan.clients.iter().enumerate() {
            let checked = self.around.mail().check(number);
            self.note(number, checked);
            if is_at_rest && self.around.mail().applause_level(number, QUIET / 2).is_some_and(|level| level > 0) {
                self.note(number, Err("applause does not end".to_owned()));
            }
            let must_be_open = is_at_rest
                && self.controls[number].state().is_online
                && matches!(self.server().access(client.user), Access::Served(_));
            let held = self.controls[number].state().slides.clone();
            if client.watches && held.is_connected {
                let instance = self.controls[number].state().instance;
                let access = self.server().access(client.user);
                let expected = match access {
                    Access::Served(served_as) | Access::Perhaps(served_as) => Some(self.server().slides(served_as)),
                    Access::Refused => None,
                };
                if let Some(shown) = expected {
                    self.note(number, held.compare(&shown, "by the meeting"));
                }
                let compared = match fresh_slides(&self.around, instance, client.user).await {
                    Ok(fresh) => fresh.map_or(Ok(()), |fresh| held.compare(&fresh.shown, "to a new stream")),
                    Err(wrong) => Err(wrong),
                };
                self.note(number, compared);
            } else if client.watches && must_be_open {
                self.note(number, Err("no stream of slides".to_owned()));
            }
            if client.listens && must_be_open && self.around.mail().applause_level(number, Duration::ZERO).is_none() {
                self.note(number, Err("no stream of messages".to_owned()));
            }
        }
    }

    pub(super) fn asker(&self, client: usize) -> Asker<'_> {
        let (user, instance) = (self.plan.clients[client].user, self.controls[client].state().instance);
        Asker { around: &self.around, user, instance, is_calm: self.is_calm() }
    }

    /// A user applauds; while all is well, whoever listens is told soon.
    pub(super) async fn applaud(&self, client: usize) {
        match self.asker(client).applaud().await {
            Err(wrong) => self.note(client, Err(wrong)),
            Ok(true) if self.is_calm() => {
                sleep(APPLAUSE_TIME_MAX).await;
                for number in 0..self.plan.clients.len() {
                    if self.around.mail().applause_level(number, APPLAUSE_TIME_MAX) == Some(0) {
                        self.note(number, Err("is not told of the applause".to_owned()));
                    }
                }
            }
            Ok(_) => {}
        }
    }

    /// Notes what is wrong with a client.
    pub(super) fn note(&self, client: usize, checked: Result<(), String>) {
        if let Err(wrong) = checked {
            self.around.violated(format!("client {client} of user {}: {wrong}", self.plan.clients[client].user));
        }
    }

    fn check_all(&self, check: fn(&mut Server, &mut State, u64) -> Result<(), String>) {
        for (number, (control, client)) in self.controls.iter().zip(&self.plan.clients).enumerate() {
            let checked = check(&mut self.server(), &mut control.state(), client.user);
            self.note(number, checked);
        }
    }
}
