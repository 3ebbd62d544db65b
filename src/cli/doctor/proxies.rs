//! Which servers and proxies a response has come through, by the fields that they leave in it.
//!
//! A proxy that leaves none isn't seen, and a field can say what it likes. So this only decides
//! whose lines are told first.

use tidings::http::{ResponseHead, masked_value};

/// A proxy for which there are remedies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    Nginx,
    Caddy,
    Traefik,
    Haproxy,
    Apache,
    Cloudflare,
}

impl Proxy {
    pub(super) const ALL: [Self; 6] =
        [Self::Nginx, Self::Caddy, Self::Traefik, Self::Haproxy, Self::Apache, Self::Cloudflare];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "Caddy",
            Self::Traefik => "Traefik",
            Self::Haproxy => "HAProxy",
            Self::Apache => "Apache",
            Self::Cloudflare => "Cloudflare",
        }
    }

    /// By what `Server` and `Via` name it.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx", "openresty", "tengine"],
            Self::Caddy => &["caddy"],
            Self::Traefik => &["traefik"],
            Self::Haproxy => &["haproxy"],
            Self::Apache => &["apache"],
            Self::Cloudflare => &["cloudflare"],
        }
    }
}

/// Fields by which what stands in between is known, though no remedy here is for it.
const TRACES: [&str; 20] = [
    "server",
    "via",
    "x-powered-by",
    "cf-ray",
    "cf-cache-status",
    "x-cache",
    "x-cache-hits",
    "x-served-by",
    "x-varnish",
    "x-amz-cf-id",
    "x-amz-cf-pop",
    "x-azure-ref",
    "x-envoy-upstream-service-time",
    "x-fastly-request-id",
    "fly-request-id",
    "x-render-origin-server",
    "x-vercel-id",
    "x-cdn",
    "x-proxy-cache",
    "alt-svc",
];

/// What has left a trace.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) proxies: Vec<Proxy>,
    /// The field lines.
    pub(super) traces: Vec<String>,
}

impl Seen {
    pub(super) fn of(head: &ResponseHead) -> Self {
        let mut seen = Self::default();
        for (name, value) in head.fields() {
            let lower = name.to_ascii_lowercase();
            if !TRACES.contains(&&*lower) {
                continue;
            }
            let value = String::from_utf8_lossy(value);
            let is_named = |proxy: &Proxy| match &*lower {
                "server" | "via" => {
                    let value = value.to_ascii_lowercase();
                    proxy.words().iter().any(|word| value.contains(word))
                }
                "cf-ray" | "cf-cache-status" => *proxy == Proxy::Cloudflare,
                _ => false,
            };
            let new = |proxy: &Proxy| is_named(proxy) && !seen.proxies.contains(proxy);
            let new: Vec<_> = Proxy::ALL.into_iter().filter(new).collect();
            seen.proxies.extend(new);
            seen.traces.push(format!("{name}: {}", masked_value(name, &value)));
        }
        seen
    }
}
