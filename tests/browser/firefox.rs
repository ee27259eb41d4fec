//! Does the page do in Firefox what it does in Chromium?

use crate::browser::Browser;
use crate::driver::Page;
use crate::{inspector, meeting, voices};

async fn open() -> Page {
    Page::open_in(Browser::Firefox).await
}

#[tokio::test]
#[cfg_attr(not(has_firefox), ignore = "firefox-esr and geckodriver are not on the PATH")]
async fn both_viewers_have_what_the_service_gives_also_after_a_cut_connection() {
    meeting::shows_what_is_given_also_after_a_cut_connection(&open().await).await;
}

#[tokio::test]
#[cfg_attr(not(has_firefox), ignore = "firefox-esr and geckodriver are not on the PATH")]
async fn a_permission_that_is_taken_takes_elements_from_one_view_alone() {
    meeting::loses_elements_on_one_side_alone(&open().await).await;
}

#[tokio::test]
#[cfg_attr(not(has_firefox), ignore = "firefox-esr and geckodriver are not on the PATH")]
async fn a_restart_of_the_service_is_survived_without_a_gap() {
    inspector::survives_a_restart(open().await).await;
}

#[tokio::test]
#[cfg_attr(not(has_firefox), ignore = "firefox-esr and geckodriver are not on the PATH")]
async fn messages_and_applause_arrive_and_what_is_written_stays_text() {
    voices::messages_and_applause_arrive(&open().await).await;
}
