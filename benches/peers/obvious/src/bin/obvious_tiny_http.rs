//! The obvious program of tiny_http.

#[path = "../contract.rs"]
mod contract;
#[path = "../../../src/servers/tiny.rs"]
mod server;

#[allow(unused_imports, reason = "tiny_http has no bound")]
use contract::{QUEUE, Result, announce};

fn main() -> Result<()> {
    server::run()
}
