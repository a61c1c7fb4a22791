//! A policy that asks for an access token.

use super::*;

fn with(life: u64) -> SignedIn {
    ada().access_token_for("opaque", Duration::from_secs(life))
}

/// What a policy says of a session, in a word.
fn word(policy: &Policy, session: SignedIn, after: u64) -> &'static str {
    let now = T.plus(Duration::from_secs(after));
    match policy.judge(Some(&session.build()), now) {
        Verdict::Allow => "allow",
        Verdict::SignIn(_) => "sign in",
        Verdict::StepUp(..) => "step up",
        Verdict::Forbidden(_) => "forbidden",
    }
}

#[test]
fn it_holds_while_the_token_lives_and_asks_for_a_sign_in_after() {
    let token = || Policy::login().access_token();
    let mfa = || Policy::mfa().access_token();
    let admin = || token().role("admin");
    for (policy, session, after, expected) in [
        (token(), ada(), 0, "sign in"),
        (token(), ada().access_token("opaque"), 3_599, "allow"),
        (token(), with(60), 59, "allow"),
        (token(), with(60), 60, "sign in"),
        (Policy::login(), with(60), 60, "allow"),
        // Any other sign-in brings a token, too: what it can't mend comes first.
        (mfa(), with(60), 60, "step up"),
        (mfa(), with(60).multi_factor(true), 60, "sign in"),
        (mfa(), with(60).multi_factor(true), 59, "allow"),
        (admin(), with(60), 60, "forbidden"),
        (admin(), with(60).role("admin"), 60, "sign in"),
        (token().or(Policy::login()), ada(), 0, "allow"),
        (token().or(Policy::mfa()), ada(), 0, "sign in"),
        (Policy::mfa().or(token()), with(60), 59, "allow"),
    ] {
        assert_eq!(
            word(&policy, session, after),
            expected,
            "{policy:?} {after}"
        );
    }
}

#[test]
fn one_sign_in_brings_all_that_is_asked() {
    let policy = Policy::mfa().access_token().max_age(QUARTER);
    let verdict = judge(&policy, ada().multi_factor(true));
    let expected = Requirement {
        multi_factor: true,
        max_age: Some(QUARTER),
        ..Requirement::default()
    };
    assert_eq!(verdict, Verdict::SignIn(expected));
}

#[test]
fn it_is_found_wherever_it_stands() {
    let token = Policy::login().access_token();
    for (policy, wants) in [
        (Policy::login(), false),
        (Policy::mfa().scope("a"), false),
        (token.clone(), true),
        (Policy::mfa().and(token.clone()), true),
        (Policy::mfa().or(Policy::login().role("a").and(token)), true),
    ] {
        assert_eq!(policy.wants_access_token(), wants, "{policy:?}");
    }
}
