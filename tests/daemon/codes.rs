//! Codes that come too late, or wrong once too often. No test waits for minutes: while no daemon runs, the times in the
//! tables are put back by as much.

use crate::support::bank::{Bank, code};
use crate::support::scene::{Scene, action, another};
use crate::support::together;

/// What follows a top-up that was asked for in Italian.
const TOP_UP: &str = "ricarica 10 euro";

async fn scene() -> Scene {
    let ours = |bank: &Bank| {
        format!(
            "[command.topup]\nauthorisation = \"none\"\n{}",
            action(bank, "topup", "")
        )
    };
    Scene::new(ours, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_counts_for_five_minutes_and_moves_nothing_after_them() {
    let _stage = together().await;
    let scene = scene().await;
    let daemon = scene.start().await;
    let [in_time, late] = ["+393331234601", "+393331234602"];
    let in_time_code = code(&scene.answer(in_time, TOP_UP).await);
    let late_code = code(&scene.answer(late, TOP_UP).await);
    assert!(daemon.stop().await.success());
    let database = scene.house.database();
    // A minute is left for the machine that this runs on.
    database
        .alter("UPDATE question SET asked_at = asked_at - 240000, expires_at = expires_at - 240000 WHERE number LIKE '%601'")
        .await;
    database
        .alter("UPDATE question SET asked_at = asked_at - 300000, expires_at = expires_at - 300000 WHERE number LIKE '%602'")
        .await;
    let daemon = scene.start().await;
    assert!(scene.answer(in_time, &in_time_code).await.starts_with("Fatto"));
    assert!(scene.answer(late, &late_code).await.contains("passato troppo tempo"));
    // It is none afterwards either, and not for the wish said anew.
    scene.text(late, &late_code).await;
    scene.handled().await;
    let fresh = code(&scene.answer(late, "ricarica 20 euro").await);
    assert!(scene.answer(late, &late_code).await.contains("Tentativi rimasti: 2"));
    assert_eq!(scene.moved(late), [""; 0]);
    assert!(scene.answer(late, &fresh).await.starts_with("Fatto"));
    assert_eq!(
        (scene.moved(in_time), scene.moved(late)),
        (vec!["10.00".to_owned()], vec!["20.00".to_owned()])
    );
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_wrong_code_ends_the_wish_and_the_sixth_locks_the_number_for_a_day() {
    let _stage = together().await;
    let scene = scene().await;
    let daemon = scene.start().await;
    let number = "+393331234611";
    let mut right = String::new();
    for ends in ["non è stato fatto nulla", "per 24 ore"] {
        right = code(&scene.answer(number, TOP_UP).await);
        let wrong = another(&right);
        for left in [2, 1] {
            let said = scene.answer(number, &wrong).await;
            assert!(said.ends_with(&format!("rimasti: {left}.")), "{said}");
        }
        let said = scene.answer(number, &wrong).await;
        assert!(said.contains(ends), "{said}");
        // The right one comes too late.
        scene.text(number, &right).await;
        scene.handled().await;
    }
    assert_eq!(scene.moved(number), [""; 0]);
    let database = scene.house.database();
    assert!(daemon.stop().await.success());
    // Twenty-three hours later.
    database
        .alter("UPDATE person SET locked_until = locked_until - 82800000")
        .await;
    let daemon = scene.start().await;
    assert!(scene.answer(number, "ricarica 30 euro").await.contains("per 24 ore"));
    scene.text(number, &right).await;
    scene.handled().await;
    assert_eq!(scene.moved(number), [""; 0]);
    assert!(daemon.stop().await.success());
    // And another one.
    database
        .alter("UPDATE person SET locked_until = locked_until - 3600000")
        .await;
    let daemon = scene.start().await;
    let open = code(&scene.answer(number, "ricarica 40 euro").await);
    assert!(scene.answer(number, &open).await.starts_with("Fatto"));
    assert_eq!(scene.moved(number), ["40.00"]);
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}
