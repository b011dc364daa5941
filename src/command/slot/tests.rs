//! Values as people write them.

use jiff::civil::{Date, date};

use super::*;
use crate::command::normalise::tokens;

fn home(country: &str) -> Region {
    Region::parse(country).unwrap()
}

fn read_as(kind: SlotKind, text: &str, locale: Locale) -> Vec<Value> {
    let slot = Slot {
        kind,
        values: [("promo".to_owned(), vec!["offerte".to_owned(), "pubblicita".to_owned()])].into(),
        ..Slot::default()
    };
    let setting = Setting {
        locale,
        today: date(2026, 3, 10),
        home: home("IT"),
    };
    answer(&slot, text, &tokens(text), setting)
}

fn money(text: &str, locale: Locale) -> String {
    let sums = read_as(SlotKind::Money, text, locale)
        .into_iter()
        .map(|value| match value {
            Value::Money(amount, currency) => format!("{amount} {}", currency.unwrap_or("-")),
            other => panic!("{other:?}"),
        });
    sums.collect::<Vec<_>>().join(" or ")
}

#[test]
fn sums_are_read_as_people_write_them() {
    for (text, sum) in [
        ("10", "10.00 -"),
        ("10,50", "10.50 -"),
        ("10.50", "10.50 -"),
        ("1.250", "1250.00 -"),
        ("1.250,00 €", "1250.00 EUR"),
        ("EUR 10", "10.00 EUR"),
        ("10€", "10.00 EUR"),
        ("€10", "10.00 EUR"),
        ("10 euro e 50", "10.50 EUR"),
        ("10€50", "10.50 EUR"),
        ("10 euro e 50 centesimi", "10.50 EUR"),
        ("dieci euro", "10.00 EUR"),
        ("venticinque", "25.00 -"),
        ("un euro", "1.00 EUR"),
        ("cento euri", "100.00 EUR"),
        ("fammi una ricarica da 20 euro", "20.00 EUR"),
        ("1 ricarica da 15", "15.00 -"),
        ("grazie mille", ""),
        ("alle 8", ""),
        ("2 settimane fa", ""),
        ("10/03", ""),
        ("sei sicuro", ""),
        ("10 o 20 euro", "10.00 EUR or 20.00 EUR"),
        ("10 oppure 20", "10.00 - or 20.00 -"),
        ("99999999999", ""),
    ] {
        assert_eq!(money(text, Locale::It), sum, "{text}");
    }
}

#[test]
fn the_language_decides_what_a_comma_is() {
    for (text, italian, english) in [
        ("1,250", "1.25 - or 1250.00 -", "1250.00 -"),
        ("1.250", "1250.00 -", "1.25 - or 1250.00 -"),
        ("10,555", "", "10555.00 -"),
        ("10.555", "10555.00 -", ""),
        ("1,250.00", "1250.00 -", "1250.00 -"),
        ("12,5", "12.50 -", "12.50 -"),
    ] {
        assert_eq!(money(text, Locale::It), italian, "{text}");
        assert_eq!(money(text, Locale::En), english, "{text}");
    }
    assert_eq!(money("twenty-five pounds", Locale::En), "25.00 GBP");
    assert_eq!(money("$120", Locale::En), "120.00 USD");
    assert_eq!(money("one hundred and fifty euros", Locale::En), "150.00 EUR");
    assert_eq!(money("vingt et un euros", Locale::Fr), "21.00 EUR");
}

#[test]
fn an_article_or_a_preposition_behind_a_sum_is_no_second_one() {
    for (text, locale, sum) in [
        ("ricarica 10 euro a 3331234567", Locale::It, "10.00 EUR"),
        ("ricarica 10 euro a mio padre", Locale::It, "10.00 EUR"),
        ("vorrei ricaricare 15 euro a mia madre", Locale::It, "15.00 EUR"),
        ("ricarica dieci euro a luca", Locale::It, "10.00 EUR"),
        ("ricarica 10 euro a un amico", Locale::It, "10.00 EUR"),
        ("ricarica a luca euro 10", Locale::It, "10.00 EUR"),
        ("top up 10 euros a 3331234567", Locale::En, "10.00 EUR"),
        ("top up 10 euros a friend of mine", Locale::En, "10.00 EUR"),
        ("recharge 10 euros une fois", Locale::Fr, "10.00 EUR"),
        ("lade 10 euro ein", Locale::De, "10.00 EUR"),
        ("recarga 10 euros a un amigo", Locale::Es, "10.00 EUR"),
        ("recarregue 10 reais um amigo", Locale::Pt, "10.00 BRL"),
    ] {
        let text = text.replace(" 3331234567", "");
        assert_eq!(money(&text, locale), sum, "{text}");
    }
}

