//! Namespaces of the system's: processes and networks apart from all others.
//!
//! Where they can't be made, for which it takes root and Debian's util-linux and iproute2, a test
//! says that it is skipped, unless the environment has `TIDINGS_REQUIRE_NAMESPACES`: then it fails.

use std::process::{Command, Stdio};

/// What makes the program that follows process 1 of a namespace, which ends with the test.
pub(crate) const AS_PROCESS_1: [&str; 4] = ["unshare", "-pf", "--mount-proc", "--kill-child"];

/// Whether this command succeeds, which makes a namespace.
pub(crate) fn can(command: &[&str]) -> bool {
    let made = Command::new(command[0]).args(&command[1..]).stdin(Stdio::null()).output();
    let why = match made {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    let required = std::env::var_os("TIDINGS_REQUIRE_NAMESPACES").is_some();
    assert!(!required, "namespaces are required, and {command:?} fails: {why}");
    println!("skipped, as {command:?} fails: {why}");
    false
}
