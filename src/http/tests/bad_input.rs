//! The catalogue of bad input: `tests/bad_input/http.json` has a fixture or more for each row whose interface exists.

use super::*;

const CATALOGUE: &str = include_str!("../../../tests/bad_input/http.json");
/// The tests that rows point to.
const TESTS: [&str; 4] = [
    include_str!("messages.rs"),
    include_str!("ndjson.rs"),
    include_str!("server.rs"),
    include_str!("store_trouble.rs"),
];

fn rows() -> Vec<Value> {
    let catalogue: Value = serde_json::from_str(CATALOGUE).unwrap();
    catalogue["rows"].as_array().unwrap().clone()
}

fn body_of(fixture: &Value) -> Vec<u8> {
    if let Some(json) = fixture.get("json") {
        let mut json = json.clone();
        if let Some([unit, times, rest]) = json.get("text").and_then(Value::as_array).map(Vec::as_slice) {
            json["text"] = Value::from(repeated(unit, times) + rest.as_str().unwrap());
        }
        return json.to_string().into_bytes();
    }
    if let Some([head, unit, times]) = fixture["body_repeat"].as_array().map(Vec::as_slice) {
        return (head.as_str().unwrap().to_owned() + &repeated(unit, times)).into_bytes();
    }
    match fixture["body_hex"].as_str() {
        Some(octets) => hex::decode(octets).unwrap(),
        None => fixture["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}

fn repeated(unit: &Value, times: &Value) -> String {
    unit.as_str()
        .unwrap()
        .repeat(usize::try_from(times.as_u64().unwrap()).unwrap())
}

fn request_of(fixture: &Value) -> Request<Body> {
    let mut request = Request::builder()
        .method(fixture["method"].as_str().unwrap_or("POST"))
        .uri(fixture["path"].as_str().unwrap_or("/v1/messages"));
    let header = |name: &str, default: &'static str| match fixture.get(name) {
        Some(given) => given.as_str().map(str::to_owned),
        None => Some(default.to_owned()),
    };
    if let Some(value) = header("authorization", "Bearer bank-key") {
        request = request.header("authorization", value);
    }
    if let Some(value) = header("content_type", "application/json") {
        request = request.header("content-type", value);
    }
    for (name, value) in fixture["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    let body = body_of(fixture);
    if fixture["chunked"] == true {
        let pieces: Vec<_> = body
            .chunks(10_000)
            .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
            .collect();
        return request
            .body(Body::from_stream(futures_util::stream::iter(pieces)))
            .unwrap();
    }
    request
        .header("content-length", body.len())
        .body(Body::from(body))
        .unwrap()
}

fn check(place: &str, answer: &Answer, expected: &Value) -> Result<(), String> {
    let problem = answer.json();
    let fault = &problem["errors"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    let mut same = |what: &str, got: String, wanted: String| {
        if got != wanted {
            wrong.push(format!("{what} {got} instead of {wanted}"));
        }
    };
    same(
        "status",
        answer.status.as_u16().to_string(),
        expected["status"].to_string(),
    );
    same("code", text(&problem["code"]), text(&expected["code"]));
    same(
        "type",
        text(&problem["type"]),
        format!("/docs/problems/{}", text(&expected["code"])),
    );
    same(
        "media type",
        answer.header("content-type").unwrap_or_default().to_owned(),
        "application/problem+json".into(),
    );
    if let Some(pointer) = expected.get("pointer") {
        same("pointer", text(&fault["pointer"]), text(pointer));
        same("fault", text(&fault["code"]), text(&expected["code"]));
    }
    if let Some([name, value]) = expected["header"].as_array().map(Vec::as_slice) {
        same(
            "header",
            answer.header(name.as_str().unwrap()).unwrap_or_default().to_owned(),
            text(value),
        );
    }
    if let Some(limit) = expected.get("limit") {
        same("limit", problem["limit"].to_string(), limit.to_string());
    }
    if expected["limit_range"] == true {
        same(
            "range",
            fault["limit"].to_string(),
            json!({ "from": 1, "to": 1_000 }).to_string(),
        );
    }
    for (member, got) in [("detail", &problem["detail"]), ("hint", &fault["hint"])] {
        if let Some(part) = expected[member].as_str()
            && !text(got).contains(part)
        {
            wrong.push(format!("{member} `{}` without `{part}`", text(got)));
        }
    }
    if expected["got"] == true && !text(&fault["got"]).contains("***") {
        wrong.push(format!("got is not masked: {}", fault["got"]));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("{place}: {}\n  {}", wrong.join("; "), answer.body))
    }
}

#[tokio::test]
async fn every_bad_input_gets_its_status_code_and_pointer_and_stores_nothing() {
    let house = House::new().await;
    let mut wrong = Vec::new();
    for row in rows() {
        for fixture in row["fixtures"].as_array().into_iter().flatten() {
            let place = format!("{} / {}", row["row"], fixture["name"]);
            let answer = house.call(request_of(fixture)).await;
            wrong.extend(check(&place, &answer, &fixture["expect"]).err());
            // Numbers and texts of the fixtures are never repeated.
            for secret in ["3339876543", "15112345678", "1234567890123456", "Ciao"] {
                if answer.body.contains(secret) {
                    wrong.push(format!("{place}: repeats what came: {}", answer.body));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(house.stored().await, 0);
}

#[tokio::test]
async fn whatever_is_wrong_with_the_key_the_answer_is_the_same() {
    let house = House::new().await;
    let mut bodies = Vec::new();
    for fixture in rows()[0]["fixtures"].as_array().unwrap() {
        let mut body = house.call(request_of(fixture)).await.json();
        body.as_object_mut().unwrap().remove("request_id");
        bodies.push(body);
    }
    assert!(bodies.len() > 3 && bodies.iter().all(|body| body == &bodies[0]));
}

#[test]
fn every_row_has_a_fixture_or_a_test_or_says_why_not() {
    let rows = rows();
    for row in &rows {
        let tests = row["tested_by"].as_array().into_iter().flatten();
        for test in tests {
            let named = format!("fn {}()", test.as_str().unwrap());
            assert!(TESTS.iter().any(|file| file.contains(&named)), "no test {test}");
        }
        let covered = ["fixtures", "tested_by", "no_interface_yet"]
            .iter()
            .any(|key| row.get(*key).is_some());
        assert!(covered, "nothing for {}", row["row"]);
    }
    let waiting: Vec<_> = rows
        .iter()
        .filter(|row| row.get("no_interface_yet").is_some())
        .map(|row| &row["row"])
        .collect();
    assert_eq!(
        waiting,
        [
            "number in not-allowed country or premium range",
            "SCA class without amount and payee variables",
            "opted-out recipient",
        ],
        "rows whose interface is still missing: take one off this list when it comes"
    );
}
