//! Namespaces of the system's: processes and networks apart from all others.
//!
//! Where they can't be made, for which it takes root and Debian's util-linux and iproute2, a test
//! says that it is skipped, unless the environment has `TIDINGS_REQUIRE_NAMESPACES`: then it fails.

use std::process::{Command, Stdio};

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
