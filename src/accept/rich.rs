//! The rich form of a message, and what SMS says instead.

use super::{Body, Code, Fault, Wish};
use crate::domain::Rich;
use crate::domain::rich::{self, RichFault};

/// The rich form that a wish brings, if it brings one.
pub(super) fn asked(wish: &Wish<'_>) -> Result<Option<Rich>, Vec<Fault>> {
    let read = wish.rich.as_ref().map(rich::read).transpose();
    read.map_err(|faults| faults.into_iter().map(|fault| fault_at("/rich", fault)).collect())
}

/// A fault of a rich message that stands at `pointer`.
pub(crate) fn fault_at(pointer: &str, fault: RichFault) -> Fault {
    let at = format!("{pointer}{}", fault.pointer);
    let named = Fault::new(at, Code::RichInvalid, fault.detail);
    match fault.limit {
        Some(limit) => named.limit(limit),
        None => named,
    }
}

/// What a wish says: its own text; where it brings none, that of its rich form.
pub(super) fn body<'w>(wish: &'w Wish<'_>, rich: Option<&'w Rich>, plain: &'w str) -> Result<Body<'w>, Fault> {
    let (text, pointer) = match (wish.text.as_deref(), rich) {
        (Some(text), _) => (text, "/text"),
        (None, Some(_)) => (plain, RICH),
        (None, None) => return Err(Fault::new("/text", Code::Required, "is missing")),
    };
    Ok(Body {
        text,
        rich,
        max_segments: None,
        pointer,
    })
}

/// Where the text stands that a rich form was said in.
pub(super) const RICH: &str = "/rich";
