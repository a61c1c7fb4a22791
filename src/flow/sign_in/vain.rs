//! Step-ups that came back too weak.

use std::time::Duration;

use crate::clock::SecondsSinceEpoch;
use crate::policy::{Missing, Requirement};
use crate::session::Session;

/// Whether a step-up for `requirement` has been tried with this session and did not reach it, so that
/// another one would go round in circles.
pub(crate) fn was_in_vain(
    session: &Session,
    requirement: &Requirement,
    missing: Missing,
    now: SecondsSinceEpoch,
) -> bool {
    let Some(mark) = session.record().step_up else {
        return false;
    };
    // What only grew old since was recent enough when the browser came back: a new one is no circle.
    let was_recent = requirement
        .max_age
        .zip(session.auth_time())
        .is_some_and(|(age, auth_time)| mark.at.since(auth_time) <= age);
    mark.requirement == requirement.fingerprint()
        && now.since(mark.at) <= VAIN_FOR
        && !(missing == Missing::MaxAge && was_recent)
}

/// How long a vain step-up is not asked for again by itself.
const VAIN_FOR: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::{Lifetime, Record, SessionKey, StepUpMark};

    #[test]
    fn a_step_up_is_in_vain_if_it_did_not_reach_what_was_asked() {
        let asked = Requirement {
            max_age: Some(Duration::from_secs(900)),
            ..Requirement::default()
        };
        let at = SecondsSinceEpoch(10_000);
        // (authenticated before the browser came back, what is missing, seconds later, in vain)
        for (age, missing, later, vain) in [
            (Some(850), Missing::MaxAge, 60, false),
            (Some(900), Missing::MaxAge, 1, false),
            (Some(901), Missing::MaxAge, 1, true),
            (None, Missing::MaxAge, 1, true),
            (Some(0), Missing::MultiFactor, 1, true),
            (Some(0), Missing::MultiFactor, 300, true),
            (Some(0), Missing::MultiFactor, 301, false),
        ] {
            let mut record = Record::new("https://idp".into(), "ada", at, Lifetime::default());
            record.auth_time = age.map(|age| at.minus(Duration::from_secs(age)));
            record.step_up = Some(StepUpMark {
                requirement: asked.fingerprint(),
                at,
            });
            let session = Session::new(SessionKey([0; 32]), Arc::new(record));
            let now = at.plus(Duration::from_secs(later));
            let got = was_in_vain(&session, &asked, missing, now);
            assert_eq!(got, vain, "{age:?} {missing:?} {later}");
            let other = Requirement {
                multi_factor: true,
                ..asked.clone()
            };
            assert!(
                !was_in_vain(&session, &other, missing, now),
                "another requirement"
            );
        }
    }
}
