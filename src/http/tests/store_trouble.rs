use super::*;

#[tokio::test]
async fn a_full_disk_refuses_early_and_says_when_to_retry() {
    let house = House::new().await;
    house.state.outbox.health().set_storage_low(true);
    let answer = house.post(&wish()).await;
    answer.is_problem(503, "storage_low");
    assert_eq!(answer.header("retry-after"), Some("30"));
    assert_eq!(house.stored().await, 0);
}

#[tokio::test]
async fn a_store_that_is_gone_is_said_to_be() {
    let house = House::new().await;
    house.gate.fail();
    let answer = house.post(&wish()).await;
    answer.is_problem(503, "store_unavailable");
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn a_late_commit_is_an_unknown_outcome_and_the_same_key_finds_the_message() {
    let settings = Settings {
        commit_timeout: Duration::from_millis(50),
        ..settings()
    };
    let house = House::with(&config(), &settings, Clock::manual(NOW)).await;
    let held = house.gate.close().await;
    let answer = house.post_with_key("late", &wish()).await;
    let problem = answer.is_problem(503, "outcome_unknown");
    assert_eq!(
        (&problem["retry_with_same_key"], answer.header("retry-after")),
        (&json!(true), Some("1"))
    );
    drop(held);
    // Until a commit is as quick as that.
    let again = loop {
        let answer = house.post_with_key("late", &wish()).await;
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            break answer;
        }
    };
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (StatusCode::ACCEPTED, Some("true"))
    );
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn a_full_queue_refuses_a_request_and_a_line_of_ndjson_waits() {
    let settings = Settings { queue: 1, ..settings() };
    let house = Arc::new(House::with(&config(), &settings, Clock::manual(NOW)).await);
    let gate = house.gate.clone();
    let held = gate.close().await;
    let mut waiting = Vec::new();
    // One is in the writer's hands, one in the queue.
    for _ in 0..2 {
        let house = house.clone();
        waiting.push(tokio::spawn(async move { house.post(&wish()).await.status }));
        settle_down().await;
        gate.came(1).await;
    }
    let refused = house.post(&wish()).await;
    refused.is_problem(503, "queue_full");
    assert_eq!(refused.header("retry-after"), Some("1"));

    let lines = {
        let house = house.clone();
        let headers = [("content-type", "application/x-ndjson")];
        let request = request(Method::POST, "/v1/messages", "bank-key", &headers, wish().to_string());
        tokio::spawn(async move { house.call(request).await })
    };
    settle_down().await;
    drop(held);
    assert_eq!(lines.await.unwrap().json()["state"], "queued");
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), StatusCode::ACCEPTED);
    }
    assert_eq!(house.stored().await, 3);
}

/// Lets the tasks do what they can at once: nothing that they do there waits for the machine.
async fn settle_down() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
