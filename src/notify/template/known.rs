//! Whether every filter and test of a template is there: the engine asks only once it comes by.

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind};

use super::Misfit;
use super::code::{blocks, words};

/// The first filter or test that is not known, by the order of the source.
pub(super) fn first_unknown(env: &Environment<'_>, source: &str) -> Option<Misfit> {
    for block in blocks(source) {
        for (at, name, kind) in named(block.text) {
            if !is_known(env, name, kind) {
                let told = match kind {
                    Kind::Filter => format!("uses a filter that is not known: {name}"),
                    Kind::Test => format!("uses a test that is not known: {name}"),
                };
                return Some(Misfit {
                    line: source[..block.at + at].matches('\n').count() + 1,
                    told,
                });
            }
        }
    }
    None
}

#[derive(Clone, Copy)]
enum Kind {
    Filter,
    Test,
}

/// Names after `|` and after `is`, outside of texts in quotes, each with its place.
fn named(block: &str) -> Vec<(usize, &str, Kind)> {
    let words = words(block);
    let name = |at: usize| {
        words
            .get(at)
            .copied()
            .filter(|(_, word)| word.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    let mut found = Vec::new();
    for (at, (_, word)) in words.iter().enumerate() {
        let (named, kind) = match *word {
            "|" => (name(at + 1), Kind::Filter),
            "is" if words.get(at + 1).is_some_and(|(_, word)| *word == "not") => (name(at + 2), Kind::Test),
            "is" => (name(at + 1), Kind::Test),
            _ => continue,
        };
        found.extend(named.map(|(place, name)| (place, name, kind)));
    }
    found
}

fn is_known(env: &Environment<'_>, name: &str, kind: Kind) -> bool {
    let mut state = env.empty_state();
    let tried = match kind {
        Kind::Filter => state.apply_filter(name, &[Value::UNDEFINED]).map(drop),
        Kind::Test => state.perform_test(name, &[Value::UNDEFINED]).map(drop),
    };
    // Any other complaint is of the filter's own.
    !tried.is_err_and(|error| matches!(error.kind(), ErrorKind::UnknownFilter | ErrorKind::UnknownTest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(source: &str) -> Option<(usize, String)> {
        let env = Environment::new();
        first_unknown(&env, source).map(|misfit| (misfit.line, misfit.told))
    }

    #[test]
    fn what_is_not_known_is_found_with_its_line() {
        let (line, told) = unknown("a\n{{ x | upper }}\n{{ y|moneyy('EUR') }}").unwrap();
        assert_eq!((line, &*told), (3, "uses a filter that is not known: moneyy"));
        assert_eq!(unknown("{% if x is  not definedd %}").unwrap().0, 1);
    }

    #[test]
    fn what_is_known_or_no_code_passes() {
        for source in [
            "{{ 'a | b is c' | upper }}",
            "{# x | nofilter #}",
            "x | y is z",
            "{{ a is defined and b is not none | default('|q') }}",
            "{% set x = (a or b) %}{{ x is divisibleby 3 }}",
            "{{ \"it's | fine\" }}{{ unclosed | nofilter",
        ] {
            assert_eq!(unknown(source), None, "{source}");
        }
    }
}
