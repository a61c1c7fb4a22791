use std::time::Duration;

use serde_json::json;

use super::*;
use crate::clock::SecondsSinceEpoch;
use crate::test_util::SignedIn;

mod access_token;
mod compose;
mod words;

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

type Row = (Policy, SignedIn, Option<(Missing, bool)>);

#[test]
fn each_rule_holds_or_names_what_is_missing() {
    use Missing::{Acr, Amr, Attribute, Claim, Connection, MultiFactor, Organization, Role, Scope};
    let login = Policy::login;
    let rows: Vec<Row> = vec![
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

#[test]
fn a_policy_goes_everywhere() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Policy>();
    let shown = format!("{:?}", verified());
    assert!(shown.contains("a verified e-mail address"), "{shown}");
}
