//! A table of webhooks: whoever did not sign, or not now, is refused.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Received, WebhookEvent, WebhookSecret, Webhooks, verify_webhook};
use crate::ErrorKind;
use crate::clock::{SecondsSinceEpoch, TestClock};
use crate::crypto::hmac_sha256;

const NOW: u64 = 1_800_000_000;
const KEY: &[u8] = b"the key of this endpoint";
const OLD_KEY: &[u8] = b"the key that it had before";
const BODY: &[u8] = br#"{"type":"organization.sso_enabled","id":"evt_1"}"#;

fn secret(key: &[u8]) -> WebhookSecret {
    WebhookSecret::parse(&format!("whsec_{}", STANDARD.encode(key))).unwrap()
}

fn signature(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let message = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    format!("v1,{}", STANDARD.encode(hmac_sha256(key, &[&message])))
}

fn headers(id: &str, timestamp: &str, signatures: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signatures),
    ] {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn signed_at(key: &[u8], id: &str, timestamp: &str) -> HeaderMap {
    headers(id, timestamp, &signature(key, id, timestamp, BODY))
}

fn good() -> HeaderMap {
    signed_at(KEY, "msg_1", &NOW.to_string())
}

fn is_right(headers: &HeaderMap, body: &[u8]) -> bool {
    let secrets = [secret(KEY)];
    match verify_webhook(&secrets, headers, body, SecondsSinceEpoch(NOW)) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Request);
            false
        }
    }
}

#[test]
fn the_signature_is_over_id_time_and_raw_body() {
    assert!(is_right(&good(), BODY));
    let spaced = br#"{"type": "organization.sso_enabled","id":"evt_1"}"#;
    assert!(!is_right(&good(), spaced), "the same JSON, other bytes");
    assert!(!is_right(&good(), b""));
    for (name, other) in [
        ("webhook-id", "msg_2".to_owned()),
        ("webhook-timestamp", (NOW + 1).to_string()),
        ("webhook-timestamp", format!("0{NOW}")),
    ] {
        let mut headers = good();
        headers.insert(name, other.parse().unwrap());
        assert!(!is_right(&headers, BODY), "{name}: {other}");
    }
    assert!(!is_right(
        &signed_at(OLD_KEY, "msg_1", &NOW.to_string()),
        BODY
    ));
}

#[test]
fn each_header_is_there_once() {
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut without = good();
        let value = without.remove(name).unwrap();
        assert!(!is_right(&without, BODY), "no {name}");
        let mut twice = good();
        twice.append(HeaderName::from_static(name), value);
        assert!(!is_right(&twice, BODY), "{name} twice");
        let mut odd = good();
        odd.insert(name, HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(!is_right(&odd, BODY), "{name} is no text");
    }
}

#[test]
fn a_webhook_counts_for_five_minutes_both_ways() {
    for (at, right) in [
        (NOW - 300, true),
        (NOW - 301, false),
        (NOW + 300, true),
        (NOW + 301, false),
        (0, false),
        (u64::MAX, false),
    ] {
        assert_eq!(
            is_right(&signed_at(KEY, "msg_1", &at.to_string()), BODY),
            right,
            "{at}"
        );
    }
    for odd in [
        "",
        "-1",
        "+1800000000",
        "1800000000.0",
        "1.8e9",
        " 1800000000",
        "0x6b49d200",
    ] {
        assert!(!is_right(&signed_at(KEY, "msg_1", odd), BODY), "{odd}");
    }
    for id in ["", "a b", &"a".repeat(257)] {
        assert!(
            !is_right(&signed_at(KEY, id, &NOW.to_string()), BODY),
            "{id}"
        );
    }
}

#[test]
fn any_of_a_few_signatures_may_fit() {
    let now = NOW.to_string();
    let right = signature(KEY, "msg_1", &now, BODY);
    let wrong = signature(OLD_KEY, "msg_1", &now, BODY);
    let cut = STANDARD.encode(&STANDARD.decode(&right[3..]).unwrap()[..31]);
    for (signatures, fits) in [
        (format!("{wrong} {right}"), true),
        (format!("v1a,xx {right}"), true),
        (format!("v1,no-base64 {right}"), true),
        (wrong.clone(), false),
        (right.replace("v1,", "v2,"), false),
        (right.replace("v1,", ""), false),
        (right.replace("v1,", "v1="), false),
        (format!("v1,{cut}"), false),
        ("v1,".to_owned(), false),
        (String::new(), false),
        (format!("{}{right}", format!("{wrong} ").repeat(7)), true),
        (format!("{}{right}", format!("{wrong} ").repeat(8)), false),
        (format!("{right}{}", " ".repeat(1_024)), false),
    ] {
        assert_eq!(
            is_right(&headers("msg_1", &now, &signatures), BODY),
            fits,
            "{signatures}"
        );
    }
}

#[test]
fn while_secrets_are_rotated_either_signs() {
    let secrets = [secret(KEY), secret(OLD_KEY)];
    for key in [KEY, OLD_KEY] {
        let headers = signed_at(key, "msg_1", &NOW.to_string());
        let found = verify_webhook(&secrets, &headers, BODY, SecondsSinceEpoch(NOW)).unwrap();
        assert_eq!((&*found.id, found.at.0), ("msg_1", NOW));
    }
    assert!(verify_webhook(&[], &good(), BODY, SecondsSinceEpoch(NOW)).is_err());
    assert!(Webhooks::new([]).unwrap_err().is_configuration());
}

