//! Why does Redis refuse, and what can the operator do about it?

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, Pipeline, RedisError, ServerError};
use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// What is named instead of a command if the connection itself is refused.
const LOGIN: &str = "the login";
const TLS: &str = "TLS";

/// The kinds of refusals. The advice is the same for all refusals of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RefusalKind {
    LoginMissing,
    LoginWrong,
    NoPermission,
    WrongType,
    OutOfMemory,
    CannotSave,
    ReadOnly,
    Loading,
    PrimaryAway,
    ReplicasAway,
    Busy,
    TooManyClients,
    Protected,
    Cluster,
    UnknownCommand,
    NoDatabase,
    Other,
    UnknownIssuer,
    OtherName,
    BadCertificate,
    ClientCertificate,
    NoTls,
}

impl RefusalKind {
    const fn advice(self) -> &'static str {
        match self {
            Self::LoginMissing => {
                "it wants a password: give it in REDIS_URL (and REDIS_WRITE_URL): redis://[user]:password@host; at the \
                 sentinels REDIS_SENTINEL_PASSWORD"
            }
            Self::LoginWrong => "check user and password in REDIS_URL and REDIS_WRITE_URL",
            Self::NoPermission => {
                "allow it to the service's user (ACL SETUSER): the operations manual lists what the service needs"
            }
            Self::WrongType => {
                "another program uses this key: give OpenSlides a Redis, or a database number, of its own"
            }
            Self::OutOfMemory => "it is full: raise its maxmemory; maxmemory-policy must be noeviction",
            Self::CannotSave => "it cannot save its data: look at its log and at the disk that it writes to",
            Self::ReadOnly => "this is a replica: REDIS_WRITE_HOST or REDIS_WRITE_URL must lead to the primary",
            Self::Loading => "it is loading its data: wait until it has",
            Self::PrimaryAway => "this is a replica without its primary: bring that back",
            Self::ReplicasAway => "it takes no writes without its replicas (min-replicas-to-write): bring those back",
            Self::Busy => "a script runs there for too long: find out whose it is, or end it with SCRIPT KILL",
            Self::TooManyClients => "it has too many clients: raise its maxclients, or find out whose they are",
            Self::Protected => {
                "it is in protected mode: give it a password, or the address it may be reached at (bind)"
            }
            Self::Cluster => "a cluster is not supported: give OpenSlides a Redis of its own",
            Self::UnknownCommand => {
                "it does not know this command: it is older than Redis 5, or the command is switched off or renamed"
            }
            Self::NoDatabase => {
                "it has no database of this number: correct it in REDIS_URL and REDIS_WRITE_URL, or raise `databases` in \
                 its configuration"
            }
            Self::Other => "see the error",
            Self::UnknownIssuer => {
                "no authority that is trusted signed its certificate: give that authority's in REDIS_CA_FILE"
            }
            Self::OtherName => "its certificate does not name this host: use the name that it has, or renew it",
            Self::BadCertificate => "its certificate cannot be used: renew it",
            Self::ClientCertificate => {
                "it does not accept the service's certificate: give one that it trusts in REDIS_CERT_FILE and \
                 REDIS_KEY_FILE"
            }
            Self::NoTls => "it does not speak TLS there: use redis:// in place of rediss://, or its port for TLS",
        }
    }

    /// Whether the other side exists and refused. (A certificate that is not trusted is refused by the service itself.)
    const fn is_of_server(self) -> bool {
        !matches!(self, Self::UnknownIssuer | Self::OtherName | Self::BadCertificate | Self::NoTls)
    }

    fn of_code(code: &str, details: &str) -> Self {
        match code {
            "NOAUTH" => Self::LoginMissing,
            "WRONGPASS" => Self::LoginWrong,
            "NOPERM" => Self::NoPermission,
            // The error of a refused EXEC.
            "EXECABORT" if details.contains("NOPERM") => Self::NoPermission,
            "WRONGTYPE" => Self::WrongType,
            "OOM" => Self::OutOfMemory,
            "MISCONF" => Self::CannotSave,
            "READONLY" => Self::ReadOnly,
            "LOADING" => Self::Loading,
            "MASTERDOWN" => Self::PrimaryAway,
            "NOREPLICAS" => Self::ReplicasAway,
            "BUSY" => Self::Busy,
            "DENIED" => Self::Protected,
            "MOVED" | "ASK" | "CLUSTERDOWN" | "CROSSSLOT" | "TRYAGAIN" => Self::Cluster,
            "ERR" if details.starts_with("max number of clients") => Self::TooManyClients,
            "ERR" if details.starts_with("unknown command") => Self::UnknownCommand,
            _ => Self::Other,
        }
    }

    fn of_tls(error: &TlsError) -> Option<Self> {
        use AlertDescription as Alert;
        match error {
            TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => Some(Self::UnknownIssuer),
            TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Some(Self::OtherName),
            TlsError::InvalidCertificate(_) => Some(Self::BadCertificate),
            TlsError::AlertReceived(
                Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::UnknownCA
                | Alert::CertificateUnknown
                | Alert::CertificateExpired
                | Alert::UnsupportedCertificate
                | Alert::HandshakeFailure,
            ) => Some(Self::ClientCertificate),
            TlsError::InvalidMessage(_) => Some(Self::NoTls),
            _ => None,
        }
    }
}

