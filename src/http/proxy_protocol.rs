//! What a proxy may say before anything else on a connection: for which client it has it. This is
//! the PROXY protocol, as HAProxy's `proxy-protocol.txt` describes it (sections 2.1 and 2.2).
//!
//! ```text
//! PROXY TCP4 203.0.113.9 192.0.2.60 50412 443 CRLF     version 1 is a line: the client's address,
//! PROXY TCP6 2001:db8::9 2001:db8::60 50412 443 CRLF   that to which it connected, both ports
//! PROXY UNKNOWN CRLF
//!
//! 0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A                  version 2 begins with a signature
//! 21 11 00 0C                                          PROXY, TCP4, 12 bytes follow
//! CB 00 71 09 C0 00 02 3C C4 EC 01 BB                  the same as above, and perhaps more
//! ```
//!
//! Everything after that is the client's own, to the byte.

use std::net::IpAddr;
use std::str;

use super::refusal::Refusal;

/// With its CRLF: room for two addresses of IPv6 in full (section 2.1).
const LONGEST_LINE: usize = 107;

/// No line of HTTP, SMTP or the like begins so.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What comes before the addresses: the signature, a byte for the version and the command, one for
/// the family, two for the length.
const FIXED: usize = 16;

/// How many bytes may follow that: the addresses, and what a proxy says of TLS and the like. They
/// are kept until all have come.
const LONGEST: usize = 4096;

/// Version 2, for a connection of the proxy's own, such as a check whether we are there.
const LOCAL: u8 = 0x20;
/// Version 2, for a client's.
const PROXY: u8 = 0x21;

const BAD: Refusal = Refusal::bad_request(
    "this server expects connections from this address to begin with the PROXY protocol, \
     version 1 or 2, as the address is that of a proxy which speaks it",
);

/// The client, if the proxy names its address, and how many bytes it took to say so.
pub(super) type Preface = (Option<IpAddr>, usize);

/// Reads what has come of a connection by now. `None` if it goes on.
pub(super) fn parse(input: &[u8]) -> Result<Option<Preface>, Refusal> {
    let begins = |with: &[u8]| input.iter().zip(with).all(|(one, other)| one == other);
    match input {
        _ if begins(SIGNATURE) => binary(input),
        _ if begins(b"PROXY ") => line(input),
        _ => Err(BAD),
    }
}

fn line(input: &[u8]) -> Result<Option<Preface>, Refusal> {
    let line = &input[..input.len().min(LONGEST_LINE)];
    let Some(end) = line.windows(2).position(|two| two == b"\r\n") else {
        return if line.len() < LONGEST_LINE { Ok(None) } else { Err(BAD) };
    };
    let client = str::from_utf8(&line[..end]).ok().and_then(client_of).ok_or(BAD)?;
    Ok(Some((client, end + 2)))
}

/// The client that a line names, perhaps none; `None` if it is no such line.
fn client_of(line: &str) -> Option<Option<IpAddr>> {
    if line
        .strip_prefix("PROXY UNKNOWN")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    {
        return Some(None);
    }
    let mut words = [""; 6];
    for (at, word) in line.split(' ').enumerate() {
        *words.get_mut(at)? = word;
    }
    let [_, family, client, to, ports @ ..] = words;
    let [client, to] = [client.parse::<IpAddr>().ok()?, to.parse().ok()?];
    let is_4 = match family {
        "TCP4" => true,
        "TCP6" => false,
        _ => return None,
    };
    let is_whole = [client, to].iter().all(|address: &IpAddr| address.is_ipv4() == is_4)
        && ports.iter().all(|port| port.parse::<u16>().is_ok());
    is_whole.then_some(Some(client.to_canonical()))
}

