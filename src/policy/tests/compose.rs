//! What several rules make of each other.

use super::*;

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
        at: None,
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
fn a_sign_in_is_asked_for_at_the_place_that_the_policy_names() {
    let policy = Policy::login().organization("org_1").connection("conn_1");
    let Verdict::SignIn(wanted) = policy.judge(None, SecondsSinceEpoch(0)) else {
        panic!("nobody is signed in");
    };
    let at = wanted.at.as_ref().unwrap();
    assert_eq!(at.organization.as_deref(), Some("org_1"));
    assert_eq!(at.connection.as_deref(), Some("conn_1"));
    assert!(wanted.is_empty(), "it is no stronger sign-in");
    let elsewhere = SignedIn::new("ada").build();
    let verdict = policy.judge(Some(&elsewhere), SecondsSinceEpoch(0));
    assert!(matches!(verdict, Verdict::Forbidden(_)), "{verdict:?}");
}
