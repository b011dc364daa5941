//! JSON read strictly. What is wrong names its place; what was sent is never repeated but for a field's name.

use serde::de::Deserialize;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use super::problem::{Code, Fault, Problem};
use crate::accept::{masked, nearest};

/// Reads one JSON object with these fields. `soon` are fields of later versions.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8], fields: &[&str], soon: &[&str]) -> Result<T, Problem> {
    // A list would be read as the fields in their order.
    if body
        .trim_ascii_start()
        .first()
        .is_some_and(|first| b"[\"0123456789-tfn".contains(first))
    {
        return Err(Problem::with_detail(Code::InvalidJson, "expected an object"));
    }
    serde_json::from_slice(body).map_err(|error| explain::<T>(body, &error, fields, soon))
}

/// Reads again, slowly, to say what is wrong. The first error is taken for its place, the second for its path.
fn explain<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    error: &serde_json::Error,
    fields: &[&str],
    soon: &[&str],
) -> Problem {
    let (line, column) = (error.line(), error.column());
    let place = |problem: Problem| problem.with("line", line).with("column", column);
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let wrong = match error.classify() {
        // These messages are made of fixed words.
        Category::Syntax | Category::Eof | Category::Io => {
            let detail = format!("{message} at line {line} column {column}");
            return place(Problem::with_detail(Code::InvalidJson, detail));
        }
        Category::Data => message,
    };
    let pointer = pointer_of::<T>(body);
    if let Some(name) = quoted(wrong, "unknown field `", "`, expected ") {
        return place(unknown_field(name, &pointer, fields, soon, (line, column)));
    }
    if let Some(name) = quoted(wrong, "duplicate field `", "`") {
        let fault = Fault::new(
            format!("/{name}"),
            Code::InvalidJson,
            format!("the field `{name}` comes twice"),
        );
        return place(fault.into());
    }
    // Only what was expected is repeated: what came may be a text or a number.
    let expected = wrong
        .rsplit_once(", expected ")
        .map_or("something else", |(_, expected)| expected);
    let detail = format!("expected {expected} at line {line} column {column}");
    place(Fault::new(pointer, Code::InvalidJson, detail).into())
}

fn unknown_field(name: &str, pointer: &str, fields: &[&str], soon: &[&str], place: (usize, usize)) -> Problem {
    if soon.contains(&name) {
        return Fault::new(
            format!("/{name}"),
            Code::NotAvailable,
            format!("`{name}` is not available yet"),
        )
        .hint("send the text itself as `text`")
        .into();
    }
    // A name with many digits may be a number in the wrong place.
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let shown: String = match digits {
        0..5 => name.chars().take(40).flat_map(char::escape_default).collect(),
        _ => masked(name),
    };
    let nearest = nearest(name, fields);
    let known = nearest.map_or_else(
        || format!("known are {}", fields.join(", ")),
        |nearest| format!("did you mean `{nearest}`?"),
    );
    let (line, column) = place;
    let pointer = if pointer.is_empty() {
        format!("/{}", shown.replace('~', "~0").replace('/', "~1"))
    } else {
        pointer.to_owned()
    };
    let detail = format!("unknown field `{shown}` at line {line} column {column}; {known}");
    let fault = Fault::new(pointer, Code::InvalidJson, detail);
    match nearest {
        Some(nearest) => fault.hint(format!("did you mean `{nearest}`?")).into(),
        None => fault.into(),
    }
}

fn quoted<'m>(message: &'m str, before: &str, after: &str) -> Option<&'m str> {
    let rest = message.strip_prefix(before)?;
    Some(&rest[..rest.rfind(after)?])
}

/// The JSON pointer of the value that could not be read; empty for the whole.
fn pointer_of<'a, T: Deserialize<'a>>(body: &'a [u8]) -> String {
    let deserializer = &mut serde_json::Deserializer::from_slice(body);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(deserializer) else {
        return String::new();
    };
    let parts = error.path().iter().filter_map(|part| match part {
        Segment::Seq { index } => Some(format!("/{index}")),
        // The fields of our requests have plain names; others are not entered.
        Segment::Map { key } | Segment::Enum { variant: key }
            if key.bytes().all(|c| c.is_ascii_lowercase() || c == b'_') =>
        {
            Some(format!("/{key}"))
        }
        Segment::Map { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::accept::Text;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read only to fail")]
    struct Sample<'a> {
        #[serde(borrow)]
        to: Option<Text<'a>>,
        receipt: Option<bool>,
        channels: Option<Vec<Text<'a>>>,
    }

    fn fails(body: &str) -> Problem {
        read::<Sample<'_>>(body.as_bytes(), &["to", "receipt", "channels"], &["template"]).unwrap_err()
    }

    #[test]
    fn a_text_without_escapes_is_not_copied() {
        let sample: Sample<'_> = read(br#"{"to":"+393331234567"}"#, &[], &[]).unwrap();
        assert!(matches!(sample.to, Some(Text(Cow::Borrowed(_)))));
    }

    #[test]
    fn a_wrong_type_names_its_pointer_and_not_what_came() {
        let problem = fails(r#"{"channels":["sms",{"secret":"393331234567"}]}"#);
        assert_eq!(problem.errors[0].pointer, "/channels/1");
        assert!(problem.detail.contains("expected a string"), "{}", problem.detail);
        let problem = fails(r#"{"receipt":"393331234567"}"#);
        assert!(!format!("{problem:?}").contains("393331234567"), "{problem:?}");
    }

    #[test]
    fn an_unknown_field_is_named_with_the_nearest_one() {
        let problem = fails("{\n \"recipt\": true}");
        assert_eq!(
            (problem.code, &*problem.errors[0].pointer),
            (Code::InvalidJson, "/recipt")
        );
        assert!(problem.detail.contains("did you mean `receipt`?"), "{}", problem.detail);
        assert_eq!(problem.more["line"], 2);
    }

    #[test]
    fn a_number_as_a_field_name_is_masked() {
        assert!(!format!("{:?}", fails(r#"{"393331234567":"x"}"#)).contains("1234567"));
    }

    #[test]
    fn a_field_of_a_later_version_is_said_to_be_one() {
        assert_eq!(fails(r#"{"template":"x"}"#).code, Code::NotAvailable);
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("{{\"to\":{}", "[".repeat(200_000));
        assert_eq!(fails(&deep).code, Code::InvalidJson);
        let deep = format!("{{\"channels\":{}", "[".repeat(200_000));
        assert_eq!(fails(&deep).code, Code::InvalidJson);
    }
}
