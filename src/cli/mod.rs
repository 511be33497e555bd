//! The commands. Exit status: 0 done, 1 it failed, 2 wrong usage or configuration.
//!
//! Each command is a file; what they print as JSON has stable field names.
#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when the reader is gone; see `say`"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

mod audit;
mod backup;
mod case;
mod check;
mod demo;
mod digest;
mod doctor;
mod explain;
mod files;
mod ingest;
mod init;
mod key;
mod office;
mod paint;
mod policy;
mod run;
mod say;
mod status;

use crate::notices::digest::Weekly;
use say::complain;

/// The daemon behind a security@ address: every report becomes a case with
/// deadlines, and its sender hears back at once.
#[derive(Parser)]
#[command(name = "triaged", version, max_term_width = 100)]
struct Cli {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        env = "TRIAGED_CONFIG",
        default_value = "/etc/triaged/config.toml"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

/// Output of commands that print data.
#[derive(Args, Clone, Copy)]
struct Output {
    /// Prints JSON with stable field names; times are RFC 3339 in UTC.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Watches the mailbox, answers, keeps deadlines; until SIGTERM.
    Run {
        /// One pass over mailbox and outbox, then exit. Exit status 1 if something is left that should have gone.
        #[arg(long)]
        once: bool,
    },
    /// Reads config, policy, templates and keys, offline; lists every mistake.
    Check,
    /// Tries it for real: mailbox, mail server, database, keys, permissions.
    Doctor(Output),
    /// Writes a commented configuration, a policy and fresh keys into a new folder.
    Init(init::Options),
    /// Shows what would be done with mails, and why. Writes nothing, sends nothing.
    Explain {
        /// Mails; `-` is standard input.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Takes mails from files, an mbox, a Maildir or standard input (`-`).
    Ingest {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Records without answering.
        #[arg(long)]
        no_reply: bool,
        #[command(flatten)]
        output: Output,
    },
    /// The cases.
    #[command(subcommand)]
    Case(case::Verb),
    /// The promise: what a changed policy changes.
    #[command(subcommand)]
    Policy(policy::Verb),
    /// Our OpenPGP keys.
    #[command(subcommand)]
    Key(key::Verb),
    /// The audit chain.
    #[command(subcommand)]
    Audit(audit::Verb),
    /// The board on one screen.
    Status(Output),
    /// The whole board, as it would be mailed now.
    Digest {
        /// Mails it to the team now, whatever the schedule says.
        #[arg(long)]
        send: bool,
        /// With the numbers of the week behind, whatever the day.
        #[arg(long)]
        week: bool,
        /// Writes it as one page, pictures and all, that its owner alone may read; `-` is standard output.
        #[arg(long, value_name = "FILE", conflicts_with = "send")]
        html: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Writes a consistent, encrypted copy of the database, also while the daemon runs.
    Backup { file: PathBuf },
    /// Writes the text of the PDF on standard input; what reading a mail starts for each of them.
    #[command(name = crate::pdf::COMMAND, hide = true)]
    PdfText,
    /// A tour over sample mails in a temporary folder; nothing leaves this machine.
    Demo {
        /// Leaves the folder, ready for `triaged run`.
        #[arg(long)]
        keep: bool,
    },
}

/// Why a command ended without success.
enum Failure {
    /// Exit status 1.
    Failed(anyhow::Error),
    /// Exit status 2; each line is one mistake.
    Configuration(Vec<String>),
}

impl Failure {
    fn configuration(error: anyhow::Error) -> Self {
        Self::Configuration(vec![format!("{error:#}")])
    }

    fn into_words(self) -> String {
        match self {
            Self::Failed(error) => format!("{error:#}"),
            Self::Configuration(mistakes) => mistakes.join("; "),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// `true`: all is well.
type Outcome = Result<bool, Failure>;

pub fn main() -> ExitCode {
    keep_memory_private();
    keep_panics_quiet();
    crate::pdf::use_own_program();
    let cli = Cli::parse();
    start_log(matches!(cli.command, Command::Run { .. }));
    let config = cli.config.as_path();
    let outcome = match &cli.command {
        Command::Run { once } => run::run(config, *once),
        Command::Check => check::run(config),
        Command::Doctor(output) => doctor::run(config, *output),
        Command::Init(options) => init::run(options),
        Command::Explain { files, output } => explain::run(config, files, *output),
        Command::Ingest {
            files,
            no_reply,
            output,
        } => ingest::run(config, files, *no_reply, *output),
        Command::Case(verb) => case::run(config, verb),
        Command::Policy(verb) => policy::run(config, verb),
        Command::Key(verb) => key::run(config, verb),
        Command::Audit(verb) => audit::run(config, verb),
        Command::Status(output) => status::run(config, *output),
        Command::Digest {
            send,
            week,
            html,
            output,
        } => {
            let weekly = match week {
                true => Weekly::Always,
                false => Weekly::WhenDue,
            };
            match html {
                Some(file) => digest::write_page(config, file, weekly, *output),
                None => digest::run(config, *send, weekly, *output),
            }
        }
        Command::Backup { file } => backup::run(config, file),
        Command::PdfText => Ok(crate::pdf::serve()),
        Command::Demo { keep } => demo::run(*keep),
    };
    say::finish(status(outcome))
}

fn status(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Failure::Failed(error)) => {
            complain!("triaged: {error:#}");
            ExitCode::from(1)
        }
        Err(Failure::Configuration(mistakes)) => {
            for mistake in mistakes {
                complain!("{mistake}");
            }
            ExitCode::from(2)
        }
    }
}

/// A panic of a library may hold words of a mail or of a server; only its place is printed.
fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(event = "panic", "the program stumbled at {place}");
    }));
}

/// No core dump: memory holds keys, and what was decrypted. The systemd unit says so too; not
/// everybody uses it, and where the limit cannot be set it is in place already. The limit alone
/// does not stop a dump that is piped into a program (core(5)); nor may another process of the same
/// user look into our memory.
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).ok();
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}

/// One line per event on standard error; systemd adds time and unit. `TRIAGED_LOG` sets the level.
fn start_log(is_daemon: bool) {
    let usual = if is_daemon {
        "triaged=info"
    } else {
        "triaged=error"
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("TRIAGED_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        // It would tell standard error that standard error cannot be written, and panic.
        .log_internal_errors(false);
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        log.without_time().init();
    } else {
        log.init();
    }
}
