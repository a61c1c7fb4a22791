//! The rules of the room, a row each. 10.0.0.0/8 and fd00::/8 are proxies, everybody else is not.

use super::*;

const PROXY: &str = "10.0.0.1";
const STRANGER: &str = "203.0.113.9";

fn proxies(family: ForwardedHeaders) -> Proxies {
    let trusted = TrustedProxies::parse(&["10.0.0.0/8", "fd00::/8", "unix"]).unwrap();
    Proxies::new(trusted, family)
}

fn peer(address: &str) -> Option<PeerAddress> {
    Some(PeerAddress::from(address.parse::<IpAddr>().unwrap()))
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name: HeaderName = name.parse().unwrap();
        let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(name, value);
    }
    headers
}

/// What `X-Forwarded-*` fields say by way of the proxy.
fn by_x(lines: &[(&str, &str)]) -> Sender {
    proxies(ForwardedHeaders::XForwarded).read(peer(PROXY), &headers(lines))
}

/// What `Forwarded` fields say by way of the proxy.
fn by_rfc(fields: &[&str]) -> Sender {
    let lines: Vec<_> = fields.iter().map(|field| ("forwarded", *field)).collect();
    proxies(ForwardedHeaders::Forwarded).read(peer(PROXY), &headers(&lines))
}

fn address_of(sender: &Sender) -> String {
    sender.address.map(|ip| ip.to_string()).unwrap_or_default()
}

