//! The query or form that a browser brings.

use super::*;

const ONCE: [&str; 7] = [
    "code",
    "state",
    "error",
    "error_description",
    "error_uri",
    "iss",
    "session_state",
];

type Pairs = Vec<(String, String)>;

fn pairs() -> impl Strategy<Value = Pairs> {
    let name = prop_oneof![
        9 => prop::sample::select(&ONCE[..]).prop_map(str::to_owned),
        3 => "[a-z]{0,3}|\\PC{0,3}|CODE| code|code ",
    ];
    let value = prop_oneof![
        6 => "\\PC{0,6}",
        3 => "[ -~]{1,6}",
        1 => "[\\x00-\\x1f\u{2028}\u{202e}\u{2066}]{0,3}",
        1 => prop::sample::select(&[1_024_usize, 1_025, 2_049, 16_384, 16_385][..])
            .prop_map(|length| "v".repeat(length)),
    ];
    vec((name, value), 0..6)
}

fn encoded(pairs: &Pairs) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// What a well-formed answer means: a code, an error, or nothing that may be used.
fn meaning(pairs: &Pairs) -> Option<&'static str> {
    let one = |wanted: &str| {
        let mut values = pairs.iter().filter(|(name, _)| name == wanted);
        match (values.next(), values.next()) {
            (None, _) => Some(""),
            (Some((_, value)), None) => Some(value.as_str()),
            _ => None,
        }
    };
    for name in ONCE {
        one(name)?;
    }
    let bounds = [("code", 16 * 1024), ("state", 1024), ("iss", 2048)];
    if bounds
        .iter()
        .any(|(name, bound)| one(name).is_some_and(|value| value.len() > *bound))
    {
        return None;
    }
    // Controls and what turns the direction of a line do not count as text.
    let visible = |c: char| {
        !c.is_control()
            && !('\u{2028}'..='\u{202e}').contains(&c)
            && !('\u{2066}'..='\u{2069}').contains(&c)
    };
    match (one("code")?, one("error")?, one("state")?) {
        (code, "", state) if !code.is_empty() && !state.is_empty() => Some("code"),
        ("", error, _) if error.contains(visible) => Some("error"),
        _ => None,
    }
}

/// Whether each name and value has whole escapes and is UTF-8 once decoded.
fn is_well_formed(form: &[u8]) -> bool {
    form.split(|byte| matches!(byte, b'&')).all(|pair| {
        pair.splitn(2, |byte| *byte == b'=').all(|part| {
            let whole = part.iter().enumerate().all(|(at, byte)| {
                let digits = part.get(at + 1..at + 3);
                *byte != b'%' || digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
            });
            whole && percent_encoding::percent_decode(part).decode_utf8().is_ok()
        })
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(
            &[
                "&", "=", "+", "%", "%2", "%41", "%c3", "%a4", "%ff", "%00", "a", "code",
                "state=s", "ä"
            ][..]
        )
        .prop_map(|text| text.as_bytes().to_vec()),
        vec(any::<u8>(), 0..3),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_well_formed_answer_means_what_its_parameters_say(pairs in pairs()) {
        let parsed = AuthorizationResponse::parse(encoded(&pairs).as_bytes()).ok();
        let own = |name: &str| {
            let found = pairs.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let seen = match &parsed {
            Some(AuthorizationResponse::Code { code, .. }) => {
                prop_assert_eq!(Some(code.expose().as_str()), own("code"));
                Some("code")
            }
            Some(AuthorizationResponse::Error { error, description, .. }) => {
                prop_assert!(error.chars().count() <= 100 && !error.contains(char::is_control));
                let description = description.clone().unwrap_or_default();
                prop_assert!(description.chars().count() <= 500 && !description.contains(char::is_control));
                Some("error")
            }
            None => None,
        };
        prop_assert_eq!(seen, meaning(&pairs));
        if let Some(parsed) = parsed {
            prop_assert_eq!((parsed.state(), parsed.iss()), (own("state"), own("iss")));
        }
    }

    /// Also where the name of the second is written in escapes, or has no value.
    #[test]
    fn a_parameter_that_comes_again_is_refused(
        name in prop::sample::select(&ONCE[..]),
        place in any::<bool>(),
        escaped in any::<bool>(),
        value in "[a-z]{0,2}",
    ) {
        for good in ["code=c&state=s", "error=e&state=s"] {
            let first = if good.contains(&format!("{name}=")) { good.to_owned() } else { format!("{good}&{name}=x") };
            // A code beside an error is refused for another reason.
            if !(name == "error" && good.starts_with("code") || name == "code" && good.starts_with("error")) {
                prop_assert!(AuthorizationResponse::parse(first.as_bytes()).is_ok());
            }
            let spelled = if escaped { format!("%{:02x}{}", name.as_bytes()[0], &name[1..]) } else { name.to_owned() };
            let again = if place { format!("{spelled}={value}&{first}") } else { format!("{first}&{spelled}={value}") };
            prop_assert!(AuthorizationResponse::parse(again.as_bytes()).is_err(), "{again}");
        }
    }

    #[test]
    fn a_form_is_read_as_others_read_it_or_not_at_all(form in bytes()) {
        let ours: Result<Pairs, _> = form::pairs(&form).collect();
        prop_assert_eq!(ours.is_ok(), is_well_formed(&form));
        if let Ok(ours) = ours {
            let theirs: Pairs = form_urlencoded::parse(&form).into_owned().collect();
            prop_assert_eq!(ours, theirs);
        } else {
            prop_assert!(AuthorizationResponse::parse(&form).is_err());
        }
    }
}
