//! Decoding and encoding of the two PDUs that matter, beside three other crates in one run.
//!
//! A round is a hundred PDUs. Every decoder has a hundred frames of its own, or a stream of them, and drops what it read,
//! as a session would. This crate's uses up the frame, so that what is dropped holds it; those that read a slice are
//! lent it, and letting go of it is not counted. An encoder may keep its buffer.

#![expect(clippy::unwrap_used, reason = "a PDU that cannot be read ends the run")]

use std::hint::black_box;
use std::mem::take;

use araldo_smpp::framing::next_frame;
use araldo_smpp::pdu::{DeliverSm, Request, SubmitSm, decode_request, encode_request};
use araldo_smpp::{
    Address, DataCoding, EsmClass, MAX_PDU, MessageState, Mode, Packet, RegisteredDelivery, SequenceNumber, TlvTag,
    TlvsMut,
};
use bytes::{Buf, Bytes, BytesMut};
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use rusmpp::tokio_codec::CommandCodec;
use smpp_codec::pdus::{DeliverSmRequest, SubmitSmRequest};
use smpp34::common::{CommandHeader, deliver_sm, submit_sm};
use tokio_util::codec::{Decoder, Encoder};

const PDUS: usize = 100;

criterion_group!(benches, both);
criterion_main!(benches);

fn both(criterion: &mut Criterion) {
    let (mt, receipt) = (mt(), receipt());
    let (mt_frame, receipt_frame) = (encoded(&mt), encoded(&receipt));

    let mut group = group(criterion, "submit_sm_160/decode");
    decode::<SubmitSm>(&mut group, &mt_frame);
    let smpp34 = |frame: &mut Bytes| submit_sm::decode(CommandHeader::decode(frame)?, frame);
    each(&mut group, "smpp34", &mt_frame, smpp34);
    each(&mut group, "smpp-codec", &mt_frame, |frame| {
        SubmitSmRequest::decode(frame)
    });
    group.finish();

    let mut group = self::group(criterion, "submit_sm_160/encode");
    encode(&mut group, &mt, &mt_frame);
    let pdu = smpp34(&mut mt_frame.clone()).unwrap();
    group.bench_function("smpp34", |b| {
        b.iter_batched(
            || vec![pdu.clone(); PDUS],
            spend(submit_sm::encode),
            BatchSize::SmallInput,
        );
    });
    let (pdu, mut out) = (SubmitSmRequest::decode(&mt_frame).unwrap(), Vec::new());
    group.bench_function("smpp-codec", |b| {
        b.iter(|| {
            out.clear();
            (0..PDUS).for_each(|_| black_box(&pdu).encode(&mut out).unwrap());
        });
    });
    group.finish();

    let mut group = self::group(criterion, "deliver_sm_receipt/decode");
    decode::<DeliverSm>(&mut group, &receipt_frame);
    let smpp34 = |frame: &mut Bytes| deliver_sm::decode(CommandHeader::decode(frame)?, frame);
    each(&mut group, "smpp34", &receipt_frame, smpp34);
    each(&mut group, "smpp-codec", &receipt_frame, |frame| {
        DeliverSmRequest::decode(frame)
    });
    group.finish();

    let mut group = self::group(criterion, "deliver_sm_receipt/encode");
    encode(&mut group, &receipt, &receipt_frame);
    let pdu = smpp34(&mut receipt_frame.clone()).unwrap();
    group.bench_function("smpp34", |b| {
        b.iter_batched(
            || vec![pdu.clone(); PDUS],
            spend(deliver_sm::encode),
            BatchSize::SmallInput,
        );
    });
    let (pdu, mut out) = (DeliverSmRequest::decode(&receipt_frame).unwrap(), Vec::new());
    group.bench_function("smpp-codec", |b| {
        b.iter(|| {
            out.clear();
            (0..PDUS).for_each(|_| black_box(&pdu).encode(&mut out).unwrap());
        });
    });
    group.finish();
}

