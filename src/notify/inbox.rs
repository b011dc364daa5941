//! Events that other programs write into the store in transactions of their own: read in order, published, and settled
//! in the commit that stores their messages. So a message exists exactly when its row was committed, once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};
use tokio_util::sync::CancellationToken;

use super::event::Event;
use super::publish::{Published, Publisher, Submitted};
use super::way::{Outcome, Way, told};
use crate::accept::{Client, Code, Fault};
use crate::config::Scope;
use crate::domain::Name;
use crate::outbox::{EnqueueError, Outbox};
use crate::store::{InboxMark, InboxRow, InboxSaid, NewEvents, Seq, Store, StoreError};

/// Rows read at a time.
const PAGE: u32 = 500;
/// How long to wait when the store takes nothing.
const AGAIN: Duration = Duration::from_secs(1);
/// What a row has beside an event: its client's name and the rest of its columns.
const COLUMNS: u64 = 4_096;

/// Publishes what other programs write into the event inbox.
pub struct Inbox {
    /// Where they write.
    pub store: Arc<dyn Store>,
    /// Where rows are marked that make no message.
    pub outbox: Outbox,
    /// What makes messages of events.
    pub publisher: Arc<Publisher>,
    /// In whose name they may write.
    pub clients: HashMap<Name, Arc<Client>>,
    /// How often to look for new rows.
    pub interval: Duration,
}

/// Why rows stay new for a while.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Outbox(#[from] EnqueueError),
}

impl Inbox {
    /// Works until told to stop; what is being published then is published to its end.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = self.interval;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = match self.drain(&stop).await {
                Ok(()) => self.interval,
                Err(error) => {
                    tracing::warn!(event = "inbox_waits", %error, "the rows stay new and are tried again");
                    AGAIN.max(self.interval)
                }
            };
        }
    }

    /// Publishes every new row.
    async fn drain(&self, stop: &CancellationToken) -> Result<(), Trouble> {
        let mut query = NewEvents {
            after: 0,
            limit: PAGE,
            max_bytes: self.publisher.settings().max_bytes.saturating_add(COLUMNS),
        };
        while !stop.is_cancelled() {
            let rows = self.store.new_events(&query).await?;
            let Some(last) = rows.last() else { break };
            query.after = last.place;
            self.publish(rows).await?;
        }
        Ok(())
    }

    async fn publish(&self, rows: Vec<InboxRow>) -> Result<(), Trouble> {
        let mut marks = Vec::new();
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let place = row.place;
            match self.read(row) {
                Ok((client, event)) => events.push((place, client, event)),
                Err(faults) => marks.push(refused(place, &faults)),
            }
        }
        let submitted: Vec<_> = events.iter().map(submitted).collect();
        let published = self.publisher.publish_all(&submitted).await;
        let mut failed = None;
        for (submitted, published) in submitted.iter().zip(published) {
            let place = submitted.inbox.unwrap_or_default();
            match published {
                Published::Stored(_) => Way::Inbox.count(Outcome::Stored, 1),
                Published::Replayed(_) => marks.push(InboxMark::Repeated(place)),
                Published::KeyReused => marks.push(reused(place)),
                Published::Refused(faults) => marks.push(refused(place, &faults)),
                // Somebody was first: it is settled, or its writer has thought better of it.
                Published::Withdrawn => {}
                Published::Failed(error) => failed = Some(error),
            }
        }
        self.mark(marks).await?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn mark(&self, marks: Vec<InboxMark>) -> Result<(), Trouble> {
        if marks.is_empty() {
            return Ok(());
        }
        let (mut repeated, mut refused) = (0, 0);
        for mark in &marks {
            match mark {
                InboxMark::Repeated(_) => repeated += 1,
                InboxMark::Refused(place, _) => {
                    refused += 1;
                    tracing::warn!(
                        event = "event_refused",
                        way = "inbox",
                        row = place,
                        "see error in event_inbox"
                    );
                }
                InboxMark::Kept(_) => {}
            }
        }
        self.outbox.mark_inbox(marks).await?;
        Way::Inbox.count(Outcome::Repeated, repeated);
        Way::Inbox.count(Outcome::Refused, refused);
        Ok(())
    }

    /// The event of a row, and in whose name it comes; or what is wrong with it.
    fn read(&self, row: InboxRow) -> Result<(&Arc<Client>, Event), Vec<Fault>> {
        let most = self.publisher.settings().max_bytes;
        let too_long = |bytes: u64| {
            let detail = format!("the row has {bytes} bytes; an event may have {most} (events.max_bytes)");
            vec![Fault::new("", Code::BodyTooLarge, detail)]
        };
        let said = row.said.ok_or_else(|| too_long(row.bytes))?;
        if said.data.as_ref().is_some_and(|data| data.len() as u64 > most) {
            return Err(too_long(row.bytes));
        }
        let InboxSaid {
            client,
            source,
            event_id,
            kind,
            subject,
            time,
            data,
        } = said;
        let client = self.client(&client).map_err(|fault| vec![fault])?;
        let mut attributes = Map::new();
        attributes.insert("specversion".to_owned(), "1.0".into());
        let columns = [
            ("source", Some(source)),
            ("id", Some(event_id)),
            ("type", Some(kind)),
            ("subject", subject),
            ("time", time),
        ];
        for (name, octets) in columns {
            let Some(octets) = octets else { continue };
            let text = String::from_utf8(octets).map_err(|_| vec![invalid(name, "is not UTF-8")])?;
            attributes.insert(name.to_owned(), text.into());
        }
        Ok((client, Event::new(attributes, value(data)?)?))
    }

    fn client(&self, name: &[u8]) -> Result<&Arc<Client>, Fault> {
        let known = std::str::from_utf8(name).ok().and_then(|name| self.clients.get(name));
        let client = known.ok_or_else(|| Fault::new("/client", Code::UnknownClient, "there is no such client"))?;
        if client.scopes.contains(&Scope::Events) {
            return Ok(client);
        }
        let detail = format!("{} has not the scope `events`", client.name);
        Err(Fault::new("/client", Code::ScopeMissing, detail))
    }
}

fn value(data: Option<Vec<u8>>) -> Result<Json, Vec<Fault>> {
    let Some(data) = data else { return Ok(Json::Null) };
    serde_json::from_slice(&data).map_err(|error| {
        let detail = format!("is not JSON: line {} column {}", error.line(), error.column());
        vec![invalid("data", &detail)]
    })
}

fn submitted<'a>((place, client, event): &'a (Seq, &'a Arc<Client>, Event)) -> Submitted<'a> {
    Submitted {
        client,
        event,
        inbox: Some(*place),
        paced: false,
    }
}

fn invalid(name: &str, detail: &str) -> Fault {
    Fault::new(format!("/{name}"), Code::InvalidEvent, detail.to_owned())
}

/// The columns are called as the attributes, but for the id.
fn refused(place: Seq, faults: &[Fault]) -> InboxMark {
    let error = told(faults.iter().map(|fault| match fault.pointer.as_str() {
        "/id" => ("event_id", &*fault.detail),
        pointer => (pointer.trim_start_matches('/'), &*fault.detail),
    }));
    InboxMark::Refused(place, error)
}

fn reused(place: Seq) -> InboxMark {
    let error = "event_id: another event was published with the same source and id";
    InboxMark::Refused(place, error.into())
}