/// What Redis refuses, and why. Contains neither what was sent or read, nor the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RedisRefusal {
    pub(super) kind: RefusalKind,
    /// The command's name, or what is named instead.
    pub(super) command: String,
    /// What Redis said.
    pub(super) error: String,
}

impl RedisRefusal {
    /// Returns the refusal that the error stands for; `None` if there was no valid answer at all.
    pub(super) fn of(error: &RedisError, commands: Option<&Pipeline>) -> Option<Self> {
        if let Some(errors) = error.clone().into_server_errors() {
            let (index, first) = errors.first()?;
            let none = redis::pipe();
            return Some(Self::by_server(first, commands.unwrap_or(&none), *index));
        }
        let refused = |kind, command: &str| Self { kind, command: command.to_owned(), error: describe(error) };
        match error.kind() {
            ErrorKind::AuthenticationFailed => Some(refused(RefusalKind::LoginWrong, LOGIN)),
            // How the library represents an error in the answer to SELECT.
            ErrorKind::Server(_) => {
                let kind = match RefusalKind::of_code(error.code()?, "") {
                    RefusalKind::Other => RefusalKind::NoDatabase,
                    kind => kind,
                };
                Some(refused(kind, "SELECT"))
            }
            _ => Some(refused(RefusalKind::of_tls(tls_error(error)?)?, TLS)),
        }
    }

    /// Returns the refusal of the command at `index`.
    pub(super) fn by_server(error: &ServerError, commands: &Pipeline, index: usize) -> Self {
        let details = without_arguments(error.details().unwrap_or_default());
        let kind = RefusalKind::of_code(error.code(), details);
        let is_login = matches!(kind, RefusalKind::LoginMissing | RefusalKind::LoginWrong);
        let command = if is_login { Some(LOGIN.to_owned()) } else { command_at(commands, index) };
        let command = command.unwrap_or_else(|| "unknown".to_owned());
        Self { kind, command, error: format!("{} {details}", error.code()).trim_end().to_owned() }
    }

    /// Returns what to do about it.
    pub(super) const fn advice(&self) -> &'static str {
        self.kind.advice()
    }

    /// Returns what is refused, for anybody; `None` if the refusal is the service's own.
    pub(super) fn public(&self) -> Option<String> {
        let code = self.error.split(' ').next().filter(|code| code.chars().all(|one| one.is_ascii_uppercase()));
        self.kind.is_of_server().then(|| match (self.command.as_str(), code) {
            (LOGIN | TLS, _) => LOGIN.to_owned(),
            (command, Some(code)) => format!("the command {command} ({code})"),
            (command, None) => format!("the command {command}"),
        })
    }
}

