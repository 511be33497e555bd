//! Programs that a test starts, and their certain end.
//!
//! Each program leads a process group of its own. It ends when its `Process` is
//! dropped (a panic drops too). Should the test process itself be killed, a
//! watchdog, a shell that waits at the other end of a pipe, ends the group and
//! removes its directory.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpgid};

/// `$1` is the directory to remove, or empty. A line `group N` names the group
/// to end; `done` says that all is over already.
const WATCHDOG: &str = r#"
group=
while read -r word value; do
    case $word in
        group) group=$value ;;
        done) exit 0 ;;
    esac
done
if [ -n "$group" ]; then
    kill -CONT "-$group"; kill -TERM "-$group"; sleep 0.5; kill -KILL "-$group"
fi
[ -z "$1" ] || rm -rf -- "$1"
"#;

pub struct Process {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
    watchdog: Watchdog,
}

impl Process {
    /// Starts `command` as the leader of a new process group, without input.
    /// `home` is removed should this test process be killed.
    #[track_caller]
    pub fn start(name: &str, command: &mut Command, home: Option<&Path>) -> Self {
        Self::start_session(name, command.process_group(0), home)
    }

    /// The same for a program that opens a session of its own, which the leader
    /// of a group may not (setsid(2)).
    #[track_caller]
    pub fn start_session(name: &str, command: &mut Command, home: Option<&Path>) -> Self {
        adopt_orphans();
        let mut watchdog = Watchdog::start(home);
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("start {name}: {e}"));
        watchdog.tell(&format!("group {}", child.id()));
        Self {
            name: name.to_owned(),
            child,
            ended: None,
            watchdog,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("wait for a child");
        }
        self.ended
    }

    pub fn is_running(&mut self) -> bool {
        self.exit_status().is_none()
    }

    /// To the leader alone.
    pub fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            kill_process(self.pid(), signal).expect("signal a child");
        }
    }

    /// To the leader and all that it started.
    pub fn signal_group(&mut self, signal: Signal) {
        match kill_process_group(self.pid(), signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            // What is left of the group may belong to another user by now, or be a zombie.
            Err(Errno::PERM) => {}
            Err(e) => panic!("signal the group of {}: {e}", self.name),
        }
    }

    /// Waits for the end by itself. Panics when `timeout` has passed.
    #[track_caller]
    pub fn wait(&mut self, timeout: Duration) -> ExitStatus {
        match self.wait_at_most(timeout) {
            Some(status) => status,
            None => panic!("{} still runs after {timeout:?}", self.name),
        }
    }

    fn wait_at_most(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.exit_status() {
                return Some(status);
            }
            if started.elapsed() >= timeout {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGTERM for the whole group, and SIGKILL for what is left of it after `patience`.
    pub fn stop(&mut self, patience: Duration) {
        self.signal_group(Signal::TERM);
        self.signal_group(Signal::CONT);
        self.wait_at_most(patience);
        self.kill();
    }

    /// SIGKILL for the whole group; returns when it is gone.
    pub fn kill(&mut self) {
        self.signal_group(Signal::KILL);
        self.wait(Duration::from_secs(10));
        self.reap_group();
        self.watchdog.tell("done");
    }

    /// The leader's orphans are ours by `adopt_orphans`: collects them, so that
    /// no zombie stays behind where process 1 collects none (many containers).
    fn reap_group(&mut self) {
        let started = Instant::now();
        loop {
            match waitpgid(self.pid(), WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) if started.elapsed() < Duration::from_secs(5) => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                _ => return,
            }
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Makes orphaned descendants children of this process (Linux).
fn adopt_orphans() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without it only the collecting of zombies is lost.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    });
}

struct Watchdog {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    fn start(home: Option<&Path>) -> Self {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(home.unwrap_or(Path::new("")))
            // Its own group: what ends the test process must not end the watchdog.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start a watchdog");
        let pipe = shell.stdin.take();
        Self { shell, pipe }
    }

    fn tell(&mut self, line: &str) {
        if let Some(pipe) = &mut self.pipe {
            // After `done` nobody listens, and nothing is left to be said.
            let _ = writeln!(pipe, "{line}");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.tell("done");
        drop(self.pipe.take());
        let _ = self.shell.wait();
    }
}

/// A loopback port that nobody listens on, given out once per test process.
///
/// Below the range from which the kernel takes the ports of outgoing
/// connections, so that none of those occupies it before the server starts.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let mut given = GIVEN.lock().expect("the list of ports");
    loop {
        let port = rand::random_range(12_000..32_000);
        if !given.contains(&port) && std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            given.push(port);
            return port;
        }
    }
}

/// Runs a helper program to its end; panics with its words where it fails.
#[track_caller]
pub fn run_to_end(command: &mut Command) -> Vec<u8> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
