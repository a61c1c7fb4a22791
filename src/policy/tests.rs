use serde_json::json;

use super::*;
use crate::test_util::SignedIn;

const T: SecondsSinceEpoch = SecondsSinceEpoch(1_000_000);
const QUARTER: Duration = Duration::from_secs(15 * 60);

fn ada() -> SignedIn {
    SignedIn::new("ada").at(T)
}

fn judge(policy: &Policy, session: SignedIn) -> Verdict {
    policy.judge(Some(&session.build()), T)
}

/// What is missing, and whether a step-up mends it; `None` if the session passes.
fn lacks(policy: &Policy, session: SignedIn) -> Option<(Missing, bool)> {
    match judge(policy, session) {
        Verdict::Allow => None,
        Verdict::StepUp(_, reason) => Some((reason.missing(), true)),
        Verdict::Forbidden(reason) => Some((reason.missing(), false)),
        Verdict::SignIn(_) => Some((Missing::SignIn, true)),
    }
}

#[test]
fn each_rule_holds_or_names_what_is_missing() {
    use Missing::{Acr, Amr, Attribute, Claim, Connection, MultiFactor, Organization, Role, Scope};
    let login = Policy::login;
    let rows: Vec<(Policy, SignedIn, Option<(Missing, bool)>)> = vec![
        (login(), ada(), None),
        (Policy::mfa(), ada().multi_factor(true), None),
        (Policy::mfa(), ada().amr(["pwd", "otp"]), None),
        (Policy::mfa(), ada(), Some((MultiFactor, true))),
        (Policy::mfa(), ada().amr(["pwd"]), Some((MultiFactor, true))),
        // The provider's rule decided at the sign-in: what it left behind is not judged anew.
        (
            Policy::mfa(),
            ada().amr(["pwd", "otp"]).multi_factor(false),
            Some((MultiFactor, true)),
        ),
        (
            login().amr_any(["otp", "hwk"]),
            ada().amr(["pwd", "hwk"]),
            None,
        ),
        (
            login().amr_any(["otp", "hwk"]),
            ada().amr(["pwd"]),
            Some((Amr, true)),
        ),
        (
            login().amr_any(["otp"]),
            ada().amr(["OTP"]),
            Some((Amr, true)),
        ),
        (login().amr_any(["otp"]), ada(), Some((Amr, true))),
        (
            login().amr_any([""; 0]),
            ada().amr(["otp"]),
            Some((Amr, false)),
        ),
        (
            login().amr_all(["pwd", "otp"]),
            ada().amr(["otp", "pwd"]),
            None,
        ),
        (
            login().amr_all(["pwd", "otp"]),
            ada().amr(["pwd"]),
            Some((Amr, true)),
        ),
        (
            login().amr_all([""; 0]),
            ada().amr(["otp"]),
            Some((Amr, false)),
        ),
        (login().acr(["gold", "silver"]), ada().acr("silver"), None),
        (
            login().acr(["gold"]),
            ada().acr("silver"),
            Some((Acr, true)),
        ),
        (
            login().acr(["gold"]),
            ada().acr("golden"),
            Some((Acr, true)),
        ),
        (login().acr(["gold"]), ada(), Some((Acr, true))),
        (login().acr([""; 0]), ada().acr("gold"), Some((Acr, false))),
        (login().scope("pay"), ada().scope("read").scope("pay"), None),
        (
            login().scope("pay"),
            ada().scope("payroll"),
            Some((Scope, false)),
        ),
        (
            login().scope("pay"),
            ada().role("pay"),
            Some((Scope, false)),
        ),
        (login().role("admin"), ada().role("admin"), None),
        (
            login().role("admin"),
            ada().role("Admin"),
            Some((Role, false)),
        ),
        (
            login().role("admin"),
            ada().claim("roles", json!(["admin"])),
            Some((Role, false)),
        ),
        (
            login().claim_equals("d", "fin"),
            ada().claim("d", "fin"),
            None,
        ),
        (
            login().claim_equals("d", "fin"),
            ada().claim("d", json!(["fin"])),
            Some((Claim, false)),
        ),
        (
            login().claim_equals("d", "fin"),
            ada(),
            Some((Claim, false)),
        ),
        (
            login().claim_equals("d", json!(null)),
            ada(),
            Some((Claim, false)),
        ),
        (login().claim_equals("n", 1), ada().claim("n", 1), None),
        (
            login().claim_equals("n", 1),
            ada().claim("n", "1"),
            Some((Claim, false)),
        ),
        (
            login().claim_equals("d", "fin"),
            ada().attribute("d", "fin"),
            Some((Claim, false)),
        ),
        (
            login().claim_contains("g", "hr"),
            ada().claim("g", json!(["it", "hr"])),
            None,
        ),
        (
            login().claim_contains("g", "hr"),
            ada().claim("g", "hr"),
            None,
        ),
        (
            login().claim_contains("g", "hr"),
            ada().claim("g", "hr it"),
            Some((Claim, false)),
        ),
        (
            login().claim_contains("g", "hr"),
            ada().claim("g", json!(["hrm"])),
            Some((Claim, false)),
        ),
        (
            login().claim_contains("g", "hr"),
            ada().claim("g", json!([["hr"]])),
            Some((Claim, false)),
        ),
        (
            login().claim_contains("g", "hr"),
            ada().claim("g", json!({"hr": 1})),
            Some((Claim, false)),
        ),
        (
            login().claim_contains("g", "hr"),
            ada(),
            Some((Claim, false)),
        ),
        (verified(), ada().claim("email_verified", true), None),
        (
            verified(),
            ada().claim("email_verified", "true"),
            Some((Claim, false)),
        ),
        (verified(), ada(), Some((Claim, false))),
        (
            login().attribute_equals("d", 7),
            ada().attribute("d", 7),
            None,
        ),
        (
            login().attribute_equals("d", 7),
            ada().attribute("d", 8),
            Some((Attribute, false)),
        ),
        (
            login().attribute_equals("d", 7),
            ada().claim("d", 7),
            Some((Attribute, false)),
        ),
        (login().organization("o1"), ada().organization("o1"), None),
        (
            login().organization("o1"),
            ada().organization("o2"),
            Some((Organization, false)),
        ),
        (
            login().organization("o1"),
            ada(),
            Some((Organization, false)),
        ),
        (login().connection("c1"), ada().connection("c1"), None),
        (
            login().connection("c1"),
            ada().connection("c2"),
            Some((Connection, false)),
        ),
        (login().connection("c1"), ada(), Some((Connection, false))),
    ];
    for (policy, session, expected) in rows {
        let about = format!("{policy:?} {session:?}");
        assert_eq!(lacks(&policy, session), expected, "{about}");
    }
}

