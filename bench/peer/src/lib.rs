//! A C interface of the crate kafka-protocol, to measure it in one process with kwire.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::MetadataResponse;
use kafka_protocol::protocol::{Decodable, Encodable};

/// A body that is not copied, like a network buffer that the crate slices.
pub struct Body(Bytes);

/// # Safety
/// `data` must be valid for `size` bytes during the call; pass the result to `peer_release`.
#[no_mangle]
pub unsafe extern "C" fn peer_take(data: *const u8, size: usize) -> *mut Body {
    Box::into_raw(Box::new(Body(Bytes::copy_from_slice(std::slice::from_raw_parts(data, size)))))
}

/// # Safety
/// `body` comes from `peer_take`, and is not used again.
#[no_mangle]
pub unsafe extern "C" fn peer_release(body: *mut Body) {
    drop(Box::from_raw(body));
}

/// Decodes a Metadata response and drops it; returns its number of topics.
///
/// # Safety
/// `body` comes from `peer_take`.
#[no_mangle]
pub unsafe extern "C" fn peer_decode_metadata(body: *const Body, version: i16) -> usize {
    let mut bytes = (*body).0.clone();
    let response = MetadataResponse::decode(&mut bytes, version).expect("a valid body");
    std::hint::black_box(&response).topics.len()
}

/// Decodes and encodes again, to at most `room` bytes at `out`; returns the encoded size.
///
/// # Safety
/// `body` comes from `peer_take`; `out` must be valid for `room` bytes.
#[no_mangle]
pub unsafe extern "C" fn peer_rewrite_metadata(body: *const Body, version: i16, out: *mut u8, room: usize) -> usize {
    let mut bytes = (*body).0.clone();
    let response = MetadataResponse::decode(&mut bytes, version).expect("a valid body");
    let mut written = BytesMut::new();
    response.encode(&mut written, version).expect("a value that was just read");
    if written.len() <= room {
        std::ptr::copy_nonoverlapping(written.as_ptr(), out, written.len());
    }
    written.len()
}
