//! MO: what a virtual phone writes.

use araldo_smpp::{COctet, CommandStatus, Pdu};

use super::esme::Esme;
use super::simulator;
use crate::simulator::{Mo, MoError};

#[tokio::test]
async fn a_text_from_a_phone_arrives_in_segments_and_brings_the_answer_back() {
    let simulator = simulator(|_| {}).await;
    let mo = |text: &str| Mo {
        from: "+393471234567".into(),
        to: "12345".into(),
        text: text.into(),
        system_id: None,
    };
    assert_eq!(simulator.inject_mo(mo("SALDO")).await, Err(MoError::NotBound));
    let mut esme = Esme::bound(&simulator).await;
    esme.answer = CommandStatus::ESME_RX_P_APPN;
    let text = "però ".repeat(40);
    let (answer, _) = tokio::join!(simulator.inject_mo(mo(&text)), esme.delivered(2));
    assert_eq!(answer.expect("answered").statuses, [CommandStatus::ESME_RX_P_APPN; 2]);
    let packets = esme.deliveries();
    let Pdu::DeliverSm(first) = &packets[0].pdu else {
        panic!("no deliver_sm")
    };
    assert_eq!(
        (&first.source.addr, &first.destination.addr),
        (&COctet::from("393471234567"), &COctet::from("12345"))
    );
    assert!(first.esm_class.has_udhi());
}
