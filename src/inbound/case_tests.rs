//! What no machine decides: opened, joined, taken, answered, solved, and told when it takes too long.

use super::consent_tests::House;
use super::*;
use crate::domain::CaseId;
use crate::store::two_way::Leaves;
use crate::store::{CaseAct, CaseChange, CaseQuery, CaseRecord, CaseState};

pub(super) const CATALOGUE: &str = r#"
[command.block]
title = { it = "Blocco", en = "Block" }
sensitive = true
confirmation = "yes"
keywords = { it = ["blocca carta"], en = ["block card"] }
[command.status]
title = { it = "Stato", en = "Status" }
keywords = { it = ["pratica"], en = ["case"] }
[command.status.slots.number]
type = "case_id"
[command.yes]
title = { it = "Si", en = "Yes" }
answers = "yes"
keywords = { it = ["si"], en = ["yes"] }
[command.no]
title = { it = "No", en = "No" }
answers = "no"
keywords = { it = ["no"], en = ["no"] }
"#;

pub(super) const SENTENCE: &str = "ieri sera la vicina ha dipinto la staccionata di verde";

impl House {
    async fn cases(&self) -> Vec<CaseRecord> {
        let query = CaseQuery {
            limit: 9,
            ..CaseQuery::default()
        };
        self.store.cases(&query).await.unwrap().rows
    }

    async fn act(&self, id: CaseId, change: CaseChange) -> TurnResult {
        let act = CaseAct {
            id,
            client: None,
            change,
        };
        self.outbox.turn(Turn::new(Leaves::Case(Box::new(act)))).await.unwrap()
    }
}

fn take(by: &str) -> CaseChange {
    CaseChange::Take {
        by: by.into(),
        from: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_sentence_opens_a_case_and_is_acknowledged_and_the_next_joins_it() {
    let mut house = House::with(CATALOGUE, true).await;
    let told = house.text(SENTENCE).await;
    let case = house.cases().await.remove(0);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&case.id.to_string()), "{told:?}");
    assert_eq!((case.state, &*case.between.number), (CaseState::Opened, "393331234567"));
    assert_eq!(case.due_at, Some(case.opened_at.after(Duration::from_hours(4))));
    assert_eq!(house.text("e il cane abbaia tutta la notte").await, [""; 0]);
    let cases = house.cases().await;
    assert_eq!(
        (cases.len(), cases[0].joined, cases[0].heard_at),
        (1, 1, house.clock.now())
    );
    assert_eq!(house.text("blocca carta").await.len(), 1, "commands go on");
}

