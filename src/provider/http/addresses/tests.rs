use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}

fn url(text: &str) -> Url {
    Url::parse(text).expect(text)
}

/// First and last address of each block of IANA's two registries, with its neighbours outside where these are
/// public.
#[test]
fn special_purpose_addresses_are_not_public_up_to_their_edges() {
    for (before, first, last, after) in [
        // IPv4: "this network", private use, shared, loopback, link local.
        ("", "0.0.0.0", "0.255.255.255", "1.0.0.0"),
        ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
        (
            "100.63.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "100.128.0.0",
        ),
        (
            "126.255.255.255",
            "127.0.0.0",
            "127.255.255.255",
            "128.0.0.0",
        ),
        (
            "168.63.129.15",
            "168.63.129.16",
            "168.63.129.16",
            "168.63.129.17",
        ),
        (
            "169.253.255.255",
            "169.254.0.0",
            "169.254.255.255",
            "169.255.0.0",
        ),
        (
            "172.15.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "172.32.0.0",
        ),
        // IETF protocol assignments, documentation, AS112, AMT, 6to4 relays, private use, AS112.
        ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
        ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
        (
            "192.31.195.255",
            "192.31.196.0",
            "192.31.196.255",
            "192.31.197.0",
        ),
        (
            "192.52.192.255",
            "192.52.193.0",
            "192.52.193.255",
            "192.52.194.0",
        ),
        (
            "192.88.98.255",
            "192.88.99.0",
            "192.88.99.255",
            "192.88.100.0",
        ),
        (
            "192.167.255.255",
            "192.168.0.0",
            "192.168.255.255",
            "192.169.0.0",
        ),
        (
            "192.175.47.255",
            "192.175.48.0",
            "192.175.48.255",
            "192.175.49.0",
        ),
        // Benchmarking, documentation, multicast, reserved and broadcast.
        (
            "198.17.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.20.0.0",
        ),
        (
            "198.51.99.255",
            "198.51.100.0",
            "198.51.100.255",
            "198.51.101.0",
        ),
        (
            "203.0.112.255",
            "203.0.113.0",
            "203.0.113.255",
            "203.0.114.0",
        ),
        ("223.255.255.255", "224.0.0.0", "239.255.255.255", ""),
        ("", "240.0.0.0", "255.255.255.255", ""),
        // IPv6: unspecified, loopback, IPv4-compatible, IPv4-mapped, local NAT64, discard.
        ("", "::", "::ffff:ffff", ""),
        ("", "::ffff:0.0.0.0", "::ffff:255.255.255.255", ""),
        ("", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", ""),
        ("", "100::", "100::ffff:ffff:ffff:ffff", ""),
        (
            "",
            "100:0:0:1::",
            "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2000::",
        ),
        // Protocol assignments (Teredo, benchmarking, ORCHID), documentation, 6to4, AS112, documentation.
        (
            "2000:ffff:ffff:ffff::",
            "2001::",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:200::",
        ),
        (
            "2001:db7:ffff::",
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db9::",
        ),
        (
            "2001:ffff::",
            "2002::",
            "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2003::",
        ),
        (
            "2620:4f:7fff::",
            "2620:4f:8000::",
            "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
            "2620:4f:8001::",
        ),
        (
            "3ffe:ffff::",
            "3fff::",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "3fff:1000::",
        ),
        // SRv6, unique local, link-local, site-local, multicast.
        ("", "4000::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
        ("", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
        ("", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
        ("", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
        ("", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
    ] {
        for inside in [first, last] {
            assert!(!is_public(ip(inside)), "{inside}");
        }
        for outside in [before, after].into_iter().filter(|text| !text.is_empty()) {
            assert!(is_public(ip(outside)), "{outside}");
        }
    }
}

#[test]
fn what_clouds_serve_their_machines_is_not_public() {
    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
    ] {
        assert!(!is_public(ip(address)), "{address}");
    }
}

#[test]
fn the_internet_is_public() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "20.190.159.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2001:4860:4860::8888",
        "2a00:1450:4001::1",
        "64:ff9b::8.8.8.8",
    ] {
        assert!(is_public(ip(address)), "{address}");
    }
}

proptest! {
    #[test]
    fn no_ipv6_spelling_makes_an_ipv4_address_more_public(bits: u32, rest: u64) {
        let v4 = Ipv4Addr::from(bits);
        let [a, b, c, d] = v4.octets();
        let halves = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
        let mapped = v4.to_ipv6_mapped();
        let compatible = Ipv6Addr::from(u128::from(bits));
        let nat64 = Ipv6Addr::from((0x0064_ff9b_u128 << 96) | u128::from(bits));
        let local_nat64 = Ipv6Addr::from((0x0064_ff9b_0001_u128 << 80) | u128::from(bits));
        let six_to_four = Ipv6Addr::from(
            (0x2002_u128 << 112) | (u128::from(bits) << 80) | u128::from(rest),
        );
        let teredo = Ipv6Addr::new(0x2001, 0, halves[0], halves[1], 0, 0, !halves[0], !halves[1]);
        for address in [mapped, compatible, local_nat64, six_to_four, teredo] {
            prop_assert!(!is_public(address.into()), "{}", address);
        }
        prop_assert_eq!(is_public(nat64.into()), is_public(v4.into()));
        let std_private = v4.is_private() || v4.is_loopback() || v4.is_link_local()
            || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast() || v4.is_documentation();
        prop_assert!(!(std_private && is_public(v4.into())), "{}", v4);
    }
}

/// What `url` makes an address of, and what only looks like one.
#[test]
fn a_url_is_refused_in_every_spelling_of_a_private_address() {
    for text in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://%31%32%37.0.0.1/",
        "https://１２７.0.0.1/",
        "https://127。0。0。1/",
        "https://0/",
        "https://10.0.0.1:8443/x",
        "https://169.254.169.254/latest/meta-data",
        "https://2852039166/",
        "https://0xa9fea9fe/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[0:0:0:0:0:ffff:7f00:0001]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://idp.localhost:3001/",
        "https://a.b.localhost./",
        "https://ｌocalhost/",
    ] {
        assert!(!Addresses::PublicOnly.allow(&url(text)), "{text}");
        assert!(Addresses::Any.allow(&url(text)), "{text}");
    }
}

#[test]
fn a_url_is_refused_by_its_scheme_and_its_user_information() {
    for text in [
        "http://idp.example.com/",
        "ftp://idp.example.com/",
        "file:///etc/passwd",
        "data:,x",
        "unix:/run/app.sock",
        "https://alice@idp.example.com/",
        "https://:secret@idp.example.com/",
        "https://idp.example.com@127.0.0.1/",
    ] {
        assert!(!Addresses::PublicOnly.allow(&url(text)), "{text}");
    }
}

#[test]
fn a_public_url_is_called_at_any_port() {
    for text in [
        "https://idp.example.com/x?y",
        "https://idp.example.com:9443/",
        "https://localhost.example.com/",
        "https://notlocalhost/",
        "https://9.9.9.9/",
        "https://[2606:4700:4700::1111]:8443/",
    ] {
        assert!(Addresses::PublicOnly.allow(&url(text)), "{text}");
    }
}

#[test]
fn of_many_addresses_the_public_ones_stay() {
    let all = || -> Vec<SocketAddr> {
        [
            "10.0.0.1",
            "9.9.9.9",
            "::1",
            "2606:4700:4700::1111",
            "127.0.0.1",
        ]
        .map(|text| (ip(text), 0).into())
        .to_vec()
    };
    let public: Vec<SocketAddr> = ["9.9.9.9", "2606:4700:4700::1111"]
        .map(|text| (ip(text), 0).into())
        .to_vec();
    assert_eq!(Addresses::PublicOnly.among(all()), public);
    assert_eq!(Addresses::Any.among(all()), all());
}

#[test]
fn localhost_is_the_last_label() {
    for (name, expected) in [
        ("localhost", true),
        ("LocalHost", true),
        ("localhost.", true),
        ("idp.localhost", true),
        ("a.b.localhost.", true),
        ("mylocalhost", false),
        ("localhost.example", false),
        ("example.com", false),
        ("", false),
    ] {
        assert_eq!(is_localhost(name), expected, "{name}");
    }
}