/// This crate from a frame whose command is known, as those who read a slice do; from one of any command; and from a
/// stream, as rusmpp does, whose decoder uses up its input.
fn decode<R: Request>(group: &mut BenchmarkGroup<'_, WallTime>, frame: &Bytes) {
    each(group, "araldo-smpp", frame, |frame| decode_request::<R>(take(frame)));
    each(group, "araldo-smpp, any PDU", frame, |frame| {
        Packet::decode(take(frame), Mode::Strict)
    });
    let stream = frame.repeat(PDUS);
    let stream = || BytesMut::from(&stream[..]);
    group.bench_function("araldo-smpp, stream", |b| {
        b.iter_batched_ref(
            stream,
            |stream| {
                while let Some(frame) = next_frame(stream, MAX_PDU).unwrap() {
                    assert!(black_box(&Packet::decode(frame, Mode::Strict)).is_ok());
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("rusmpp, stream", |b| {
        b.iter_batched_ref(
            stream,
            |stream| {
                let mut codec = CommandCodec::new();
                while stream.has_remaining() {
                    assert!(black_box(&codec.decode(stream)).is_ok());
                }
            },
            BatchSize::PerIteration,
        );
    });
}

fn encode<R: Request>(group: &mut BenchmarkGroup<'_, WallTime>, request: &R, frame: &Bytes) {
    group.bench_function("araldo-smpp", |b| {
        let mut out = BytesMut::new();
        b.iter(|| {
            out.clear();
            (0..PDUS).for_each(|_| encode_request(black_box(request), SequenceNumber(1), &mut out).unwrap());
        });
    });
    group.bench_function("rusmpp", |b| {
        let (mut codec, mut out) = (CommandCodec::new(), BytesMut::new());
        let command = codec.decode(&mut BytesMut::from(&frame[..])).unwrap().unwrap();
        b.iter(|| {
            out.clear();
            (0..PDUS).for_each(|_| codec.encode(black_box(&command), &mut out).unwrap());
        });
    });
}

fn each<T, E>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    frame: &Bytes,
    decode: impl Fn(&mut Bytes) -> Result<T, E>,
) {
    group.bench_function(name, |b| {
        b.iter_batched_ref(
            || vec![frame.clone(); PDUS],
            |frames| {
                for frame in frames {
                    assert!(black_box(&decode(black_box(frame))).is_ok());
                }
            },
            BatchSize::PerIteration,
        );
    });
}

fn spend<T>(encode: impl Fn(T) -> Vec<u8>) -> impl Fn(Vec<T>) {
    move |pdus| pdus.into_iter().for_each(|pdu| drop(black_box(encode(pdu))))
}

fn mt() -> SubmitSm {
    SubmitSm {
        source: Address::alphanumeric("Araldo"),
        destination: Address::international("393331234567"),
        registered_delivery: RegisteredDelivery::FINAL,
        short_message: Bytes::from("Ciao! ".repeat(27)).slice(..160),
        ..SubmitSm::default()
    }
}

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(PDUS as u64));
    group
}

/// A receipt as most carriers write it, the id and the state in TLVs too.
fn receipt() -> DeliverSm {
    let mut tlvs = TlvsMut::new();
    tlvs.push_c_octet(TlvTag::RECEIPTED_MESSAGE_ID, b"0123456789").unwrap();
    tlvs.push_u8(TlvTag::MESSAGE_STATE, MessageState::DELIVERED.0);
    let text =
        "id:0123456789 sub:001 dlvrd:001 submit date:2601311200 done date:2601311201 stat:DELIVRD err:000 text:Ciao!";
    DeliverSm {
        source: Address::international("393331234567"),
        destination: Address::alphanumeric("Araldo"),
        esm_class: EsmClass::RECEIPT,
        data_coding: DataCoding::DEFAULT,
        short_message: text.into(),
        tlvs: tlvs.freeze(),
        ..DeliverSm::default()
    }
}

fn encoded<R: Request>(request: &R) -> Bytes {
    let mut out = BytesMut::new();
    encode_request(request, SequenceNumber(1), &mut out).unwrap();
    out.freeze()
}
