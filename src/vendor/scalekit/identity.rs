//! What an ID token says of where somebody signed in, and whether that was asked for: pure.

use serde_json::{Map, Value};

use crate::oidc::{Claims, IdTokenClaims, IdTokenFault};
use crate::provider::{Identity, Selectors};

/// Where somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) connection: String,
    pub(super) organization: Option<String>,
}

impl Place {
    /// `amr[0]` is the connection and `oid` the organization. Without a connection nobody can tell which customer's
    /// identity provider vouched for the person, so such a token is refused; and so is one whose `sub` begins with
    /// another connection than `amr`.
    pub(super) fn of(claims: &Map<String, Value>) -> Result<Self, IdTokenFault> {
        let claims = Claims(claims);
        let not_empty = |text: &String| !text.is_empty();
        let connection = (claims.texts("amr")?.into_iter().next())
            .filter(not_empty)
            .ok_or(IdTokenFault::MissingClaim("amr"))?;
        let (of_subject, user) = split_subject(claims.text("sub")?.unwrap_or_default());
        if user.is_empty() {
            return Err(IdTokenFault::MalformedClaim("sub"));
        }
        if of_subject.is_some_and(|named| named.starts_with("conn_") && named != connection) {
            return Err(IdTokenFault::WrongTenant);
        }
        let organization = claims.text("oid")?.map(str::to_owned);
        Ok(Self {
            connection,
            organization: organization.filter(not_empty),
        })
    }

    /// Whether it is where the sign-in was sent. An answer that leaves the organization out is none that was asked
    /// for: with either accepted, one customer's identity provider could sign people in to another's.
    pub(super) fn check_asked(&self, asked: &Selectors) -> Result<(), IdTokenFault> {
        let differs = |asked: &Option<String>, got: Option<&str>| {
            asked.as_deref().is_some_and(|asked| got != Some(asked))
        };
        if differs(&asked.connection, Some(&self.connection))
            || differs(&asked.organization, self.organization.as_deref())
        {
            return Err(IdTokenFault::WrongTenant);
        }
        Ok(())
    }

    /// The identity with this place in it. A connection is no factor: `amr` goes on only in the raw claims, where
    /// no policy looks for methods.
    pub(super) fn put_into(self, mut identity: Identity) -> Identity {
        identity.claims.amr.clear();
        identity.multi_factor = false;
        identity.connection = Some(self.connection);
        identity.organization = self.organization;
        identity
    }
}

/// Who signed in, and where, as it was asked for.
pub(super) fn of_sign_in(identity: Identity, asked: &Selectors) -> Result<Identity, IdTokenFault> {
    let place = Place::of(&identity.claims.all)?;
    place.check_asked(asked)?;
    Ok(place.put_into(identity))
}

/// The same after a refresh: a token that names another place than the sign-in did is refused, and one that leaves
/// the organization out (OpenID Connect Core 12.2) leaves it as it was, since a connection belongs to one.
pub(super) fn of_refresh(
    mut identity: Identity,
    original: &Map<String, Value>,
) -> Result<Identity, IdTokenFault> {
    let before = Place::of(original)?;
    keep_organization(&mut identity.claims, &before);
    let place = Place::of(&identity.claims.all)?;
    if place != before {
        return Err(IdTokenFault::WrongTenant);
    }
    Ok(place.put_into(identity))
}

fn keep_organization(claims: &mut IdTokenClaims, before: &Place) {
    if let Some(organization) = &before.organization
        && claims.all.get("oid").is_none_or(Value::is_null)
    {
        let organization = Value::from(organization.as_str());
        claims.all.insert("oid".to_owned(), organization);
    }
}

