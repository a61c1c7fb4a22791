//! Codes, refresh tokens and access tokens, in families that one authorization started.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::request::ClaimsRequest;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::{base64url, random_token, sha256};
use crate::secret::constant_time_eq;

/// RFC 6749 section 4.1.2 wants at most ten minutes; a browser needs seconds.
const CODE_LIFETIME: Duration = Duration::from_secs(60);
const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// What one authorization granted.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: Option<String>,
    pub(super) claims: ClaimsRequest,
    pub(super) user: String,
    pub(super) amr: Vec<String>,
    pub(super) acr: Option<String>,
    pub(super) auth_time: SecondsSinceEpoch,
    pub(super) sid: String,
    /// Whether refresh tokens outlive the session (OpenID Connect Core 11).
    pub(super) offline: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Family(u64);

#[derive(Debug)]
struct Entry {
    family: Family,
    grant: Arc<Grant>,
    expires_at: SecondsSinceEpoch,
    used: bool,
}

/// Why a code or a refresh token is not taken; all are `invalid_grant` (RFC 6749 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GrantRefused {
    Unknown,
    Expired,
    /// It came a second time: the family is revoked (RFC 6749 section 10.5, RFC 9700 section 4.14.2).
    Reused,
    OtherClient,
    OtherRedirectUri,
    WrongVerifier,
}

/// All that was issued.
#[derive(Debug, Default)]
pub(super) struct Grants {
    next: u64,
    codes: HashMap<String, Entry>,
    refresh_tokens: HashMap<String, Entry>,
    access_tokens: HashMap<String, Entry>,
}

impl Grants {
    pub(super) fn issue_code(&mut self, grant: Grant, now: SecondsSinceEpoch) -> String {
        for entries in [
            &mut self.codes,
            &mut self.refresh_tokens,
            &mut self.access_tokens,
        ] {
            // What is over is remembered a while, so that its reuse is still seen.
            entries.retain(|_, entry| now < entry.expires_at.plus(CODE_LIFETIME));
        }
        self.next += 1;
        let entry = Entry {
            family: Family(self.next),
            grant: Arc::new(grant),
            expires_at: now.plus(CODE_LIFETIME),
            used: false,
        };
        let code = random_token();
        self.codes.insert(code.clone(), entry);
        code
    }

    /// RFC 6749 section 4.1.3 and RFC 7636 section 4.6.
    pub(super) fn redeem_code(
        &mut self,
        code: &str,
        client_id: &str,
        redirect_uri: Option<&str>,
        verifier: Option<&str>,
        now: SecondsSinceEpoch,
    ) -> Result<(Family, Arc<Grant>), GrantRefused> {
        let entry = self.codes.get_mut(code).ok_or(GrantRefused::Unknown)?;
        let (family, grant) = (entry.family, Arc::clone(&entry.grant));
        if grant.client_id != client_id {
            return Err(GrantRefused::OtherClient);
        }
        if entry.used {
            self.revoke(family);
            return Err(GrantRefused::Reused);
        }
        if now >= entry.expires_at {
            return Err(GrantRefused::Expired);
        }
        if redirect_uri != Some(&*grant.redirect_uri) {
            return Err(GrantRefused::OtherRedirectUri);
        }
        if !proves(verifier, grant.code_challenge.as_deref()) {
            return Err(GrantRefused::WrongVerifier);
        }
        entry.used = true;
        Ok((family, grant))
    }

    /// RFC 6749 section 6: each refresh token is good for one use, unless it is not to be `rotated`.
    pub(super) fn redeem_refresh_token(
        &mut self,
        token: &str,
        client_id: &str,
        rotated: bool,
        now: SecondsSinceEpoch,
    ) -> Result<(Family, Arc<Grant>), GrantRefused> {
        let entry = self
            .refresh_tokens
            .get_mut(token)
            .ok_or(GrantRefused::Unknown)?;
        let (family, grant) = (entry.family, Arc::clone(&entry.grant));
        if grant.client_id != client_id {
            return Err(GrantRefused::OtherClient);
        }
        if entry.used {
            self.revoke(family);
            return Err(GrantRefused::Reused);
        }
        if now >= entry.expires_at {
            return Err(GrantRefused::Expired);
        }
        entry.used = rotated;
        Ok((family, grant))
    }

    /// The scope that a refresh token stands for.
    pub(super) fn refreshable_scope(&self, token: &str) -> Option<String> {
        let entry = self.refresh_tokens.get(token)?;
        Some(entry.grant.scope.clone())
    }

    pub(super) fn issue_access_token(
        &mut self,
        family: Family,
        grant: Arc<Grant>,
        expires_at: SecondsSinceEpoch,
    ) -> String {
        issue(&mut self.access_tokens, family, grant, expires_at)
    }

    pub(super) fn issue_refresh_token(
        &mut self,
        family: Family,
        grant: Arc<Grant>,
        now: SecondsSinceEpoch,
    ) -> String {
        let expires_at = now.plus(REFRESH_LIFETIME);
        issue(&mut self.refresh_tokens, family, grant, expires_at)
    }

    /// What an access token stands for, while it lives.
    pub(super) fn find_access_token(
        &self,
        token: &str,
        now: SecondsSinceEpoch,
    ) -> Option<Arc<Grant>> {
        let entry = self.access_tokens.get(token)?;
        (now < entry.expires_at).then(|| Arc::clone(&entry.grant))
    }

    fn revoke(&mut self, family: Family) {
        self.access_tokens.retain(|_, e| e.family != family);
        self.refresh_tokens.retain(|_, e| e.family != family);
    }

