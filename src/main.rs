//! The command line: see `triaged --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    triaged::memory::prepare();
    triaged::cli::main()
}
