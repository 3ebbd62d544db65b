//! The obvious program of axum.

#[path = "../contract.rs"]
mod contract;
#[path = "../../../src/servers/axum.rs"]
mod server;

use contract::{QUEUE, Result, announce};

fn main() -> Result<()> {
    server::run()
}
