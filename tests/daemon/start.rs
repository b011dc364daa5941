//! Starting where it should not, and carriers that will not have us.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use araldo::clock::monotonic;
use serde_json::json;

use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::{together, until};

const LIMIT: Duration = Duration::from_secs(20);

fn deserted() -> House {
    House::new(
        "[carrier.c]\nhost = \"127.0.0.1\"\nport = 9\nsystem_id = \"bank\"\ntls = false\ninsecure_plaintext = true\n\
                [route.all]\nsteps = [{ carriers = [\"c\"] }]\n",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_state_is_refused_within_a_second_and_told_who_has_it() {
    let _stage = together().await;
    let house = deserted();
    let daemon = house.start().await;
    // Its own ports, so that only the state is in question.
    let first = fs::read_to_string(house.config_file()).unwrap();
    let moved = first
        .replace(&house.api.to_string(), "127.0.0.1:0")
        .replace(&house.admin.to_string(), "127.0.0.1:0");
    fs::write(house.config_file(), moved).unwrap();
    let (code, said, took) = house.refused(LIMIT).await;
    assert_eq!(code, Some(73), "{said}");
    assert!(
        said.contains(&format!("{}", daemon.id())),
        "no pid {}: {said}",
        daemon.id()
    );
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named() {
    let _stage = together().await;
    let house = deserted();
    let _taken = TcpListener::bind(house.api).unwrap();
    let (code, said, _) = house.refused(LIMIT).await;
    assert_eq!(code, Some(74), "{said}");
    assert!(
        said.contains(&house.api.to_string()) && said.contains("http.api.listen"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_be_read_or_understood_is_exit_78() {
    let _stage = together().await;
    let house = deserted();
    let whole = fs::read_to_string(house.config_file()).unwrap();
    fs::write(house.config_file(), whole.replace("[http.api]", "[http.api")).unwrap();
    let (code, said, _) = house.refused(LIMIT).await;
    assert_eq!(code, Some(78), "{said}");
    fs::write(house.config_file(), whole.replace("[http.api]", "[http.apis]")).unwrap();
    let (code, said, _) = house.refused(LIMIT).await;
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("http.api"), "what was meant: {said}");
    fs::remove_file(house.config_file()).unwrap();
    let (code, said, _) = house.refused(LIMIT).await;
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("araldo.toml"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_three_times_and_then_a_person_is_asked() {
    let _stage = together().await;
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "strict", &["--system-id", "somebody-else"]);
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"strict\"] }}]\n",
        carrier.section("")
    ));
    let daemon = house.start().await;
    let state = async || house.operator().get("/admin/v1/carriers").await.unwrap().json()["data"][0]["state"].clone();
    until(LIMIT, "the carrier is given up", async || {
        (state().await == "refused").then_some(())
    })
    .await;
    let said = house.events("bind_refused_for_good");
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0]["level"], "ERROR");
    assert!(
        said[0].to_string().contains("araldo carriers start strict"),
        "says what to do: {said:?}"
    );
    assert_eq!(carrier.count("binds_refused").await, 3);
    // Longer than the longest pause between two tries.
    let quiet = monotonic() + Duration::from_millis(1_500);
    while monotonic() < quiet {
        assert_eq!(carrier.count("binds_refused").await, 3);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer = house.operator().post("/admin/v1/carriers/strict/start").await.unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
    carrier.until(LIMIT, "binds_refused", 6).await;
    until(LIMIT, "the carrier is given up again", async || {
        (state().await == json!("refused")).then_some(())
    })
    .await;
    assert!(daemon.stop().await.success());
}
