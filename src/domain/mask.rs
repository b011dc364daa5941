//! Numbers as they may appear in logs: the prefix and the last digits.

use std::fmt;

/// A number as a log may show it: `+39333***4567`. Short codes and names of senders are public and shown whole.
pub fn mask_number(text: &str) -> String {
    Masked(text).to_string()
}

/// Shows a number masked.
#[derive(Clone, Copy)]
pub struct Masked<'a>(pub &'a str);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0;
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let count = text.chars().count();
        if digits < 7 || digits * 2 < count {
            return if (4..7).contains(&digits) && digits == count {
                f.write_str(text)
            } else {
                // A sender's name is public; anything longer may be a text in the wrong place.
                text.chars()
                    .take(11)
                    .try_for_each(|c| write!(f, "{}", c.escape_default()))
            };
        }
        let head = if text.starts_with('+') { 6 } else { 5 };
        let (head, tail) = if digits >= 10 { (head, 4) } else { (3, 2) };
        text.chars()
            .take(head)
            .try_for_each(|c| write!(f, "{}", c.escape_default()))?;
        f.write_str("***")?;
        text.chars()
            .skip(count - tail)
            .try_for_each(|c| write!(f, "{}", c.escape_default()))
    }
}

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_number_is_hidden() {
        assert_eq!(mask_number("+393331234567"), "+39333***4567");
        assert_eq!(mask_number("393331234567"), "39333***4567");
        assert_eq!(mask_number("12345"), "12345");
        assert_eq!(mask_number("MyBank"), "MyBank");
        assert_eq!(mask_number("+4412345"), "+44***45");
    }
}
