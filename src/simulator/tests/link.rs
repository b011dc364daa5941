//! Links: who may bind, and how a link ends.

use araldo_smpp::session::CloseReason;
use araldo_smpp::{BindMode, CommandStatus};
use tokio::net::TcpStream;

use super::esme::Esme;
use super::{faulty, simulator};
use crate::simulator::{Fault, FaultRule, Status};

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let simulator = simulator(|config| config.password = Some("other".to_owned())).await;
    let mut esme = Esme::connect(&simulator).await;
    esme.bind(BindMode::Transceiver, "secret").await;
    assert_eq!(
        esme.close_reason().await,
        CloseReason::BindRefused(CommandStatus::ESME_RINVPASWD)
    );
    assert_eq!(simulator.stats().binds_refused, 1);
}

#[tokio::test]
async fn binds_are_refused_as_often_as_told_and_then_let_in() {
    let refusal = Fault::Status(Status(CommandStatus::ESME_RBINDFAIL));
    let simulator = faulty(vec![FaultRule::always(refusal).on("bind").times(2)]).await;
    for _ in 0..2 {
        let mut esme = Esme::connect(&simulator).await;
        esme.bind(BindMode::Transceiver, "secret").await;
        assert_eq!(
            esme.close_reason().await,
            CloseReason::BindRefused(CommandStatus::ESME_RBINDFAIL)
        );
    }
    Esme::bound(&simulator).await;
}

#[tokio::test]
async fn down_cuts_links_and_refuses_connections_and_up_takes_them_again() {
    let simulator = simulator(|_| {}).await;
    let mut esme = Esme::bound(&simulator).await;
    simulator.set_up(false).await;
    assert!(!simulator.is_up());
    assert_eq!(esme.close_reason().await, CloseReason::LinkLost);
    assert!(TcpStream::connect(simulator.addr).await.is_err());
    assert_eq!((simulator.stats().links, simulator.stats().bound), (0, 0));
    simulator.set_up(true).await;
    Esme::bound(&simulator).await;
    assert_eq!(simulator.stats().binds, 2);
}

#[tokio::test]
async fn shutdown_unbinds() {
    let simulator = simulator(|_| {}).await;
    let mut esme = Esme::bound(&simulator).await;
    let (stats, reason) = tokio::join!(simulator.shutdown(), esme.close_reason());
    assert_eq!(reason, CloseReason::PeerUnbound);
    assert_eq!((stats.binds, stats.links, stats.up), (1, 0, false));
}
