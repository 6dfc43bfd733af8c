//! The rows of each library: decode, visit (decode and read every field), encode into reused memory, size; and
//! Metadata from version 12 to version 4.

use crate::corpus::Input;
use crate::visits::{Sum, Visit};
use crate::Row;
use bytes::{Bytes, BytesMut};
use std::hint::black_box;

/// One library's way with one message.
trait Codec: 'static {
    type Message: Visit + 'static;
    fn decode(bytes: &Bytes, version: i16) -> Self::Message;
    fn encode(message: &Self::Message, into: &mut BytesMut, version: i16);
    fn size(message: &Self::Message, version: i16) -> usize;
}

struct KafkaProtocol<M>(std::marker::PhantomData<M>);
impl<M> Codec for KafkaProtocol<M>
where
    M: Visit + kafka_protocol::protocol::Encodable + kafka_protocol::protocol::Decodable + 'static,
{
    type Message = M;
    fn decode(bytes: &Bytes, version: i16) -> M {
        M::decode(&mut bytes.clone(), version).expect("a valid body")
    }
    fn encode(message: &M, into: &mut BytesMut, version: i16) {
        message.encode(into, version).expect("a valid message");
    }
    fn size(message: &M, version: i16) -> usize {
        message.compute_size(version).expect("a valid message")
    }
}

struct Krabka<M>(std::marker::PhantomData<M>);
impl<M> Codec for Krabka<M>
where
    M: Visit + krabka_protocol::Encode + for<'de> krabka_protocol::Decode<'de> + 'static,
{
    type Message = M;
    fn decode(bytes: &Bytes, version: i16) -> M {
        M::decode(&mut bytes.clone(), version).expect("a valid body")
    }
    fn encode(message: &M, into: &mut BytesMut, version: i16) {
        message.encode(into, version).expect("a valid message");
    }
    fn size(message: &M, version: i16) -> usize {
        message.encoded_len(version)
    }
}

fn add_codec<C: Codec>(input: &Input, contender: &'static str, rows: &mut Vec<Row>) {
    let (version, sum) = (input.version, input.sum);
    let add = |rows: &mut Vec<Row>, operation, prove: Box<dyn Fn() -> bool>, repeat: Box<dyn FnMut(u64)>| {
        rows.push(Row { name: input.name.clone(), operation, contender, prove, repeat });
    };
    let same = {
        let bytes = input.bytes.clone();
        move || {
            let mut again = BytesMut::new();
            C::encode(&C::decode(&bytes, version), &mut again, version);
            again == bytes
        }
    };
    let (bytes, proof) = (input.bytes.clone(), same.clone());
    add(rows, "decode", Box::new(proof), Box::new(move |times| {
        for _ in 0..times {
            black_box(C::decode(black_box(&bytes), version));
        }
    }));
    let sum_of = move |bytes: &Bytes| {
        let mut sum = Sum(0);
        C::decode(bytes, version).visit(&mut sum);
        sum.0
    };
    let (bytes, proof) = (input.bytes.clone(), input.bytes.clone());
    add(rows, "visit", Box::new(move || sum_of(&proof) == sum), Box::new(move |times| {
        for _ in 0..times {
            black_box(sum_of(black_box(&bytes)));
        }
    }));
    let (message, proof) = (C::decode(&input.bytes, version), same);
    let mut into = BytesMut::with_capacity(input.bytes.len() + 64);
    add(rows, "encode", Box::new(proof), Box::new(move |times| {
        for _ in 0..times {
            into.clear();
            C::encode(black_box(&message), &mut into, version);
            black_box(&into);
        }
    }));
    // New memory each time, of the right size; payloads are copied into it.
    let (message, proof, expected) = (C::decode(&input.bytes, version), C::decode(&input.bytes, version), input.bytes.clone());
    let encode_new = move |message: &C::Message| {
        let mut into = BytesMut::with_capacity(C::size(message, version));
        C::encode(message, &mut into, version);
        into
    };
    add(rows, "encode_chain", Box::new(move || encode_new(&proof) == expected), Box::new(move |times| {
        for _ in 0..times {
            black_box(encode_new(black_box(&message)));
        }
    }));
    let (message, proof, size) = (C::decode(&input.bytes, version), C::decode(&input.bytes, version), input.bytes.len());
    add(rows, "size", Box::new(move || C::size(&proof, version) == size), Box::new(move |times| {
        for _ in 0..times {
            black_box(C::size(black_box(&message), version));
        }
    }));
}

