//! Codes and refresh tokens: what is good, what was used, what is over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::SecondsSinceEpoch;
use crate::crypto::random_token;
use crate::simulator::client_auth::{TokenError, refuse};
use crate::simulator::grant::proves;

/// How long a code is good.
pub(super) const CODE_LIFETIME: Duration = Duration::from_secs(5 * 60);
const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// What one sign-in granted.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: Option<String>,
    /// The `sub` of the person.
    pub(super) subject: String,
    pub(super) connection: String,
    pub(super) organization: String,
    pub(super) sid: String,
}

#[derive(Debug)]
struct Entry {
    family: u64,
    grant: Arc<Grant>,
    ends_at: SecondsSinceEpoch,
    used: bool,
}

/// All that was issued and not forgotten.
#[derive(Debug, Default)]
pub(super) struct Codes {
    next: u64,
    codes: HashMap<String, Entry>,
    refresh_tokens: HashMap<String, Entry>,
}

/// What a code or a refresh token was good for.
pub(super) struct Redeemed {
    pub(super) grant: Arc<Grant>,
    family: u64,
}

/// Why nothing is issued.
#[derive(Debug)]
pub(super) enum Denied {
    Refused(TokenError),
    /// A used code or refresh token came again, and ended all that came from it (RFC 6749 section 10.5).
    Reused,
}

impl Codes {
    pub(super) fn issue(&mut self, grant: Grant, now: SecondsSinceEpoch) -> String {
        for entries in [&mut self.codes, &mut self.refresh_tokens] {
            // What is over is remembered a while, so that its reuse is still seen.
            entries.retain(|_, entry| now < entry.ends_at.plus(CODE_LIFETIME));
        }
        self.next += 1;
        let entry = Entry {
            family: self.next,
            grant: Arc::new(grant),
            ends_at: now.plus(CODE_LIFETIME),
            used: false,
        };
        let code = random_token();
        self.codes.insert(code.clone(), entry);
        code
    }

    /// RFC 6749 section 4.1.3 and RFC 7636 section 4.6.
    pub(super) fn redeem(
        &mut self,
        code: &str,
        client_id: &str,
        redirect_uri: Option<&str>,
        verifier: Option<&str>,
        now: SecondsSinceEpoch,
    ) -> Result<Redeemed, Denied> {
        let redeemed = look_up(&self.codes, code, client_id, now);
        let redeemed = self.ending_what_was_reused(redeemed)?;
        let grant = &redeemed.grant;
        if redirect_uri != Some(&*grant.redirect_uri) {
            return denied("redirect_uri differs from that of the request");
        }
        if !proves(verifier, grant.code_challenge.as_deref()) {
            return denied("code_verifier does not fit");
        }
        if let Some(entry) = self.codes.get_mut(code) {
            entry.used = true;
        }
        Ok(redeemed)
    }

    /// RFC 6749 section 6: each refresh token is good for one use.
    pub(super) fn redeem_refresh_token(
        &mut self,
        token: &str,
        client_id: &str,
        now: SecondsSinceEpoch,
    ) -> Result<Redeemed, Denied> {
        let redeemed = look_up(&self.refresh_tokens, token, client_id, now);
        let redeemed = self.ending_what_was_reused(redeemed)?;
        if let Some(entry) = self.refresh_tokens.get_mut(token) {
            entry.used = true;
        }
        Ok(redeemed)
    }

    pub(super) fn issue_refresh_token(
        &mut self,
        redeemed: &Redeemed,
        now: SecondsSinceEpoch,
    ) -> String {
        let token = random_token();
        let entry = Entry {
            family: redeemed.family,
            grant: Arc::clone(&redeemed.grant),
            ends_at: now.plus(REFRESH_LIFETIME),
            used: false,
        };
        self.refresh_tokens.insert(token.clone(), entry);
        token
    }

    /// Ends the refresh tokens of a sign-in.
    pub(super) fn end_session(&mut self, sid: &str) {
        self.refresh_tokens
            .retain(|_, entry| entry.grant.sid != sid);
    }

    fn ending_what_was_reused(
        &mut self,
        redeemed: Result<Redeemed, (u64, Denied)>,
    ) -> Result<Redeemed, Denied> {
        redeemed.map_err(|(family, denied)| {
            if matches!(denied, Denied::Reused) {
                self.refresh_tokens
                    .retain(|_, entry| entry.family != family);
            }
            denied
        })
    }
}

fn look_up(
    entries: &HashMap<String, Entry>,
    text: &str,
    client_id: &str,
    now: SecondsSinceEpoch,
) -> Result<Redeemed, (u64, Denied)> {
    let unknown = || Denied::Refused(refuse("invalid_grant", "this was never issued"));
    let entry = entries.get(text).ok_or_else(|| (0, unknown()))?;
    let family = entry.family;
    let refused = |description| Denied::Refused(refuse("invalid_grant", description));
    if entry.grant.client_id != client_id {
        return Err((family, refused("this was issued to another client")));
    }
    if entry.used {
        return Err((family, Denied::Reused));
    }
    if now >= entry.ends_at {
        return Err((family, refused("this is expired")));
    }
    let grant = Arc::clone(&entry.grant);
    Ok(Redeemed { grant, family })
}

fn denied(description: &'static str) -> Result<Redeemed, Denied> {
    Err(Denied::Refused(refuse("invalid_grant", description)))
}
