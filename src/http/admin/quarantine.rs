//! What carriers sent that could not be read.

use std::sync::Arc;

use araldo_smpp::{CommandId, CommandStatus};
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde_json::{Value, json};

use super::AdminState;
use super::messages::how_shown;
use crate::domain::Name;
use crate::http::api::{ListQuery, Shown, page_limit, shown, store_problem};
use crate::http::problem::{Code, Fault, Problem};

/// Octets of a header (SMPP 3.4 §3.2).
const HEADER: usize = 16;

/// Lists them, the newest first.
///
/// Where fields are wrong nobody knows for sure which octets are a text: so what could be one, or a number, is hidden
/// unless `reveal=true` asks for it. A person who looks for the fault most often needs only the rest.
pub(super) async fn list(State(state): State<Arc<AdminState>>, uri: Uri) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &["carrier", "limit", "reveal"])?;
    let limit = page_limit(query.get("limit"))?;
    let how = how_shown(&query)?;
    let carrier = query.get("carrier").map(Name::parse).transpose();
    let carrier = carrier.map_err(|_| Fault::new("#carrier", Code::InvalidQuery, "is not the name of a carrier"))?;
    let found = state.api.store.quarantine(carrier.as_ref(), limit);
    let found = found.await.map_err(|error| store_problem(&error))?;
    let data: Vec<Value> = found
        .iter()
        .map(|pdu| {
            json!({
                "at": pdu.at,
                "carrier": pdu.bind.carrier,
                "bind": pdu.bind.bind,
                "peer": pdu.peer,
                "reason": pdu.reason,
                "command_status": pdu.status,
                "status": CommandStatus(pdu.status).to_string(),
                "length": pdu.octets.len(),
                "hex": if how == Shown::Revealed { hex::encode(&pdu.octets) } else { masked(&pdu.octets) },
            })
        })
        .collect();
    Ok(shown(&json!({ "data": data })))
}

/// A PDU in hex with `**` for each octet that may be of a number or a text: what is in strings, in the text and in the
/// values of TLVs. Header, numbers of one octet, lengths and tags are shown, as far as the fields follow each other as
/// the standard has them; nothing after.
fn masked(octets: &[u8]) -> String {
    let mut mask = Mask {
        octets,
        at: 0,
        hex: String::with_capacity(octets.len() * 2),
    };
    // What begins with no command is the text of a receipt.
    let command = octets
        .get(4..8)
        .map(|id| CommandId(id.iter().fold(0, |id, octet| id << 8 | u32::from(*octet))));
    if let Some(command) = command.filter(|command| command.name().is_some()) {
        mask.show(HEADER);
        let fields_end = match command {
            CommandId::DELIVER_SM => mask.deliver_sm(),
            CommandId::DATA_SM => mask.data_sm(),
            _ => None,
        };
        if fields_end.is_some() {
            while mask.tlv().is_some() {}
        }
    }
    mask.hide(octets.len());
    mask.hex
}

/// A PDU being written, field by field. A field gives `None` where it does not fit.
struct Mask<'a> {
    octets: &'a [u8],
    at: usize,
    hex: String,
}

impl<'a> Mask<'a> {
    /// SMPP 3.4 §4.6.1.
    fn deliver_sm(&mut self) -> Option<()> {
        self.string(6)?;
        self.address(21)?;
        self.address(21)?;
        self.show(3)?;
        self.string(17)?;
        self.string(17)?;
        self.show(4)?;
        let length = *self.octets.get(self.at)?;
        self.show(1)?;
        self.hide(length.into())
    }

    /// SMPP 3.4 §4.7.1.
    fn data_sm(&mut self) -> Option<()> {
        self.string(6)?;
        self.address(65)?;
        self.address(65)?;
        self.show(3)
    }

    fn address(&mut self, max: usize) -> Option<()> {
        self.show(2)?;
        self.string(max)
    }

    /// A C-octet string of so many octets at the most, of which the NUL is shown.
    fn string(&mut self, max: usize) -> Option<()> {
        let rest = &self.octets[self.at..];
        let length = rest.iter().take(max).position(|octet| *octet == 0)?;
        self.hide(length)?;
        self.show(1)
    }

    fn tlv(&mut self) -> Option<()> {
        let length = self.octets.get(self.at + 2..self.at + 4)?;
        let length = usize::from(length[0]) << 8 | usize::from(length[1]);
        self.show(4)?;
        self.hide(length)
    }

    fn show(&mut self, octets: usize) -> Option<()> {
        let (shown, fits) = self.next(octets);
        self.hex.push_str(&hex::encode(shown));
        fits
    }

    fn hide(&mut self, octets: usize) -> Option<()> {
        let (hidden, fits) = self.next(octets);
        self.hex.extend(std::iter::repeat_n("**", hidden.len()));
        fits
    }

    /// The next octets, fewer where the PDU ends; and whether all were there.
    fn next(&mut self, octets: usize) -> (&'a [u8], Option<()>) {
        let rest = &self.octets[self.at..];
        let next = &rest[..octets.min(rest.len())];
        self.at += next.len();
        (next, (next.len() == octets).then_some(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked_hex(hex: &str) -> String {
        masked(&hex::decode(hex.replace(' ', "")).unwrap())
    }

    #[test]
    fn numbers_and_texts_of_a_deliver_sm_are_hidden_and_its_build_is_shown() {
        let pdu = "00000043 00000005 00000000 00000007 00 0101 333933333300 0300 31323300 00 00 00 00 00 00 00 00 00 \
                   04 4369616f 001e 0002 4100 0424 0001 42";
        let shown = "00000043 00000005 00000000 00000007 00 0101 **********00 0300 ******00 00 00 00 00 00 00 00 00 00 \
                     04 ******** 001e 0002 **** 0424 0001 **";
        assert_eq!(masked_hex(pdu), shown.replace(' ', ""));
    }

    #[test]
    fn nothing_is_shown_after_the_field_that_does_not_fit() {
        // A source address without its end, and a text that is shorter than said.
        let long = format!("00000043 00000005 00000000 00000007 00 0101 {}", "33".repeat(30));
        assert!(masked_hex(&long).ends_with(&format!("000101{}", "**".repeat(30))));
        let cut = "00000043 00000005 00000000 00000007 00 0101 00 0300 00 00 00 00 00 00 00 00 00 00 09 4369616f";
        assert!(masked_hex(cut).ends_with("0009********"), "{}", masked_hex(cut));
    }

    #[test]
    fn of_other_commands_the_header_is_shown_and_of_what_is_none_nothing() {
        assert_eq!(
            masked_hex("00000014 80000004 0000000b 00000007 41414100"),
            "00000014800000040000000b00000007********"
        );
        assert_eq!(masked(b"id:1 text:Ciao, this is a text"), "**".repeat(30));
        assert_eq!(masked(b"\0\0\0\x10"), "********");
        assert_eq!(masked(b""), "");
    }
}
