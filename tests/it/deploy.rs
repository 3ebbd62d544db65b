//! What examples/deploy has, with its very files: proxies in front of the hub, and supervisors that
//! start it.
//!
//! Around a proxy's file stands a configuration of the test's that makes it hard: it compresses all
//! that it may, and closes what is silent for two seconds. In the file itself only addresses and paths
//! are others, and a listener without TLS is added. systemd runs as process 1 of namespaces of its
//! own; of the other supervisors, the test plays the part.
//!
//! What is not installed is said to be skipped, unless the environment has `TIDINGS_REQUIRE_DEPLOY`:
//! then its tests fail.

mod apache;
mod caddy;
mod doctor;
mod front;
mod haproxy;
mod nginx;
mod scenarios;
mod supervisors;
mod via;

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
