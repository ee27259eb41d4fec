//! When was that? Reads the times of models, to compare them.

/// Returns nanoseconds since 1970-01-01T00:00:00Z for a time such as `2020-11-17T10:44:03.663716+01:00`.
///
/// Without an offset it counts as UTC. `None` if it does not have that form.
pub(super) fn instant(text: &str) -> Option<i128> {
    let (date, time) = text.split_once(['T', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, offset_seconds) = split_offset(time)?;
    let (time, fraction) = time.split_once('.').map_or((time, None), |(time, fraction)| (time, Some(fraction)));
    let [hour, minute, second] = numbers(time, ':')?;
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour <= 24 && minute < 60 && second <= 60;
    if !fits {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset_seconds;
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(fraction.map_or(Some(0), nanoseconds)?))
}

/// Returns days since 1970-01-01 in the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years are counted from March, so that the leap day is the last day of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days_in_years = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    days_in_years + day_of_year - 719_468
}

fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(position) = time.find(['+', '-']) else {
        return Some((time, 0));
    };
    let (time, offset) = time.split_at(position);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = numbers(&offset[1..], ':')?;
    Some((time, sign * (hours * 3_600 + minutes * 60)))
}

/// Reads exactly `N` numbers of few digits.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let numbers: Option<Vec<i64>> = text.split(separator).map(|part| digits(part, 4)).collect();
    numbers?.try_into().ok()
}

fn digits(text: &str, digits_max: usize) -> Option<i64> {
    let well_formed = text.len() <= digits_max && text.bytes().all(|byte| byte.is_ascii_digit());
    if well_formed { text.parse().ok() } else { None }
}

/// Reads a fraction of a second; anything finer than a nanosecond is dropped.
fn nanoseconds(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits(&format!("{:0<9}", &fraction[..fraction.len().min(9)]), 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i128 = 1_000_000_000;

    #[track_caller]
    fn check(text: &str, expected: Option<i128>) {
        assert_eq!(instant(text), expected, "{text:?}");
    }

    #[test]
    fn times_are_instants() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("1970-01-01T01:00:00+01:00", Some(0));
        check("1969-12-31T23:59:59Z", Some(-SECOND));
        check("1970-01-01T00:00:00.5-00:30", Some(1_800 * SECOND + SECOND / 2));
        check("2000-03-01T00:00:00Z", Some(951_868_800 * SECOND));
        check("2020-02-29 12:00:00.000001+00:00", Some(1_582_977_600 * SECOND + 1_000));
        check("2020-11-17T10:44:03.663716+01:00", Some(1_605_606_243 * SECOND + 663_716_000));
        check("2020-11-17T09:44:03.1234567891", Some(1_605_606_243 * SECOND + 123_456_789));
    }

    #[test]
    fn what_is_not_a_time_is_none() {
        for text in [
            "",
            "T",
            "soon",
            "2020-11-17",
            "2020-13-01T00:00:00Z",
            "2020-01-32T00:00:00Z",
            "2020-01-01T00:60:00Z",
            "2020-01-01T00:00",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00.+01:00",
            "2020-01-01T00:00:00+",
            "2020-01-01T00:00:00+1:0:0",
            "+2020-01-01T00:00:00Z",
            "2020-01-01T00:00:-1Z",
            "99999999999999999999-01-01T00:00:00Z",
            "2020-01-01T00:00:00.ä",
        ] {
            check(text, None);
        }
    }
}
