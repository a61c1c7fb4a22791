//! Factors, and what they are worth: `amr` (RFC 8176) and `acr`.

/// The levels of this provider, the best first; each includes those after it.
const LADDER: [&str; 3] = [
    "urn:example:gold",
    "urn:example:silver",
    "urn:example:bronze",
];

/// All `acr` values that somebody can reach here.
///
/// | acr | what it takes |
/// |---|---|
/// | `urn:example:bronze` | any factor |
/// | `urn:example:silver` | a password, or gold |
/// | `urn:example:gold` | factors of two kinds, or a security key |
/// | `mfa` | factors of two kinds |
/// | `phr`, `phrh` | a security key (OpenID EAP ACR Values 1.0) |
pub(super) const ACR_VALUES: [&str; 6] = [LADDER[2], LADDER[1], LADDER[0], "mfa", "phr", "phrh"];

/// What a person shows on the sign-in page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Factor {
    Password,
    Otp,
    SecurityKey,
}

impl Factor {
    pub(super) const ALL: [Self; 3] = [Self::Password, Self::Otp, Self::SecurityKey];

    pub(super) fn from_form(value: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|factor| factor.form_value() == value)
    }

    pub(super) fn form_value(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Otp => "otp",
            Self::SecurityKey => "security_key",
        }
    }

    pub(super) fn amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Otp => "otp",
            Self::SecurityKey => "hwk",
        }
    }
}

/// The `amr` of one authentication: what was shown now, after what a step-up builds on; with `mfa` when
/// factors of two kinds are in it.
pub(super) fn amr(before: &[String], now: &[Factor]) -> Vec<String> {
    let mut methods: Vec<String> = before.iter().filter(|m| *m != "mfa").cloned().collect();
    for factor in now {
        if !methods.iter().any(|known| known == factor.amr()) {
            methods.push(factor.amr().to_owned());
        }
    }
    if kinds(&methods) > 1 {
        methods.push("mfa".to_owned());
    }
    methods
}

/// How many of knowledge, possession and inherence are among the methods (RFC 8176 section 2).
fn kinds(methods: &[String]) -> usize {
    let has = |kind: &[&str]| methods.iter().any(|method| kind.contains(&&**method));
    usize::from(has(&["pwd", "pin", "kba"]))
        + usize::from(has(&["otp", "hwk", "swk", "sc", "sms", "tel"]))
        + usize::from(has(&["face", "fpt", "iris", "retina", "vbm"]))
}

/// Whether methods are worth an `acr`.
pub(super) fn reaches(methods: &[String], acr: &str) -> bool {
    let has = |method: &str| methods.iter().any(|known| known == method);
    let two = kinds(methods) > 1 || has("mfa");
    match acr {
        "mfa" => two,
        "phr" | "phrh" => has("hwk"),
        "urn:example:gold" => two || has("hwk"),
        "urn:example:silver" => has("pwd") || two || has("hwk"),
        "urn:example:bronze" => !methods.is_empty(),
        _ => false,
    }
}

/// The `acr` that an answer states: the first of those asked for that holds, else the best of the ladder.
pub(super) fn acr<'a>(methods: &[String], asked: &'a [String]) -> Option<&'a str> {
    asked
        .iter()
        .map(String::as_str)
        .chain(LADDER)
        .find(|acr| reaches(methods, acr))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Factor::{Otp, Password, SecurityKey};

    #[test]
    fn factors_are_worth_what_their_kinds_are() {
        for (factors, methods, best) in [
            (&[Password][..], &["pwd"][..], "urn:example:silver"),
            (&[Otp], &["otp"], "urn:example:bronze"),
            (&[SecurityKey], &["hwk"], "urn:example:gold"),
            (&[Password, Otp], &["pwd", "otp", "mfa"], "urn:example:gold"),
            (&[Otp, SecurityKey], &["otp", "hwk"], "urn:example:gold"),
        ] {
            let amr = amr(&[], factors);
            assert_eq!(amr, methods);
            assert_eq!(acr(&amr, &[]), Some(best), "{methods:?}");
        }
        let one_kind = amr(&[], &[Otp, SecurityKey]);
        assert!(!reaches(&one_kind, "mfa") && reaches(&one_kind, "phr"));
        assert!(!reaches(&[], "urn:example:bronze") && acr(&[], &[]).is_none());
    }

    #[test]
    fn a_step_up_adds_to_the_session() {
        let before = amr(&[], &[Password]);
        assert_eq!(amr(&before, &[Otp]), ["pwd", "otp", "mfa"]);
        let before = amr(&before, &[Otp]);
        assert_eq!(amr(&before, &[SecurityKey]), ["pwd", "otp", "hwk", "mfa"]);
    }

    #[test]
    fn the_first_asked_level_that_holds_is_stated() {
        let asked = |values: &[&str]| values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>();
        let password = amr(&[], &[Password]);
        let values = asked(&["urn:example:gold", "urn:example:bronze"]);
        assert_eq!(acr(&password, &values), Some("urn:example:bronze"));
        let values = asked(&["urn:other"]);
        assert_eq!(acr(&password, &values), Some("urn:example:silver"));
    }
}
