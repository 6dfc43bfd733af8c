//! The rows that are not about one message: stamping the batches of a records field, requests from a stream of frames to their
//! handlers, batches to records.

use crate::corpus::Input;
use crate::Row;
use bytes::{Buf, Bytes, BytesMut};
use krabka_protocol::records::{patch_base_offset_and_leader_epoch, RecordBatchBorrowed, HEADER_LEN};
use krabka_protocol::DecodeBorrow;
use std::hint::black_box;

fn row<F>(input: &Input, operation: &'static str, contender: &'static str, work: F) -> Row
where
    F: Fn(&Bytes) -> u64 + Copy + 'static,
{
    let (bytes, proof, sum) = (input.bytes.clone(), input.bytes.clone(), input.sum);
    Row {
        name: input.name.clone(),
        operation,
        contender,
        prove: Box::new(move || work(&proof) == sum),
        repeat: Box::new(move |times| {
            for _ in 0..times {
                black_box(work(black_box(&bytes)));
            }
        }),
    }
}

/// krabka writes offset and epoch into a header; finding the headers is left to the program.
fn stamp(mut batches: &mut [u8], mut offset: i64, epoch: i32) -> Option<i64> {
    while !batches.is_empty() {
        let header: &mut [u8; HEADER_LEN] = batches.first_chunk_mut()?;
        let length = i32::from_be_bytes(header[8..12].try_into().ok()?);
        let last = i32::from_be_bytes(header[23..27].try_into().ok()?);
        if header[16] != 2 || length < 49 || last < 0 {
            return None;
        }
        patch_base_offset_and_leader_epoch(header, offset, epoch);
        offset += i64::from(last) + 1;
        batches = batches.get_mut(12 + length as usize..)?;
    }
    Some(offset)
}

fn patch_row(input: &Input, stamped: &Input) -> Row {
    let offset = i64::from_be_bytes(stamped.bytes[..8].try_into().expect("a batch"));
    let epoch = i32::from_be_bytes(stamped.bytes[12..16].try_into().expect("a batch"));
    let (proof, expected, next) = (input.bytes.to_vec(), stamped.bytes.clone(), stamped.sum as i64);
    let mut memory = input.bytes.to_vec();
    Row {
        name: input.name.clone(),
        operation: "patch",
        contender: "krabka",
        prove: Box::new(move || {
            let mut bytes = proof.clone();
            stamp(&mut bytes, offset, epoch) == Some(next) && bytes == expected
        }),
        repeat: Box::new(move |times| {
            for _ in 0..times {
                black_box(stamp(black_box(&mut memory), offset, epoch));
            }
        }),
    }
}

/// The frames of a stream that arrives in blocks of 64 KiB, each as bytes of its own that share the block's memory.
fn each_frame(stream: &[u8], mut handle: impl FnMut(Bytes) -> u64) -> u64 {
    let mut sum = 0;
    let mut arrived = BytesMut::with_capacity(2 * 65536);
    for block in stream.chunks(65536) {
        arrived.extend_from_slice(block);
        while arrived.len() >= 4 {
            let size = i32::from_be_bytes(arrived[..4].try_into().expect("four bytes"));
            assert!((8..104_857_600).contains(&size));
            if arrived.len() < 4 + size as usize {
                break;
            }
            arrived.advance(4);
            sum += handle(arrived.split_to(size as usize).freeze());
        }
    }
    sum
}

fn handle_with_kafka_protocol(mut frame: Bytes) -> u64 {
    use kafka_protocol::messages::{ApiKey, FetchRequest, HeartbeatRequest};
    use kafka_protocol::protocol::{decode_request_header_from_buffer, Decodable};
    let header = decode_request_header_from_buffer(&mut frame).expect("a header");
    let value = match ApiKey::try_from(header.request_api_key).expect("an api key") {
        ApiKey::Fetch => FetchRequest::decode(&mut frame, header.request_api_version).expect("a body").max_bytes,
        ApiKey::Heartbeat => HeartbeatRequest::decode(&mut frame, header.request_api_version).expect("a body").generation_id,
        _ => panic!("another request"),
    };
    header.correlation_id as u64 + value as u64
}

fn handle_with_krabka(frame: Bytes) -> u64 {
    use krabka_protocol::borrowed::fetch_request::FetchRequest;
    use krabka_protocol::borrowed::heartbeat_request::HeartbeatRequest;
    use krabka_protocol::borrowed::request_header::RequestHeader;
    let mut at = &frame[..];
    let header = RequestHeader::decode_borrow(&mut at, 2).expect("a header");
    let value = match header.request_api_key {
        1 => FetchRequest::decode_borrow(&mut at, header.request_api_version).expect("a body").max_bytes,
        12 => HeartbeatRequest::decode_borrow(&mut at, header.request_api_version).expect("a body").generation_id,
        _ => panic!("another request"),
    };
    header.correlation_id as u64 + value as u64
}

/// A string or bytes: the size and the first byte, as in the other languages.
fn text(bytes: Option<&[u8]>) -> u64 {
    bytes.map_or(u64::MAX, |b| b.len() as u64 + b.first().map_or(0, |&first| u64::from(first)))
}

fn records_with_kafka_protocol(batch: &Bytes) -> u64 {
    let set = kafka_protocol::records::RecordBatchDecoder::decode(&mut batch.clone()).expect("a batch");
    let mut sum = 0u64;
    for record in &set.records {
        sum = sum.wrapping_add(record.offset as u64).wrapping_add(record.timestamp as u64).wrapping_add(record.sequence as u64);
        sum = sum.wrapping_add(text(record.key.as_deref())).wrapping_add(text(record.value.as_deref()));
        for (name, value) in &record.headers {
            sum = sum.wrapping_add(text(Some(name.as_bytes()))).wrapping_add(text(value.as_deref()));
        }
    }
    sum
}

fn records_with_krabka(bytes: &Bytes) -> u64 {
    let mut at = &bytes[..];
    let batch = RecordBatchBorrowed::decode_borrow(&mut at, 0).expect("a batch");
    let header = batch.header();
    let (base, time, sequence) = (header.base_offset.get(), header.base_timestamp.get(), header.base_sequence.get());
    let mut sum = 0u64;
    for record in batch.iter() {
        let record = record.expect("a record");
        sum = sum.wrapping_add((base + i64::from(record.offset_delta)) as u64);
        sum = sum.wrapping_add((time + record.timestamp_delta) as u64);
        sum = sum.wrapping_add((sequence + record.offset_delta) as u64);
        sum = sum.wrapping_add(text(record.key)).wrapping_add(text(record.value));
        for header in &record.headers {
            sum = sum.wrapping_add(text(Some(header.key.as_bytes()))).wrapping_add(text(header.value));
        }
    }
    sum
}

pub fn add_all(inputs: &[Input], rows: &mut Vec<Row>) {
    for input in inputs {
        match input.kind.as_str() {
            "batches" => {
                let stamped = inputs.iter().find(|i| i.name == format!("{}_stamped", input.name)).expect("the stamped batches");
                rows.push(patch_row(input, stamped));
            }
            "frames" => {
                rows.push(row(input, "read_frames", "kafka_protocol", |bytes| each_frame(bytes, handle_with_kafka_protocol)));
                rows.push(row(input, "read_frames", "krabka_borrowed", |bytes| each_frame(bytes, handle_with_krabka)));
            }
            "RecordBatch" => {
                rows.push(row(input, "records", "kafka_protocol", records_with_kafka_protocol));
                rows.push(row(input, "records", "krabka_borrowed", records_with_krabka));
            }
            _ => {}
        }
    }
}
