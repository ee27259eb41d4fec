//! What are the values of labels called? Alerts and dashboards compare with them.

use application::autoupdate::StartKind;
use application::delivery::line::Coding;
use application::ingest::CatchUpCause;
use application::streams::counters::EndReason;
use application::streams::registry::StreamKind;

use super::out::Labels;

pub(super) fn kind_label(kind: StreamKind) -> Labels<1> {
    let name = match kind {
        StreamKind::Autoupdate => "autoupdate",
        StreamKind::Projector => "projector",
        StreamKind::Notify => "notify",
    };
    [("kind", name.to_owned())]
}

pub(super) fn coding_name(coding: Coding) -> String {
    match coding {
        Coding::Plain => "identity",
        Coding::Gzip => "gzip",
        Coding::Zstd => "zstd",
    }
    .to_owned()
}

pub(super) fn reason_name(reason: EndReason) -> String {
    match reason {
        EndReason::ByClient => "client",
        EndReason::Stopping => "stopping",
        EndReason::Session => "session",
        EndReason::TooSlow => "slow",
        EndReason::Length => "length",
        EndReason::LostMessages => "messages",
    }
    .to_owned()
}

pub(super) fn start_name(kind: StartKind) -> String {
    match kind {
        StartKind::Everything => "everything",
        StartKind::Difference => "difference",
        StartKind::Nothing => "nothing",
    }
    .to_owned()
}

pub(super) fn cause_name(cause: CatchUpCause) -> String {
    match cause {
        CatchUpCause::Gap => "gap",
        CatchUpCause::Comparison => "comparison",
        CatchUpCause::Client => "client",
    }
    .to_owned()
}
