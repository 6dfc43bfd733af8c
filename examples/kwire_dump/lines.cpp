#include "lines.hpp"

#include <kwire/error_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "details.hpp"
#include "output.hpp"

namespace dump {

namespace {

constexpr std::size_t most_topics = 8, most_partitions = 16, most_errors = 6;

void pad(std::string& text, std::size_t from, std::size_t width) {
    const std::size_t used = text.size() - from;
    text.append(used < width ? width - used : 0, ' ');
}

std::string api_text(const kwire::request_start& start) {
    const kwire::api_facts facts = kwire::facts_of(start.api);
    if (!facts.assigned) return fmt::format("API {} v{}", static_cast<int>(start.api), start.api_version);
    return fmt::format("{} v{}", facts.name, start.api_version);
}

/// "latest", "since 2026-11-30T12:00:01.500000Z": what a ListOffsets request asks for.
std::string asked_text(std::int64_t timestamp) {
    if (const std::string_view name = offset_name(timestamp); !name.empty()) return std::string(name);
    constexpr std::int64_t ns_per_ms = 1'000'000, last_ms = 0x7fff'ffff'ffff'ffff / ns_per_ms;
    if (timestamp < 0 || timestamp > last_ms) return fmt::format("time {}", timestamp);
    return fmt::format("since {}", time_text(timestamp * ns_per_ms, true));
}

/// "0-2,5 from 100,6 at 7,8 latest": numbers in order, runs as their ends, and offsets.
void put_partitions(std::string& text, const topic_facts& topic) {
    std::vector<partition_facts> all = topic.partitions;
    std::ranges::sort(all, {}, &partition_facts::number);
    const auto plain = [](const partition_facts& one) { return one.offset < 0 && one.at < 0 && !one.asked; };
    const auto into = std::back_inserter(text);
    text += '[';
    std::size_t shown = 0;
    for (std::size_t i = 0; i < all.size();) {
        if (shown++ == most_partitions) {
            fmt::format_to(into, ",…{} more", all.size() - i);
            break;
        }
        if (i != 0) text += ',';
        std::size_t last = i;
        while (plain(all[i]) && last + 1 < all.size() && plain(all[last + 1]) &&
               all[last + 1].number == all[last].number + 1)
            ++last;
        fmt::format_to(into, "{}", all[i].number);
        if (last > i) fmt::format_to(into, "-{}", all[last].number);
        if (all[i].offset >= 0) fmt::format_to(into, " from {}", all[i].offset);
        if (all[i].asked) fmt::format_to(into, " {}", asked_text(*all[i].asked));
        if (all[i].at >= 0) fmt::format_to(into, " at {}", all[i].at);
        i = last + 1;
    }
    text += ']';
}

void put_topics(painter& out, const summary& says) {
    std::string& text = out.out();
    std::size_t shown = 0;
    for (const topic_facts& topic : says.topics) {
        text += ' ';
        if (shown++ == most_topics) {
            fmt::format_to(std::back_inserter(text), "…{} more topics", says.topics.size() - most_topics);
            break;
        }
        out.begin(topic.named ? colour::cyan : colour::dim);
        put_safe(text, topic.name, 249);
        out.end();
        if (!topic.partitions.empty()) put_partitions(text, topic);
    }
    if (says.commits) text += *says.commits ? " commit" : " abort";
    if (says.records >= 0)
        fmt::format_to(std::back_inserter(text), " {}{} record{}", says.records, says.records_cut ? "+" : "",
                       says.records == 1 && !says.records_cut ? "" : "s");
}

bool is_about_size(kwire::error_code code) noexcept {
    return code == kwire::error_code::message_too_large || code == kwire::error_code::record_list_too_large;
}

/// Errors by code, each with where it is.
void put_errors(painter& out, const summary& says) {
    std::vector<std::pair<kwire::error_code, std::string>> all;
    std::uint64_t largest = 0; // records of what was refused for its size
    const auto add = [&](kwire::error_code code, std::string place) {
        if (code == kwire::error_code::none) return;
        const auto found = std::ranges::find(all, code, [](const auto& one) { return one.first; });
        if (found == all.end())
            all.emplace_back(code, std::move(place));
        else if (!place.empty() && found->second.size() < 200)
            (found->second += found->second.empty() ? "" : ",") += place;
    };
    for (const kwire::error_code code : says.errors) add(code, {});
    for (const topic_facts& topic : says.topics) {
        std::string name;
        put_safe(name, topic.name, 249);
        add(topic.error, name);
        for (const partition_facts& one : topic.partitions)
            if (one.error != kwire::error_code::none) {
                add(one.error, fmt::format("{}[{}]", name, one.number));
                if (is_about_size(one.error)) largest = std::max(largest, one.record_bytes);
            }
    }
    std::size_t shown = 0;
    for (const auto& [code, place] : all) {
        if (shown++ == most_errors) {
            out.put(fmt::format(" …{} more errors", all.size() - most_errors), colour::red);
            break;
        }
        const std::string name = kwire::is_known(code) ? std::string(kwire::name_of(code))
                                                       : fmt::format("error {}", static_cast<int>(code));
        out.put(fmt::format(" !{}", name), colour::red);
        if (largest != 0 && is_about_size(code)) out.put(fmt::format(" ({} bytes)", largest), colour::red);
        if (!place.empty() && (says.topics.size() > 1 || says.topics[0].partitions.size() > 1))
            out.put(fmt::format(" {}", place), colour::red);
    }
}

void put_trouble(painter& out, const report& one) {
    const auto refused = [&](const seen_message& message, std::string_view which) {
        if (message.refusal)
            out.put(fmt::format(" !{} not readable: {}", which, kwire::to_string(*message.refusal)),
                    colour::yellow);
        else if (message.info != nullptr && message.header_size == 0 && message.whole())
            out.put(fmt::format(" !{} not readable", which), colour::yellow);
    };
    if (!one.request.frame.empty()) refused(one.request, "request");
    if (one.response) refused(*one.response, "response");
    if (one.request.info == nullptr) out.put(" ?unknown API", colour::yellow);
    if (one.cut()) {
        const bool both = one.request.whole() == (one.response && one.response->whole());
        out.put(both ? " ~cut" : one.request.whole() ? " ~response cut" : " ~request cut", colour::dim);
    }
}

} // namespace

void put_line(painter& out, const report& one) {
    std::string& text = out.out();
    const exchange& of = one.of;
    if (of.result != outcome::alone) {
        out.put(time_text(of.request.last_ns, false), colour::dim);
        text += ' ';
        std::size_t from = text.size();
        text += to_text(of.client);
        pad(text, from, 21);
        text += ' ';
    }
    std::size_t from = text.size();
    if (!of.client_id.empty()) put_safe(text, of.client_id, 64);
    if (of.result != outcome::alone) pad(text, from, 12);
    text += ' ';
    const std::string api = api_text(of.start);
    out.put(api, colour::bold);
    text.append(api.size() < 20 ? 20 - api.size() : 0, ' ');
    put_topics(out, one.says);
    put_errors(out, one.says);
    put_trouble(out, one);
    switch (of.result) {
    case outcome::answered:
        out.put(fmt::format("  {}", duration_text(of.latency_ns())), colour::green);
        break;
    case outcome::not_expected: out.put("  (acks=0: no response)", colour::dim); break;
    case outcome::waiting: out.put("  (no response)", colour::dim); break;
    case outcome::closed: out.put("  !the broker closed the connection", colour::red); break;
    case outcome::skipped: out.put("  ~the response is not in the capture", colour::yellow); break;
    case outcome::alone: break;
    }
    text += '\n';
}

line_printer::~line_printer() { write_out(text_); }

void line_printer::print(report& one) {
    constexpr std::size_t enough = 1 << 16;
    painter out(text_, options_.colours);
    put_line(out, one);
    const detail_options wanted{options_.tree, options_.records, options_.hex, options_.secrets,
                                options_.preview};
    if (!one.request.frame.empty()) put_details(out, one.request, wanted, "request");
    if (one.response) put_details(out, *one.response, wanted, "response");
    if (!options_.follow && text_.size() < enough) return;
    write_out(text_);
    text_.clear();
}

} // namespace dump