#[test]
fn the_client_is_the_first_from_the_right_that_is_no_proxy() {
    let rows: &[(&[&str], &str)] = &[
        (&[], PROXY),
        (&["192.0.2.1"], "192.0.2.1"),
        (&["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        (&["6.6.6.6", "192.0.2.1"], "192.0.2.1"),
        (&["192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        (&["6.6.6.6,192.0.2.1,10.0.0.3", "10.0.0.2"], "192.0.2.1"),
        (&["6.6.6.6, 192.0.2.1, fd00::2"], "192.0.2.1"),
        // All of them are ours: the farthest began it.
        (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        // With ports, as some write them.
        (&["192.0.2.1:4711"], "192.0.2.1"),
        (&["2001:db8::1"], "2001:db8::1"),
        (&["[2001:db8::1]"], "2001:db8::1"),
        (&["[2001:db8::1]:4711"], "2001:db8::1"),
        (&["::ffff:192.0.2.1"], "192.0.2.1"),
        (&["192.0.2.1, ::ffff:10.0.0.2"], "192.0.2.1"),
        // What can't be read ends the chain: no word of the client's own is taken in its place.
        (&["6.6.6.6, unknown"], PROXY),
        (&["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
        (&["6.6.6.6, , 10.0.0.2"], "10.0.0.2"),
        (&["6.6.6.6, 1.2.3.4.5"], PROXY),
        (&["6.6.6.6, 192.0.2.256"], PROXY),
        (&["6.6.6.6, 192.0.2.1:"], PROXY),
        (&["6.6.6.6, 192.0.2.1:x y"], PROXY),
        (&["6.6.6.6, [192.0.2.1]"], PROXY),
        (&["6.6.6.6, [2001:db8::1"], PROXY),
        (&["6.6.6.6, [2001:db8::1]x"], PROXY),
        (&["6.6.6.6, fe80::1%eth0"], PROXY),
        (&["6.6.6.6, é"], PROXY),
        (&["6.6.6.6, \"192.0.2.1\""], PROXY),
        (&[""], PROXY),
    ];
    for (fields, expected) in rows {
        let lines: Vec<_> = fields.iter().map(|f| ("x-forwarded-for", *f)).collect();
        assert_eq!(address_of(&by_x(&lines)), *expected, "{fields:?}");
    }
}

#[test]
fn nothing_is_believed_of_a_stranger() {
    let lines = headers(&[
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "app.example"),
        ("forwarded", "for=192.0.2.1;proto=https;host=app.example"),
    ]);
    for family in [ForwardedHeaders::XForwarded, ForwardedHeaders::Forwarded] {
        let nobody = Proxies::new(TrustedProxies::default(), family);
        for (proxies, from, expected) in [
            (&proxies(family), peer(STRANGER), STRANGER),
            (&proxies(family), None, ""),
            (&nobody, peer("127.0.0.1"), "127.0.0.1"),
            (&nobody, Some(PeerAddress::local()), ""),
        ] {
            let sender = proxies.read(from, &lines);
            assert_eq!(address_of(&sender), expected, "{from:?}");
            assert_eq!((sender.scheme, sender.host), (None, None), "{from:?}");
        }
        for from in [
            peer(PROXY),
            peer("::ffff:10.0.0.1"),
            Some(PeerAddress::local()),
        ] {
            let sender = proxies(family).read(from, &lines);
            assert_eq!(address_of(&sender), "192.0.2.1", "{from:?}");
            assert_eq!(sender.scheme, Some("https"));
            assert_eq!(sender.host.as_deref(), Some("app.example"));
        }
    }
}

/// A proxy that writes the one passes the other on as the client sent it.
#[test]
fn the_other_family_is_not_read() {
    let forged = "for=6.6.6.6;proto=https;host=evil.example";
    let sender = by_x(&[("forwarded", forged), ("x-forwarded-for", "192.0.2.1")]);
    assert_eq!(address_of(&sender), "192.0.2.1");
    assert_eq!((sender.scheme, sender.host), (None, None));

    let lines = headers(&[
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "for=192.0.2.1"),
    ]);
    let sender = proxies(ForwardedHeaders::Forwarded).read(peer(PROXY), &lines);
    assert_eq!(address_of(&sender), "192.0.2.1");
    assert_eq!((sender.scheme, sender.host), (None, None));
}

#[test]
fn scheme_and_host_are_the_nearest_proxys() {
    type Lines = &'static [(&'static str, &'static str)];
    let rows: &[(Lines, Option<&str>, Option<&str>)] = &[
        (
            &[("proto", "https"), ("host", "a.example")],
            Some("https"),
            Some("a.example"),
        ),
        (
            &[("proto", "HTTP"), ("host", "A.Example:8080")],
            Some("http"),
            Some("a.example:8080"),
        ),
        (
            &[
                ("proto", "http, https"),
                ("host", "evil.example, a.example"),
            ],
            Some("https"),
            Some("a.example"),
        ),
        (
            &[("proto", "http"), ("proto", "https")],
            Some("https"),
            None,
        ),
        (
            &[("proto", "https"), ("host", "a.example:443")],
            Some("https"),
            Some("a.example"),
        ),
        (
            &[("proto", "http"), ("host", "a.example:443")],
            Some("http"),
            Some("a.example:443"),
        ),
        (
            &[("proto", "https"), ("host", "a.example"), ("port", "8443")],
            Some("https"),
            Some("a.example:8443"),
        ),
        (
            &[("proto", "https"), ("host", "a.example"), ("port", "443")],
            Some("https"),
            Some("a.example"),
        ),
        (
            &[("host", "a.example:1"), ("port", "2")],
            None,
            Some("a.example:1"),
        ),
        (
            &[("host", "a.example"), ("port", "70000")],
            None,
            Some("a.example"),
        ),
        (
            &[("host", "[2001:db8::1]:8443")],
            None,
            Some("[2001:db8::1]:8443"),
        ),
        (&[("proto", "ftp")], None, None),
        (&[("proto", "https, ")], None, None),
        (&[("host", "user@a.example")], None, None),
        (&[("host", "a.example/path")], None, None),
        (&[("host", "a.example:port")], None, None),
        (&[("host", "a b")], None, None),
        (&[("host", "")], None, None),
        (&[("host", "é.example")], None, None),
    ];
    for (lines, scheme, host) in rows {
        let named: Vec<_> = lines
            .iter()
            .map(|(name, value)| (format!("x-forwarded-{name}"), *value))
            .collect();
        let named: Vec<_> = named.iter().map(|(name, v)| (name.as_str(), *v)).collect();
        let sender = by_x(&named);
        assert_eq!(
            (sender.scheme, sender.host.as_deref()),
            (*scheme, *host),
            "{lines:?}"
        );
    }
    let long = format!("{}.example", "a".repeat(300));
    assert_eq!(by_x(&[("x-forwarded-host", &long)]).host, None);
}

/// RFC 7239: the examples of sections 4, 6 and 7, and what is malformed by its grammar.
#[test]
fn forwarded_is_read_as_its_grammar_says() {
    let rows: &[(&[&str], &str)] = &[
        (&["for=192.0.2.60;proto=http;by=203.0.113.43"], "192.0.2.60"),
        (&["For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
        (&["for=\"[2001:db8:cafe::17]\""], "2001:db8:cafe::17"),
        (&["for=\"192.0.2.43:47011\""], "192.0.2.43"),
        (&["for=\"192.0.2.43:_port\""], "192.0.2.43"),
        (&["for=192.0.2.43, for=10.0.0.2"], "192.0.2.43"),
        (&["for=192.0.2.43", "for=\"[fd00::2]\""], "192.0.2.43"),
        (
            &["for=6.6.6.6, for=192.0.2.43;by=10.0.0.1,FOR=10.0.0.2 ; proto=http"],
            "192.0.2.43",
        ),
        (&["for=\"192\\.0.2.43\""], "192.0.2.43"),
        (&["for=192.0.2.43;ext=\"a,b;c=\\\"d\""], "192.0.2.43"),
        (&[";for=192.0.2.43;;"], "192.0.2.43"),
        // Hidden, or not said.
        (&["for=6.6.6.6, for=unknown"], PROXY),
        (&["for=6.6.6.6, for=_hidden"], PROXY),
        (
            &["for=6.6.6.6, for=\"_gazonk:80\", for=10.0.0.2"],
            "10.0.0.2",
        ),
        (&["for=6.6.6.6, proto=https"], PROXY),
        // Malformed: the whole field, and what came before it.
        (&["for=6.6.6.6, for=192.0.2.43:47011"], PROXY),
        (&["for=6.6.6.6, for=[2001:db8::1]"], PROXY),
        (&["for=6.6.6.6, for"], PROXY),
        (&["for=6.6.6.6, for="], PROXY),
        (&["for=6.6.6.6, for = 192.0.2.43"], PROXY),
        (&["for=6.6.6.6, for=192.0.2.43 proto=http"], PROXY),
        (&["for=6.6.6.6, for=\"192.0.2.43"], PROXY),
        (&["for=6.6.6.6, for=\"192.0.2.43\\"], PROXY),
        (&["for=6.6.6.6, for=\"192.0.2.43\"x"], PROXY),
        (&["for=6.6.6.6, for=\"é\""], PROXY),
        (&["for=6.6.6.6;for=192.0.2.43"], PROXY),
        (&["for=6.6.6.6", "for=\"", "for=10.0.0.2"], "10.0.0.2"),
        (&["for=\"6.6.6.6", "for=192.0.2.43"], "192.0.2.43"),
        // A client that opens a quote to swallow what the proxy appends.
        (&["for=6.6.6.6;x=\", for=\"[2001:db8::1]\""], PROXY),
        (&["for=6.6.6.6;x=\"\\, for=192.0.2.43"], PROXY),
        (&[""], PROXY),
    ];
    for (fields, expected) in rows {
        assert_eq!(address_of(&by_rfc(fields)), *expected, "{fields:?}");
    }
    for (fields, scheme, host) in [
        (
            &["proto=http;host=evil.example, proto=https;host=\"a.example:443\""][..],
            Some("https"),
            Some("a.example"),
        ),
        (
            &["host=evil.example;proto=http", "for=192.0.2.1"],
            None,
            None,
        ),
        (&["proto=https;host=evil.example", "proto=\""], None, None),
        (&["proto=https;proto=http"], None, None),
        (&["host=a.example;host=b.example"], None, None),
        (&["host=\"a.example:8443\""], None, Some("a.example:8443")),
    ] {
        let sender = by_rfc(fields);
        assert_eq!(
            (sender.scheme, sender.host.as_deref()),
            (scheme, host),
            "{fields:?}"
        );
    }
}

#[test]
fn the_work_is_bounded() {
    let chain = |count: usize, separator: &str, node: &str| vec![node; count].join(separator);
    let full = format!("192.0.2.1,{}", chain(LONGEST_CHAIN - 1, ",", "10.0.0.2"));
    assert_eq!(
        address_of(&by_x(&[("x-forwarded-for", &full)])),
        "192.0.2.1"
    );
    let longer = format!("192.0.2.1,{}", chain(LONGEST_CHAIN, ",", "10.0.0.2"));
    assert_eq!(
        address_of(&by_x(&[("x-forwarded-for", &longer)])),
        "10.0.0.2"
    );

    let full = format!(
        "for=192.0.2.1,{}",
        chain(LONGEST_CHAIN - 1, ",", "for=10.0.0.2")
    );
    assert_eq!(address_of(&by_rfc(&[&full])), "192.0.2.1");
    let longer = format!(
        "for=192.0.2.1,{}",
        chain(LONGEST_CHAIN, ",", "for=10.0.0.2")
    );
    assert_eq!(address_of(&by_rfc(&[&longer])), PROXY);
    let lines = vec!["for=10.0.0.2"; LONGEST_CHAIN];
    let lines = [&["for=192.0.2.1"], lines.as_slice()].concat();
    assert_eq!(address_of(&by_rfc(&lines)), "10.0.0.2");
    let long = format!("for=192.0.2.1;x={}", "y".repeat(5000));
    assert_eq!(address_of(&by_rfc(&[&long])), PROXY);
}

#[test]
fn what_is_kept_for_later_says_the_same() {
    let lines = headers(&[
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-for", "10.0.0.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "a.example"),
        ("x-forwarded-port", "8443"),
        ("forwarded", "for=192.0.2.2"),
        ("forwarded", "for=10.0.0.2"),
        ("cookie", "secret"),
    ]);
    for (family, count) in [
        (ForwardedHeaders::XForwarded, 5),
        (ForwardedHeaders::Forwarded, 2),
    ] {
        let proxies = proxies(family);
        let kept = proxies.keep(&lines);
        assert_eq!(kept.len(), count);
        assert_eq!(
            proxies.read(peer(PROXY), &kept),
            proxies.read(peer(PROXY), &lines)
        );
    }
}

/// What a client sends to be somebody else: any text, and what proxies write, whole or broken off.
fn claims() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let piece = proptest::sample::select(vec![
        "6.6.6.6",
        " [2001:db8::6]:80",
        "10.0.0.9",
        "for=6.6.6.6",
        "for=10.0.0.9;proto=http",
        "for=\"[2001:db8::6]\"",
        "for=6.6.6.6;x=\"",
        "\\",
        "for",
        "unknown",
    ]);
    let pieces = proptest::collection::vec(piece, 1..4);
    prop_oneof![".{0,80}", pieces.prop_map(|pieces| pieces.join(","))]
}

proptest::proptest! {
    /// Whatever a client sends before it, a proxy's own element at the end decides; and nothing panics.
    #[test]
    fn a_client_cannot_name_itself(sent in claims(), more in claims()) {
        let clean = |text: &str| text.replace(|c: char| c.is_control(), "");
        let (sent, more) = (clean(&sent), clean(&more));
        let appended = format!("{sent},192.0.2.1");
        let sender = by_x(&[("x-forwarded-for", &more), ("x-forwarded-for", &appended)]);
        proptest::prop_assert_eq!(address_of(&sender), "192.0.2.1");

        let sender = by_rfc(&[&more, &sent, "for=192.0.2.1"]);
        proptest::prop_assert_eq!(address_of(&sender), "192.0.2.1");
        let sender = by_rfc(&[&more, &format!("{sent}, for=192.0.2.1;proto=https")]);
        // At worst the client makes the proxy's word unreadable, and stays behind it.
        let address = address_of(&sender);
        proptest::prop_assert!(address == "192.0.2.1" || address == PROXY, "{}", address);
    }
}
