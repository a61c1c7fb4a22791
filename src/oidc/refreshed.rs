//! Whether the ID token of a refresh continues the sign-in that the session is made of
//! (OpenID Connect Core 12.2).

use serde_json::{Map, Value};

use super::claims::Claims;
use super::{IdTokenClaims, IdTokenFault};
use crate::clock::SecondsSinceEpoch;

/// What the session knows of the sign-in.
#[derive(Clone, Copy)]
pub struct OriginalClaims<'a> {
    /// `sub`.
    pub subject: &'a str,
    /// `auth_time`.
    pub auth_time: Option<SecondsSinceEpoch>,
    /// Every claim of the ID token, as it came.
    pub all: &'a Map<String, Value>,
}

impl std::fmt::Debug for OriginalClaims<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OriginalClaims")
            .field("subject", &self.subject)
            .field("auth_time", &self.auth_time)
            .finish_non_exhaustive()
    }
}

/// What a refreshed ID token may leave out without taking it back: the claims of the authentication (OpenID
/// Connect Core 2, which 12.2 ties to the first ID token), and those that describe a person (5.1).
const KEPT: &[&str] = &[
    "acr",
    "amr",
    "azp",
    "nonce",
    "session_expiry",
    "sid",
    "address",
    "birthdate",
    "email",
    "email_verified",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
];

