use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use url::Url;

use super::*;

const NOW: SecondsSinceEpoch = SecondsSinceEpoch(1_700_000_000);

fn states() -> LoginStates {
    let base = Url::parse("https://app.example.com").unwrap();
    let settings = CookieSettings::for_base_url(&base, None, false).unwrap();
    LoginStates::new("__Host-sso", settings)
}

fn sealer() -> Sealer {
    Sealer::new(vec![crate::CookieKey::generate()]).unwrap()
}

/// The names that are left when nothing more is removed, and the most removals of one answer.
fn kept(pairs: &[String]) -> (Vec<String>, usize) {
    let mut pairs = pairs.to_vec();
    let mut most = 0;
    loop {
        let field = pairs.join("; ");
        let gone = states().surplus([field.as_bytes()].into_iter(), NOW);
        if gone.is_empty() {
            break;
        }
        most = most.max(gone.len());
        let removed: BTreeSet<_> = gone
            .iter()
            .map(|cookie| format!("{}=v", cookie.name()))
            .collect();
        pairs.retain(|pair| !removed.contains(pair));
    }
    let names = pairs
        .iter()
        .map(|pair| pair.trim_end_matches("=v").to_owned());
    (names.collect(), most)
}

fn name() -> impl Strategy<Value = String> {
    let time = prop_oneof![
        (0_u64..2_000).prop_map(|ago| format!("{:x}", NOW.0 - ago)),
        Just("ffffffffffffffff".to_owned()),
        Just("10000000000000000".to_owned()),
        "[0-9a-gA-F+-]{0,18}",
    ];
    let hash = prop_oneof![3 => "[A-Za-z0-9_-]{16}", 1 => "[A-Za-z0-9_ é%-]{0,20}"];
    prop_oneof![
        8 => (time, hash).prop_map(|(time, hash)| format!("__Host-sso-login-{time}-{hash}")),
        1 => "__Host-sso-login-[!-:<>-~]{0,20}",
        1 => "[a-z_-]{1,20}",
    ]
}

proptest! {
    /// However many and whatever they are called: what stays is young, well named and leaves room for one.
    #[test]
    fn a_browser_keeps_few_attempts(names in prop::collection::btree_set(name(), 0..40)) {
        let pairs: Vec<_> = names.iter().map(|name| format!("{}=v", name.trim())).collect();
        let (kept, removed) = kept(&pairs);
        prop_assert!(removed <= MOST_REMOVALS);
        // No `Set-Cookie` field can remove a name beyond ASCII, so none counts.
        let ours = kept.iter().filter(|name| name.is_ascii());
        let ours: Vec<_> = ours.filter_map(|name| name.strip_prefix("__Host-sso-login-")).collect();
        prop_assert!(ours.len() < MOST_ATTEMPTS, "{ours:?}");
        for name in ours {
            let (time, hash) = name.split_once('-').unwrap();
            let time = u64::from_str_radix(time, 16).unwrap();
            prop_assert!(time.saturating_add(600) > NOW.0 && hash.len() == 16, "{name}");
        }
    }

    #[test]
    fn the_newest_attempts_stay(ages in prop::collection::btree_set(0_u64..600, 0..30)) {
        let pair = |age: &u64| format!("__Host-sso-login-{:x}-AAAAAAAAAAAAAAAA=v", NOW.0 - age);
        let pairs: Vec<_> = ages.iter().map(pair).collect();
        let youngest: Vec<_> = pairs.iter().take(MOST_ATTEMPTS - 1).map(|pair| pair.trim_end_matches("=v").to_owned()).collect();
        prop_assert_eq!(kept(&pairs).0, youngest);
    }

    /// Neither a made-up value nor a real one under another name is an attempt.
    #[test]
    fn only_an_own_seal_under_its_own_name_is_found(
        rubbish in vec(("[A-Za-z0-9_-]{0,24}", "[A-Za-z0-9_-]{0,90}"), 0..6),
        flip in any::<prop::sample::Index>(),
    ) {
        let (states, sealer) = (states(), sealer());
        let state = LoginState::new("https://idp.example.com", NOW, &ReturnTo::root());
        let text = state.state();
        let cookie = states.cookie(&sealer, state);
        let (name, value) = cookie.name_value();
        let find = |pairs: &[String]| {
            let field = pairs.join("; ");
            let found = states.find(&sealer, [field.as_bytes()].into_iter(), &text);
            found.map(|(name, _)| name.to_owned())
        };
        let mut pairs: Vec<_> = rubbish
            .iter()
            .map(|(end, value)| format!("__Host-sso-login-{end}={value}"))
            .collect();
        prop_assert_eq!(find(&pairs), None);
        pairs.push(format!("{name}x={value}"));
        pairs.push(format!("{}={value}", name.replacen("login-", "login-0", 1)));
        let mut bent = value.to_owned().into_bytes();
        let at = flip.index(bent.len());
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
        pairs.push(format!("{name}={}", String::from_utf8(bent).unwrap()));
        prop_assert_eq!(find(&pairs), None);
        pairs.push(format!("{name}={value}"));
        prop_assert_eq!(find(&pairs), Some(name.to_owned()));
    }
}
