//! PDUs made of octets at random, for the properties and for the fuzzer: any command, any value for every field and TLV.

use araldo_smpp::{
    CommandId, CommandStatus, FieldError, FieldValue, Fields, Packet, Pdu, SequenceNumber, TlvTag, Tlvs, TlvsMut,
};

/// Every request's command_id.
pub(crate) const REQUESTS: [u32; 18] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0B, 0x15, 0x21, 0x102, 0x103, 0x111, 0x112, 0x113,
];

/// Octets thrown one after the other; zeros when they are used up.
pub(crate) struct Dice<'d>(pub(crate) &'d [u8]);

impl Dice<'_> {
    fn octet(&mut self) -> u8 {
        let (&first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        first
    }

    fn int(&mut self) -> u32 {
        u32::from_be_bytes(std::array::from_fn(|_| self.octet()))
    }

    /// 0 to `most`, the ends as likely as all between.
    fn up_to(&mut self, most: usize) -> usize {
        match self.octet() {
            0..64 => 0,
            64..128 => most,
            other => (usize::from(other) << 8 | usize::from(self.octet())) % (most + 1),
        }
    }

    fn octets(&mut self, most: usize) -> Vec<u8> {
        (0..self.up_to(most)).map(|_| self.octet()).collect()
    }

    /// A PDU that can be encoded, of any command there is.
    pub(crate) fn packet(&mut self) -> Packet {
        let command = loop {
            let request = REQUESTS[usize::from(self.octet()) % REQUESTS.len()];
            let command = CommandId(request | u32::from(self.octet() % 2) << 31);
            if command.name().is_some() {
                break command;
            }
            if self.0.is_empty() {
                break CommandId::ENQUIRE_LINK;
            }
        };
        let bodiless = command.is_response() && Pdu::has_fields(command) && self.octet().is_multiple_of(8);
        let (pdu, status) = if bodiless {
            (Pdu::Bodiless(command), self.int().max(1))
        } else {
            (self.pdu(command), if command.is_response() { self.int() } else { 0 })
        };
        Packet {
            command_status: CommandStatus(status),
            sequence_number: SequenceNumber(self.int()),
            pdu,
        }
    }

    /// Asks which field is missing until none is, so that no field of any PDU can be forgotten here.
    fn pdu(&mut self, command: CommandId) -> Pdu {
        let (mut fields, tlvs) = (Fields::default(), self.tlvs());
        loop {
            match Pdu::build(command, true, &fields, tlvs.clone()) {
                Ok(pdu) => return pdu,
                Err(FieldError::Missing(name)) => {
                    let value = self.value(command, name);
                    fields.push(name, value);
                }
                Err(other) => panic!("{command}: {other}"),
            }
        }
    }

    fn value(&mut self, command: CommandId, name: &str) -> FieldValue {
        let long = matches!(command, CommandId::DATA_SM | CommandId::ALERT_NOTIFICATION);
        let most = match name {
            "service_type" => 5,
            "password" => 8,
            "system_type" => 12,
            "system_id" => 15,
            "schedule_delivery_time" | "validity_period" | "final_date" => 16,
            "source_addr" | "destination_addr" if !long => 20,
            "dl_name" => 20,
            "address_range" => 40,
            "source_addr" | "destination_addr" | "esme_addr" | "message_id" => 64,
            "short_message_hex" => return FieldValue::Hex(self.octets(255).into()),
            "dest_address" => return self.list(Self::destination),
            "unsuccess_sme" => return self.list(Self::unsuccess_sme),
            _ => return FieldValue::Int(self.octet().into()),
        };
        self.text(most)
    }

    fn text(&mut self, most: usize) -> FieldValue {
        let octets = self.octets(most);
        FieldValue::Str(octets.into_iter().map(|octet| char::from(octet.max(1))).collect())
    }

    fn list(&mut self, entry: fn(&mut Self) -> Fields) -> FieldValue {
        let count = self.up_to(255);
        FieldValue::List((0..count).map(|_| entry(self)).collect())
    }

    fn destination(&mut self) -> Fields {
        if self.octet().is_multiple_of(2) {
            let mut fields = self.address();
            fields.push("dest_flag", FieldValue::Int(1));
            return fields;
        }
        let name = self.text(20);
        Fields(vec![("dest_flag".into(), FieldValue::Int(2)), ("dl_name".into(), name)])
    }

    fn unsuccess_sme(&mut self) -> Fields {
        let mut fields = self.address();
        fields.push("error_status_code", FieldValue::Int(self.int()));
        fields
    }

    fn address(&mut self) -> Fields {
        let mut fields = Fields::default();
        for name in ["dest_addr_ton", "dest_addr_npi"] {
            fields.push(name, FieldValue::Int(self.octet().into()));
        }
        fields.push("destination_addr", self.text(20));
        fields
    }

    /// Up to four TLVs, any tag twice too; of a known one, any length it may have.
    fn tlvs(&mut self) -> Tlvs {
        let mut tlvs = TlvsMut::new();
        for _ in 0..self.octet() % 5 {
            let tag = TlvTag(match self.octet() {
                high @ 0..8 => u16::from(high) << 8 | u16::from(self.octet()),
                _ => (self.int() % 0x1500) as u16,
            });
            let mut octets = self.octets(300);
            while !tag.allows_length(octets.len()) {
                octets.pop();
                if octets.is_empty() {
                    octets = (1..2000)
                        .map(|length| vec![0; length])
                        .find(|octets| tag.allows_length(octets.len()))
                        .unwrap_or_default();
                    break;
                }
            }
            tlvs.push_octets(tag, &octets).expect("short enough");
        }
        tlvs.freeze()
    }
}