fn verified() -> Policy {
    Policy::login().claim_where("a verified e-mail address", "email_verified", |value| {
        value == true
    })
}

#[test]
fn max_age_reads_auth_time_and_nothing_else() {
    let policy = Policy::login().max_age(QUARTER);
    let rows = [
        (Some(T), true),
        (Some(T.minus(QUARTER)), true),
        (Some(T.minus(QUARTER + Duration::from_secs(1))), false),
        (Some(T.plus(Duration::from_secs(60))), true),
        (Some(T.plus(Duration::from_secs(61))), false),
        (Some(SecondsSinceEpoch(u64::MAX)), false),
        (Some(SecondsSinceEpoch(0)), false),
        (None, false),
    ];
    for (auth_time, passes) in rows {
        let expected = (!passes).then_some((Missing::MaxAge, true));
        assert_eq!(
            lacks(&policy, ada().auth_time(auth_time)),
            expected,
            "{auth_time:?}"
        );
    }
}

#[test]
fn an_auth_time_of_0_is_none_however_patient_the_policy() {
    let policy = Policy::login().max_age(Duration::MAX);
    let expected = Some((Missing::MaxAge, true));
    assert_eq!(
        lacks(&policy, ada().auth_time(SecondsSinceEpoch(0))),
        expected
    );
    assert_eq!(lacks(&policy, ada().auth_time(SecondsSinceEpoch(1))), None);
}

#[test]
fn a_session_that_is_over_is_none() {
    let (hour, day) = (Duration::from_secs(3_600), Duration::from_secs(86_400));
    let second = Duration::from_secs(1);
    for (idle, absolute) in [(hour, day), (day, hour)] {
        let session = ada().lifetime(idle, absolute).build();
        let judge = |now| Policy::login().judge(Some(&session), now);
        assert!(judge(T).is_allow());
        assert!(judge(T.plus(hour - second)).is_allow());
        assert_eq!(judge(T.plus(hour)), Verdict::SignIn(Requirement::default()));
        assert_eq!(
            judge(T.plus(hour + second)),
            Verdict::SignIn(Requirement::default())
        );
    }
    let none = Policy::login().role("admin").judge(None, T);
    assert_eq!(none, Verdict::SignIn(Requirement::default()));
}