/// Returns the error as a text for the log. It must not contain what was read or sent, which may be a session or
/// meeting data.
pub(super) fn describe(error: &RedisError) -> String {
    match error.kind() {
        ErrorKind::UnexpectedReturnType | ErrorKind::Parse => "the answer is not of the expected kind".to_owned(),
        _ => without_arguments(&error.to_string()).to_owned(),
    }
}

/// An unknown command is quoted back with its arguments.
fn without_arguments(text: &str) -> &str {
    text.split(", with args").next().unwrap_or_default()
}

fn command_at(commands: &Pipeline, index: usize) -> Option<String> {
    let name = commands.cmd_iter().nth(index)?.args_iter().next()?;
    match name {
        redis::Arg::Simple(name) => Some(String::from_utf8_lossy(name).into_owned()),
        _ => None,
    }
}

/// Returns the error of the TLS library that caused it.
fn tls_error(error: &RedisError) -> Option<&TlsError> {
    // The library keeps its causes in an `Arc`, and returns that.
    let source = error.source()?.downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    source.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use redis::ServerErrorKind;

    use super::*;

    #[track_caller]
    fn check_tls(error: TlsError, kind: Option<RefusalKind>, advice: &str) {
        let error = RedisError::from(io::Error::new(io::ErrorKind::InvalidData, error));
        let refusal = RedisRefusal::of(&error, None);
        assert_eq!(refusal.as_ref().map(|refusal| refusal.kind), kind, "{error}");
        if let Some(refusal) = refusal {
            assert!(refusal.advice().contains(advice), "{refusal:?}");
        }
    }

    #[test]
    fn tls_problems_are_distinguished() {
        use RefusalKind as Kind;
        let certificate = TlsError::InvalidCertificate;
        check_tls(certificate(CertificateError::UnknownIssuer), Some(Kind::UnknownIssuer), "REDIS_CA_FILE");
        check_tls(certificate(CertificateError::NotValidForName), Some(Kind::OtherName), "name");
        check_tls(certificate(CertificateError::Expired), Some(Kind::BadCertificate), "renew");
        for alert in [AlertDescription::CertificateRequired, AlertDescription::UnknownCA] {
            check_tls(TlsError::AlertReceived(alert), Some(Kind::ClientCertificate), "REDIS_CERT_FILE");
        }
        let message = TlsError::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        check_tls(message, Some(Kind::NoTls), "redis://");
        check_tls(TlsError::General("other".to_owned()), None, "");
    }

    #[test]
    fn what_is_no_answer_is_no_refusal() {
        assert_eq!(RedisRefusal::of(&RedisError::from(io::Error::other("gone")), None), None);
        assert_eq!(RedisRefusal::of(&RedisError::from((ErrorKind::Parse, "was")), None), None);
    }

    #[test]
    fn a_refused_login_says_so_and_shows_nothing_of_it() {
        let error = RedisError::from((ErrorKind::AuthenticationFailed, "Password authentication failed"));
        let refusal = RedisRefusal::of(&error, None).expect("a refusal");
        assert_eq!((refusal.kind, refusal.public().as_deref()), (RefusalKind::LoginWrong, Some("the login")));
        let kind = ErrorKind::Server(ServerErrorKind::ResponseError);
        let error =
            RedisError::from((kind, "Redis server refused to switch database", "DB index is out of range".to_owned()));
        let refusal = RedisRefusal::of(&error, None).expect("a refusal");
        assert_eq!(refusal.kind, RefusalKind::NoDatabase);
        assert_eq!(refusal.public().as_deref(), Some("the command SELECT"));
    }

    #[test]
    fn nothing_that_was_read_or_sent_is_shown() {
        let unknown = "unknown command 'XADD', with args beginning with: 'notify' 'geheim'";
        let error = RedisError::from((ErrorKind::Extension, "ERR", unknown.to_owned()));
        assert_eq!(describe(&error), "ERR - Extension: unknown command 'XADD'");
        let kind = "the answer is not of the expected kind";
        assert_eq!(describe(&RedisError::from((ErrorKind::UnexpectedReturnType, "was", "geheim".to_owned()))), kind);
        assert_eq!(describe(&RedisError::from((ErrorKind::Parse, "was", "geheim".to_owned()))), kind);
    }
}
