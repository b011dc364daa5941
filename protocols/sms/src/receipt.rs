//! The text of a delivery receipt (SMPP 3.4 Appendix B). The standard calls it vendor specific, and vendors agree.

mod date;
mod fields;
mod state;

use std::fmt;

pub use date::{LocalDateTime, ReceiptDate};
pub use state::ReceiptState;

use fields::{Field, Fields};

/// What a delivery receipt's text says. It borrows from the text, so reading one allocates nothing.
///
/// `None` is a field that is not there. The TLVs `receipted_message_id` and `message_state` are not in the text:
/// [`fill`](Self::fill) adds them.
///
/// ```
/// use araldo_sms::{DeliveryReceipt, ReceiptState};
///
/// let receipt = DeliveryReceipt::parse(
///     "id:0123456789 sub:001 dlvrd:001 submit date:2601311200 done date:2601311201 stat:DELIVRD err:000 text:Hello",
/// );
/// assert_eq!(receipt.id, Some("0123456789"));
/// assert_eq!(receipt.state, Some(ReceiptState::Delivered));
/// assert_eq!(receipt.done_date.unwrap().at.unwrap().to_string(), "2026-01-31T12:01:00");
/// assert_eq!(receipt.err, Some("000"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryReceipt<'a> {
    /// The MC's id of the message, as it came; never empty.
    pub id: Option<&'a str>,
    /// Messages submitted; `None` too when it is not a number.
    pub sub: Option<u32>,
    /// Messages delivered; `None` too when it is not a number.
    pub dlvrd: Option<u32>,
    /// When the MC took the message, by its own clock.
    pub submit_date: Option<ReceiptDate<'a>>,
    /// When the message reached its state, by the MC's own clock.
    pub done_date: Option<ReceiptDate<'a>>,
    /// The state's word as it came; may be empty.
    pub stat: Option<&'a str>,
    /// The state that `stat` names; `None` when `stat` is missing or empty.
    pub state: Option<ReceiptState>,
    /// The network's or the MC's own error code, as it came: nobody agrees on its form.
    pub err: Option<&'a str>,
    /// The beginning of the message, usually 20 characters, all after the colon. A subscriber's text: not for logs.
    pub text: Option<&'a str>,
}

impl<'a> DeliveryReceipt<'a> {
    /// Reads what is there, in any order and case, with blanks, line breaks or commas between. Never fails: a text
    /// without any field gives a receipt that [is empty](Self::is_empty).
    ///
    /// All after `text:` is the text, even if it looks like fields, unless `stat` has not been seen by then and follows:
    /// then `text` stood elsewhere in the order and ends at the next field. Of a field given twice the first counts.
    ///
    /// ```
    /// use araldo_sms::{DeliveryReceipt, ReceiptState};
    ///
    /// let receipt = DeliveryReceipt::parse("Id: 77812,Stat: undeliv,Err: 0:11");
    /// assert_eq!(receipt.id, Some("77812"));
    /// assert_eq!(receipt.state, Some(ReceiptState::Undeliverable));
    /// assert_eq!(receipt.err, Some("0:11"));
    /// ```
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let mut receipt = Self::default();
        for (field, value) in Fields::of(text) {
            receipt.set(field, value);
        }
        receipt
    }

    /// Whether no field was found, so the text is none of a receipt.
    ///
    /// ```
    /// # use araldo_sms::DeliveryReceipt;
    /// assert!(DeliveryReceipt::parse("Delivered").is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what the TLVs `receipted_message_id` and `message_state` say, where the text was silent.
    ///
    /// ```
    /// use araldo_sms::{DeliveryReceipt, ReceiptState};
    ///
    /// let mut receipt = DeliveryReceipt::parse("");
    /// receipt.fill(Some("c0ffee"), Some(5));
    /// assert_eq!((receipt.id, receipt.state), (Some("c0ffee"), Some(ReceiptState::Undeliverable)));
    /// ```
    pub fn fill(&mut self, receipted_message_id: Option<&'a str>, message_state: Option<u8>) {
        self.id = self.id.or(receipted_message_id.filter(|id| !id.is_empty()));
        self.state = self.state.or(message_state.map(ReceiptState::from_message_state));
    }

    /// Writes the classic form, leaving out the fields that are `None`. The word after `stat:` is `stat`, or the one of
    /// `state` when `stat` is `None`; a date is written with ten digits, or as it came when it is none.
    ///
    /// ```
    /// use araldo_sms::{DeliveryReceipt, LocalDateTime, ReceiptDate, ReceiptState};
    ///
    /// let at = LocalDateTime::new(2026, 1, 31, 12, 0, 0).unwrap();
    /// let receipt = DeliveryReceipt {
    ///     id: Some("42"),
    ///     sub: Some(1),
    ///     dlvrd: Some(1),
    ///     submit_date: Some(ReceiptDate::from(at)),
    ///     done_date: Some(ReceiptDate::from(at)),
    ///     state: Some(ReceiptState::Delivered),
    ///     err: Some("000"),
    ///     text: Some("Ciao"),
    ///     ..DeliveryReceipt::default()
    /// };
    /// let mut out = String::new();
    /// receipt.write(&mut out)?;
    /// assert_eq!(
    ///     out,
    ///     "id:42 sub:001 dlvrd:001 submit date:2601311200 done date:2601311200 stat:DELIVRD err:000 text:Ciao"
    /// );
    /// # Ok::<(), std::fmt::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `out`; a `String` has none.
    pub fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let mut blank = "";
        let mut field = |name: &str, value: Option<&dyn fmt::Display>| match value {
            Some(value) => write!(out, "{}{name}:{value}", std::mem::replace(&mut blank, " ")),
            None => Ok(()),
        };
        let stat = self.stat.or(self.state.map(ReceiptState::stat));
        field("id", self.id.as_ref().map(|id| id as _))?;
        field("sub", self.sub.map(ThreeDigits).as_ref().map(|sub| sub as _))?;
        field("dlvrd", self.dlvrd.map(ThreeDigits).as_ref().map(|dlvrd| dlvrd as _))?;
        field("submit date", self.submit_date.as_ref().map(|date| date as _))?;
        field("done date", self.done_date.as_ref().map(|date| date as _))?;
        field("stat", stat.as_ref().map(|stat| stat as _))?;
        field("err", self.err.as_ref().map(|err| err as _))?;
        field("text", self.text.as_ref().map(|text| text as _))
    }

    fn set(&mut self, field: Field, value: &'a str) {
        match field {
            Field::Id => self.id = self.id.or(Some(value).filter(|id| !id.is_empty())),
            Field::Sub => self.sub = self.sub.or(value.parse().ok()),
            Field::Dlvrd => self.dlvrd = self.dlvrd.or(value.parse().ok()),
            Field::SubmitDate => self.submit_date = self.submit_date.or(ReceiptDate::parse(value)),
            Field::DoneDate => self.done_date = self.done_date.or(ReceiptDate::parse(value)),
            Field::Stat if self.stat.is_none() => {
                self.stat = Some(value);
                self.state = ReceiptState::from_stat(value);
            }
            Field::Stat => {}
            Field::Err => self.err = self.err.or(Some(value)),
            Field::Text => self.text = self.text.or(Some(value)),
        }
    }
}

struct ThreeDigits(u32);

impl fmt::Display for ThreeDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

#[cfg(test)]
mod tests;
