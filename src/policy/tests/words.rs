//! What is said of a policy: reasons for people, fingerprints for replicas.

use super::*;

#[test]
fn a_reason_is_a_sentence_without_what_the_session_holds() {
    let login = Policy::login;
    let rows = [
        (Policy::mfa(), "this page needs a second factor"),
        (
            login().max_age(QUARTER),
            "this page needs a sign-in within the last 15 minutes",
        ),
        (
            login().max_age(Duration::from_secs(60)),
            "this page needs a sign-in within the last minute",
        ),
        (
            login().max_age(Duration::from_secs(90)),
            "this page needs a sign-in within the last 90 seconds",
        ),
        (
            login().max_age(Duration::from_secs(7_200)),
            "this page needs a sign-in within the last 2 hours",
        ),
        (
            login().max_age(Duration::from_secs(86_400)),
            "this page needs a sign-in within the last day",
        ),
        (
            login().max_age(Duration::ZERO),
            "this page needs a sign-in within the last 0 seconds",
        ),
        (
            login().amr_any(["otp", "hwk"]),
            "this page needs a sign-in with otp or hwk",
        ),
        (
            login().amr_all(["otp", "hwk"]),
            "this page needs a sign-in with otp and hwk",
        ),
        (
            login().acr(["urn:a", "urn:b"]),
            "this page needs a stronger sign-in: urn:a or urn:b",
        ),
        (login().scope("pay"), "this page needs the scope pay"),
        (login().role("admin"), "this page needs the role admin"),
        (verified(), "this page needs a verified e-mail address"),
        (
            login().claim_equals("d", "fin"),
            "this page needs a certain value of the claim d",
        ),
        (
            login().claim_contains("d", "fin"),
            "this page needs a certain value of the claim d",
        ),
        (
            login().attribute_equals("d", "fin"),
            "this page needs a certain value of the attribute d",
        ),
        (
            login().organization("o1"),
            "this page is for members of another organization",
        ),
        (
            login().connection("c1"),
            "this page needs a sign-in through another connection",
        ),
        (Policy::any_of([]), "this page is closed to everybody"),
    ];
    for (policy, expected) in rows {
        let session = ada()
            .claim("d", "s3cr3t")
            .attribute("d", "s3cr3t")
            .auth_time(T.minus(QUARTER * 999));
        match judge(&policy, session) {
            Verdict::StepUp(_, reason) | Verdict::Forbidden(reason) => {
                assert_eq!(reason.to_string(), expected);
                assert_eq!(reason.text(), expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_fingerprint_is_stable_and_tells_requirements_apart() {
    // Written down once: replicas of different versions have to agree on it.
    assert_eq!(Requirement::default().fingerprint(), FINGERPRINT_OF_NOTHING);
    let strings = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
    let mut all = vec![
        Requirement::default(),
        Requirement {
            multi_factor: true,
            ..Requirement::default()
        },
        Requirement {
            max_age: Some(Duration::ZERO),
            ..Requirement::default()
        },
        Requirement {
            max_age: Some(QUARTER),
            ..Requirement::default()
        },
    ];
    for list in [
        &["a"][..],
        &["a", "b"],
        &["ab"],
        &["b", "a"],
        &["", "ab"],
        &["a", "", "b"],
    ] {
        all.push(Requirement {
            acr_values: strings(list),
            ..Requirement::default()
        });
        all.push(Requirement {
            amr: strings(list),
            ..Requirement::default()
        });
    }
    for (n, a) in all.iter().enumerate() {
        assert_eq!(a.is_empty(), n == 0, "{a:?}");
        assert_eq!(a.fingerprint(), a.clone().fingerprint());
        for b in &all[n + 1..] {
            assert_ne!(a.fingerprint(), b.fingerprint(), "{a:?} {b:?}");
        }
    }
}

const FINGERPRINT_OF_NOTHING: u64 = 0x60da_a3a5_f7db_fa20;
