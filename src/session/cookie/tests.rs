mod properties;

use super::*;

fn settings(base: &str, name: Option<&str>, embedded: bool) -> Result<CookieSettings> {
    CookieSettings::for_base_url(&Url::parse(base).unwrap(), name, embedded)
}

#[test]
fn attributes_fit_where_the_app_lives() {
    const AGE: Option<Duration> = Some(Duration::from_secs(600));
    let rows = [
        (
            "https://app.example",
            false,
            "__Host-sso=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600",
        ),
        (
            "https://app.example:8443/x",
            false,
            "__Host-sso=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600",
        ),
        (
            "https://localhost:3000",
            false,
            "__Host-sso=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600",
        ),
        (
            "http://localhost:3000",
            false,
            "sso-3000=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=600",
        ),
        (
            "http://127.0.0.1",
            false,
            "sso-80=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=600",
        ),
        (
            "http://app.example",
            false,
            "sso-80=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=600",
        ),
        (
            "https://app.example",
            true,
            "__Host-sso=v; HttpOnly; SameSite=None; Partitioned; Secure; Path=/; Max-Age=600",
        ),
        (
            "http://app.localhost:3000",
            true,
            "sso-3000=v; HttpOnly; SameSite=None; Partitioned; Secure; Path=/; Max-Age=600",
        ),
    ];
    for (base, embedded, expected) in rows {
        let settings = settings(base, None, embedded).unwrap();
        let cookie = settings.set(&settings.name, "v", AGE);
        assert_eq!(cookie.to_string(), expected, "{base}");
    }
    assert!(settings("http://app.example", None, true).is_err());
}

#[test]
fn a_cookie_for_a_form_post_crosses_sites() {
    let rows = [
        (
            "https://app.example",
            false,
            "n=v; HttpOnly; SameSite=None; Secure; Path=/",
        ),
        (
            "http://localhost:3000",
            false,
            "n=v; HttpOnly; SameSite=None; Secure; Path=/",
        ),
        (
            "https://app.example",
            true,
            "n=v; HttpOnly; SameSite=None; Partitioned; Secure; Path=/",
        ),
    ];
    for (base, embedded, expected) in rows {
        let settings = settings(base, None, embedded).unwrap().cross_site();
        assert_eq!(settings.set("n", "v", None).to_string(), expected);
    }
}