impl IdTokenClaims {
    /// Whether the ID token of a refresh, which passed [`IdTokenCheck`](super::IdTokenCheck) without a
    /// nonce, belongs to the sign-in: `iss` and `sub` are the same, `aud` has all that the original had, `azp` is the
    /// same or left out, `nonce` is left out or the same.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check_continues(&self, original: OriginalClaims<'_>) -> Result<(), IdTokenFault> {
        if self.subject != original.subject {
            return Err(IdTokenFault::WrongSubject);
        }
        let before = Claims(original.all);
        // Where one provider speaks for many issuers, the same `sub` is somebody else at another.
        let iss = before.text("iss")?;
        if iss.is_some_and(|iss| iss != self.issuer.as_str()) {
            return Err(IdTokenFault::WrongIssuer);
        }
        let audience = before.texts("aud")?;
        if !audience.iter().all(|one| self.audience.contains(one)) {
            return Err(IdTokenFault::WrongAudience);
        }
        let azp = self.authorized_party.as_deref();
        if azp.is_some() && azp != before.text("azp")? {
            return Err(IdTokenFault::WrongAuthorizedParty);
        }
        let nonce = Claims(&self.all).text("nonce")?;
        if nonce.is_some() && nonce != before.text("nonce")? {
            return Err(IdTokenFault::WrongNonce);
        }
        Ok(())
    }

    /// The claims of the session from now on: what came, and of what is left out only how somebody signed in
    /// and who they are. What they may (groups, roles, whatever an app has) is over where it is left
    /// out: providers leave out lists that have become empty.
    ///
    /// `auth_time` stays that of the sign-in, for a refresh shows nobody to the provider: one that is later
    /// counts for nothing, an earlier one counts.
    ///
    /// # Errors
    /// A claim of the original that is malformed.
    pub fn over(mut self, original: OriginalClaims<'_>) -> Result<Self, IdTokenFault> {
        self.auth_time = original
            .auth_time
            .map(|first| self.auth_time.map_or(first, |now| now.min(first)));
        match self.auth_time {
            Some(time) => self.all.insert("auth_time".to_owned(), time.0.into()),
            None => self.all.remove("auth_time"),
        };
        self.all.retain(|_, value| !value.is_null());
        // Verified was the address of then, and not another one that came without a word on it.
        let same = |name: &str| {
            self.all
                .get(name)
                .is_none_or(|now| original.all.get(name) == Some(now))
        };
        let (same_email, same_number) = (same("email"), same("phone_number"));
        for name in KEPT {
            let holds = match *name {
                "email_verified" => same_email,
                "phone_number_verified" => same_number,
                _ => true,
            };
            if let Some(value) = original.all.get(*name).filter(|_| holds) {
                self.all.entry(*name).or_insert_with(|| value.clone());
            }
        }
        let now = Claims(&self.all);
        self.acr = now.text("acr")?.map(str::to_owned);
        self.amr = now.texts("amr")?;
        self.sid = now.text("sid")?.map(str::to_owned);
        self.authorized_party = now.text("azp")?.map(str::to_owned);
        self.session_expiry = now.time("session_expiry")?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oidc::Issuer;

    fn claims(all: Value) -> IdTokenClaims {
        let Value::Object(all) = all else {
            panic!("no object")
        };
        let named = Claims(&all);
        IdTokenClaims {
            issuer: Issuer::parse("https://idp.example").unwrap(),
            subject: named.text("sub").unwrap().unwrap().to_owned(),
            audience: named.texts("aud").unwrap(),
            expires_at: SecondsSinceEpoch(2_000),
            issued_at: SecondsSinceEpoch(1_000),
            auth_time: named.time("auth_time").unwrap(),
            acr: named.text("acr").unwrap().map(str::to_owned),
            amr: named.texts("amr").unwrap(),
            authorized_party: named.text("azp").unwrap().map(str::to_owned),
            sid: None,
            session_expiry: None,
            all,
        }
    }

    fn original() -> Map<String, Value> {
        let original = json!({
            "sub": "alice", "aud": ["app", "api"], "azp": "app", "nonce": "n", "auth_time": 500,
            "acr": "silver", "amr": ["pwd"], "groups": ["staff"], "sid": "s", "name": "Alice", "email": "a@example.com",
            "email_verified": true,
        });
        original.as_object().unwrap().clone()
    }

    fn continued(
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<IdTokenClaims, IdTokenFault> {
        let all = original();
        let mut next = all.clone();
        next.remove("nonce");
        change(&mut next);
        let original = OriginalClaims {
            subject: "alice",
            auth_time: Some(SecondsSinceEpoch(500)),
            all: &all,
        };
        let next = claims(Value::Object(next));
        next.check_continues(original)?;
        next.over(original)
    }

    fn with(name: &str, value: Value) -> Result<IdTokenClaims, IdTokenFault> {
        continued(|next| {
            next.insert(name.to_owned(), value);
        })
    }

    #[test]
    fn the_same_subject_at_another_issuer_is_somebody_else() {
        let next = claims(Value::Object(original()));
        for (iss, fault) in [
            ("https://idp.example", None),
            ("https://other.example", Some(IdTokenFault::WrongIssuer)),
        ] {
            let mut all = original();
            all.insert("iss".to_owned(), iss.into());
            let original = OriginalClaims {
                subject: "alice",
                auth_time: Some(SecondsSinceEpoch(500)),
                all: &all,
            };
            assert_eq!(next.check_continues(original).err(), fault, "{iss}");
        }
    }

    #[test]
    fn each_rule_of_section_12_2_refuses_on_its_own() {
        assert!(continued(|_| {}).is_ok());
        for (name, value, fault) in [
            ("sub", json!("bob"), Some(IdTokenFault::WrongSubject)),
            ("aud", json!("app"), Some(IdTokenFault::WrongAudience)),
            ("aud", json!(["app", "api", "more"]), None),
            ("aud", json!(["api", "app"]), None),
            (
                "azp",
                json!("other"),
                Some(IdTokenFault::WrongAuthorizedParty),
            ),
            ("azp", Value::Null, None),
            ("nonce", json!("n"), None),
            ("nonce", json!("m"), Some(IdTokenFault::WrongNonce)),
            (
                "nonce",
                json!(1),
                Some(IdTokenFault::MalformedClaim("nonce")),
            ),
        ] {
            // A claim that is null is one that is left out, as in any token.
            assert_eq!(with(name, value.clone()).err(), fault, "{name} {value}");
        }
    }

    #[test]
    fn an_azp_that_was_not_there_must_not_come() {
        let mut all = original();
        all.remove("azp");
        let original = OriginalClaims {
            subject: "alice",
            auth_time: None,
            all: &all,
        };
        let next = claims(json!({"sub": "alice", "aud": ["app", "api"], "azp": "app"}));
        let fault = next.check_continues(original).err();
        assert_eq!(fault, Some(IdTokenFault::WrongAuthorizedParty));
    }

    #[test]
    fn auth_time_stays_that_of_the_sign_in() {
        for (stated, kept) in [
            (json!(500), 500),
            (json!(900), 500),
            (json!(400), 400),
            (Value::Null, 500),
        ] {
            let next = with("auth_time", stated.clone()).unwrap();
            assert_eq!(next.auth_time, Some(SecondsSinceEpoch(kept)), "{stated}");
            assert_eq!(next.all["auth_time"], kept, "{stated}");
        }
        let all = Map::from_iter([("sub".to_owned(), json!("alice"))]);
        let unknown = OriginalClaims {
            subject: "alice",
            auth_time: None,
            all: &all,
        };
        let next = claims(json!({"sub": "alice", "aud": "app", "auth_time": 900}));
        let next = next.over(unknown).unwrap();
        assert_eq!(next.auth_time, None);
        assert!(!next.all.contains_key("auth_time"));
    }

    #[test]
    fn what_is_left_out_is_kept_of_the_sign_in_and_the_person_only() {
        let next = continued(|next| {
            for gone in ["acr", "amr", "groups", "name", "sid"] {
                next.remove(gone);
            }
        });
        let next = next.unwrap();
        assert_eq!(next.acr.as_deref(), Some("silver"));
        assert_eq!(next.amr, ["pwd"]);
        assert_eq!(next.sid.as_deref(), Some("s"));
        assert_eq!(next.all["name"], "Alice");
        assert_eq!(next.all.get("groups"), None);
        assert_eq!(next.all["nonce"], json!("n"));
        let next = with("groups", json!([])).unwrap();
        assert_eq!(next.all["groups"], json!([]));
        let next = with("acr", json!("gold")).unwrap();
        assert_eq!(next.acr.as_deref(), Some("gold"));
    }

    #[test]
    fn a_new_address_is_not_the_one_that_was_verified() {
        for (email, verified) in [
            (None, Some(true)),
            (Some("a@example.com"), Some(true)),
            (Some("b@example.com"), None),
        ] {
            let next = continued(|next| {
                next.remove("email_verified");
                match email {
                    Some(email) => next.insert("email".to_owned(), email.into()),
                    None => next.remove("email"),
                };
            });
            let said = next.unwrap().all.get("email_verified").cloned();
            assert_eq!(said, verified.map(Value::from), "{email:?}");
        }
    }
}
