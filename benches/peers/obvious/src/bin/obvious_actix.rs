//! The obvious program of actix.

#[path = "../contract.rs"]
mod contract;
#[path = "../../../src/servers/actix.rs"]
mod server;

use contract::{QUEUE, Result, announce};

fn main() -> Result<()> {
    server::run()
}
