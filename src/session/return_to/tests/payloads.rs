//! Return URLs that are made to lead away: building blocks, crossed.
//!
//! The integration tests read this file too, for the same list has to hold through the app and in a browser.

use std::collections::BTreeSet;

/// What stands before a host so that one reader sees a path and another a URL.
const LEADS: &[&str] = &[
    // Slashes and backslashes.
    "/",
    "//",
    "///",
    "////",
    "/\\",
    "\\",
    "\\\\",
    "\\/",
    "/\\/",
    "\\/\\/",
    "//\\",
    // What browsers strip, and what they only look as if they did.
    "/\t/",
    "/\n/",
    "/\r/",
    "/\r\n\t/",
    "\t//",
    " //",
    "/ /",
    "/\0/",
    "\0//",
    "/\u{b}/",
    "/\u{1f}/",
    "/\u{7f}/",
    // Percent-encodings, once and twice.
    "/%09/",
    "/%0a/",
    "/%0D%0A/",
    "/%00/",
    "/%20/",
    "/%7f/",
    "/%2f",
    "/%2F/",
    "%2f%2f",
    "/%5c",
    "/%5C/",
    "%5c%5c",
    "/%252f",
    "/%252f%252f",
    "/%255c",
    "/%2509/",
    "/%25252f",
    "/%c0%af",
    "/%ef%bc%8f",
    "/%u002f",
    "/%",
    "/%2",
    // Dot segments, plain and encoded, before an empty segment.
    "/.//",
    "/..//",
    "/./..//",
    "/%2e//",
    "/%2E%2e//",
    "/.%2e//",
    "/.%2f/",
    "/..%2f/",
    "/%2e%2f%2f",
    "/..%5c/",
    "/..%252f/",
    "/.%09%2f/",
    "/%2e%2e/%2f",
    "/a/..//",
    "/a/%2e%2e//",
    "/a/..%2f/",
    "/a%2f..%2f%2f",
    "/a%2f%2e%2e%5c%5c",
    "/a/b/../..//",
    "/a//..//..//",
    "/...//",
    "./",
    "..//",
    ".",
    // Delimiters of the other parts of a URL.
    "/@",
    "//@",
    "@",
    "/:",
    ":",
    "/;/",
    "/;//",
    ";//",
    "/?//",
    "?//",
    "/#//",
    "#//",
    "/&/",
    "/=",
    "/*",
    // Other schemes, and ours with too few or too many slashes.
    "https:",
    "https:/",
    "https://",
    "https:///",
    "https:\\\\",
    "HTTPS://",
    "hTtP:",
    "ht\ttps://",
    "ftp://",
    "file://",
    "ws://",
    "javascript:",
    "JavaScript://",
    "java\tscript:",
    "java\nscript://",
    " javascript:",
    "\u{1}javascript:",
    "/javascript:",
    "data:text/html,",
    "blob:https://",
    "vbscript:",
    "view-source:https://",
    "about:",
    "mailto:",
    "intent://",
    // User information and hosts that begin as ours.
    "//app.example.com@",
    "//app.example.com:443@",
    "//app.example.com\\@",
    "//app.example.com%2f@",
    "//app.example.com.",
    "https://app.example.com@",
    "https://app.example.com:x@",
    "https://app.example.com%00.",
    "https://app.example.com.",
    "https://app.example.com/",
    "https://app.example.com:444/",
    "http://app.example.com/",
    // What looks like a slash, a dot or nothing.
    "\u{ff0f}\u{ff0f}",
    "/\u{ff0f}",
    "/\u{ff3c}",
    "/\u{2215}",
    "/\u{2044}",
    "/\u{29f8}",
    "/\u{29f5}",
    "/\u{ff0e}\u{ff0e}//",
    "/\u{2024}//",
    "/\u{200b}/",
    "/\u{2028}/",
    "/\u{a0}/",
    "/\u{3000}/",
    "\u{feff}//",
    "/\u{202e}//",
    "",
    // Plain paths, for what follows may undo them.
    "/a",
    "/a/",
    "/a;v=1/",
    "/a%20b/",
    "/a?to=",
    "/a?b#",
];

const HOSTS: &[&str] = &[
    "",
    "evil.example",
    "EVIL.example:8443",
    "evil.example.",
    "evil.example:",
    "user:password@evil.example",
    "evil%2eexample",
    "evil.example%00",
    "evil\u{3002}example",
    "\u{ff45}\u{ff56}\u{ff49}\u{ff4c}.example",
    "\u{e9}vil.example",
    "xn--vil-bla.example",
    "[::ffff:127.0.0.1]",
    "0x7f.1",
    "app.example.com.evil.example",
];

const TAILS: &[&str] = &[
    "",
    "/",
    "/..",
    "/%2e%2E/..//",
    "/../..//evil.example",
    "\\..\\",
    "?next=//evil.example",
    "?a[]={|}'",
    "#//evil.example",
    ";@app.example.com/",
    "%0d%0aLocation:%20https://evil.example",
];

/// What is put at each place of an ordinary URL.
const WEDGES: &[&str] = &[
    "/", "//", "\\", "\t", "\n", "\r", "\0", " ", "\u{7f}", "%", "%2", "%zz", "%00", "%09", "%0a",
    "%2f", "%5c", "%2e", "%252e", "%25", "@", ":", ";", "?", "#", "&", "=", "[", "]", "{", "|",
    "^", "`", "'", "\"", "<", "..", "/../", "/..", "\u{e4}", "\u{ff0f}", "\u{feff}", "https://",
    "~",
];

/// All payloads, each once.
pub(crate) fn payloads() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for lead in LEADS {
        for host in HOSTS {
            for tail in TAILS {
                all.insert(format!("{lead}{host}{tail}"));
            }
        }
    }
    let ordinary = "/a/b?c=d#e";
    for wedge in WEDGES {
        for at in 0..=ordinary.len() {
            let (before, after) = ordinary.split_at(at);
            all.insert(format!("{before}{wedge}{after}"));
        }
    }
    for long in ["a", "/", "/..", "/a/..", "%2f", "\\", "[", "/%2e%2e", "@"] {
        for length in [2047, 2048, 2049, 100_000] {
            let mut text = format!("/{}", long.repeat(length / long.len()));
            text.extend(std::iter::repeat_n('a', length.saturating_sub(text.len())));
            all.insert(text);
        }
    }
    all
}
