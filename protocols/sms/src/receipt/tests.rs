use super::*;

#[test]
fn text_that_looks_like_fields_stays_text() {
    let receipt = DeliveryReceipt::parse("id:1 stat:DELIVRD err:000 text:id:2 stat:UNDELIV err:9");
    assert_eq!(receipt.id, Some("1"));
    assert_eq!(receipt.state, Some(ReceiptState::Delivered));
    assert_eq!(receipt.text, Some("id:2 stat:UNDELIV err:9"));
}

#[test]
fn text_before_stat_ends_at_the_next_field() {
    let receipt = DeliveryReceipt::parse("id:1 text:ciao a tutti err:000 stat:DELIVRD");
    assert_eq!(receipt.text, Some("ciao a tutti"));
    assert_eq!(receipt.err, Some("000"));
    assert_eq!(receipt.state, Some(ReceiptState::Delivered));
}

#[test]
fn text_without_any_stat_goes_to_the_end() {
    assert_eq!(DeliveryReceipt::parse("id:1 text:err:5 boh").text, Some("err:5 boh"));
}

#[test]
fn first_of_a_repeated_field_counts() {
    let receipt = DeliveryReceipt::parse("id:1 stat:DELIVRD id:2 stat:UNDELIV");
    assert_eq!((receipt.id, receipt.state), (Some("1"), Some(ReceiptState::Delivered)));
}

#[test]
fn blanks_after_the_colon_belong_to_no_value() {
    let receipt = DeliveryReceipt::parse("id: 7 sub: 001 submit date: 2601311200 stat:  EXPIRED err: 11");
    assert_eq!(
        (receipt.id, receipt.sub, receipt.stat, receipt.err),
        (Some("7"), Some(1), Some("EXPIRED"), Some("11"))
    );
    assert!(receipt.submit_date.unwrap().at.is_some());
}

#[test]
fn separator_inside_a_value_stays_in_it() {
    let receipt = DeliveryReceipt::parse("id:a,b;stat:DELIVRD;err:0,11,text:x");
    assert_eq!(
        (receipt.id, receipt.stat, receipt.err),
        (Some("a,b"), Some("DELIVRD"), Some("0,11"))
    );
    assert_eq!(receipt.text, Some("x"));
}

#[test]
fn field_of_the_vendors_own_ends_the_one_before() {
    let receipt = DeliveryReceipt::parse("id:7,sub:001,done date:2601311201,stat:DELIVRD,mccmnc:22201,err:000");
    assert_eq!(
        (receipt.state, receipt.err),
        (Some(ReceiptState::Delivered), Some("000"))
    );
    let receipt = DeliveryReceipt::parse("id:7; node:3 stat:EXPIRED; node:3 err:0;");
    assert_eq!(
        (receipt.id, receipt.stat, receipt.err),
        (Some("7"), Some("EXPIRED"), Some("0"))
    );
}

#[test]
fn word_that_ends_like_a_name_is_no_field() {
    assert!(DeliveryReceipt::parse("grid:5 substat:DELIVRD").is_empty());
}

#[test]
fn date_with_the_time_apart_is_one_value() {
    let receipt =
        DeliveryReceipt::parse("id:1 submit date:2026-01-31 12:00:59 done date:2026/01/31 12:01 stat:DELIVRD");
    assert_eq!(receipt.submit_date.unwrap().raw, "2026-01-31 12:00:59");
    assert_eq!(receipt.done_date.unwrap().at, LocalDateTime::new(2026, 1, 31, 12, 1, 0));
}

#[test]
fn closing_nul_is_not_of_the_text() {
    assert_eq!(DeliveryReceipt::parse("stat:DELIVRD text:Hi\0").text, Some("Hi"));
    assert_eq!(DeliveryReceipt::parse("stat:DELIVRD\0").stat, Some("DELIVRD"));
    assert_eq!(DeliveryReceipt::parse("id:7\0 stat:DELIVRD").id, Some("7"));
}

#[test]
fn absent_fields_are_not_written() {
    let mut out = String::new();
    let receipt = DeliveryReceipt {
        id: Some("7"),
        stat: Some("WEIRD"),
        ..DeliveryReceipt::default()
    };
    receipt.write(&mut out).unwrap();
    assert_eq!(out, "id:7 stat:WEIRD");
}

#[test]
fn tlvs_fill_only_what_the_text_left_open() {
    let mut receipt = DeliveryReceipt::parse("id:1 stat:");
    receipt.fill(Some("2"), Some(2));
    assert_eq!((receipt.id, receipt.state), (Some("1"), Some(ReceiptState::Delivered)));
}

#[test]
fn repeated_text_and_runs_of_commas_are_read_whole() {
    let text_again = "text: ".repeat(10_000) + "stat:DELIVRD";
    assert_eq!(DeliveryReceipt::parse(&text_again).state, Some(ReceiptState::Delivered));
    let commas = format!("id:a{}b stat:DELIVRD", ",".repeat(60_000));
    assert_eq!(DeliveryReceipt::parse(&commas).id.map(str::len), Some(60_002));
}
