#include <kwire/messages/describe_topic_partitions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/no_op_record.hpp>
#include <kwire/messages/partition_change_record.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/request_header.hpp>
#include <kwire/schema/info_of.hpp>

#include <stdexcept>
#include <string>

#include "catch.hpp"
#include "support/changing.hpp"

namespace {

/// A message that changes in version 1 only within its struct.
struct wrapping : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"Wrapping", -1, {0, 1}};
    struct inner {
        template <class M = wrapping>
        static constexpr kwire::field_list<M, 2> fields{
            {{"number", int32, since(0)}, {"text", string, since(1)}}};
    };
    template <class M = wrapping>
    static constexpr kwire::field_list<M, 2, inner> fields{
        {{"inner", structure<inner>(), since(0)}, {"end", int8, since(0)}}};
};

/// A message in which a field takes the place of another one.
struct replacing : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"Replacing", -1, {0, 1}};
    template <class M = replacing>
    static constexpr kwire::field_list<M, 3> fields{
        {{"old_id", int32, only(0)}, {"new_id", int32, since(1)}, {"text", string, since(0)}}};
};

const kwire::field_info& field_of(const kwire::struct_info& info, std::string_view name) {
    for (std::size_t i = 0; i < info.fields.size(); ++i)
        if (info.fields[i].name == name) return info.fields[i];
    throw std::runtime_error("no field " + std::string(name));
}

template <class M>
std::uint32_t least(int version) {
    return kwire::info_of<M>.layouts[version - kwire::message_of<M>::facts.versions.first].min_size;
}

} // namespace

TEST_CASE("a message describes itself at run time as its schema does") {
    const kwire::struct_info& request = kwire::info_of<kwire::fetch_request>;
    CHECK(kwire::fetch_request::facts.name == "FetchRequest");
    CHECK(kwire::fetch_request::facts.key == 1);
    CHECK_FALSE(kwire::fetch_request::facts.flexible(11));
    CHECK(kwire::fetch_request::facts.flexible(12));
    const kwire::field_info& cluster = field_of(request, "cluster_id");
    CHECK(cluster.kind == kwire::field_kind::string);
    CHECK(cluster.tag == 0);
    CHECK(cluster.null_default);
    CHECK(cluster.versions.first == 12);
    CHECK(field_of(request, "max_bytes").default_number == 0x7fffffff);
    const kwire::field_info& topics = field_of(request, "topics");
    CHECK(topics.kind == kwire::field_kind::array);
    CHECK(topics.element == kwire::field_kind::structure);
    REQUIRE(topics.structure != nullptr);
    CHECK(field_of(*topics.structure, "topic").names == kwire::entity::topic_name);
    CHECK(field_of(kwire::info_of<kwire::metadata_response::broker>, "node_id").map_key);
    CHECK(field_of(kwire::info_of<kwire::request_header>, "client_id").never_compact);
    const kwire::field_info& name = field_of(kwire::info_of<kwire::metadata_request::topic>, "name");
    CHECK_FALSE(name.nullable.contains(9));
    CHECK(name.nullable.contains(10));
}

TEST_CASE("the least size of a message is that of its zeros, empties and nulls") {
    CHECK(least<kwire::metadata_request>(0) == 4);
    CHECK(least<kwire::metadata_request>(4) == 5);
    CHECK(least<kwire::metadata_request>(9) == 1 + 1 + 2 + 1);
    CHECK(least<kwire::metadata_request::topic>(0) == 2);
    CHECK(least<kwire::metadata_request::topic>(12) == 16 + 1 + 1);
    CHECK(least<kwire::describe_topic_partitions_request>(0) ==
          1 + 4 + 1 + 1); // the cursor's marker is one byte
    CHECK(least<kwire::no_op_record>(0) == 1);
    CHECK(least<kwire::partition_change_record>(0) == 4 + 16 + 1); // tagged fields take nothing
    CHECK(least<wrapping>(0) == 4 + 1); // a struct that cannot be null takes all of its own least
    CHECK(least<wrapping>(1) == 4 + 2 + 1);
    CHECK(least<support::changing>(0) == 2 + 4 + 4 + 2 + 4 + 1);
    CHECK(least<support::changing>(1) == least<support::changing>(0));
    CHECK(least<support::changing>(2) == 2 + 4 + 4 + 4 + 4 + 2 + 1 + 1);
    CHECK(least<support::changing>(3) == 1 + 4 + 1 + 1 + 1 + 2 + 1 + 1 + 1);
    CHECK(least<support::changing>(4) == 1 + 4 + 1 + 1 + 1 + 2 + 1 + 1 + (4 + 1 + 1) + 1);
    CHECK(least<support::changing>(5) == 1 + 1 + 1 + (4 + 1 + 1) + 1 + (4 + 1 + 1) + 1);
}

TEST_CASE("versions with equal layouts share their tables") {
    const auto* layouts = kwire::info_of<kwire::produce_request>.layouts;
    CHECK(layouts[3].steps == layouts[4].steps);
    CHECK(layouts[3].places == layouts[4].places);
    CHECK(layouts[3].version == 3);
    CHECK(layouts[4].version == 4);
    const auto* replaced = kwire::info_of<replacing>.layouts;
    CHECK(replaced[0].places != replaced[1].places);
    CHECK(replaced[0].steps == replaced[1].steps); // four bytes, then the text, as before
}
