#include <kwire/embedded/visit_record.hpp>
#include <kwire/messages/offset_commit_record.hpp>
#include <kwire/messages/topic_record.hpp>
#include <kwire/records/read.hpp>

void commit(std::string_view group, std::string_view topic, std::int32_t partition, std::int64_t offset);
void forget(std::string_view group, std::string_view topic, std::int32_t partition);
void learn(const kwire::uuid& id, std::string_view name);
void skip(std::int16_t type);
void complain(const kwire::error& why);

void offsets(const kwire::expected_records<kwire::batch_records>& records) {
    // example 1
}
void metadata(const kwire::record_view& record) {
    // example 2
}
