//! Alternatives in round brackets: `(vorrei|voglio) il saldo` is two texts.

/// How many texts a pattern stands for; `None` where a bracket has no partner or stands in another.
pub(crate) fn count(pattern: &str) -> Option<usize> {
    parts(pattern).map(|parts| parts.iter().map(Vec::len).product())
}

/// At most `most` of the texts, spread evenly over all, always the same. A pattern that cannot be read is its own text.
pub(crate) fn some(pattern: &str, most: usize) -> Vec<String> {
    let Some(parts) = parts(pattern) else {
        return vec![pattern.to_owned()];
    };
    let all: usize = parts.iter().map(Vec::len).product();
    let taken = all.min(most);
    let texts = (0..taken).map(|nth| text(&parts, nth, all, taken));
    texts.collect()
}

/// The `nth` of `taken` texts. Each bracket is walked through at its own pace, so that few texts show many alternatives.
fn text(parts: &[Vec<&str>], nth: usize, all: usize, taken: usize) -> String {
    let mut index = nth;
    let mut words: Vec<&str> = Vec::new();
    for (place, alternatives) in parts.iter().enumerate() {
        let choice = if taken == all {
            let choice = index % alternatives.len();
            index /= alternatives.len();
            choice
        } else {
            // Turned on by one each time round, lest two brackets of one size keep step.
            (nth + place * (nth / alternatives.len())) % alternatives.len()
        };
        words.extend(alternatives[choice].split_whitespace());
    }
    words.join(" ")
}

/// Fixed text is a part with one alternative.
fn parts(pattern: &str) -> Option<Vec<Vec<&str>>> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('(') {
        let (inside, behind) = after.split_once(')')?;
        if before.contains(')') || inside.contains('(') {
            return None;
        }
        parts.push(vec![before]);
        parts.push(inside.split('|').collect());
        rest = behind;
    }
    if rest.contains(')') {
        return None;
    }
    parts.push(vec![rest]);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_multiply_and_an_empty_one_leaves_out() {
        assert_eq!(
            some("(vorrei|voglio) il saldo", 9),
            ["vorrei il saldo", "voglio il saldo"]
        );
        assert_eq!(some("saldo (grazie|)", 9), ["saldo grazie", "saldo"]);
        assert_eq!(some("saldo", 9), ["saldo"]);
        assert_eq!(count("(a|b) (c|d|e)"), Some(6));
    }

    #[test]
    fn of_many_texts_few_are_taken_and_show_every_alternative() {
        let texts = some("(a|b|c) (d|e|f) (g|h|i)", 6);
        assert_eq!(texts.len(), 6);
        for word in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            assert!(texts.iter().any(|text| text.contains(word)), "{word} in {texts:?}");
        }
    }

    #[test]
    fn a_bracket_without_partner_is_no_pattern() {
        for bad in ["(a|b", "a)", "(a (b) c)"] {
            assert_eq!(count(bad), None, "{bad}");
        }
    }
}
