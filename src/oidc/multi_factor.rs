//! When an authentication counts as multi-factor.

/// What kind of thing a method proves (RFC 8176 section 2 lists the methods).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Factor {
    Know,
    Have,
    Are,
}

/// Whether one authentication was multi-factor: `amr` has `mfa`, or `acr` is one of `mfa_acr_values`,
/// or `amr` has methods of two kinds (RFC 8176 section 2).
///
/// Known kinds: something one knows (`pwd`, `pin`, `kba`), has (`otp`, `hwk`, `swk`, `sc`, `sms`,
/// `tel`), is (`face`, `fpt`, `iris`, `retina`, `vbm`). Anything else counts nothing, `mca` and `user`
/// among them: neither says that two kinds were used. `amr` must be that of one ID token: a union over
/// several sign-ins would make two passwords and an old OTP look like one strong authentication.
///
/// ```
/// use tower_sso::oidc::is_multi_factor;
///
/// assert!(is_multi_factor(&["pwd", "otp"], None, &[]));
/// assert!(!is_multi_factor(&["otp", "sms"], None, &[]));
/// assert!(is_multi_factor(&["pwd"], Some("gold"), &["gold".to_owned()]));
/// ```
#[must_use]
pub fn is_multi_factor<S: AsRef<str>>(
    amr: &[S],
    acr: Option<&str>,
    mfa_acr_values: &[String],
) -> bool {
    if acr.is_some_and(|acr| mfa_acr_values.iter().any(|value| value == acr)) {
        return true;
    }
    let mut seen = None;
    for method in amr.iter().map(AsRef::as_ref) {
        if method == "mfa" {
            return true;
        }
        match (seen, factor(method)) {
            (_, None) => {}
            (None, kind) => seen = kind,
            (Some(first), Some(kind)) if first != kind => return true,
            _ => {}
        }
    }
    false
}

fn factor(method: &str) -> Option<Factor> {
    match method {
        "pwd" | "pin" | "kba" => Some(Factor::Know),
        "otp" | "hwk" | "swk" | "sc" | "sms" | "tel" => Some(Factor::Have),
        "face" | "fpt" | "iris" | "retina" | "vbm" => Some(Factor::Are),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_or_mfa_or_a_listed_acr() {
        let listed = ["urn:example:gold".to_owned()];
        let rows: &[(&[&str], Option<&str>, bool)] = &[
            (&[], None, false),
            (&["pwd"], None, false),
            (&["otp"], None, false),
            (&["mfa"], None, true),
            (&["pwd", "mfa"], None, true),
            (&["MFA"], None, false),
            (&["pwd", "pin"], None, false),
            (&["pwd", "kba"], None, false),
            (&["pwd", "pwd"], None, false),
            (&["otp", "sms"], None, false),
            (&["hwk", "swk"], None, false),
            (&["face", "fpt"], None, false),
            (&["pwd", "otp"], None, true),
            (&["pin", "hwk"], None, true),
            (&["kba", "swk"], None, true),
            (&["pwd", "sc"], None, true),
            (&["sms", "pwd"], None, true),
            (&["pwd", "tel"], None, true),
            (&["pwd", "face"], None, true),
            (&["otp", "fpt"], None, true),
            (&["pwd", "iris"], None, true),
            (&["hwk", "retina"], None, true),
            (&["vbm", "pin"], None, true),
            (&["user", "hwk"], None, false),
            (&["mca", "pwd"], None, false),
            (&["rba", "geo", "pwd", "wia"], None, false),
            (&["pwd", "unheard-of"], None, false),
            (&["pwd", "unheard-of", "otp"], None, true),
            (&["pwd"], Some("urn:example:gold"), true),
            (&[], Some("urn:example:gold"), true),
            (&["pwd"], Some("urn:example:golden"), false),
            (&["pwd"], Some("urn:example:silver"), false),
            (&["pwd"], Some(""), false),
        ];
        for (amr, acr, expected) in rows {
            assert_eq!(
                is_multi_factor(amr, *acr, &listed),
                *expected,
                "{amr:?} {acr:?}"
            );
        }
        assert!(!is_multi_factor(&["pwd"], Some("urn:example:gold"), &[]));
    }
}