#[test]
fn a_secret_is_base64_after_the_underscore() {
    let key = STANDARD.encode(KEY);
    for bad in [
        "".to_owned(),
        key.clone(),
        "whsec_".to_owned(),
        "whsec_???".to_owned(),
        format!("whsec_{}", STANDARD.encode([0; 15])),
        format!("whsec_{}", STANDARD.encode([0; 513])),
    ] {
        let error = WebhookSecret::parse(&bad).unwrap_err();
        assert!(error.is_configuration(), "{bad}");
    }
    let secret = secret(KEY);
    let hooks = Webhooks::new([secret.clone()]).unwrap();
    assert!(!format!("{secret:?} {hooks:?}").contains(&key));
    assert!(format!("{secret:?}").contains("REDACTED"));
}

#[tokio::test]
async fn a_message_counts_once_until_its_work_failed() {
    let clock = TestClock::at(NOW);
    let hooks = Webhooks::new([secret(KEY)]).unwrap();
    let hooks = hooks.with_clock(Arc::new(clock.clone()));
    let Ok(Received::New { event, message }) = hooks.receive(&good(), BODY).await else {
        panic!("it is new");
    };
    assert_eq!(event.event_type, "organization.sso_enabled");
    for seconds in [0, 299, 1] {
        clock.advance(Duration::from_secs(seconds));
        let again = hooks.clone().receive(&good(), BODY).await.unwrap();
        assert!(matches!(again, Received::Again { .. }));
    }
    let later = signed_at(KEY, "msg_1", &(NOW + 300).to_string());
    let again = hooks.receive(&later, BODY).await.unwrap();
    assert!(
        matches!(again, Received::Again { .. }),
        "sent again, with a new time"
    );
    hooks.release(&message).await.unwrap();
    let new = hooks.receive(&later, BODY).await.unwrap();
    assert!(matches!(new, Received::New { .. }));
    clock.advance(Duration::from_secs(1));
    let late = hooks.receive(&good(), BODY).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Request, "five minutes are over");
}

/// A message from the near future stays a copy for as long as it would be taken.
#[tokio::test]
async fn a_message_is_remembered_for_as_long_as_it_would_be_taken() {
    let clock = TestClock::at(NOW);
    let hooks = Webhooks::new([secret(KEY)]).unwrap();
    let hooks = hooks.with_clock(Arc::new(clock.clone()));
    let early = signed_at(KEY, "msg_1", &(NOW + 300).to_string());
    let first = hooks.receive(&early, BODY).await.unwrap();
    assert!(matches!(first, Received::New { .. }));
    clock.advance(Duration::from_secs(600));
    let again = hooks.receive(&early, BODY).await.unwrap();
    assert!(matches!(again, Received::Again { .. }));
}

/// Its copy is taken for five minutes after the time of the later one.
#[tokio::test]
async fn a_message_that_was_sent_again_is_remembered_for_longer() {
    let clock = TestClock::at(NOW);
    let hooks = Webhooks::new([secret(KEY)]).unwrap();
    let hooks = hooks.with_clock(Arc::new(clock.clone()));
    let first = hooks.receive(&good(), BODY).await.unwrap();
    assert!(matches!(first, Received::New { .. }));
    clock.advance(Duration::from_secs(290));
    let later = signed_at(KEY, "msg_1", &(NOW + 290).to_string());
    for seconds in [0, 300] {
        clock.advance(Duration::from_secs(seconds));
        let again = hooks.receive(&later, BODY).await.unwrap();
        assert!(matches!(again, Received::Again { .. }), "{seconds}");
    }
}

#[tokio::test]
async fn what_was_not_signed_is_not_remembered() {
    let hooks = Webhooks::new([secret(KEY)]).unwrap();
    let hooks = hooks.with_clock(Arc::new(TestClock::at(NOW)));
    let forged = signed_at(OLD_KEY, "msg_1", &NOW.to_string());
    hooks.receive(&forged, BODY).await.unwrap_err();
    let first = hooks.receive(&good(), BODY).await.unwrap();
    assert!(matches!(first, Received::New { .. }));
}

#[test]
fn an_event_is_read_leniently() {
    let event = br#"{"spec_version":"1","id":"evt_1","object":"Directory","environment_id":"env_1",
        "occurred_at":"2024-01-15T10:30:00.123456789Z","organization_id":"org_1",
        "type":"organization.directory_enabled","data":{"id":"dir_1"}}"#;
    let event = WebhookEvent::parse(event).unwrap();
    assert_eq!(event.event_type, "organization.directory_enabled");
    assert_eq!(event.organization_id.as_deref(), Some("org_1"));
    assert_eq!(event.occurred_at, Some(SecondsSinceEpoch(1_705_314_600)));
    assert_eq!(event.data["id"], "dir_1");
    let odd = WebhookEvent::parse(br#"{"type":"x","id":7,"data":null,"occurred_at":"soon"}"#);
    let odd = odd.unwrap();
    assert_eq!((odd.id, odd.occurred_at, odd.data.len()), (None, None, 0));
    let huge = format!(r#"{{"type":"x","data":{{"a":"{}"}}}}"#, "a".repeat(262_144));
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"type":""}"#,
        r#"{"type":"a","type":"b"}"#,
        &huge,
    ] {
        let error = WebhookEvent::parse(bad.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider);
    }
}
