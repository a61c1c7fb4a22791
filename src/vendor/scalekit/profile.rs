//! The profile of a person, in the same form whichever identity provider it came from.

use std::fmt;

use serde_json::{Map, Value};

use super::identity::split_subject;

/// What Scalekit tells of a person.
///
/// Identity is the pair of issuer and `subject`. An address is what a customer's identity provider says, and another
/// can say the same.
///
/// ```
/// use serde_json::json;
/// use tower_sso::vendor::scalekit::Profile;
///
/// // With the layer: `Profile::of(&user.session().claims())`.
/// let claims = json!({
///     "sub": "conn_1234;00u1abcd", "email": "ada@acme.example", "given_name": "Ada", "family_name": "Lovelace",
///     "employee_number": "1729",
/// });
/// let profile = Profile::of(claims.as_object().unwrap());
/// assert_eq!(profile.id, "00u1abcd");
/// assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
/// assert_eq!(profile.attributes["employee_number"], "1729");
/// ```
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// Who it is at the customer's identity provider: `sub` after its first `;`. Good within one connection only.
    pub id: String,
    /// `sub`: who it is, in the environment's terms.
    pub subject: String,
    /// `email`.
    pub email: Option<String>,
    /// `email_verified`, as the customer's identity provider says; absent reads as `false`.
    pub email_verified: bool,
    /// `given_name`.
    pub given_name: Option<String>,
    /// `family_name`.
    pub family_name: Option<String>,
    /// `name`, or else given name and family name.
    pub name: Option<String>,
    /// `username`, or else `preferred_username`.
    pub username: Option<String>,
    /// `locale`, as `en`.
    pub locale: Option<String>,
    /// `picture`: a URL that the customer's identity provider names; look at its scheme before you show it.
    pub picture: Option<String>,
    /// `groups`.
    pub groups: Vec<String>,
    /// The attributes that the environment maps, and whatever else is none of the protocol's claims.
    pub attributes: Map<String, Value>,
}

/// What is no attribute: the claims of the protocol, and those that have a field.
const NAMED: [&str; 28] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "client_id",
    "email",
    "email_verified",
    "exp",
    "family_name",
    "given_name",
    "groups",
    "iat",
    "iss",
    "jti",
    "locale",
    "name",
    "nbf",
    "nonce",
    "oid",
    "picture",
    "preferred_username",
    "session_expiry",
    "sid",
    "sub",
    "username",
];

impl Profile {
    /// The profile in the claims of an ID token, which must be verified. A claim of another type than expected
    /// counts as absent.
    #[must_use]
    pub fn of(claims: &Map<String, Value>) -> Self {
        let text = |name: &str| {
            let text = claims.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let subject = text("sub").unwrap_or_default();
        let (given_name, family_name) = (text("given_name"), text("family_name"));
        let names: Vec<&str> = [&given_name, &family_name]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect();
        let full = (!names.is_empty()).then(|| names.join(" "));
        let groups = claims.get("groups").and_then(Value::as_array);
        let attributes = (claims.iter())
            .filter(|(name, value)| !NAMED.contains(&name.as_str()) && !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Self {
            id: split_subject(&subject).1.to_owned(),
            email: text("email"),
            email_verified: claims.get("email_verified") == Some(&Value::Bool(true)),
            name: text("name").or(full),
            username: text("username").or_else(|| text("preferred_username")),
            locale: text("locale"),
            picture: text("picture"),
            groups: (groups.into_iter().flatten())
                .filter_map(|group| group.as_str().map(str::to_owned))
                .collect(),
            subject,
            given_name,
            family_name,
            attributes,
        }
    }
}

impl fmt::Debug for Profile {
    /// Without what says who it is, which has no place in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(claims: &Value) -> Profile {
        Profile::of(claims.as_object().unwrap())
    }

    #[test]
    fn each_field_has_a_claim() {
        let profile = profile(&json!({
            "iss": "i", "aud": "a", "exp": 1, "amr": ["conn_1"], "oid": "org_1", "sid": "s", "nonce": "n",
            "at_hash": "h", "c_hash": "h", "azp": "a", "client_id": "a", "iat": 1,
            "sub": "conn_1;idp|7;x", "email": "ada@acme.example", "email_verified": true,
            "given_name": "Ada", "family_name": "Lovelace", "name": "Countess Ada", "username": "ada",
            "preferred_username": "other", "locale": "en", "picture": "https://acme.example/ada.png",
            "groups": ["staff", 7, "admins"], "employee_number": 1729, "team": { "lead": true }, "gone": null,
        }));
        assert_eq!(
            (profile.id.as_str(), profile.subject.as_str()),
            ("idp|7;x", "conn_1;idp|7;x")
        );
        assert_eq!(profile.email.as_deref(), Some("ada@acme.example"));
        assert!(profile.email_verified);
        assert_eq!(profile.given_name.as_deref(), Some("Ada"));
        assert_eq!(profile.family_name.as_deref(), Some("Lovelace"));
        assert_eq!(profile.name.as_deref(), Some("Countess Ada"));
        assert_eq!(profile.username.as_deref(), Some("ada"));
        assert_eq!(profile.locale.as_deref(), Some("en"));
        assert_eq!(
            profile.picture.as_deref(),
            Some("https://acme.example/ada.png")
        );
        assert_eq!(profile.groups, ["staff", "admins"]);
        let attributes = json!({ "employee_number": 1729, "team": { "lead": true } });
        assert_eq!(Value::Object(profile.attributes.clone()), attributes);
        assert!(!format!("{profile:?}").contains("acme"));
    }

    #[test]
    fn what_is_missing_or_odd_is_absent() {
        assert_eq!(profile(&json!({})), Profile::default());
        let odd = json!({
            "sub": "ada", "email": 7, "email_verified": "true", "name": "", "username": [], "groups": "staff",
        });
        let expected = Profile {
            id: "ada".to_owned(),
            subject: "ada".to_owned(),
            ..Profile::default()
        };
        assert_eq!(profile(&odd), expected);
        for (claims, name) in [
            (json!({ "given_name": "Ada" }), "Ada"),
            (json!({ "family_name": "Lovelace" }), "Lovelace"),
            (
                json!({ "given_name": "Ada", "family_name": "Lovelace" }),
                "Ada Lovelace",
            ),
        ] {
            assert_eq!(profile(&claims).name.as_deref(), Some(name));
        }
        let username = profile(&json!({ "preferred_username": "ada" })).username;
        assert_eq!(username.as_deref(), Some("ada"));
    }
}
