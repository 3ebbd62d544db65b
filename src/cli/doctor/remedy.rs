//! What to do about a fault, where each kind of server and proxy has it: the line to write.
//!
//! The lines are those of examples/deploy, where tests show what happens without them.

use super::proxies::Proxy;

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing may wait for more bytes.
    Flush,
    /// Small writes must go out at once.
    NoDelay,
    /// Nothing may compress a stream.
    Plain,
    /// A silent stream must stay open, or not be silent.
    KeepOpen,
    /// Nothing may limit how long a stream lasts.
    Last,
    /// Whoever wants a stream must be told when to come back.
    ComeBack,
    /// Nothing may keep a stream and send it to others.
    NoCache,
    /// The response must have chunks.
    Chunks,
    /// The response must say what it is.
    Type,
    /// The response may not say how long it is.
    NoLength,
    /// Text must have the form of events.
    Events,
    /// The response must keep to the rules of HTTP.
    Rules,
    /// Pages of another origin must be let in.
    Origin,
    /// They must be let in by one alone.
    OneOrigin,
    /// Events need ids.
    Ids,
    /// The server must go by the id that a client names.
    Resume,
    /// The server must know the name in the URL.
    Name,
    /// The request must carry what lets it in.
    Credentials,
    /// The server must take a GET.
    Method,
    /// The server must serve several streams at once.
    Many,
    /// The server knows what went wrong.
    Log,
    /// Another protocol may be spoken there.
    Tls,
    /// The URL is wrong.
    Url,
    /// The URL is wrong, or its server is away.
    Look,
}