fn required(verdict: Verdict) -> Requirement {
    match verdict {
        Verdict::SignIn(requirement) | Verdict::StepUp(requirement, _) => requirement,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sign_in_asks_for_all_at_once() {
    let policy = Policy::mfa()
        .acr(["gold", "silver"])
        .amr_any(["otp"])
        .max_age(QUARTER)
        .role("admin");
    let all = Requirement {
        multi_factor: true,
        acr_values: vec!["gold".into(), "silver".into()],
        amr: vec!["otp".into()],
        max_age: Some(QUARTER),
    };
    assert_eq!(required(policy.judge(None, T)), all);
    // A step-up replaces the authentication, so it asks for what the session has already, too.
    let strong = ada().amr(["pwd", "otp"]).acr("gold").role("admin");
    let old = strong.auth_time(T.minus(QUARTER * 2));
    assert_eq!(required(judge(&policy, old)), all);
    assert!(required(Policy::login().scope("x").judge(None, T)).is_empty());
}

#[test]
fn both_ask_for_what_satisfies_both() {
    let acr = |a: &[&str], b: &[&str]| {
        let policy = Policy::login()
            .acr(a.iter().copied())
            .and(Policy::login().acr(b.iter().copied()));
        required(policy.judge(None, T)).acr_values
    };
    assert_eq!(
        acr(&["gold", "silver"], &["silver", "gold", "tin"]),
        ["gold", "silver"]
    );
    assert_eq!(acr(&["gold", "silver"], &["silver"]), ["silver"]);
    assert_eq!(acr(&["gold"], &["tin"]), ["gold"]);

    let age = |a, b| {
        let policy = Policy::login().max_age(a).max_age(b);
        required(policy.judge(None, T)).max_age
    };
    assert_eq!(age(QUARTER, QUARTER * 2), Some(QUARTER));
    assert_eq!(age(QUARTER * 2, QUARTER), Some(QUARTER));

    let policy = Policy::login()
        .amr_any(["otp", "hwk"])
        .amr_all(["pwd", "otp"]);
    assert_eq!(required(policy.judge(None, T)).amr, ["otp", "hwk", "pwd"]);
}

#[test]
fn what_forbids_goes_before_a_step_up() {
    let policy = Policy::mfa().role("admin").max_age(QUARTER);
    let old = T.minus(QUARTER * 2);
    let rows = [
        (ada().multi_factor(true).role("admin"), None),
        (ada(), Some((Missing::Role, false))),
        (ada().multi_factor(true), Some((Missing::Role, false))),
        (ada().role("admin"), Some((Missing::MultiFactor, true))),
        (
            ada().role("admin").auth_time(old),
            Some((Missing::MultiFactor, true)),
        ),
        (
            ada().role("admin").multi_factor(true).auth_time(old),
            Some((Missing::MaxAge, true)),
        ),
    ];
    for (session, expected) in rows {
        assert_eq!(lacks(&policy, session), expected);
    }
}

#[test]
fn of_alternatives_the_closest_counts() {
    let admin = || Policy::login().role("admin");
    let gold = || Policy::login().acr(["gold"]);
    let rows = [
        (admin().or(gold()), ada().role("admin"), None),
        (admin().or(gold()), ada().acr("gold"), None),
        (admin().or(gold()), ada(), Some((Missing::Acr, true))),
        (gold().or(admin()), ada(), Some((Missing::Acr, true))),
        (
            Policy::mfa().or(gold()),
            ada(),
            Some((Missing::MultiFactor, true)),
        ),
        (gold().or(Policy::mfa()), ada(), Some((Missing::Acr, true))),
        (
            admin().or(Policy::login().scope("s")),
            ada(),
            Some((Missing::Role, false)),
        ),
        (Policy::mfa().or(Policy::login()), ada(), None),
        (
            admin().or(gold()).organization("o"),
            ada().acr("gold"),
            Some((Missing::Organization, false)),
        ),
        (
            admin().or(gold()).organization("o"),
            ada().acr("gold").organization("o"),
            None,
        ),
        (
            Policy::any_of([admin(), gold(), Policy::mfa()]),
            ada().multi_factor(true),
            None,
        ),
        (
            Policy::any_of([]),
            ada(),
            Some((Missing::Alternative, false)),
        ),
        (Policy::any_of([]).or(Policy::login()), ada(), None),
        (
            Policy::any_of([]).and(Policy::login()),
            ada(),
            Some((Missing::Alternative, false)),
        ),
    ];
    for (policy, session, expected) in rows {
        let about = format!("{policy:?}");
        assert_eq!(lacks(&policy, session), expected, "{about}");
    }
}

#[test]
fn of_alternatives_one_is_asked_for() {
    let policy = Policy::mfa()
        .or(Policy::login().acr(["gold"]))
        .max_age(QUARTER);
    let asked = required(policy.judge(None, T));
    assert!(asked.multi_factor && asked.acr_values.is_empty());
    assert_eq!(asked.max_age, Some(QUARTER));
    // Who reached the second alternative is asked for that one again.
    let old = ada().acr("gold").auth_time(T.minus(QUARTER * 2));
    let asked = required(judge(&policy, old));
    assert!(!asked.multi_factor);
    assert_eq!(asked.acr_values, ["gold"]);
    assert_eq!(asked.max_age, Some(QUARTER));
}

#[test]
fn a_shared_policy_is_not_changed_by_what_is_built_on_it() {
    let base = Policy::login().role("staff");
    let _stricter = base.clone().role("admin");
    assert!(judge(&base, ada().role("staff")).is_allow());
}

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

#[test]
fn a_policy_goes_everywhere() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Policy>();
    let shown = format!("{:?}", verified());
    assert!(shown.contains("a verified e-mail address"), "{shown}");
}
