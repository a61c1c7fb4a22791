use std::sync::LazyLock;

use url::Url;

use super::percent_decoded;
use crate::BaseUrl;
use crate::session::ReturnTo;

const ORIGIN: &str = "https://app.example";

static BASE: LazyLock<BaseUrl> =
    LazyLock::new(|| BaseUrl::parse(ORIGIN).expect("the base URL is well-formed"));

/// A return URL that is accepted stays on our origin, for every reader of it.
pub fn return_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Some(to) = ReturnTo::parse(text) {
        assert_stays(&to);
        assert_as_a_browser_reads_it(text, &to);
        let path = to.path_only();
        assert!(to.as_str().starts_with(path.as_str()) && !path.as_str().contains('?'));
        assert_stays(&path);
    }
    // `Referer` and `HX-Current-URL` are absolute.
    if let Some(to) = BASE.same_origin_path(text) {
        assert_stays(&to);
        let url = Url::parse(text).expect("what begins with our origin is a URL");
        assert_eq!(url.origin().ascii_serialization(), ORIGIN);
        assert_as_a_browser_reads_it(text, &to);
    }
}

fn assert_stays(to: &ReturnTo) {
    let text = to.as_str();
    assert!(text.len() <= 2048 && text.starts_with('/'));
    assert!(
        text.bytes()
            .all(|byte| (0x21..=0x7e).contains(&byte) && !b"\\\"<>#".contains(&byte)),
        "every character can stand in a Location field"
    );
    assert_eq!(ReturnTo::parse(text).as_ref(), Some(to), "it is normal");
    let joined = base().join(text).expect("it is a reference");
    assert_eq!(joined.as_str(), format!("{ORIGIN}{text}"), "to the letter");
    assert_eq!(joined.as_str(), BASE.join(text));
    // A proxy or an app that decodes once more.
    let path = text.split('?').next().unwrap_or_default();
    if let Ok(decoded) = String::from_utf8(percent_decoded(path)) {
        let joined = base().join(&decoded).expect("it is a reference");
        assert_eq!(joined.origin().ascii_serialization(), ORIGIN, "{decoded:?}");
        // And resolves its dots, and passes on the path alone.
        let is_path = !decoded.contains(['?', '#']);
        assert!(
            !is_path || has_drive_letter(&decoded) || !joined.path().starts_with("//"),
            "{decoded:?}"
        );
    }
}

fn assert_as_a_browser_reads_it(text: &str, to: &ReturnTo) {
    let read = base().join(text).expect("it is a reference");
    assert_eq!(read.origin().ascii_serialization(), ORIGIN);
    let (path, query) = match to.as_str().split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (to.as_str(), None),
    };
    assert!(
        has_drive_letter(text) || read.path() == path,
        "{read} is not {path}"
    );
    // Our own writing has more percent-encodings, and means the same.
    assert_eq!(
        read.query().map(percent_decoded),
        query.map(percent_decoded)
    );
}

/// The `url` crate keeps `/a:` before `..` under every scheme; WHATWG URL ("shorten a URL's path") and
/// browsers do so for `file:` alone.
fn has_drive_letter(text: &str) -> bool {
    text.split(['/', '\\']).any(|segment| {
        let [letter, b':' | b'|'] = segment.as_bytes() else {
            return false;
        };
        letter.is_ascii_alphabetic()
    })
}

fn base() -> &'static Url {
    BASE.url()
}