macro_rules! add_borrowed {
    ($input:expr, $rows:expr, $message:ident, $module:ident) => {{
        use krabka_protocol::borrowed::$module::$message;
        use krabka_protocol::{DecodeBorrow, Encode};
        let (version, sum) = ($input.version, $input.sum);
        fn decode(bytes: &[u8], version: i16) -> $message<'_> {
            let mut at = bytes;
            $message::decode_borrow(&mut at, version).expect("a valid body")
        }
        let sum_of = move |bytes: &[u8]| {
            let mut sum = Sum(0);
            decode(bytes, version).visit(&mut sum);
            sum.0
        };
        let (bytes, proof) = ($input.bytes.clone(), $input.bytes.clone());
        $rows.push(Row {
            name: $input.name.clone(),
            operation: "decode",
            contender: "krabka_borrowed",
            prove: Box::new(move || {
                let mut again = BytesMut::new();
                decode(&proof, version).encode(&mut again, version).expect("a valid message");
                again == proof
            }),
            repeat: Box::new(move |times| {
                for _ in 0..times {
                    black_box(decode(black_box(&bytes), version));
                }
            }),
        });
        let (bytes, proof) = ($input.bytes.clone(), $input.bytes.clone());
        $rows.push(Row {
            name: $input.name.clone(),
            operation: "visit",
            contender: "krabka_borrowed",
            prove: Box::new(move || sum_of(&proof) == sum),
            repeat: Box::new(move |times| {
                for _ in 0..times {
                    black_box(sum_of(black_box(&bytes)));
                }
            }),
        });
        // The bytes live as long as the program, and so does the message that refers to them.
        let kept: &'static [u8] = Box::leak($input.bytes.to_vec().into_boxed_slice());
        let message = decode(kept, version);
        let mut into = BytesMut::with_capacity(kept.len() + 64);
        $rows.push(Row {
            name: $input.name.clone(),
            operation: "encode",
            contender: "krabka_borrowed",
            prove: Box::new(move || {
                let mut again = BytesMut::new();
                decode(kept, version).encode(&mut again, version).expect("a valid message");
                again == kept
            }),
            repeat: Box::new(move |times| {
                for _ in 0..times {
                    into.clear();
                    black_box(&message).encode(&mut into, version).expect("a valid message");
                    black_box(&into);
                }
            }),
        });
        let message = decode(kept, version);
        let encode_new = move |message: &$message| {
            let mut into = BytesMut::with_capacity(message.encoded_len(version));
            message.encode(&mut into, version).expect("a valid message");
            into
        };
        $rows.push(Row {
            name: $input.name.clone(),
            operation: "encode_chain",
            contender: "krabka_borrowed",
            prove: Box::new(move || encode_new(&decode(kept, version)) == kept),
            repeat: Box::new(move |times| {
                for _ in 0..times {
                    black_box(encode_new(black_box(&message)));
                }
            }),
        });
        let message = decode(kept, version);
        $rows.push(Row {
            name: $input.name.clone(),
            operation: "size",
            contender: "krabka_borrowed",
            prove: Box::new(move || decode(kept, version).encoded_len(version) == kept.len()),
            repeat: Box::new(move |times| {
                for _ in 0..times {
                    black_box(black_box(&message).encoded_len(version));
                }
            }),
        });
    }};
}

/// Metadata from version 12 to version 4: decode one, encode the other, without what version 4 lacks.
fn add_transcode<C: Codec>(input: &Input, contender: &'static str, clear: fn(&mut C::Message), rows: &mut Vec<Row>, expected: &Bytes) {
    let (bytes, proof, expected) = (input.bytes.clone(), input.bytes.clone(), expected.clone());
    let mut into = BytesMut::with_capacity(bytes.len() + 64);
    rows.push(Row {
        name: input.name.clone(),
        operation: "transcode",
        contender,
        prove: Box::new(move || {
            let mut message = C::decode(&proof, 12);
            clear(&mut message);
            let mut again = BytesMut::new();
            C::encode(&message, &mut again, 4);
            again == expected
        }),
        repeat: Box::new(move |times| {
            for _ in 0..times {
                let mut message = C::decode(black_box(&bytes), 12);
                clear(&mut message);
                into.clear();
                C::encode(&message, &mut into, 4);
                black_box(&into);
            }
        }),
    });
}

pub fn add_all(inputs: &[Input], rows: &mut Vec<Row>) {
    macro_rules! all {
        ($input:expr, $message:ident, $module:ident) => {{
            add_codec::<KafkaProtocol<kafka_protocol::messages::$message>>($input, "kafka_protocol", rows);
            add_codec::<Krabka<krabka_protocol::owned::$module::$message>>($input, "krabka", rows);
            add_borrowed!($input, rows, $message, $module);
        }};
    }
    for input in inputs {
        if input.name.starts_with("small_") {
            continue;
        }
        match input.kind.as_str() {
            "MetadataResponse" if input.version == 12 => {
                all!(input, MetadataResponse, metadata_response);
                if let Some(older) = inputs.iter().find(|i| i.name == format!("{}_v4", input.name)) {
                    add_transcode::<KafkaProtocol<kafka_protocol::messages::MetadataResponse>>(
                        input,
                        "kafka_protocol",
                        |message| {
                            for topic in &mut message.topics {
                                topic.topic_id = Default::default();
                                topic.topic_authorized_operations = i32::MIN;
                            }
                        },
                        rows,
                        &older.bytes,
                    );
                    add_transcode::<Krabka<krabka_protocol::owned::metadata_response::MetadataResponse>>(
                        input, "krabka", |_| {}, rows, &older.bytes);
                }
            }
            "FetchResponse" => all!(input, FetchResponse, fetch_response),
            "FetchRequest" => all!(input, FetchRequest, fetch_request),
            "ProduceRequest" => all!(input, ProduceRequest, produce_request),
            "ApiVersionsResponse" => {
                // krabka's borrowed form of it borrows nothing.
                add_codec::<KafkaProtocol<kafka_protocol::messages::ApiVersionsResponse>>(input, "kafka_protocol", rows);
                add_codec::<Krabka<krabka_protocol::owned::api_versions_response::ApiVersionsResponse>>(input, "krabka", rows);
            }
            "OffsetCommitRequest" => all!(input, OffsetCommitRequest, offset_commit_request),
            "JoinGroupRequest" => all!(input, JoinGroupRequest, join_group_request),
            "bytes" => {
                let (bytes, proof, sum) = (input.bytes.clone(), input.bytes.clone(), input.sum);
                let crc = |bytes: &[u8]| crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes);
                rows.push(Row {
                    name: input.name.clone(),
                    operation: "crc",
                    contender: "crc_fast",
                    prove: Box::new(move || crc(&proof) == sum),
                    repeat: Box::new(move |times| {
                        for _ in 0..times {
                            black_box(crc(black_box(&bytes)));
                        }
                    }),
                });
            }
            _ => {}
        }
    }
}
