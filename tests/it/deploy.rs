//! The proxies of examples/deploy in front of the hub, each with its file from there.
//!
//! Around that file stands a configuration of the test's that makes it hard: it compresses all that it
//! may, and closes what is silent for two seconds. In the file itself only addresses and paths are
//! others, and a listener without TLS is added.
//!
//! Where a proxy, openssl or curl is not installed, its tests say that they are skipped, unless the
//! environment has `TIDINGS_REQUIRE_DEPLOY`: then they fail.

mod apache;
mod caddy;
mod front;
mod haproxy;
mod nginx;
mod scenarios;

/// What every proxy has to pass, as tests of the module that says how it is started.
macro_rules! passes {
    ($($scenario:ident)*) => {$(
        #[test]
        fn $scenario() {
            crate::deploy::scenarios::$scenario(&KIND);
        }
    )*};
}
use passes;
