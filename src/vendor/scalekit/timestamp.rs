//! Points in time as Scalekit writes them.

use serde_json::Value;

use crate::clock::SecondsSinceEpoch;

/// A time as text (RFC 3339) or as seconds since the epoch, the latter as a number or as digits.
pub(super) fn read(value: &Value) -> Option<SecondsSinceEpoch> {
    match value {
        Value::Number(number) => number.as_u64().map(SecondsSinceEpoch),
        Value::String(text) if text.len() <= 64 => {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            if is_number {
                text.parse().ok().map(SecondsSinceEpoch)
            } else {
                rfc_3339(text.as_bytes())
            }
        }
        _ => None,
    }
}

/// `date-time` of RFC 3339 section 5.6; fractions of a second are cut off, and a leap second is the one after.
fn rfc_3339(text: &[u8]) -> Option<SecondsSinceEpoch> {
    let fixed: &[u8; 19] = text.get(..19)?.try_into().ok()?;
    let signs = [
        fixed[4],
        fixed[7],
        fixed[10].to_ascii_uppercase(),
        fixed[13],
        fixed[16],
    ];
    if signs != *b"--T::" {
        return None;
    }
    let year = number(&fixed[..4])?;
    let (month, day) = (number(&fixed[5..7])?, number(&fixed[8..10])?);
    let (hour, minute, second) = (
        number(&fixed[11..13])?,
        number(&fixed[14..16])?,
        number(&fixed[17..])?,
    );
    let is_date = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset = offset_minutes(after_fraction(&text[19..])?)?;
    let minutes = days_since_epoch(year, month, day) * 1_440 + hour * 60 + minute - offset;
    u64::try_from(minutes * 60 + second)
        .ok()
        .map(SecondsSinceEpoch)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

fn after_fraction(rest: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = rest.strip_prefix(b".") else {
        return Some(rest);
    };
    let digits = fraction
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    (digits > 0).then(|| &fraction[digits..])
}

fn offset_minutes(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
            let total = hours * 60 + minutes;
            let is_offset = hours <= 23 && minutes <= 59;
            is_offset.then_some(if sign == b'-' { -total } else { total })
        }
        _ => None,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Leap days before a year, counted from year 1; 1970 has 719,162 days before it.
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    before * 365 + leap_days - 719_162 + months + day - 1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_text_or_a_number() {
        for (value, expected) in [
            (json!("1970-01-01T00:00:00Z"), Some(0)),
            (json!("2024-02-29T12:00:00Z"), Some(1_709_208_000)),
            (json!("2024-01-15T10:30:00.123456789Z"), Some(1_705_314_600)),
            (json!("2024-01-15t12:30:00+02:00"), Some(1_705_314_600)),
            (json!("2024-01-15T05:00:00-05:30"), Some(1_705_314_600)),
            (json!("2000-03-01T00:00:00Z"), Some(951_868_800)),
            (json!("2016-12-31T23:59:60Z"), Some(1_483_228_800)),
            (json!(1_705_314_600), Some(1_705_314_600)),
            (json!("1705314600"), Some(1_705_314_600)),
            (json!("2023-02-29T12:00:00Z"), None),
            (json!("2024-13-01T12:00:00Z"), None),
            (json!("2024-01-15T24:00:00Z"), None),
            (json!("2024-01-15T10:30:00"), None),
            (json!("2024-01-15T10:30:00.Z"), None),
            (json!("2024-01-15T10:30:00+0200"), None),
            (json!("2024-01-15 10:30:00Z"), None),
            (json!("1969-12-31T23:59:59Z"), None),
            (json!("0000-01-01T00:00:00Z"), None),
            (json!("2024-01-1éT10:30:00Z"), None),
            (json!(""), None),
            (json!("soon"), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(null), None),
            (json!("9".repeat(65)), None),
        ] {
            let read = read(&value).map(|time| time.0);
            assert_eq!(read, expected, "{value}");
        }
    }
}
