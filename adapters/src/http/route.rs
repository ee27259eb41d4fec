//! Which routes does the service have? (spec: http.md#routes)

use poem::http::Method;

/// A route of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceRoute {
    /// The stream of what a user may see.
    Autoupdate,
    /// The stream of rendered slides.
    Projector,
    /// The stream of messages.
    Notify,
    /// Sends a message.
    NotifySend,
    /// Applauds.
    Applause,
    /// Reports whether the service can be used.
    Health,
    /// Explains why somebody sees an element or not; only where the page is served.
    Explain,
}

impl ServiceRoute {
    /// Every route.
    pub const ALL: [Self; 7] = [
        Self::Autoupdate,
        Self::Projector,
        Self::Notify,
        Self::NotifySend,
        Self::Applause,
        Self::Health,
        Self::Explain,
    ];

    /// Returns its path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Autoupdate => "/system/autoupdate",
            Self::Projector => "/system/projector",
            Self::Notify => "/system/notify",
            Self::NotifySend => "/system/notify/send",
            Self::Applause => "/system/applause",
            Self::Health => "/system/health",
            Self::Explain => "/system/inspector/explain",
        }
    }

    pub(super) const fn methods(self) -> &'static [Method] {
        match self {
            Self::Autoupdate | Self::Projector | Self::Notify => &[Method::GET, Method::POST],
            // The endpoints make sure that HEAD has no effect.
            Self::Applause | Self::NotifySend => &[Method::GET, Method::HEAD, Method::POST],
            Self::Explain => &[Method::GET, Method::HEAD],
            // HAProxy checks by default with OPTIONS whether a server is healthy.
            Self::Health => &[Method::GET, Method::HEAD, Method::OPTIONS],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (spec: http.md#routes)
    #[test]
    fn routes_are_where_the_client_looks() {
        let routes = [
            (ServiceRoute::Autoupdate, "/system/autoupdate"),
            (ServiceRoute::Projector, "/system/projector"),
            (ServiceRoute::Notify, "/system/notify"),
            (ServiceRoute::NotifySend, "/system/notify/send"),
            (ServiceRoute::Applause, "/system/applause"),
            (ServiceRoute::Health, "/system/health"),
            (ServiceRoute::Explain, "/system/inspector/explain"),
        ];
        for (route, path) in routes {
            assert_eq!(route.path(), path);
        }
    }
}