#[test]
fn of_two_sums_none_is_taken_without_asking() {
    for (text, sums) in [
        ("ricarica 10 o 20 euro", "10.00 EUR or 20.00 EUR"),
        ("topup 10 or 20 euro", "10.00 EUR or 20.00 EUR"),
        ("dieci-venti euro", "10.00 EUR or 20.00 EUR"),
        ("10-20 euro", "10.00 EUR or 20.00 EUR"),
        ("da 10 a 20 euro", "10.00 EUR or 20.00 EUR"),
        ("1 o 2 euro", "1.00 EUR or 2.00 EUR"),
        ("ricarica 10 euro no anzi 20", "10.00 EUR or 20.00 EUR"),
        ("ricarica 10 euro, scusa 20", "10.00 EUR or 20.00 EUR"),
        ("10 euro o 20 dollari", "10.00 EUR or 20.00 USD"),
    ] {
        assert_eq!(money(text, Locale::It), sums, "{text}");
    }
}

#[test]
fn what_multiplies_a_number_is_never_dropped() {
    for (text, sum) in [
        ("1 000 euro", "1000.00 EUR"),
        ("1 000,50 euro", "1000.50 EUR"),
        ("10k", "10000.00 -"),
        ("2,5k", "2500.00 -"),
        ("10 mila euro", "10000.00 EUR"),
        ("10mila", "10000.00 -"),
        ("dieci mila euro", "10000.00 EUR"),
        ("mille euro", "1000.00 EUR"),
        ("duemila euro", "2000.00 EUR"),
        ("un milione", "1000000.00 -"),
        ("un milione di euro", "1000000.00 EUR"),
        ("un euro e 50", "1.50 EUR"),
        ("un euro 50 centesimi", "1.50 EUR"),
        // Nobody can tell: it is asked for.
        ("1e3", ""),
        ("1e3 euro", ""),
        ("10m", ""),
        ("10 500 euro", ""),
        ("mille", ""),
    ] {
        assert_eq!(money(text, Locale::It), sum, "{text}");
    }
    assert_eq!(money("10 500 euros", Locale::Fr), "10500.00 EUR");
    assert_eq!(money("two thousand pounds", Locale::En), "2000.00 GBP");
}

