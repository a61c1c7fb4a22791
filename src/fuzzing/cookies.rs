use std::sync::LazyLock;

use http::HeaderValue;
use url::Url;

use crate::CookieKey;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::{Purpose, Sealer, base64url, from_base64url};
use crate::session::ReturnTo;
use crate::session::cookie::{self, CookieSettings, Found};
use crate::session::login_state::{LoginState, LoginStates, MOST_ATTEMPTS};

const NAME: &str = "__Host-sso";
const PREFIX: &str = "__Host-sso-login-";
const NOW: SecondsSinceEpoch = SecondsSinceEpoch(1_700_000_000);

static STATES: LazyLock<LoginStates> = LazyLock::new(|| {
    let base = Url::parse("https://app.example").expect("the base URL is well-formed");
    let settings = CookieSettings::for_base_url(&base, None, false).expect("it is https");
    assert_eq!(settings.name, NAME);
    LoginStates::new(NAME, settings)
});

/// The scan of `Cookie` fields, a line each, finds what a plain reading finds, and the sign-in states that
/// it counts are few.
pub fn cookie_header(data: &[u8]) {
    let Some(fields) = fields(data) else {
        return;
    };
    let fields = || fields.iter().map(|field| field.as_bytes());
    let pairs = plain_reading(fields());

    let same_name: Vec<_> = pairs.iter().filter(|(name, _)| name == NAME).collect();
    let expected = match same_name.as_slice() {
        [] => Found::None,
        [(_, value)] if could_be_ours(value) => Found::One(value),
        [_] => Found::None,
        _ => Found::Twice,
    };
    assert_eq!(cookie::find(fields(), NAME), expected);

    let expected = pairs
        .iter()
        .filter(|(name, value)| name.starts_with(PREFIX) && could_be_ours(value))
        .filter(|(name, _)| name.chars().all(|c| u32::from(c) < 0x80));
    let expected: Vec<_> = expected
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .take(200)
        .collect();
    let found: Vec<_> = cookie::names_with_prefix(fields(), PREFIX).collect();
    assert_eq!(found, expected);

    let removals = STATES.surplus(fields(), NOW);
    let counted = found.iter().filter(|(name, _)| name.len() <= 128).count();
    let fits = counted - removals.len() < MOST_ATTEMPTS;
    assert!(
        fits || removals.len() == 20,
        "one more fits, or does so soon"
    );
    for (at, removal) in removals.iter().enumerate() {
        let name = removal.name();
        assert!(found.iter().any(|(found, _)| *found == name));
        // They differ in the name only, and dates are slow to write.
        if at < 4 {
            let field = removal.to_string();
            assert!(HeaderValue::from_str(&field).is_ok(), "it can be sent");
            assert!(field.starts_with(&format!("{name}=; ")));
        }
    }
}

/// The fields of a request, if an HTTP server would pass them on.
fn fields(data: &[u8]) -> Option<Vec<HeaderValue>> {
    let lines = data.split(|byte| *byte == b'\n');
    lines
        .map(|line| HeaderValue::from_bytes(line).ok())
        .collect()
}

/// All pairs, by way of a text in which each character is a byte.
fn plain_reading<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Vec<(String, String)> {
    let blank = |c: char| c == ' ' || c == '\t';
    let mut pairs = Vec::new();
    for field in fields {
        let text: String = field.iter().map(|byte| char::from(*byte)).collect();
        for pair in text.split(';') {
            if let Some((name, value)) = pair.split_once('=') {
                pairs.push((
                    name.trim_matches(blank).to_owned(),
                    value.trim_matches(blank).to_owned(),
                ));
            }
        }
    }
    pairs
}