impl Remedy {
    /// For the server itself.
    pub(super) fn at_server(self) -> &'static str {
        match self {
            Self::Flush => {
                "send the head and each event at once: flush after each event, and have no \
                 middleware that collects the response; X-Accel-Buffering: no tells nginx"
            }
            Self::NoDelay => "set TCP_NODELAY on the connections of streams",
            Self::Plain => {
                "leave text/event-stream out of what is compressed, and send Cache-Control: \
                 no-transform"
            }
            Self::KeepOpen => {
                "send a comment line (: and a line feed) every 15 s (tidings: --heartbeat 15s)"
            }
            Self::Last => "limit no response in time; its log may tell what ended it",
            Self::ComeBack => {
                "start it, or give it room; let a supervisor listen while it restarts"
            }
            Self::NoCache => "send Cache-Control: no-cache",
            Self::Chunks => "respond in HTTP/1.1 with Transfer-Encoding: chunked",
            Self::Type => "send Content-Type: text/event-stream, or correct the URL",
            Self::NoLength => "send no Content-Length",
            Self::Events => "send data: TEXT and two line feeds for each event",
            Self::Rules => "let its HTTP library write the head and the chunks",
            Self::Origin | Self::OneOrigin => {
                "send Access-Control-Allow-Origin once, with the page's origin (tidings: --cors \
                 ORIGIN); Access-Control-Allow-Credentials only to origins that it knows"
            }
            Self::Ids => "give each event an id, and begin after the one that Last-Event-ID names",
            Self::Resume => {
                "begin after the event that Last-Event-ID names; of several servers, each must \
                 know the events of all"
            }
            Self::Name => "let it serve the name in the URL (tidings: --allow-host NAME)",
            Self::Credentials => {
                "give the token with --header 'Authorization: Bearer TOKEN'; a browser's \
                 EventSource can only send a cookie, or what is in the URL"
            }
            Self::Method => {
                "let it respond to GET; a page reads the response to a POST with fetch, and \
                 'tidings tail --data TEXT' in a terminal"
            }
            Self::Many => "let it serve each stream in a thread or task of its own",
            Self::Log => "see its log",
            Self::Tls => {
                "correct the URL, or see its log; if it speaks TLS there, give a URL of https, and \
                 --via"
            }
            Self::Url => "correct the URL",
            Self::Look => "start it, or correct the URL or the command of --via",
        }
    }

    /// For a proxy in front of it, if there is something to do there.
    pub(super) fn at(self, proxy: Proxy) -> Option<&'static str> {
        use Proxy::{Apache, Caddy, Cloudflare, Haproxy, Nginx, Traefik};
        Some(match (self, proxy) {
            (Self::Flush, Nginx) => {
                "proxy_buffering off; and no proxy_ignore_headers X-Accel-Buffering"
            }
            (Self::Flush, Caddy) => "reverse_proxy … { flush_interval -1 }",
            (Self::Flush, Traefik) => {
                "no buffering middleware, and responseForwarding: { flushInterval: -1ms }"
            }
            (Self::Flush | Self::NoDelay, Haproxy) => {
                "option http-no-delay, in frontend and backend"
            }
            (Self::Flush | Self::NoDelay, Apache) => "ProxyPass … flushpackets=on",
            (Self::Flush, Cloudflare) => "turn Response Buffering off, as it is by default",
            (Self::NoDelay, Nginx) => "tcp_nodelay on; as it is by default",
            (Self::Plain, Nginx) => "gzip off; in the location of the stream",
            (Self::Plain, Caddy) => {
                "@rest not path PATH and encode @rest gzip, in place of encode gzip"
            }
            (Self::Plain, Traefik) => "compress: { excludedContentTypes: [text/event-stream] }",
            (Self::Plain, Haproxy) => "a compression type without text/event-stream",
            (Self::Plain, Apache) => "SetEnvIf Request_URI ^PATH no-gzip no-brotli",
            (Self::Plain, Cloudflare) => "it obeys Cache-Control: no-transform",
            (Self::KeepOpen, Nginx) => "proxy_read_timeout 1h; (60 s unless set)",
            (Self::KeepOpen | Self::Last, Caddy) => {
                "no servers { timeouts { write } } in the global options"
            }
            (Self::KeepOpen | Self::Last, Traefik) => {
                "no respondingTimeouts: { writeTimeout } at the entry point, as by default"
            }
            (Self::KeepOpen, Haproxy) => "timeout client 1h and timeout server 1h",
            (Self::KeepOpen, Apache) => "ProxyTimeout 3600 (60 s unless Timeout or this is set)",
            (Self::KeepOpen, Cloudflare) => {
                "it closes after 100 s of silence: heartbeats alone help"
            }
            (Self::ComeBack, Nginx) => {
                "error_page 502 504 = @away; where @away is return 200 \"retry: 2000\\n\\n\"; with \
                 default_type text/event-stream;"
            }
            (Self::ComeBack, Caddy) => "reverse_proxy … { lb_try_duration 10s }",
            (Self::ComeBack, Traefik) => "retry: { attempts: 6, initialInterval: 250ms }",
            (Self::ComeBack, Haproxy) => "retries 10, and an http-error status 503 for streams",
            (Self::NoCache, Nginx) => "proxy_cache off;",
            (Self::NoCache, Haproxy) => "no http-request cache-use for streams",
            (Self::NoCache, Apache) => "CacheDisable PATH",
            (Self::NoCache, Cloudflare) => "a cache rule: bypass cache",
            (Self::Chunks, Nginx) => "proxy_http_version 1.1;",
            (Self::Chunks, Apache) => "no SetEnv downgrade-1.0 or force-response-1.0",
            (Self::OneOrigin, Nginx) => {
                "no add_header Access-Control-Allow-Origin beside the server's"
            }
            (Self::OneOrigin, Caddy) => "no header Access-Control-Allow-Origin beside the server's",
            (Self::OneOrigin, Traefik) => "no accessControlAllowOriginList beside the server's",
            (Self::OneOrigin, Haproxy) => {
                "no http-response add-header Access-Control-Allow-Origin beside the server's"
            }
            (Self::OneOrigin, Apache) => {
                "no Header add Access-Control-Allow-Origin beside the server's"
            }
            (Self::Name, Nginx) => "proxy_set_header Host $http_host;",
            (Self::Name, Apache) => "ProxyPreserveHost On",
            _ => return None,
        })
    }
}
