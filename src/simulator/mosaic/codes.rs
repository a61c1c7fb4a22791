//! One-time codes and links, and what was "sent".

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::session::Method;
use super::user::Identifier;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::{random, random_token};
use crate::secret::constant_time_eq;

/// How many wrong passcodes are forgiven.
const TRIES: u8 = 5;
/// How much of what was sent is kept for people and tests to look at.
const KEPT: usize = 100;

/// Something that a person would find on a phone or in a mailbox.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) user: String,
    pub(super) to: String,
    pub(super) code: String,
    /// The address that the code comes with, if it is a link.
    pub(super) link: Option<String>,
}

#[derive(Debug)]
struct Otp {
    user: String,
    method: Method,
    code: String,
    tries: u8,
    expires_at: SecondsSinceEpoch,
}

#[derive(Debug)]
struct Link {
    user: String,
    expires_at: SecondsSinceEpoch,
}

/// Why a passcode is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    Wrong,
    Expired,
    /// Too many were wrong: only a new one helps.
    Locked,
}

/// All codes that can still be used, and all that was sent.
#[derive(Debug, Default)]
pub(super) struct Codes {
    /// By the kind and value of the identifier that it was asked for with: the vendor wants the same at both
    /// ends.
    otps: HashMap<(String, String), Otp>,
    links: HashMap<String, Link>,
    sent: VecDeque<Sent>,
}

impl Codes {
    /// A passcode of six digits in the place of one for the same identifier.
    pub(super) fn issue_otp(
        &mut self,
        identifier: &Identifier<'_>,
        user: &str,
        method: Method,
        until: SecondsSinceEpoch,
    ) -> String {
        let code = format!("{:06}", u32::from_le_bytes(random::<4>()) % 1_000_000);
        let otp = Otp {
            user: user.to_owned(),
            method,
            code: code.clone(),
            tries: 0,
            expires_at: until,
        };
        self.otps.insert(key(identifier), otp);
        code
    }

    /// Uses a passcode up.
    pub(super) fn redeem_otp(
        &mut self,
        identifier: &Identifier<'_>,
        tried: &str,
        now: SecondsSinceEpoch,
    ) -> Result<(String, Method), NotTaken> {
        let key = key(identifier);
        let otp = self.otps.get_mut(&key).ok_or(NotTaken::Wrong)?;
        if otp.tries >= TRIES {
            return Err(NotTaken::Locked);
        }
        if now >= otp.expires_at {
            return Err(NotTaken::Expired);
        }
        if !constant_time_eq(otp.code.as_bytes(), tried.as_bytes()) {
            otp.tries += 1;
            return Err(NotTaken::Wrong);
        }
        let taken = (otp.user.clone(), otp.method);
        self.otps.remove(&key);
        Ok(taken)
    }

    /// The code of a link.
    pub(super) fn issue_link(
        &mut self,
        user: &str,
        lifetime: Duration,
        now: SecondsSinceEpoch,
    ) -> String {
        self.links.retain(|_, link| now < link.expires_at);
        let code = random_token();
        let link = Link {
            user: user.to_owned(),
            expires_at: now.plus(lifetime),
        };
        self.links.insert(code.clone(), link);
        code
    }

    /// Uses the code of a link up, and says whose it is.
    pub(super) fn redeem_link(&mut self, code: &str, now: SecondsSinceEpoch) -> Option<String> {
        let link = self.links.remove(code)?;
        (now < link.expires_at).then_some(link.user)
    }

    pub(super) fn send(&mut self, sent: Sent) {
        self.sent.truncate(KEPT - 1);
        self.sent.push_front(sent);
    }

    /// What was sent, the newest first.
    pub(super) fn sent(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter()
    }
}

fn key(identifier: &Identifier<'_>) -> (String, String) {
    (identifier.kind.to_owned(), identifier.value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SecondsSinceEpoch = SecondsSinceEpoch(1_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const PHONE: Identifier<'static> = Identifier {
        kind: "phone_number",
        value: "+15550100",
    };
    const ID: Identifier<'static> = Identifier {
        kind: "user_id",
        value: "alice",
    };

    fn issue(codes: &mut Codes) -> String {
        codes.issue_otp(&PHONE, "alice", Method::SmsOtp, NOW.plus(MINUTE))
    }

    #[test]
    fn a_passcode_is_good_once_for_its_identifier_and_time() {
        let mut codes = Codes::default();
        let code = issue(&mut codes);
        assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(codes.redeem_otp(&ID, &code, NOW), Err(NotTaken::Wrong));
        let over = NOW.plus(MINUTE);
        assert_eq!(
            codes.redeem_otp(&PHONE, &code, over),
            Err(NotTaken::Expired)
        );
        let last = NOW.plus(Duration::from_secs(59));
        let taken = codes.redeem_otp(&PHONE, &code, last);
        assert_eq!(taken, Ok(("alice".to_owned(), Method::SmsOtp)));
        assert_eq!(codes.redeem_otp(&PHONE, &code, last), Err(NotTaken::Wrong));
    }

    #[test]
    fn five_wrong_passcodes_lock_the_right_one() {
        let mut codes = Codes::default();
        let code = issue(&mut codes);
        for _ in 0..5 {
            assert_eq!(codes.redeem_otp(&PHONE, "x", NOW), Err(NotTaken::Wrong));
        }
        assert_eq!(codes.redeem_otp(&PHONE, &code, NOW), Err(NotTaken::Locked));
        let new = issue(&mut codes);
        assert!(codes.redeem_otp(&PHONE, &new, NOW).is_ok());
    }

    #[test]
    fn a_link_is_good_once_and_for_its_time() {
        let mut codes = Codes::default();
        let code = codes.issue_link("alice", MINUTE, NOW);
        let last = NOW.plus(Duration::from_secs(59));
        assert_eq!(codes.redeem_link(&code, last).as_deref(), Some("alice"));
        assert_eq!(codes.redeem_link(&code, last), None);
        let code = codes.issue_link("alice", MINUTE, NOW);
        assert_eq!(codes.redeem_link(&code, NOW.plus(MINUTE)), None);
    }

    #[test]
    fn what_was_sent_is_bounded_and_the_newest_comes_first() {
        let mut codes = Codes::default();
        for number in 0..KEPT + 2 {
            codes.send(Sent {
                user: "alice".to_owned(),
                to: PHONE.value.to_owned(),
                code: number.to_string(),
                link: None,
            });
        }
        assert_eq!(codes.sent().count(), KEPT);
        assert_eq!(codes.sent().next().unwrap().code, (KEPT + 1).to_string());
    }
}