#[test]
fn numbers_are_read_with_and_without_prefix_in_one_piece_or_several() {
    for (text, number) in [
        ("3331234567", "+393331234567"),
        ("333 1234567", "+393331234567"),
        ("333 12 34 567", "+393331234567"),
        ("333-1234567", "+393331234567"),
        ("+39 333 1234567", "+393331234567"),
        ("0039 333 1234567", "+393331234567"),
        ("393331234567", "+393331234567"),
        ("ricarica 10 al 348 1112233", "+393481112233"),
        ("ricarica 348 1112233 10", "+393481112233"),
        ("+44 7700 900123", "+447700900123"),
        ("06 12345678", "+390612345678"),
    ] {
        let read: Vec<String> = read_as(SlotKind::Msisdn, text, Locale::It)
            .into_iter()
            .map(|value| match value {
                Value::Msisdn(number) => number.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(read, [number], "{text}");
    }
    for none in ["10", "1.000,00", "10/03/2026", "4471", "12345"] {
        assert!(read_as(SlotKind::Msisdn, none, Locale::It).is_empty(), "{none}");
    }
}

#[test]
fn days_are_read_in_digits_and_in_words() {
    let day = |text: &str, locale: Locale| -> Vec<Date> {
        let read = read_as(SlotKind::Date, text, locale).into_iter();
        read.map(|value| match value {
            Value::Date(date) => date,
            other => panic!("{other:?}"),
        })
        .collect()
    };
    for (text, locale, expected) in [
        ("al 10/03/2026", Locale::It, date(2026, 3, 10)),
        ("5-1-26", Locale::It, date(2026, 1, 5)),
        ("2026-02-28", Locale::En, date(2026, 2, 28)),
        ("ieri", Locale::It, date(2026, 3, 9)),
        ("l'altro ieri", Locale::It, date(2026, 3, 8)),
        ("the day before yesterday", Locale::En, date(2026, 3, 8)),
        ("oggi", Locale::It, date(2026, 3, 10)),
        ("lunedì scorso", Locale::It, date(2026, 3, 9)),
        ("martedì", Locale::It, date(2026, 3, 3)),
        ("3 giorni fa", Locale::It, date(2026, 3, 7)),
        ("two days ago", Locale::En, date(2026, 3, 8)),
        ("10 marzo", Locale::It, date(2026, 3, 10)),
        ("march 1st 2025", Locale::En, date(2025, 3, 1)),
        ("28 dicembre", Locale::It, date(2025, 12, 28)),
        ("31/12", Locale::It, date(2025, 12, 31)),
    ] {
        assert_eq!(day(text, locale), [expected], "{text}");
    }
    for none in ["saldo", "10,50", "31/02/2026", "tre"] {
        assert!(day(none, Locale::It).is_empty(), "{none}");
    }
}

#[test]
fn the_other_kinds_have_their_normal_forms() {
    let words = |kind, text: &str| -> Vec<String> {
        let read = read_as(kind, text, Locale::It).into_iter();
        read.map(|value| match value {
            Value::Word(word) => word,
            Value::Count(count) => count.to_string(),
            other => panic!("{other:?}"),
        })
        .collect()
    };
    for (kind, text, expected) in [
        (SlotKind::CardLast4, "blocca carta 4471", "4471"),
        (SlotKind::CardLast4, "carta 4023 1234 5678 9012", "9012"),
        (SlotKind::CardLast4, "4023123456789012", "9012"),
        (SlotKind::CaseId, "pratica n. 48213", "48213"),
        (SlotKind::CaseId, "segnalazione tk-1029", "TK-1029"),
        (SlotKind::CaseId, "ticket AB1029", "AB1029"),
        (SlotKind::Count, "ultimi 5 movimenti", "5"),
        (SlotKind::Count, "le ultime dieci operazioni", "10"),
        (SlotKind::Lang, "lingua inglese", "en"),
        (SlotKind::Lang, "LANG IT", "it"),
        (SlotKind::Lang, "lingua ingglese", "en"),
        (SlotKind::Lang, "non capisco l'italiano, scrivete in francese", "fr"),
        (SlotKind::Choice, "stop alle offerte", "promo"),
        (SlotKind::Text, " qualunque cosa ", "qualunque cosa"),
    ] {
        assert_eq!(words(kind, text), [expected], "{text}");
    }
    for (kind, text) in [
        (SlotKind::CardLast4, "blocca carta 12345"),
        (SlotKind::CaseId, "la mia pratica"),
        (SlotKind::Lang, "is it there"),
        (SlotKind::Choice, "stop"),
        (SlotKind::Text, "  "),
    ] {
        assert!(words(kind, text).is_empty(), "{text}");
    }
}

#[test]
fn two_candidates_are_kept_apart_a_missing_one_is_named_and_one_out_of_range_is_told() {
    let catalogue = crate::command::catalogue::shipped();
    let topup = &catalogue["topup"];
    let setting = Setting {
        locale: Locale::It,
        today: date(2026, 3, 10),
        home: home("IT"),
    };
    let read = |text: &str| read(topup, text, &tokens(text), 0, setting);
    assert_eq!(read("ricarica").missing, ["amount"]);
    assert_eq!(read("ricarica 10 o 20").unsure["amount"].len(), 2);
    assert!(read("ricarica 5000 euro").refused.contains_key("amount"));
    let whole = read("ricarica 10 euro al 333 1234567");
    assert_eq!(whole.values.len(), 2, "{whole:?}");
    let whole = read("ricarica 10 euro a 3331234567");
    assert_eq!(whole.values.len(), 2, "{whole:?}");
    // What cannot be read is asked for, though the slot has a default or may be missing.
    assert_eq!(read("ricarica 1e3 euro").unsure["amount"], []);
    assert_eq!(read("ricarica 1,250 euro").unsure["amount"].len(), 2);
}

#[test]
fn a_sum_in_another_currency_is_not_allowed_where_one_is_named() {
    let catalogue = crate::command::catalogue::shipped();
    let setting = Setting {
        locale: Locale::En,
        today: date(2026, 3, 10),
        home: home("IT"),
    };
    let read = |command: &str, text: &str| read(&catalogue[command], text, &tokens(text), 0, setting);
    assert!(read("topup", "top up $20").refused.contains_key("amount"));
    assert!(read("topup", "top up 20").values.contains_key("amount"));
    assert!(read("topup", "top up 20 euros").values.contains_key("amount"));
    // What was paid abroad may be of any.
    assert!(read("fraud_report", "a charge of $20").values.contains_key("amount"));
}

#[test]
fn numbers_without_their_country_code_are_of_the_home_country() {
    let slot = Slot {
        kind: SlotKind::Msisdn,
        ..Slot::default()
    };
    for (country, text, number) in [
        ("IT", "333 1234567", "+393331234567"),
        ("GB", "07911 123456", "+447911123456"),
        ("DE", "0151 23456789", "+4915123456789"),
        ("FR", "06 12 34 56 78", "+33612345678"),
        ("ES", "612 345 678", "+34612345678"),
        ("DE", "+39 333 1234567", "+393331234567"),
    ] {
        let setting = Setting {
            locale: Locale::En,
            today: date(2026, 3, 10),
            home: home(country),
        };
        let found = answer(&slot, text, &tokens(text), setting);
        assert_eq!(
            found,
            [Value::Msisdn(Msisdn::parse(number).unwrap())],
            "{country} {text}"
        );
    }
}