#[tokio::test(start_paused = true)]
async fn while_a_person_owns_the_conversation_the_machine_is_silent_but_for_stop() {
    let mut house = House::with(CATALOGUE, true).await;
    house.text(SENTENCE).await;
    let id = house.cases().await[0].id;
    assert!(matches!(house.act(id, take("anna")).await, TurnResult::Done { .. }));
    assert!(matches!(house.act(id, take("bruno")).await, TurnResult::Refused(_)));
    assert_eq!(house.text("blocca carta").await, [""; 0]);
    assert_eq!(house.text("si").await, [""; 0]);
    assert_eq!(house.cases().await[0].joined, 2);
    let stopped = house.text("stop").await;
    assert!(stopped.len() == 1 && stopped[0].contains("START"), "{stopped:?}");
    house.text("start").await;
    house.act(id, CaseChange::Solve { by: "anna".into() }).await;
    assert_eq!(house.text("blocca carta").await.len(), 1, "it was solved");
    house.text("no").await;
    assert_eq!(house.text("oggi piove e la vicina canta").await.len(), 1);
    assert_eq!(house.cases().await.len(), 2, "a new matter");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_not_kept_is_told_once_and_truthfully() {
    let mut house = House::with(CATALOGUE, true).await;
    house.text(SENTENCE).await;
    let case = house.cases().await.remove(0);
    house.waits.look().await.unwrap();
    assert_eq!(house.answers().await, [""; 0]);
    house.clock.set(case.due_at.unwrap());
    for expected in [1, 0] {
        house.waits.look().await.unwrap();
        let told = house.answers().await;
        assert_eq!(told.len(), expected, "{told:?}");
        assert!(told.iter().all(|text| text.contains(&case.id.to_string())), "{told:?}");
    }
    assert_eq!(house.cases().await[0].overdue_at, case.due_at);
}

#[tokio::test(start_paused = true)]
async fn who_was_answered_in_time_is_told_of_no_wait() {
    let mut house = House::with(CATALOGUE, true).await;
    house.text(SENTENCE).await;
    let case = house.cases().await.remove(0);
    house.act(case.id, take("anna")).await;
    house.act(case.id, CaseChange::Answer { by: "anna".into() }).await;
    house.clock.set(case.due_at.unwrap());
    house.waits.look().await.unwrap();
    assert_eq!(house.answers().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_there_no_case_is_opened() {
    let mut house = House::with(CATALOGUE, false).await;
    assert_eq!(house.text(SENTENCE).await.len(), 1);
    assert!(house.cases().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_asks_how_a_case_stands_hears_the_truth_of_his_own() {
    let mut house = House::with(CATALOGUE, true).await;
    let nothing = house.text("pratica").await;
    assert!(nothing[0].contains("Non troviamo"), "{nothing:?}");
    house.text(SENTENCE).await;
    let case = house.cases().await.remove(0);
    let number = case.id.0.to_string();
    let waits = house.text(&format!("pratica {number}")).await;
    assert!(
        waits[0].starts_with(&format!("Pratica {}: una persona ti risponde entro il ", case.id)),
        "{waits:?}"
    );
    assert_eq!(house.text("pratica").await, waits, "the latest");
    let other = house.text("pratica 123").await;
    assert!(other[0].contains("Non troviamo"), "{other:?}");
    assert_eq!(house.cases().await[0].joined, 0, "nothing was left to a person");
    house.clock.set(case.due_at.unwrap());
    house.waits.look().await.unwrap();
    house.answers().await;
    let late = house.text(&format!("pratica TK-{number}")).await;
    assert!(late[0].contains("siamo in ritardo"), "{late:?}");
    house.act(case.id, take("anna")).await;
    house.act(case.id, CaseChange::Solve { by: "anna".into() }).await;
    let solved = house.text("pratica").await;
    assert!(solved[0].contains("chiusa il "), "{solved:?}");
}

const MONEY: &str = r#"
[command.gift]
title = { it = "Regalo", en = "Gift" }
money = true
confirmation = "yes"
keywords = { it = ["regalo"], en = ["gift"] }
[command.gift.slots.amount]
type = "money"
required = true
prompt = { it = "Quanto?", en = "How much?" }
[command.yes]
title = { it = "Si", en = "Yes" }
answers = "yes"
keywords = { it = ["si"], en = ["yes"] }
"#;

#[tokio::test(start_paused = true)]
async fn a_shared_place_or_file_is_no_answer_to_a_question_of_money_and_goes_to_a_person() {
    let place = crate::domain::Shared::Location {
        latitude: 20.0,
        longitude: 10.0,
    };
    let file = crate::domain::Shared::File {
        media_type: Some("image/jpeg".to_owned()),
        uri: "https://files.example/20".to_owned(),
    };
    for is_staffed in [true, false] {
        let mut house = House::with(MONEY, is_staffed).await;
        let asked = house.text("regalo").await;
        assert!(asked.len() == 1 && asked[0].contains("Quanto"), "{asked:?}");
        for shared in [&place, &file] {
            for told in house.text(&shared.to_string()).await {
                assert!(!told.contains("20") || !told.contains("EUR"), "{told}");
            }
        }
        let cases = house.cases().await;
        assert_eq!(cases.len(), usize::from(is_staffed));
        if let Some(case) = cases.first() {
            assert_eq!(
                (case.understood.as_deref(), case.joined),
                (Some("a shared location"), 1)
            );
        }
        let confirmed = house.text("20 euro").await;
        assert!(
            confirmed.len() == 1 && confirmed[0].contains("20"),
            "the question still waits: {confirmed:?}"
        );
    }
}