fn binary(input: &[u8]) -> Result<Option<Preface>, Refusal> {
    let Some((fixed, rest)) = input.split_first_chunk::<FIXED>() else { return Ok(None) };
    let [.., command, family, high, low] = *fixed;
    let len = usize::from(u16::from_be_bytes([high, low]));
    if !matches!(command, LOCAL | PROXY) || len > LONGEST {
        return Err(BAD);
    }
    let Some(addresses) = rest.get(..len) else { return Ok(None) };
    // Both addresses come before both ports. Other families, such as unix sockets, have no address
    // that a peer could be told by.
    let client = match (command, family) {
        (PROXY, 0x11) if len >= 12 => addresses.first_chunk::<4>().map(|ip| IpAddr::from(*ip)),
        (PROXY, 0x21) if len >= 36 => addresses.first_chunk::<16>().map(|ip| IpAddr::from(*ip)),
        (PROXY, 0x11 | 0x21) => return Err(BAD),
        _ => None,
    };
    Ok(Some((client.map(|client| client.to_canonical()), FIXED + len)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn text(input: impl AsRef<[u8]>) -> String {
        match parse(input.as_ref()) {
            Ok(Some((Some(client), taken))) => format!("{client} {taken}"),
            Ok(Some((None, taken))) => format!("nobody {taken}"),
            Ok(None) => "more".into(),
            Err(refusal) => refusal.status().code().to_string(),
        }
    }

    /// Version 2 with this command and family, and these bytes after them.
    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &len, rest].concat()
    }

    const FOUR: &[u8] = &[203, 0, 113, 9, 192, 0, 2, 60, 0xC4, 0xEC, 1, 0xBB];

    fn six() -> Vec<u8> {
        let [from, to]: [Ipv6Addr; 2] = ["2001:db8::9", "::1"].map(|ip| ip.parse().unwrap());
        [&from.octets()[..], &to.octets(), &[0xC4, 0xEC, 1, 0xBB]].concat()
    }

    #[test]
    fn a_line_names_the_client() {
        for (line, said) in [
            ("PROXY TCP4 203.0.113.9 192.0.2.60 50412 443\r\n", "203.0.113.9 45"),
            ("PROXY TCP4 203.0.113.9 192.0.2.60 50412 443\r\nGET / HTTP/1.1\r\n", "203.0.113.9 45"),
            ("PROXY TCP6 2001:db8::9 ::1 50412 443\r\n", "2001:db8::9 38"),
            ("PROXY TCP6 ::ffff:203.0.113.9 ::1 50412 443\r\n", "203.0.113.9 45"),
            ("PROXY UNKNOWN\r\n", "nobody 15"),
            ("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "nobody 59"),
            ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 56"),
        ] {
            assert_eq!(text(line), said, "{line}");
            let end = line.find('\n').unwrap();
            for cut in 0..=end {
                assert_eq!(text(&line[..cut]), "more", "{line} {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_such_line_is_refused() {
        for bad in [
            "GET / HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\n",
            "PR /",
            "proxy TCP4 203.0.113.9 192.0.2.60 50412 443\r\n",
            "PROXY\r\n",
            "PROXY  TCP4 203.0.113.9 192.0.2.60 50412 443\r\n",
            "PROXY TCP4  203.0.113.9 192.0.2.60 50412 443\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.60 50412 443 \r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.60 50412\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.60\r\n",
            "PROXY TCP4 203.0.113.9\r\n",
            "PROXY TCP4\r\n",
            "PROXY \r\n",
            "PROXY UDP4 203.0.113.9 192.0.2.60 50412 443\r\n",
            "PROXY TCP4 2001:db8::9 ::1 50412 443\r\n",
            "PROXY TCP4 203.0.113.9 ::1 50412 443\r\n",
            "PROXY TCP6 203.0.113.9 192.0.2.60 50412 443\r\n",
            "PROXY TCP4 203.0.113.256 192.0.2.60 50412 443\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.60 65536 443\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.60 1 -1\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.60 1 \u{e9}\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.60 50412 443\nGET / HTTP/1.1\r\n",
        ] {
            assert_eq!(text(bad), "400", "{bad}");
        }
        let long = |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
        assert_eq!(text(long(LONGEST_LINE)), "nobody 107");
        assert_eq!(text(long(LONGEST_LINE + 1)), "400");
        assert_eq!(text(&long(LONGEST_LINE + 1)[..LONGEST_LINE]), "400");
    }

    #[test]
    fn version_2_says_the_same_in_bytes() {
        let vendors = [FOUR, &[0xEA, 0, 3, 1, 2, 3]].concat();
        for (bytes, said) in [
            (v2(PROXY, 0x11, FOUR), "203.0.113.9 28"),
            (v2(PROXY, 0x11, &vendors), "203.0.113.9 34"),
            (v2(PROXY, 0x21, &six()), "2001:db8::9 52"),
            (v2(PROXY, 0x31, &[b'/'; 216]), "nobody 232"),
            (v2(PROXY, 0x00, &[]), "nobody 16"),
            (v2(PROXY, 0x12, FOUR), "nobody 28"),
            (v2(LOCAL, 0x00, &[]), "nobody 16"),
            (v2(LOCAL, 0x11, FOUR), "nobody 28"),
            (v2(PROXY, 0x00, &[0; LONGEST]), "nobody 4112"),
        ] {
            assert_eq!(text(&bytes), said);
            assert_eq!(text([&bytes[..], b"GET / HTTP/1.1\r\n"].concat()), said);
            for cut in 0..bytes.len() {
                assert_eq!(text(&bytes[..cut]), "more", "{said} {cut}");
            }
        }
        for bad in [
            v2(PROXY, 0x11, &FOUR[..11]),
            v2(PROXY, 0x21, &six()[..35]),
            v2(0x11, 0x11, FOUR),
            v2(0x31, 0x11, FOUR),
            v2(0x22, 0x11, FOUR),
            v2(PROXY, 0x00, &[0; LONGEST + 1]),
        ] {
            assert_eq!(text(&bad), "400", "{bad:x?}");
        }
        let mut one_wrong = v2(PROXY, 0x11, FOUR);
        for at in 0..SIGNATURE.len() {
            one_wrong[at] ^= 1;
            assert_eq!(text(&one_wrong[..=at]), "400", "{at}");
            one_wrong[at] ^= 1;
        }
    }
}