fn could_be_ours(value: &str) -> bool {
    let base64url = |c| matches!(c, 'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '_');
    value.chars().all(base64url) && (1..=4096).contains(&value.len())
}

/// The first key of the ring that opens the states of this process, and a state sealed with it.
struct Attempt {
    sealer: Sealer,
    state: String,
    name: String,
    value: String,
}

static ATTEMPT: LazyLock<Attempt> = LazyLock::new(|| {
    let keys = (1..=2).map(|first| {
        CookieKey::new((0..32).map(|i| i + first).collect::<Vec<u8>>()).expect("a long key")
    });
    let sealer = Sealer::new(keys.collect()).expect("there is a key");
    let attempt = LoginState::new("https://idp.example", NOW, &ReturnTo::root());
    let state = attempt.state();
    let cookie = STATES.cookie(&sealer, attempt);
    Attempt {
        state,
        name: cookie.name().to_owned(),
        value: cookie.value().to_owned(),
        sealer,
    }
});

impl Attempt {
    fn find(&self, name: &str, value: &str) -> Option<LoginState> {
        let field = format!("{name}={value}");
        let fields = std::iter::once(field.as_bytes());
        let (found, state) = STATES.find(&self.sealer, fields, &self.state)?;
        assert_eq!((found, state.state()), (name, self.state.clone()));
        Some(state)
    }
}

/// Only what we sealed opens, whole, under its own name and for its own purpose. The first byte says how
/// the rest is offered.
pub fn login_state_cookie(data: &[u8]) {
    let Some((way, rest)) = data.split_first() else {
        return;
    };
    match way % 5 {
        0 => as_it_comes(rest),
        1 => under_the_right_name(rest),
        2 => bent(rest),
        3 => moved(rest),
        _ => sealed_by_us(rest),
    }
}

/// The first line is the `state` of the callback, the others are `Cookie` fields.
fn as_it_comes(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let state = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let fields: Vec<_> = lines.collect();
    let found = STATES.find(&ATTEMPT.sealer, fields.iter().copied(), &state);
    assert!(found.is_none(), "it was never sealed");
    let own = STATES.find(&ATTEMPT.sealer, fields.into_iter(), &ATTEMPT.state);
    assert!(own.is_none(), "it was never sealed");
}

/// With the right name and the right key id, so that the seal itself has to hold.
fn under_the_right_name(data: &[u8]) {
    let genuine = from_base64url(&ATTEMPT.value).expect("a seal is base64url");
    for start in [0, 4, 28] {
        let forged = [&genuine[..start], data].concat();
        if forged != genuine {
            let forged = base64url(&forged);
            assert!(ATTEMPT.find(&ATTEMPT.name, &forged).is_none());
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(text == ATTEMPT.value || ATTEMPT.find(&ATTEMPT.name, text).is_none());
    }
}

/// Each pair of bytes flips bits of the genuine seal.
fn bent(data: &[u8]) {
    let genuine = from_base64url(&ATTEMPT.value).expect("a seal is base64url");
    let mut bent = genuine.clone();
    for pair in data.chunks_exact(2) {
        let at = usize::from(pair[0]) % bent.len();
        bent[at] ^= pair[1];
    }
    let found = ATTEMPT.find(&ATTEMPT.name, &base64url(&bent));
    assert_eq!(found.is_some(), bent == genuine);
    let cut = &genuine[..usize::from(data.first().copied().unwrap_or(0)) % genuine.len()];
    assert!(ATTEMPT.find(&ATTEMPT.name, &base64url(cut)).is_none());
}

/// The genuine seal under another name, and for another purpose.
fn moved(data: &[u8]) {
    let Attempt {
        sealer,
        name,
        value,
        ..
    } = &*ATTEMPT;
    let purposes = [Purpose::SignInCount, Purpose::LogoutState];
    for purpose in purposes {
        assert_eq!(sealer.open(purpose, name, value), None);
    }
    let Ok(other) = std::str::from_utf8(data) else {
        return;
    };
    let opens = sealer.open(Purpose::LoginState, other, value).is_some();
    assert_eq!(opens, other == name);
    // Another time before the same hash: a name that passes for one of ours.
    let hash = name.rsplit_once('-').map_or("", |(_, hash)| hash);
    let renamed = format!("{PREFIX}{other}-{hash}");
    if !other.contains(['=', ';']) {
        assert_eq!(ATTEMPT.find(&renamed, value).is_some(), renamed == *name);
    }
}

/// Our own seal around anything: as a return URL it comes back if the parser takes it and it fits, as a
/// record of another version it is read or it is not.
fn sealed_by_us(data: &[u8]) {
    let Attempt { sealer, name, .. } = &*ATTEMPT;
    let record = sealer.seal(Purpose::LoginState, name, data);
    assert!(ATTEMPT.find(name, &record).is_none(), "its seed is another");
    if let Ok(state) = serde_json::from_slice::<LoginState>(data) {
        assert_eq!(
            ReturnTo::parse(state.return_to().as_str()),
            Some(state.return_to())
        );
        assert!(!state.is_over(state.began_at) || state.began_at.0 == u64::MAX);
    }
    let Some(to) = std::str::from_utf8(data).ok().and_then(ReturnTo::parse) else {
        return;
    };
    let attempt = LoginState::new("https://idp.example", NOW, &to);
    let state = attempt.state();
    let cookie = STATES.cookie(sealer, attempt);
    assert!(cookie.name().len() + cookie.value().len() <= 700);
    let field = format!("{}={}", cookie.name(), cookie.value());
    let fields = std::iter::once(field.as_bytes());
    let (_, found) = STATES.find(sealer, fields, &state).expect("it is ours");
    let kept = found.return_to();
    assert!(kept == to || kept == to.path_only() || kept == ReturnTo::root());
}
