//! Segmenting and GSM-7 conversion, in octets of UTF-8 text (or of septets, for decoding) a second.
//!
//! `cargo bench -p araldo-sms`, or for a quick look `cargo bench -p araldo-sms -- --quick`.

use std::hint::black_box;

use araldo_sms::{
    DeliveryReceipt, Encoding, Language, Languages, National, ShiftTables, SplitOptions, UserData, measure,
    pack_septets, split, unpack_septets,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// What shops and banks write: nearly all ASCII.
const NOTICE: &str = "Gentile cliente, il tuo ordine n. 482913 è in consegna oggi tra le 9 e le 12. Segui il pacco su \
                      https://esempio.it/t/482913 oppure rispondi STOP. Totale: 120,50 €";

/// Accents, signs and escapes in plenty.
const DENSE: &str = "Perché è così? Là più su c'è già Ø, Å, ñ e ¿qué? [ok] {sì} 12 € ~ ÄÖÜß Δ Φ Ω è é ù ì ò à";

const CYRILLIC: &str = "Уважаемый клиент, ваш заказ 482913 будет доставлен сегодня с 9 до 12. ";

const TURKISH: &str = "Yarın saat üçte görüşelim, çarşıda buluşuruz, çocuklar şarkı söyleyecek. İyi geceler! ";

const HINDI: &str = "आपका ऑर्डर 482913 आज 9 से 12 बजे के बीच पहुँचेगा। धन्यवाद! ";

/// As a word processor dresses it up.
const DRESSED: &str = "“L’ordine” n. 482913 è in consegna – oggi, tra le 9 e le 12… Grazie! ";

fn gsm7(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gsm7");
    for (name, text) in [("notice", NOTICE), ("dense", DENSE)] {
        let text = text.repeat(4);
        let mut septets = Vec::new();
        Encoding::Gsm7.encode(&text, &mut septets).expect("the text is GSM-7");
        let mut packed = Vec::new();
        pack_septets(&septets, 1, &mut packed);

        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("encode/{name}"), |bencher| {
            let mut out = Vec::with_capacity(2 * text.len());
            bencher.iter(|| {
                out.clear();
                Encoding::Gsm7.encode(black_box(&text), &mut out)
            });
        });
        group.throughput(Throughput::Bytes(septets.len() as u64));
        group.bench_function(format!("decode/{name}"), |bencher| {
            bencher.iter(|| Encoding::Gsm7.decode(black_box(&septets)));
        });
        group.bench_function(format!("pack/{name}"), |bencher| {
            let mut out = Vec::with_capacity(septets.len());
            bencher.iter(|| {
                out.clear();
                pack_septets(black_box(&septets), 1, &mut out);
            });
        });
        group.bench_function(format!("unpack/{name}"), |bencher| {
            let mut out = Vec::with_capacity(septets.len());
            bencher.iter(|| {
                out.clear();
                unpack_septets(black_box(&packed), 1, None, &mut out);
            });
        });
    }
    let turkish = ShiftTables {
        locking: Some(Language::Turkish),
        single: None,
    };
    let text = TURKISH.repeat(4);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("encode/turkish", |bencher| {
        let mut out = Vec::with_capacity(2 * text.len());
        bencher.iter(|| {
            out.clear();
            turkish.encode(black_box(&text), &mut out)
        });
    });
    group.finish();
}

fn segments(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("segments");
    let plain = SplitOptions::default();
    let national = SplitOptions {
        national: National::WhereShorter(Languages::from_iter([Language::Turkish])),
        ..plain
    };
    let any = SplitOptions {
        national: National::WhereShorter(Languages::ALL),
        ..plain
    };
    let whole = SplitOptions {
        whole_graphemes: true,
        ..plain
    };
    let smart = SplitOptions { smart: true, ..plain };
    for (name, text, options) in [
        ("one", NOTICE.to_owned(), plain),
        ("four", NOTICE.repeat(4), plain),
        ("dense", DENSE.repeat(4), plain),
        ("cyrillic", CYRILLIC.repeat(4), plain),
        ("turkish_national", TURKISH.repeat(4), national),
        ("turkish_any_national", TURKISH.repeat(4), any),
        ("hindi_any_national", HINDI.repeat(4), any),
        ("dense_any_national", DENSE.repeat(4), any),
        ("whole_graphemes", NOTICE.repeat(4), whole),
        ("dense_whole_graphemes", DENSE.repeat(4), whole),
        ("look_alikes", DRESSED.repeat(4), smart),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("measure/{name}"), |bencher| {
            bencher.iter(|| measure(black_box(&text), &options));
        });
        group.bench_function(format!("split/{name}"), |bencher| {
            bencher.iter(|| split(black_box(&text), &options));
        });
    }
    group.finish();
}

fn inbound(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("inbound");
    let receipt = "id:0123456789 sub:001 dlvrd:001 submit date:2601311200 done date:2601311201 stat:DELIVRD err:000 \
                   text:Gentile cliente, il";
    group.throughput(Throughput::Bytes(receipt.len() as u64));
    group.bench_function("receipt", |bencher| {
        bencher.iter(|| DeliveryReceipt::parse(black_box(receipt)));
    });
    let mut segment = vec![5, 0, 3, 42, 2, 1];
    Encoding::Gsm7
        .encode(&NOTICE[..140], &mut segment)
        .expect("the text is GSM-7");
    group.throughput(Throughput::Bytes(segment.len() as u64));
    group.bench_function("user_data", |bencher| {
        bencher.iter(|| {
            UserData::decode(0, true, black_box(&segment), Encoding::Gsm7)
                .text()
                .map(str::len)
        });
    });
    group.finish();
}

criterion_group!(benches, gsm7, segments, inbound);
criterion_main!(benches);
