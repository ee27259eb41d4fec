//! What does `load attack` offer?

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clap::Args;
use load::attack::{Attack, Siege, Verdict};
use load::error::LoadError;
use load::process::Process;
use load::target::Loopback;

/// How long the canary sings before each attack.
const QUIET: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct AttackArguments {
    /// Address of the service, on this machine
    #[arg(long, default_value = "127.0.0.1:8002")]
    target: Loopback,
    /// Its process id, to measure its CPU time, memory and descriptors
    #[arg(long)]
    pid: Option<u32>,
    /// Which attacks; all if not given
    #[arg(long = "attack", value_delimiter = ',')]
    attacks: Vec<Attack>,
    /// Number of connections; if not given, each attack's default
    #[arg(long)]
    count: Option<usize>,
    /// The longest time of an attack, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Address of this machine to attack from: so that the service can tell the attacker from the canary
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)))]
    from: IpAddr,
    /// The name of the session cookie
    #[arg(long, default_value = "OpenSlidesSessionID")]
    cookie_name: String,
    /// The attacker's session; by default one of the demo
    #[arg(long, default_value = "delegate")]
    session: String,
    /// The attacker's user id
    #[arg(long, default_value_t = 3)]
    user: u64,
    /// The session of the client that is to notice nothing; of another user
    #[arg(long, default_value = "admin")]
    canary_session: String,
}

impl AttackArguments {
    pub(crate) async fn run(self) -> Result<(), LoadError> {
        if !self.from.is_loopback() {
            return Err(LoadError::NotLoopback(self.from.to_string()));
        }
        let siege = Siege {
            target: self.target,
            process: self.pid.map(Process::new).transpose()?,
            from: Some(self.from),
            cookie_name: self.cookie_name,
            session: self.session,
            user: self.user,
            canary_session: self.canary_session,
            count: self.count,
            seconds_max: self.seconds,
            quiet: QUIET,
        };
        let attacks = if self.attacks.is_empty() { Attack::ALL.to_vec() } else { self.attacks };
        let mut failed = 0;
        println!("{}", Verdict::HEADING);
        for attack in attacks {
            let verdict = siege.run(attack).await?;
            failed += usize::from(verdict.failure.is_some());
            println!("{}", verdict.row());
        }
        match failed {
            0 => Ok(()),
            _ => Err(LoadError::Usage(format!("the service did not withstand {failed} of the attacks"))),
        }
    }
}