    pub(super) fn revoke_refresh_tokens(&mut self) {
        self.refresh_tokens.clear();
    }

    /// The refresh tokens that end with a session (OpenID Connect Core 11).
    pub(super) fn end_session(&mut self, sid: &str) {
        self.refresh_tokens
            .retain(|_, entry| entry.grant.offline || entry.grant.sid != sid);
    }

    /// The refresh tokens that end when all sessions do.
    pub(super) fn end_all_sessions(&mut self) {
        self.refresh_tokens.retain(|_, entry| entry.grant.offline);
    }
}

fn issue(
    entries: &mut HashMap<String, Entry>,
    family: Family,
    grant: Arc<Grant>,
    expires_at: SecondsSinceEpoch,
) -> String {
    let token = random_token();
    let entry = Entry {
        family,
        grant,
        expires_at,
        used: false,
    };
    entries.insert(token.clone(), entry);
    token
}

/// Whether a verifier belongs to a challenge. One that comes without a challenge is refused too: somebody
/// stripped the challenge off the authorization request (RFC 9700 section 2.1.1).
pub(super) fn proves(verifier: Option<&str>, challenge: Option<&str>) -> bool {
    match (verifier, challenge) {
        (None, None) => true,
        (Some(verifier), Some(challenge)) => {
            let hash = base64url(&sha256(verifier.as_bytes()));
            constant_time_eq(hash.as_bytes(), challenge.as_bytes())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SecondsSinceEpoch = SecondsSinceEpoch(1_000);
    const CALLBACK: Option<&str> = Some("https://app.example/cb");

    fn grant() -> Grant {
        Grant {
            client_id: "app".to_owned(),
            redirect_uri: "https://app.example/cb".to_owned(),
            scope: "openid".to_owned(),
            nonce: None,
            // RFC 7636 appendix B.
            code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
            claims: ClaimsRequest::default(),
            user: "alice".to_owned(),
            amr: Vec::new(),
            acr: None,
            auth_time: NOW,
            sid: "sid".to_owned(),
            offline: false,
        }
    }

    const VERIFIER: Option<&str> = Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");

    #[test]
    fn each_check_of_a_code() {
        let last = NOW.plus(Duration::from_secs(59));
        let late = NOW.plus(Duration::from_secs(60));
        let other = Some("https://app.example/other");
        for (client, uri, verifier, at, fault) in [
            ("other", CALLBACK, VERIFIER, NOW, GrantRefused::OtherClient),
            ("app", other, VERIFIER, NOW, GrantRefused::OtherRedirectUri),
            ("app", None, VERIFIER, NOW, GrantRefused::OtherRedirectUri),
            ("app", CALLBACK, None, NOW, GrantRefused::WrongVerifier),
            ("app", CALLBACK, Some("x"), NOW, GrantRefused::WrongVerifier),
            ("app", CALLBACK, VERIFIER, late, GrantRefused::Expired),
        ] {
            let mut grants = Grants::default();
            let code = grants.issue_code(grant(), NOW);
            let refused = grants.redeem_code(&code, client, uri, verifier, at);
            assert_eq!(refused.err(), Some(fault));
            let taken = grants.redeem_code(&code, "app", CALLBACK, VERIFIER, last);
            assert!(taken.is_ok(), "a refusal does not use it up");
        }
        let unknown = Grants::default().redeem_code("x", "app", CALLBACK, VERIFIER, NOW);
        assert_eq!(unknown.err(), Some(GrantRefused::Unknown));
    }

    #[test]
    fn a_verifier_without_a_challenge_is_refused() {
        assert!(proves(None, None));
        assert!(!proves(VERIFIER, None));
    }

    #[test]
    fn reuse_revokes_the_family_and_no_other() {
        let mut grants = Grants::default();
        let open = |grants: &mut Grants| {
            let code = grants.issue_code(grant(), NOW);
            let (family, grant) = grants
                .redeem_code(&code, "app", CALLBACK, VERIFIER, NOW)
                .unwrap();
            let later = NOW.plus(Duration::from_secs(9));
            let access = grants.issue_access_token(family, Arc::clone(&grant), later);
            (code, access, grants.issue_refresh_token(family, grant, NOW))
        };
        let (_, other_access, other_refresh) = open(&mut grants);

        let (code, access, refresh) = open(&mut grants);
        let again = grants.redeem_code(&code, "app", CALLBACK, VERIFIER, NOW);
        assert_eq!(again.err(), Some(GrantRefused::Reused));
        assert!(grants.find_access_token(&access, NOW).is_none());
        assert!(
            grants
                .redeem_refresh_token(&refresh, "app", true, NOW)
                .is_err()
        );

        let (_, access, refresh) = open(&mut grants);
        assert!(
            grants
                .redeem_refresh_token(&refresh, "app", true, NOW)
                .is_ok()
        );
        let again = grants.redeem_refresh_token(&refresh, "app", true, NOW);
        assert_eq!(again.err(), Some(GrantRefused::Reused));
        assert!(grants.find_access_token(&access, NOW).is_none());

        assert!(grants.find_access_token(&other_access, NOW).is_some());
        let stolen = grants.redeem_refresh_token(&other_refresh, "other", true, NOW);
        assert_eq!(stolen.err(), Some(GrantRefused::OtherClient));
        assert!(
            grants
                .redeem_refresh_token(&other_refresh, "app", true, NOW)
                .is_ok()
        );
    }
}
