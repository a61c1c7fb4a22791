mod oracle;
mod payloads;

use proptest::prelude::*;
use url::Url;

use super::*;

fn base() -> Url {
    Url::parse("https://app.example/deep/page?x=1").unwrap()
}

fn parse(text: &str) -> Option<String> {
    ReturnTo::parse(text).map(|to| to.to_string())
}

/// What every accepted URL must be, as the `url` crate (the WHATWG parser, as browsers have it) sees it.
fn stays(text: &str) {
    let Some(accepted) = parse(text) else { return };
    assert!(
        accepted.starts_with('/') && !accepted.starts_with("//"),
        "{text:?}"
    );
    assert!(
        accepted
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    );
    let ours = base().join(&accepted).unwrap();
    assert_eq!(ours.origin(), base().origin(), "{text:?}");
    assert_eq!(
        ours.as_str(),
        format!("https://app.example{accepted}"),
        "{text:?}"
    );
    let theirs = base().join(text).unwrap();
    assert_eq!(theirs.origin(), base().origin(), "{text:?}");
    assert_eq!(theirs.path(), ours.path(), "{text:?}");
    assert_eq!(parse(&accepted), Some(accepted), "{text:?} is not stable");
}

#[test]
fn keeps_what_is_a_path_of_ours() {
    let rows = [
        ("/", "/"),
        ("/?", "/?"),
        ("/payroll", "/payroll"),
        ("/payroll/", "/payroll/"),
        ("/a//b", "/a//b"),
        ("/a?b=c&d=e", "/a?b=c&d=e"),
        (
            "/a?next=https://other.example/",
            "/a?next=https://other.example/",
        ),
        ("/a?b?c", "/a?b?c"),
        ("/a?//evil.example", "/a?//evil.example"),
        ("/a%20b?c=%C3%A4", "/a%20b?c=%C3%A4"),
        ("/%C3%A4", "/%C3%A4"),
        ("/a;v=1,2/(b)!$&'*+=:@~", "/a;v=1,2/(b)!$&'*+=:@~"),
        ("/@evil.example", "/@evil.example"),
        ("/a%2fb", "/a%2fb"),
        ("/a#part", "/a"),
        ("/a?b#//evil.example", "/a?b"),
        ("/#", "/"),
        ("/a?tags[]=x|y", "/a?tags%5B%5D=x%7Cy"),
        ("/a?b={`^'}", "/a?b=%7B%60%5E%27%7D"),
        ("/.", "/"),
        ("/..", "/"),
        ("/../../..", "/"),
        ("/./a", "/a"),
        ("/a/.", "/a/"),
        ("/a/./b", "/a/b"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/a/../b", "/b"),
        ("/../b", "/b"),
        ("/a/%2e%2E/b", "/b"),
        ("/a/.%2e/b", "/b"),
        ("/a/%2E./b", "/b"),
        ("/a/%2e/b", "/a/b"),
        ("/a/.../b", "/a/.../b"),
        ("/...", "/..."),
        ("/a/.b/..c", "/a/.b/..c"),
        ("/a/..?b", "/?b"),
        ("/a?../..", "/a?../.."),
        ("/javascript:alert(1)", "/javascript:alert(1)"),
    ];
    for (text, expected) in rows {
        assert_eq!(parse(text).as_deref(), Some(expected), "{text:?}");
        stays(text);
    }
}

#[test]
fn refuses_what_could_leave() {
    let rows = [
        "",
        " ",
        "payroll",
        "?a",
        "#a",
        ".",
        "..",
        "//",
        "///",
        "////",
        "//evil.example",
        "//evil.example/",
        "///evil.example",
        "////evil.example/%2f..",
        "//user@evil.example",
        "//app.example@evil.example/",
        "//app.example/",
        "//..",
        "//../",
        "//../evil.example",
        "//./",
        "//%2e%2e/evil.example",
        "//[::1]/",
        "//0x7f000001/",
        "//evil%2eexample/",
        "/\\evil.example",
        "\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\\/evil.example",
        "//\\evil.example",
        "/\\\\evil.example",
        "/a\\..\\\\evil.example",
        "/a?b=\\",
        "/a#\\",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "/\r\n/evil.example",
        "/\u{b}/evil.example",
        "/\u{c}/evil.example",
        "/\0/evil.example",
        "/\u{7f}/evil.example",
        "\t//evil.example",
        "\n//evil.example",
        " //evil.example",
        " /a",
        "/a ",
        "/a b",
        "/ /evil.example",
        "/a\r\nSet-Cookie:%20a=b",
        "/a?b\nc",
        "/a#b\nc",
        "/%09/evil.example",
        "/%0a/evil.example",
        "/%0A/evil.example",
        "/%0d/evil.example",
        "/%0D%0A/evil.example",
        "/%00/evil.example",
        "/%20/evil.example",
        "/%7f/evil.example",
        "/%2f/evil.example",
        "/%2F/evil.example",
        "/%2fevil.example",
        "/%2f%2fevil.example",
        "/%5c/evil.example",
        "/%5C/evil.example",
        "/%5cevil.example",
        "/%252fevil.example",
        "/a/../%252fevil.example",
        "/a/../%20evil.example",
        "/%255cevil.example",
        "/%2509/evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/./%2fevil.example",
        "/../%5cevil.example",
        "/%2e//evil.example",
        "/%2e%2e//evil.example",
        "/a/..//evil.example",
        "/a/../%09/evil.example",
        "/a/%2e%2e//evil.example",
        "/a/.%2E//evil.example",
        "/a/b/../..//evil.example",
        "/.%2f/evil.example",
        "/a/..%2f/evil.example",
        "/a%2f..%5c%2fevil.example",
        "/a/..%2f%09/evil.example",
        "/.%2f%25",
        "/.%2f%252fevil.example",
        "/a/../..//evil.example",
        "/./..//evil.example",
        "/a/../\\evil.example",
        "/a%",
        "/a%2",
        "/a%zz",
        "/%",
        "/%%32%66evil.example",
        "/a?b=%",
        "/a?b=%4",
        "/a#%g0",
        "/a#b#c",
        "/a\"b",
        "/a<b>",
        "/a?b=<c>",
        "/a?b=\"",
        "/a[b]",
        "/a{b}",
        "/a|b",
        "/a^b",
        "/a`b",
        "/ä",
        "/a?ä",
        "/a#ä",
        "/\u{2024}\u{2024}/a",
        "/\u{ff0e}\u{ff0e}/a",
        "/\u{ff0f}evil.example",
        "/\u{2215}evil.example",
        "/\u{29f5}evil.example",
        "\u{ff0f}\u{ff0f}evil.example",
        "/\u{3002}evil",
        "/\u{200b}/evil.example",
        "/\u{a0}/evil.example",
        "/\u{2028}/evil.example",
        "\u{feff}/a",
        "/\u{feff}/evil.example",
        "http:",
        "http:/",
        "http:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https://evil.example",
        "https://evil.example/",
        "https://app.example",
        "https://app.example/",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "https://app.example:443@evil.example/",
        "https:\\\\evil.example",
        "https:\\/evil.example",
        "HTTPS://EVIL.EXAMPLE",
        "hTTps:evil.example",
        "ftp://evil.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "\u{1}javascript:alert(1)",
        "javascript://app.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:msgbox(1)",
        "blob:https://app.example/1",
        "about:blank",
        "view-source:https://evil.example",
        "mailto:a@evil.example",
        "evil.example",
        "evil.example/a",
        "www.evil.example",
        "@evil.example",
        ":evil.example",
        ":80",
        ".evil.example",
        ";//evil.example",
        "?//evil.example",
        "#//evil.example",
        "%2f%2fevil.example",
        "%2f/evil.example",
        "%5cevil.example",
        "*",
        "a:b",
    ];
    for text in rows {
        assert_eq!(parse(text), None, "{text:?}");
    }
}

#[test]
fn nothing_built_of_tricks_leaves() {
    let starts = [
        "/",
        "//",
        "///",
        "/\\",
        "\\",
        "\\/",
        "/.",
        "/..",
        "/./",
        "/../",
        "/a/..",
        "/a/../",
        "/%2e%2e/",
        "/%2f",
        "/%5c",
        "/%09/",
        "/%0d%0a/",
        "/\t/",
        "/;/",
        "/@",
        "/:",
        "/?",
        "/#",
        "",
        ".",
        "..",
        "https:",
        "https:/",
        "https://",
        "javascript:",
        "/%2e%2e",
        "/%252e%252e/",
    ];
    let middles = [
        "", "/", "//", "\\", "@", "%2f", ".", "..", "/../", ";", ":", "?", "#", "\u{3002}",
    ];
    let ends = [
        "evil.example",
        "/evil.example",
        "evil.example/..",
        "a@evil.example",
        "\\evil.example",
        "",
    ];
    for start in starts {
        for middle in middles {
            for end in ends {
                stays(&format!("{start}{middle}{end}"));
            }
        }
    }
}

#[test]
fn is_bounded_before_and_after_encoding() {
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    assert!(parse(&path(MAX_LENGTH)).is_some());
    assert_eq!(parse(&path(MAX_LENGTH + 1)), None);
    assert_eq!(parse(&format!("/?{}", "[".repeat(MAX_LENGTH - 2))), None);
    assert_eq!(parse(&"/..".repeat(1 << 20)), None);
}

#[test]
fn a_path_alone_is_short() {
    let to = ReturnTo::parse("/a?b=/c?d").unwrap();
    assert_eq!(to.path_only().as_str(), "/a");
    assert_eq!(to.path_only().path_only().as_str(), "/a");
    assert_eq!(ReturnTo::root().as_str(), "/");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_accepted_text_stays(text in "\\PC{0,40}") {
        stays(&text);
    }

    #[test]
    fn any_accepted_path_of_nasty_pieces_stays(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "/", "/", "\\", ".", "..", "%2e", "%2E", "%2f", "%5c", "%09", "%0a", "%25", "?", "#", "@",
                ":", ";", "&", "=", "'", "[", "]", "|", "a", "evil.example", "https:", "\t", "\n", " ", "\0",
                "ä", "。", "%c3%a4", "%", "~", "*",
            ]),
            0..14,
        ),
        slash in any::<bool>(),
    ) {
        let text = pieces.concat();
        stays(&if slash { format!("/{text}") } else { text });
    }
}
