/// Edits by path: kwire::splice.
#include <kwire/reflect/json.hpp>
#include <kwire/reflect/splice.hpp>

#include <boost/json/array.hpp>

#include <vector>

#include "edits.hpp"
#include "text.hpp"

namespace edits {

namespace {

using kwire::error;

/// A path with the names of Kafka's JSON, with the names of fields in their place: `topics[0].topicId` is
/// `topics[0].topic_id`.
kwire::expected<std::string, error> path_of(const kwire::message_info& info, std::string_view json) {
    std::string path;
    const kwire::struct_info* fields = info.structure;
    while (!json.empty()) {
        const std::string_view key = json.substr(0, json.find_first_of(".["));
        const kwire::field_info* found = nullptr;
        if (fields != nullptr)
            for (const kwire::field_info& field : fields->fields)
                if (kwire::detail::is_json_key(key, field.name)) found = &field;
        if (found == nullptr) return kwire::unexpected(convert::wrong("path"));
        json.remove_prefix(key.size());
        path += found->name;
        const std::string_view after = json.substr(0, json.find('.'));
        path += after;
        json.remove_prefix(after.size());
        if (json.starts_with('.')) {
            path += '.';
            json.remove_prefix(1);
        }
        fields = found->structure;
    }
    return path;
}

kwire::expected<void, error> add(kwire::splice& edits, const subject& of, const boost::json::object& edit) {
    const std::string_view op = text_of(edit.at("op")), json_path = text_of(edit.at("path"));
    const kwire::dynamic_view& view = of.message.view();
    if (op == "erase_unknown_tags" && json_path == "*") {
        edits.erase_unknown_tags();
        return {};
    }
    const auto path = path_of(*of.info, json_path);
    if (!path) return kwire::unexpected(path.error());
    if (op == "set") {
        kwire::set_json(edits, view, *path, edit.at("value"));
    } else if (op == "insert") {
        kwire::insert_json(edits, view, *path, edit.at("value"));
    } else if (op == "erase") {
        kwire::erase(edits, view, *path);
    } else if (op == "reorder") {
        std::vector<std::size_t> order;
        for (const boost::json::value& position : edit.at("order").as_array())
            order.push_back(static_cast<std::size_t>(position.as_int64()));
        kwire::reorder(edits, view, *path, order);
    } else if (op == "erase_unknown_tags" && path->empty()) {
        kwire::erase_unknown_tags(edits, view);
    } else if (op == "erase_unknown_tags") {
        const auto where = kwire::at_path(view, *path);
        if (!where) return kwire::unexpected(where.error());
        kwire::erase_unknown_tags(edits, where->value().structure());
    } else {
        return kwire::unexpected(convert::wrong("op"));
    }
    return {};
}

} // namespace

kwire::expected<void, error> answer_splice(const boost::json::object& line, std::string& out) {
    const auto of = subject_of(line);
    if (!of) return kwire::unexpected(of.error());
    kwire::splice edits(of->message);
    for (const boost::json::value& edit : line.at("edits").as_array())
        if (const auto done = add(edits, *of, edit.as_object()); !done)
            return kwire::unexpected(done.error());
    const auto changed = edits.apply();
    if (!changed) return kwire::unexpected(changed.error());
    out += '{';
    put_hex("hex", *changed, out);
    out += '}';
    return {};
}

} // namespace edits
