/// The core of kwire in one include: everything that needs only the standard library, without any message.
///
/// A program adds the messages that it uses, such as <kwire/messages/fetch.hpp>, for those in the bytes of
/// group requests <kwire/embedded/consumer_protocol.hpp>, and the adapters to other libraries that it needs:
/// <kwire/asio.hpp>, <kwire/fmt.hpp>, <kwire/reflect/json.hpp>, and the codecs <kwire/compression/gzip.hpp>,
/// snappy.hpp, lz4.hpp and zstd.hpp.
#pragma once

#include <kwire/api.hpp>
#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/held.hpp>
#include <kwire/buffer/if_shared.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/codec.hpp>
#include <kwire/compression/type.hpp>
#include <kwire/connect/correlator.hpp>
#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/negotiation.hpp>
#include <kwire/embedded/encode_stored.hpp>
#include <kwire/embedded/stored_message.hpp>
#include <kwire/embedded/visit_record.hpp>
#include <kwire/error.hpp>
#include <kwire/error_code.hpp>
#include <kwire/error_text.hpp>
#include <kwire/read/array.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/read/find.hpp>
#include <kwire/read/index.hpp>
#include <kwire/read/message.hpp>
#include <kwire/read/overloaded.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/unknown_tags.hpp>
#include <kwire/read/versioned.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/check_content.hpp>
#include <kwire/records/control.hpp>
#include <kwire/records/control_builder.hpp>
#include <kwire/records/down_convert.hpp>
#include <kwire/records/edit.hpp>
#include <kwire/records/legacy_builder.hpp>
#include <kwire/records/list_offsets.hpp>
#include <kwire/records/patch.hpp>
#include <kwire/records/read.hpp>
#include <kwire/records/record.hpp>
#include <kwire/records/record_range.hpp>
#include <kwire/records/renumber.hpp>
#include <kwire/records/select.hpp>
#include <kwire/records/skim.hpp>
#include <kwire/records/stamp.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/reflect/print.hpp>
#include <kwire/reflect/same_content.hpp>
#include <kwire/reflect/set.hpp>
#include <kwire/reflect/transcode.hpp>
#include <kwire/reflect/visit_fields.hpp>
#include <kwire/schema/field.hpp>
#include <kwire/schema/fixed_size.hpp>
#include <kwire/schema/parse_options.hpp>
#include <kwire/wire/crc32c.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/overlay.hpp>
#include <kwire/wire/text.hpp>
#include <kwire/wire/uuid.hpp>
#include <kwire/wire/uuid_text.hpp>
#include <kwire/wire/varint.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/nullable_list.hpp>
#include <kwire/write/payload.hpp>
#include <kwire/write/scalar_list.hpp>
#include <kwire/write/set.hpp>
#include <kwire/write/to_data.hpp>
#include <kwire/write/unknown_tag_list.hpp>
#include <kwire/write/versioned.hpp>
