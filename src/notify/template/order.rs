//! An order is only between two numbers or two texts. The engine puts any two values in some order, a list after every
//! number, so that bad data would decide silently: `a > b` is compiled as a filter that refuses other pairs.

use std::borrow::Cow;
use std::cmp::Ordering;

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use super::Misfit;
use super::code::{blocks, words};

/// The filter that takes the place of `<`, `<=`, `>` and `>=`.
const FILTER: &str = "in_order";

/// What ends a side of a comparison, since it binds less.
const ENDS: [&str; 12] = [
    "and", "or", "not", "if", "elif", "else", "set", "for", "with", ",", ":", "=",
];
/// What binds as much.
const COMPARISONS: [&str; 3] = ["==", "!=", "in"];

pub(super) fn add(env: &mut Environment<'static>) {
    env.add_filter(FILTER, |sides: &Value, sign: &str| {
        let (left, right) = (sides.get_item_by_index(0)?, sides.get_item_by_index(1)?);
        match (left.kind(), right.kind()) {
            (ValueKind::Undefined, _) | (_, ValueKind::Undefined) => {
                return Err(Error::new(ErrorKind::UndefinedError, "a comparison is given nothing"));
            }
            (ValueKind::Number, ValueKind::Number) | (ValueKind::String, ValueKind::String) => {}
            (left, right) => {
                let detail = format!(
                    "{sign} compares {} with {}: an order is of two numbers or two texts",
                    said(left),
                    said(right)
                );
                return Err(super::filter::wrong(detail));
            }
        }
        let order = left.cmp(&right);
        Ok(match sign {
            "<" => order == Ordering::Less,
            "<=" => order != Ordering::Greater,
            ">" => order == Ordering::Greater,
            _ => order != Ordering::Less,
        })
    });
}

fn said(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Number => "a number",
        ValueKind::String => "a text",
        other => super::filter::described(other),
    }
}

/// A source whose comparisons are checked as they are made. Its lines stay where they are.
pub(super) fn checked(source: &str) -> Result<Cow<'_, str>, Misfit> {
    let mut edits = Vec::new();
    for block in blocks(source) {
        let words = words(block.text);
        for at in (0..words.len()).filter(|at| is_order(words[*at].1)) {
            let [start, sign, end] = edges(&words, at, block.text.len()).ok_or_else(|| Misfit {
                line: source[..block.at].matches('\n').count() + 1,
                told: "compares more than two values at once: write `a < b and b < c`".to_owned(),
            })?;
            let word = words[at].1;
            edits.push((block.at + start, 0, "([".to_owned()));
            edits.push((block.at + sign, word.len(), ",".to_owned()));
            edits.push((block.at + end, 0, format!("]|{FILTER}('{word}'))")));
        }
    }
    if edits.is_empty() {
        return Ok(source.into());
    }
    edits.sort_by_key(|(at, ..)| *at);
    let (mut written, mut from) = (String::with_capacity(source.len() + 64), 0);
    for (at, over, text) in edits {
        written.push_str(&source[from..at]);
        written.push_str(&text);
        from = at + over;
    }
    written.push_str(&source[from..]);
    Ok(written.into())
}

/// Where a comparison begins, has its sign, and ends; `None` where another compares its side too.
fn edges(words: &[(usize, &str)], at: usize, length: usize) -> Option<[usize; 3]> {
    let left = side((0..at).rev(), words, [")]}", "([{"]);
    let right = side(at + 1..words.len(), words, ["([{", ")]}"]);
    let is_comparison =
        |at: Option<usize>| at.is_some_and(|at| is_order(words[at].1) || COMPARISONS.contains(&words[at].1));
    if is_comparison(left) || is_comparison(right) {
        return None;
    }
    let start = left.map_or(0, |end| end + 1);
    Some([words[start].0, words[at].0, right.map_or(length, |end| words[end].0)])
}

/// The first word in a direction that is not of the side; brackets that open and close on the way are of it.
fn side(mut way: impl Iterator<Item = usize>, words: &[(usize, &str)], [opens, closes]: [&str; 2]) -> Option<usize> {
    let mut depth = 0_usize;
    way.find(|at| {
        let word = words[*at].1;
        let is_member = *at > 0 && words[*at - 1].1 == ".";
        if opens.contains(word) {
            depth += 1;
        } else if closes.contains(word) {
            if depth == 0 {
                return true;
            }
            depth -= 1;
        }
        depth == 0 && !is_member && (is_order(word) || ENDS.contains(&word) || COMPARISONS.contains(&word))
    })
}

fn is_order(word: &str) -> bool {
    matches!(word, "<" | "<=" | ">" | ">=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_compared_is_written_anew() {
        for (source, written) in [
            ("a > b {{ 'x > y' }} {# a > b #} {% raw %}{{ a > b }}{% endraw %}", None),
            ("{{ a > b }}", Some("{{ ([a , b ]|in_order('>'))}}")),
            (
                "{%- if not data.n|length >= 3 and data.in < '>' -%}\nx{% endif %}",
                Some(
                    "{%- if not ([data.n|length , 3 ]|in_order('>='))and ([data.in , '>' ]|in_order('<'))-%}\nx{% endif %}",
                ),
            ),
            (
                "{% set x = (a + 1) > b[c < 2] %}",
                Some("{% set x = ([(a + 1) , b[([c , 2]|in_order('<'))] ]|in_order('>'))%}"),
            ),
            (
                "{{ {'a': {'b': 1 > x}} }}",
                Some("{{ {'a': {'b': ([1 , x]|in_order('>'))}} }}"),
            ),
            (
                "{{ 1 if a == b else f(c, d <= 2) }}",
                Some("{{ 1 if a == b else f(c, ([d , 2]|in_order('<='))) }}"),
            ),
        ] {
            assert_eq!(checked(source).unwrap(), written.unwrap_or(source), "{source}");
        }
        assert_eq!(checked("a\n{{ 1 < b < 3 }}").unwrap_err().line, 2);
        assert!(checked("{{ a < b == c }}").is_err());
    }

    #[test]
    fn no_source_makes_it_panic() {
        for source in [
            "{{ > }}",
            "{{ < b }}",
            "{% if a > %}",
            "{{ a > b",
            "{{ )>( }}",
            "{{ 'a > }}",
            "{% raw %}{{ a > b",
            "{{->-}}",
        ] {
            let _ = checked(source);
        }
    }
}
