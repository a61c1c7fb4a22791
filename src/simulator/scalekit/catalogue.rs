//! The errors that the vendor documents for sign-ins.

/// A code with what it says.
pub(super) type SignInError = (&'static str, &'static str);

macro_rules! errors {
    ($($name:ident = $code:literal, $description:literal;)+) => {
        $(pub(super) const $name: SignInError = ($code, $description);)+
        /// All of them, in the order of pages.
        pub(super) const ALL: &[SignInError] = &[$($name),+];
    };
}

errors! {
    ACCESS_DENIED = "access_denied", "The person or the identity provider said no";
    INVALID_REDIRECT_URI = "invalid_redirect_uri", "This redirect URI is not registered";
    INVALID_CONNECTION_SELECTOR = "invalid_connection_selector",
        "None of organization_id, connection_id, domain and provider is there";
    NO_ACTIVE_CONNECTIONS = "no_active_connections", "No connection that could be used is active";
    CONNECTION_NOT_ACTIVE = "connection_not_active", "This connection is not active";
    NO_CONFIGURED_CONNECTIONS = "no_configured_connections", "There is no connection";
    INVALID_ORGANIZATION_ID = "invalid_organization_id", "There is no such organization";
    INVALID_CONNECTION_ID = "invalid_connection_id", "There is no such connection";
    DOMAIN_NOT_FOUND = "domain_not_found", "No organization has this domain";
    INVALID_USER_DOMAIN = "invalid_user_domain",
        "The domain of this person is not allowed for the connection";
    INVALID_CLIENT = "invalid_client", "There is no such application";
    APPLICATION_NOT_ACTIVE = "application_not_active", "This application is not active";
    INVALID_REQUEST = "invalid_request", "The request is malformed";
    INVALID_SCOPE = "invalid_scope", "This scope is not granted";
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type", "Only code is supported";
    UNAUTHORIZED = "unauthorized", "This is not allowed";
    USER_NOT_ACTIVE = "user_not_active", "This person is not active";
    SERVER_ERROR = "server_error", "Something went wrong";
    MANDATORY_ATTRIBUTE_MISSING = "mandatory_attribute_missing",
        "The identity provider left a mandatory attribute out";
    INVALID_ID_TOKEN = "invalid_id_token", "The identity provider's ID token is not valid";
    FAILED_TO_EXCHANGE_TOKEN = "failed_to_exchange_token",
        "The identity provider refused the exchange of the code";
    USER_INFO_RETRIEVE_FAILED = "user_info_retrieve_failed",
        "The identity provider refused to say who it is";
    INVALID_SAML_METADATA = "invalid_saml_metadata", "The SAML metadata are wrong";
    INVALID_SAML_RESPONSE = "invalid_saml_response", "The SAML response is not valid";
    SIGNATURE_VALIDATION_FAILED = "signature_validation_failed", "The signature is wrong";
    INVALID_ACS_URL = "invalid_acs_url", "The ACS URL is wrong";
    INVALID_STATUS = "invalid_status", "The status of the SAML response is no success";
    MALFORMED_SAML_RESPONSE = "malformed_saml_response", "The SAML response can't be read";
    ASSERTION_EXPIRED = "assertion_expired", "The SAML assertion is expired";
    RESPONSE_EXPIRED = "response_expired", "The SAML response is expired";
    AUTHENTICATION_NOT_COMPLETED = "authentication_not_completed",
        "The person did not complete the authentication";
    USER_LOGIN_REQUIRED = "user_login_required", "The person has to sign in at the identity provider";
}

/// The errors that happen at a customer's IdP; its page offers them.
pub(super) fn of_idps() -> impl Iterator<Item = SignInError> {
    let from = ALL
        .iter()
        .position(|error| *error == MANDATORY_ATTRIBUTE_MISSING);
    ALL.iter().copied().skip(from.unwrap_or_default())
}

/// A code of the catalogue, by its text.
pub(super) fn find(code: &str) -> Option<SignInError> {
    ALL.iter().copied().find(|error| error.0 == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_there_once() {
        for (code, description) in ALL {
            let same = ALL.iter().filter(|error| error.0 == *code);
            assert_eq!(same.count(), 1, "{code}");
            assert!(!description.is_empty(), "{code}");
        }
        assert_eq!(find("domain_not_found"), Some(DOMAIN_NOT_FOUND));
        assert_eq!(find("made_up"), None);
    }

    #[test]
    fn what_happens_at_the_idp_is_not_what_the_app_does_wrong() {
        let codes: Vec<&str> = of_idps().map(|error| error.0).collect();
        assert!(codes.contains(&"assertion_expired") && codes.contains(&"user_login_required"));
        assert!(!codes.contains(&"access_denied") && !codes.contains(&"invalid_client"));
    }
}