/// `sub` is `<connection>;<id at the identity provider>`, parted at the first `;`: the id may have more of them.
/// Without any, all of it is the id.
pub(super) fn split_subject(subject: &str) -> (Option<&str>, &str) {
    match subject.split_once(';') {
        Some((connection, id)) => (Some(connection), id),
        None => (None, subject),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(members) => members,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn a_subject_is_parted_at_the_first_semicolon() {
        for (subject, parts) in [
            ("conn_1;ada", (Some("conn_1"), "ada")),
            ("conn_1;a;b", (Some("conn_1"), "a;b")),
            ("conn_1;", (Some("conn_1"), "")),
            (";ada", (Some(""), "ada")),
            ("ada", (None, "ada")),
            ("", (None, "")),
        ] {
            assert_eq!(split_subject(subject), parts, "{subject}");
        }
    }

    #[test]
    fn the_place_is_in_amr_and_oid() {
        use IdTokenFault::{MalformedClaim, MissingClaim, WrongTenant};
        let place = |organization: Option<&str>| {
            Ok(Place {
                connection: "conn_1".to_owned(),
                organization: organization.map(str::to_owned),
            })
        };
        for (claims, expected) in [
            (
                json!({ "sub": "conn_1;a", "amr": ["conn_1"], "oid": "org_1" }),
                place(Some("org_1")),
            ),
            (
                json!({ "sub": "conn_1;a", "amr": ["conn_1", "conn_2"] }),
                place(None),
            ),
            (
                json!({ "sub": "a", "amr": "conn_1", "oid": null }),
                place(None),
            ),
            (
                json!({ "sub": "a", "amr": ["conn_1"], "oid": "" }),
                place(None),
            ),
            (json!({ "sub": "b2b;a", "amr": ["conn_1"] }), place(None)),
            (
                json!({ "sub": "conn_2;a", "amr": ["conn_1"] }),
                Err(WrongTenant),
            ),
            (
                json!({ "sub": "conn_2;a", "amr": ["conn_1", "conn_2"] }),
                Err(WrongTenant),
            ),
            (
                json!({ "sub": "conn_1;", "amr": ["conn_1"] }),
                Err(MalformedClaim("sub")),
            ),
            (json!({ "sub": "conn_1;a" }), Err(MissingClaim("amr"))),
            (
                json!({ "sub": "conn_1;a", "amr": [] }),
                Err(MissingClaim("amr")),
            ),
            (
                json!({ "sub": "conn_1;a", "amr": [""] }),
                Err(MissingClaim("amr")),
            ),
            (
                json!({ "sub": "conn_1;a", "amr": [1] }),
                Err(MalformedClaim("amr")),
            ),
            (
                json!({ "sub": "a", "amr": ["conn_1"], "oid": ["org_1"] }),
                Err(MalformedClaim("oid")),
            ),
        ] {
            assert_eq!(Place::of(&object(claims.clone())), expected, "{claims}");
        }
    }

    /// One customer's identity provider signs nobody in to another's organization.
    #[test]
    fn what_was_asked_for_must_come() {
        let place = |connection: &str, organization: Option<&str>| Place {
            connection: connection.to_owned(),
            organization: organization.map(str::to_owned),
        };
        let asked = |connection: Option<&str>, organization: Option<&str>| Selectors {
            connection: connection.map(str::to_owned),
            organization: organization.map(str::to_owned),
            domain: Some("any.example".to_owned()),
            identity_provider: Some("any".to_owned()),
        };
        let got = place("conn_1", Some("org_1"));
        for (got, asked, fits) in [
            (&got, asked(None, None), true),
            (&got, asked(Some("conn_1"), None), true),
            (&got, asked(None, Some("org_1")), true),
            (&got, asked(Some("conn_1"), Some("org_1")), true),
            (&got, asked(Some("conn_2"), None), false),
            (&got, asked(Some("CONN_1"), None), false),
            (&got, asked(None, Some("org_2")), false),
            (&got, asked(Some("conn_1"), Some("org_2")), false),
            (&got, asked(Some("conn_2"), Some("org_1")), false),
            (&place("conn_1", None), asked(None, Some("org_1")), false),
            (&place("conn_1", None), asked(Some("conn_1"), None), true),
        ] {
            assert_eq!(got.check_asked(&asked).is_ok(), fits, "{got:?} {asked:?}");
        }
    }
}
