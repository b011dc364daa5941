//! A tap on a suggestion: what it says, looked up in the message that offered it.

use crate::domain::rich::{Postback, Rich};
use crate::domain::{MessageId, UnixMillis};
use crate::store::{EventKind, Store, StoreError};

/// A tap on a suggestion of a message of ours, by whom the message went to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The message.
    pub message: MessageId,
    /// The suggestion's place, from 0.
    pub place: usize,
    /// What it is taken for, as if it had been texted; `None` of an action, which says nothing.
    pub says: Option<Box<str>>,
    /// Whether the timeline has it: it was made use of before, and comes again.
    pub is_noted: bool,
}

impl Tap {
    /// What was tapped, by what came back with the tap from a number (its digits) at a time. `None` where that is of no message of
    /// ours to that number, or of one that is forgotten: whoever made it up, or passed it on, has tapped nothing.
    pub async fn read(
        store: &dyn Store,
        postback: &str,
        from: &str,
        at: UnixMillis,
    ) -> Result<Option<Self>, StoreError> {
        let Ok(Postback { message, place }) = postback.parse() else {
            return Ok(None);
        };
        let record = store
            .message(message, None)
            .await?
            .filter(|record| *record.row.to == *from);
        Ok(record.and_then(|record| {
            let rich = Rich::from_json(record.rich.as_deref()?).ok()?;
            let words = Postback::place_in_words(place);
            let mut taps = record.events.iter().filter(|event| event.kind == EventKind::Tapped);
            Some(Self {
                message,
                place,
                says: rich.suggestions().nth(place)?.says().map(Into::into),
                is_noted: taps.any(|tap| tap.at == at && tap.note.as_deref() == Some(&words)),
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NewMessage;
    use crate::fixture;
    use crate::store::memory::MemoryStore;
    use crate::store::{Batch, Enqueue};

    const NOW: UnixMillis = UnixMillis(1_764_000_000_000);
    const RICH: &str = r#"{"card":{"title":"Spedita","suggestions":[
        {"type":"link","label":"Segui","url":"https://bank.example/t"},
        {"type":"reply","label":"Blocca carta","says":"BLOCCA 1234"}]},
        "suggestions":[{"type":"reply","label":"Grazie"}]}"#;

    #[tokio::test]
    async fn a_tap_says_what_its_message_offered_to_the_number_that_it_went_to() {
        let store = MemoryStore::new();
        let message = NewMessage {
            rich: Some(RICH.into()),
            ..fixture::message(NOW)
        };
        let id = message.id;
        let batch = Batch {
            enqueue: vec![Enqueue::new(message)],
            ..Batch::new(NOW)
        };
        store.commit(&batch, &fixture::policy()).await.unwrap();
        let read = async |place: usize, from: &str| {
            let postback = Postback { message: id, place }.to_string();
            Tap::read(&store, &postback, from, NOW).await.unwrap()
        };
        let says = async |place: usize| read(place, "393331234567").await.map(|tap| tap.says);
        assert_eq!(says(0).await, Some(None), "a link says nothing");
        assert_eq!(says(1).await, Some(Some("BLOCCA 1234".into())));
        assert_eq!(says(2).await, Some(Some("Grazie".into())));
        assert_eq!(says(3).await, None);
        assert_eq!(read(1, "393339999999").await, None, "it was passed on");
        for other in ["BLOCCA 1234", "01932b5e7c3a70008000000000000001-1"] {
            assert_eq!(Tap::read(&store, other, "393331234567", NOW).await.unwrap(), None);
        }
    }
}