#[test]
fn a_removal_repeats_every_attribute() {
    for (base, embedded) in [
        ("https://app.example", false),
        ("http://localhost:3000", false),
        ("https://app.example", true),
        ("http://localhost:3000", true),
    ] {
        let settings = settings(base, None, embedded).unwrap();
        for settings in [settings.cross_site(), settings] {
            let set = settings.set("n", "", None).to_string();
            assert_eq!(
                settings.removal("n").to_string(),
                format!("{set}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
            );
        }
    }
}

#[test]
fn a_name_is_a_token_and_keeps_the_rules_of_its_prefix() {
    let (https, http) = ("https://app.example", "http://localhost:3000");
    let long = "n".repeat(65);
    let rows: &[(&str, &str, bool)] = &[
        (https, "app", true),
        (http, "app", true),
        (https, "__Host-app", true),
        (https, "__Secure-app", true),
        (http, "__Host-app", false),
        (http, "__Secure-app", false),
        (http, "__HOST-app", false),
        (http, "__secure-app", false),
        (http, "__Hostapp", true),
        (https, "a!#$%&'*+-.^_`|~9", true),
        (https, &long[1..], true),
        (https, &long, false),
        (https, "", false),
        (https, "a b", false),
        (https, "a=b", false),
        (https, "a;b", false),
        (https, "a,b", false),
        (https, "a\"b", false),
        (https, "a\\b", false),
        (https, "a\r\nb", false),
        (https, "a/b", false),
        (https, "ä", false),
    ];
    for (base, name, fits) in rows {
        let settings = settings(base, Some(name), false);
        assert_eq!(settings.is_ok(), *fits, "{base} {name}");
        assert!(settings.is_ok_and(|settings| settings.name == *name) || !fits);
    }
}

#[test]
fn loopback_is_known_by_name() {
    let rows = [
        ("http://localhost", true),
        ("http://LOCALHOST:80", true),
        ("http://localhost.", true),
        ("http://app.localhost:3000", true),
        ("http://127.0.0.1", true),
        ("http://127.9.9.9", true),
        ("http://[::1]:3000", true),
        ("http://0.0.0.0", false),
        ("http://128.0.0.1", false),
        ("http://192.168.0.1", false),
        ("http://[::]", false),
        ("http://localhost.example", false),
        ("http://notlocalhost", false),
        ("http://127.0.0.1.example", false),
    ];
    for (url, expected) in rows {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
    }
}

#[test]
fn a_scan_finds_ours_and_only_ours() {
    use Found::{None, One, Twice};
    let rows: &[(&[&[u8]], Found<'_>)] = &[
        (&[], None),
        (&[b""], None),
        (&[b"sso=abc"], One("abc")),
        (&[b"a=b; sso=aB3-_; c=d"], One("aB3-_")),
        (&[b"a=b", b"sso=abc", b"c=d"], One("abc")),
        (&[b"a=b;sso=abc;"], One("abc")),
        (&[b";;; ; sso=abc"], One("abc")),
        (&[b"\tsso=abc\t; a=b"], One("abc")),
        (&[b"a=\xff\xfe; sso=abc; \xf0=\x80; ==; =x; y"], One("abc")),
        (&[b"a=\"x; sso=abc; y\"; b=c"], One("abc")),
        (&[b"sso=a; sso=b"], Twice),
        (&[b"sso=a", b"sso=a"], Twice),
        (&[b"sso=abc; sso=\xff"], Twice),
        (&[b"sso=abc; sso="], Twice),
        (&[b"sso=abc; sso=\"abc\""], Twice),
        (&[b"sso"], None),
        (&[b"sso="], None),
        (&[b"sso=\"abc\""], None),
        (&[b"sso=a b"], None),
        (&[b"sso=abc="], None),
        (&[b"sso=a+b"], None),
        (&[b"sso=a/b"], None),
        (&[b"sso=a.b"], None),
        (&[b"sso=a%41"], None),
        (&[b"sso=\xc3\xa4"], None),
        (&[b"sso=\xff"], None),
        (&[b"sso=a\0"], None),
        (&[b"SSO=abc"], None),
        (&[b"xsso=abc; ssox=abc; sso-3000=abc"], None),
        (&[b"a=sso=abc"], None),
    ];
    for (fields, expected) in rows {
        assert_eq!(find(fields.iter().copied(), "sso"), *expected, "{fields:?}");
    }
}

#[test]
fn a_value_is_bounded() {
    let find = |length: usize| {
        let field = format!("sso={}", "a".repeat(length));
        matches!(find([field.as_bytes()].into_iter(), "sso"), Found::One(_))
    };
    assert!(find(MAX_VALUE));
    assert!(!find(MAX_VALUE + 1));
}

#[test]
fn a_scan_reads_500_cookies_and_64_kb() {
    let many: String = (0..500).map(|n| format!("cookie{n}=value{n}; ")).collect();
    let field = format!("{many}sso=abc");
    assert_eq!(
        find([field.as_bytes()].into_iter(), "sso"),
        Found::One("abc")
    );

    let big = format!(
        "a={}; sso=abc; b={}",
        "x".repeat(32 << 10),
        "=;".repeat(16 << 10)
    );
    assert!(big.len() >= 64 << 10);
    assert_eq!(find([big.as_bytes()].into_iter(), "sso"), Found::One("abc"));
}

#[test]
fn login_states_are_found_by_prefix() {
    let fields: [&[u8]; 2] = [
        b"sso=s; sso-login-1-a=x; other-login-1-b=x; sso-login-2-b=\"q\"; sso-login-\xff=x",
        b"sso-login-3-c=z; SSO-login-4-d=x; sso-login-5-e",
    ];
    let found: Vec<_> = names_with_prefix(fields.into_iter(), "sso-login-").collect();
    assert_eq!(found, [("sso-login-1-a", "x"), ("sso-login-3-c", "z")]);
}

#[test]
fn login_states_of_another_port_are_not_ours() {
    let field: &[u8] = b"sso-3000-login-1=a; sso-30001-login-2=b; sso-300-login-3=c";
    let found: Vec<_> = names_with_prefix([field].into_iter(), "sso-3000-login-").collect();
    assert_eq!(found, [("sso-3000-login-1", "a")]);
}

#[test]
fn a_flood_of_login_states_is_bounded() {
    let field: String = (0..10_000).map(|n| format!("sso-login-{n}=v; ")).collect();
    let found = names_with_prefix([field.as_bytes()].into_iter(), "sso-login-");
    assert_eq!(found.count(), MAX_WITH_PREFIX);
}
