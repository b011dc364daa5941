use super::*;
use crate::config::{AddressConfig, BrandConfig, ClientConfig};
use crate::consent::Recipient;
use crate::domain::Class;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// `bank` and `shop` are the brand `acme`; `club` is its own and sends from `CLUB`.
fn config() -> Config {
    let mut config = Config::default();
    for client in ["bank", "shop", "club"] {
        config.client.insert(name(client), ClientConfig::default());
    }
    config.client.get_mut("club").unwrap().senders = vec!["55555".parse().unwrap()];
    let brand = BrandConfig {
        clients: vec![name("bank"), name("shop")],
        title: "Acme".to_owned(),
    };
    config.brand.insert(name("acme"), brand);
    let bank = AddressConfig {
        client: Some(name("bank")),
        ..AddressConfig::default()
    };
    config.address.insert("+393399999999".to_owned(), bank);
    config
}

fn heard<'a>(text: &'a str, to: &'a str) -> Heard<'a> {
    Heard {
        text,
        from: "393331234567",
        to,
        at: NOW,
        pending: false,
    }
}

fn brands(reaction: &Reaction) -> Vec<&str> {
    reaction.consents.iter().map(|said| said.brand.as_str()).collect()
}

#[test]
fn a_stop_is_to_the_brands_that_send_from_the_address_and_to_all_where_none_does() {
    let config = config();
    let (ear, policy) = (Ear::new(&config), Policy::new(&config));
    let to = |address| ear.hear(&policy, &heard("STOP", address)).unwrap();
    let bank = to("393399999999");
    assert_eq!(brands(&bank), ["acme"]);
    assert_eq!(&*bank.consents[0].told, [name("bank"), name("shop")]);
    assert_eq!(
        (bank.consents[0].will, bank.consents[0].source),
        (Will::OptedOut, Source::Sms)
    );
    assert_eq!(brands(&to("55555")), ["club"]);
    let nobody = to("99999");
    assert_eq!((brands(&nobody), &nobody.brand), (vec!["acme", "club"], &None));
}

#[test]
fn the_answer_is_in_the_language_of_the_word_or_of_the_number() {
    let config = config();
    let (ear, policy) = (Ear::new(&config), Policy::new(&config));
    let locale = |text, from: &'static str| {
        let heard = Heard {
            from,
            ..heard(text, "55555")
        };
        ear.hear(&policy, &heard).unwrap().locale
    };
    assert_eq!(locale("STOP", "393331234567"), Locale::It);
    assert_eq!(locale("STOP", "+33612345678"), Locale::Fr);
    assert_eq!(locale("UNSUBSCRIBE", "393331234567"), Locale::En);
    assert_eq!(locale("STOP", "37061234567"), Locale::En, "the default");
}

#[test]
fn every_built_in_answer_is_one_short_message_without_placeholders() {
    let config = config();
    let (ear, policy) = (Ear::new(&config), Policy::new(&config));
    for locale in Locale::ALL {
        for (word, topic) in [
            (Word::Stop, None),
            (Word::Stop, Some(name("promo"))),
            (Word::Start, None),
            (Word::Start, Some(name("promo"))),
            (Word::Help, None),
        ] {
            let spoken = Spoken {
                word,
                topic: topic.clone(),
                locale: Some(locale),
                soft: false,
            };
            let number = Msisdn::parse("+393331234567").unwrap();
            let reaction = ear.obey(&policy, spoken, &number, "393399999999", NOW);
            let answer = &reaction.answer;
            assert!(answer.starts_with("Acme") && !answer.contains('{'), "{answer}");
            assert_eq!(
                answer.contains("\"promo\""),
                topic.is_some(),
                "it says of what: {answer}"
            );
            assert!(answer.chars().count() <= 160, "{answer}");
            assert!(ear.words().hear(answer).is_none(), "{answer}");
        }
    }
}

#[test]
fn an_operators_text_stands_for_the_built_in_one() {
    let mut config = config();
    let own = [(Locale::It, "Fatto, {brand} tace.".to_owned())];
    config.consent.texts.stop = own.into();
    let (ear, policy) = (Ear::new(&config), Policy::new(&config));
    let reaction = ear.hear(&policy, &heard("basta", "393399999999")).unwrap();
    assert_eq!(reaction.answer, "Fatto, Acme tace.");
}

#[test]
fn beside_a_question_a_word_that_means_another_thing_is_let_be() {
    let config = config();
    let (ear, policy) = (Ear::new(&config), Policy::new(&config));
    let pending = |text| {
        let heard = Heard {
            pending: true,
            ..heard(text, "55555")
        };
        ear.hear(&policy, &heard).is_some()
    };
    assert!(!pending("cancella") && pending("stop"));
    assert!(ear.hear(&policy, &heard("cancella", "55555")).is_some());
}

#[test]
fn who_has_no_number_has_no_say() {
    let config = config();
    let (ear, policy) = (Ear::new(&config), Policy::new(&config));
    for from in ["Vodafone", "48123", ""] {
        let heard = Heard {
            from,
            ..heard("STOP", "55555")
        };
        assert!(ear.hear(&policy, &heard).is_none(), "{from}");
    }
}

#[test]
fn an_opt_out_withholds_all_but_what_the_law_exempts_and_answers_to_later_texts() {
    let mut config = config();
    config.consent.exempt_in.insert("FR".to_owned(), vec![Class::Otp]);
    let policy = Policy::new(&config);
    let bank = name("bank");
    let withheld = |to: &str, class, solicited_at| {
        let recipient = Recipient {
            to,
            client: &bank,
            class,
            solicited_at,
        };
        policy.withholds(&recipient, [(None, Will::OptedOut, NOW)])
    };
    let italian = "393331234567";
    for class in Class::ALL {
        let exempt = matches!(class, Class::Otp | Class::Alert);
        assert_eq!(withheld(italian, class, None), !exempt, "{class}");
    }
    assert!(withheld("33612345678", Class::Alert, None), "another law");
    assert!(!withheld("33612345678", Class::Otp, None));
    assert!(!withheld(italian, Class::Reply, Some(NOW)));
    assert!(withheld(italian, Class::Reply, Some(UnixMillis(NOW.0 - 1))));
}

#[test]
fn what_is_said_of_a_topic_counts_before_what_is_said_of_all() {
    let config = config();
    let policy = Policy::new(&config);
    let (bank, promo) = (name("bank"), name("promo"));
    let withheld = |class, said: &[(Option<&Name>, Will)]| {
        let recipient = Recipient {
            to: "393331234567",
            client: &bank,
            class,
            solicited_at: None,
        };
        policy.withholds(&recipient, said.iter().map(|(topic, will)| (*topic, *will, NOW)))
    };
    let topic_out = [(Some(&promo), Will::OptedOut)];
    assert!(withheld(Class::Marketing, &topic_out) && !withheld(Class::Service, &topic_out));
    let only_topic = [(None, Will::OptedOut), (Some(&promo), Will::OptedIn)];
    assert!(!withheld(Class::Marketing, &only_topic) && withheld(Class::Service, &only_topic));
    let all_but_topic = [(None, Will::OptedIn), (Some(&promo), Will::OptedOut)];
    assert!(withheld(Class::Marketing, &all_but_topic) && !withheld(Class::Service, &all_but_topic));
}
