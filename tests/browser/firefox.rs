//! Does the page do in Firefox what it does in Chromium?

use crate::browser::Browser;
use crate::driver::Page;
use crate::{inspector, meeting, voices};

async fn open() -> Page {
    Page::open_in(Browser::Firefox).await
}

#[tokio::test]
#[cfg_attr(not(has_firefox), ignore = "firefox-esr and geckodriver are not on the PATH")]
async fn both_viewers_have_what_the_service_sends_also_after_a_cut_connection() {
    meeting::shows_what_is_sent_also_after_a_cut_connection(&open().await).await;
}

#[tokio::test]
#[cfg_attr(not(has_firefox), ignore = "firefox-esr and geckodriver are not on the PATH")]
async fn losing_a_permission_removes_elements_from_one_view_only() {
    meeting::loses_elements_on_one_side_only(&open().await).await;
}

#[tokio::test]
#[cfg_attr(not(has_firefox), ignore = "firefox-esr and geckodriver are not on the PATH")]
async fn the_page_survives_a_restart_of_the_service_without_a_gap() {
    inspector::survives_a_restart(open().await).await;
}

#[tokio::test]
#[cfg_attr(not(has_firefox), ignore = "firefox-esr and geckodriver are not on the PATH")]
async fn messages_and_applause_arrive_and_messages_stay_text() {
    voices::messages_and_applause_arrive(&open().await).await;
}
