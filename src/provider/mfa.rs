//! Whether an authentication was multi-factor: pure.

/// What somebody proves by an authentication method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Factor {
    Know,
    Have,
    Are,
}

/// The kind of an `amr` value of RFC 8176 section 2; `None` for those that prove no factor by
/// themselves (`user`, `geo`, `rba`, `mca`, …) and for names that are not registered.
fn factor(method: &str) -> Option<Factor> {
    match method {
        "pwd" | "pin" | "kba" => Some(Factor::Know),
        "otp" | "hwk" | "swk" | "sc" | "sms" | "tel" => Some(Factor::Have),
        "face" | "fpt" | "iris" | "retina" | "vbm" => Some(Factor::Are),
        _ => None,
    }
}

/// Whether the claims of one ID token say that authentication was multi-factor: `amr` has `mfa`, or
/// `acr` is among the values that the set-up counts as such, or `amr` has methods of two kinds.
///
/// Two methods of one kind (`pwd` and `pin`) are one factor.
pub(crate) fn is_multi_factor(
    amr: &[String],
    acr: Option<&str>,
    mfa_acr_values: &[String],
) -> bool {
    if acr.is_some_and(|acr| mfa_acr_values.iter().any(|value| value == acr)) {
        return true;
    }
    if amr.iter().any(|method| method == "mfa") {
        return true;
    }
    let mut factors = amr.iter().filter_map(|method| factor(method));
    let first = factors.next();
    factors.any(|other| Some(other) != first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_count_two_of_a_kind_do_not() {
        for (amr, acr, expected) in [
            ("", None, false),
            ("mfa", None, true),
            ("pwd", None, false),
            ("otp", None, false),
            ("pwd pin kba", None, false),
            ("otp hwk swk sc sms tel", None, false),
            ("face fpt iris retina vbm", None, false),
            ("pwd otp", None, true),
            ("otp pwd", None, true),
            ("pin hwk", None, true),
            ("kba swk", None, true),
            ("pwd sc", None, true),
            ("pwd sms", None, true),
            ("pwd tel", None, true),
            ("pwd face", None, true),
            ("pwd fpt", None, true),
            ("pwd iris", None, true),
            ("pwd retina", None, true),
            ("pwd vbm", None, true),
            ("hwk fpt", None, true),
            ("pwd user geo rba mca wia pop", None, false),
            ("pwd MFA OTP eml webauthn conn_1", None, false),
            ("pwd", Some("gold"), true),
            ("", Some("gold"), true),
            ("pwd", Some("silver"), false),
            ("pwd", Some("Gold"), false),
            ("pwd", Some(""), false),
        ] {
            let methods: Vec<String> = amr.split_whitespace().map(Into::into).collect();
            let got = is_multi_factor(&methods, acr, &["gold".into(), "platinum".into()]);
            assert_eq!(got, expected, "amr {amr:?}, acr {acr:?}");
        }
    }

    #[test]
    fn without_a_set_up_no_acr_counts() {
        assert!(!is_multi_factor(&["pwd".into()], Some("gold"), &[]));
    }
}
