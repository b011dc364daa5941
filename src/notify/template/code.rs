//! The code in a template's source: its blocks, and the words of them.

/// What stands between `{{` and `}}`, or `{%` and `%}`, without signs that only trim blanks.
pub(super) struct Block<'s> {
    /// Where it begins in the source.
    pub(super) at: usize,
    pub(super) text: &'s str,
}

/// The blocks of a source, without comments and what stands in `raw`. What is not closed is a syntax error, which the
/// engine tells: it ends them.
pub(super) fn blocks(source: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = source;
    let mut raw = false;
    while let Some(start) = opening(rest) {
        let inner = &rest[start + 2..];
        let end = match rest.as_bytes()[start + 1] {
            b'#' => inner.find("#}"),
            _ if raw => inner.find("%}"),
            b'{' => closing(inner, "}}"),
            _ => closing(inner, "%}"),
        };
        let Some(end) = end else { break };
        let kind = rest.as_bytes()[start + 1];
        let is_trim = |c| matches!(c, '-' | '+');
        let text = inner[..end].strip_prefix(is_trim).unwrap_or(&inner[..end]);
        let text = text.strip_suffix(is_trim).unwrap_or(text);
        match (kind, raw, text.trim()) {
            (b'%', false, "raw") => raw = true,
            (b'%', true, "endraw") => raw = false,
            (_, true, _) => {
                // No block: only the end of `raw` is looked for.
                rest = inner;
                continue;
            }
            (b'#', ..) => {}
            _ => blocks.push(Block {
                at: text.as_ptr().addr() - source.as_ptr().addr(),
                text,
            }),
        }
        rest = &inner[end + 2..];
    }
    blocks
}

fn opening(text: &str) -> Option<usize> {
    ["{{", "{%", "{#"].into_iter().filter_map(|open| text.find(open)).min()
}

/// Where a block ends: not in quotes, and not in brackets.
fn closing(text: &str, close: &str) -> Option<usize> {
    let (mut quote, mut depth, mut escaped) = (None, 0_usize, false);
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if depth == 0 && text[at..].starts_with(close) => return Some(at),
            None => match c {
                '"' | '\'' => quote = Some(c),
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            },
        }
    }
    None
}

/// The words and signs of a block; a text in quotes is one sign.
pub(super) fn words(block: &str) -> Vec<(usize, &str)> {
    let mut words: Vec<(usize, &str)> = Vec::new();
    let (mut quote, mut escaped, mut start) = (None, false, None);
    for (at, c) in block.char_indices().chain([(block.len(), ' ')]) {
        let in_word = quote.is_none() && (c.is_ascii_alphanumeric() || c == '_');
        match (start, in_word) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push((from, &block[from..at]));
                start = None;
            }
            _ => {}
        }
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                words.push((at, "'"));
            }
            None if !in_word && !c.is_whitespace() => match words.last_mut() {
                // `<=`, `>=`, `==` and `!=` are one.
                Some((sign, first)) if c == '=' && *sign + 1 == at && matches!(*first, "<" | ">" | "=" | "!") => {
                    *first = &block[*sign..=at];
                }
                _ => words.push((at, &block[at..at + c.len_utf8()])),
            },
            None => {}
        }
    }
    words
}
