#include <kwire/connect/prometheus.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

using kwire::api_key;
using kwire::counting_metrics;
using kwire::errc;
using namespace std::chrono_literals;

namespace {

struct sample {
    std::string name;
    std::map<std::string, std::string> labels;
    double value = 0;
};

/// A page of metrics, read by the rules of the text format: throws for what Prometheus would refuse, or what
/// makes histograms wrong.
class page {
public:
    explicit page(std::string_view text) {
        if (text.empty() || text.back() != '\n') throw std::invalid_argument("no newline at the end");
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = text.find('\n', at);
            line(text.substr(at, end - at));
            at = end + 1;
        }
        check_histograms();
    }

    [[nodiscard]] std::optional<double> find(const std::string& name,
                                             const std::map<std::string, std::string>& labels) const {
        for (const sample& each : samples)
            if (each.name == name && each.labels == labels) return each.value;
        return std::nullopt;
    }

    std::vector<sample> samples;
    std::map<std::string, std::string> types; ///< by family

private:
    static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
    static void check_name(std::string_view name) {
        const auto rest = [](char c) { return letter(c) || (c >= '0' && c <= '9'); };
        if (name.empty() || !letter(name[0]) || !std::all_of(name.begin(), name.end(), rest))
            throw std::invalid_argument("not a name: " + std::string(name));
    }

    void line(std::string_view text) {
        if (text.starts_with("# HELP ")) {
            const std::string_view rest = text.substr(7);
            family_ = std::string(rest.substr(0, rest.find(' ')));
            check_name(family_);
            if (!helped_.insert(family_).second) throw std::invalid_argument("a second family " + family_);
        } else if (text.starts_with("# TYPE ")) {
            const std::string expected = "# TYPE " + family_ + " ";
            if (!text.starts_with(expected)) throw std::invalid_argument("a type of another family");
            const std::string type(text.substr(expected.size()));
            if (type != "counter" && type != "histogram") throw std::invalid_argument("type " + type);
            types[family_] = type;
        } else {
            take(text);
        }
    }
    void take(std::string_view text) {
        sample one;
        const std::size_t name_end = text.find_first_of("{ ");
        one.name = std::string(text.substr(0, name_end));
        check_name(one.name);
        text.remove_prefix(name_end);
        if (text.starts_with('{')) {
            do {
                text.remove_prefix(1);
                const std::size_t equals = text.find("=\"");
                const std::string label(text.substr(0, equals));
                check_name(label);
                text.remove_prefix(equals + 2);
                if (!one.labels.emplace(label, quoted(text)).second)
                    throw std::invalid_argument("twice the label " + label);
            } while (text.starts_with(','));
            if (!text.starts_with('}')) throw std::invalid_argument("labels without an end");
            text.remove_prefix(1);
        }
        if (!text.starts_with(' ')) throw std::invalid_argument("no space before the value");
        text.remove_prefix(1);
        if (text.find_first_not_of("0123456789.") != text.npos) throw std::invalid_argument("not a number");
        one.value = std::stod(std::string(text));
        if (!types.contains(family_)) throw std::invalid_argument("no type of " + family_);
        const bool histogram = types.at(family_) == "histogram";
        const std::string suffix =
            one.name.starts_with(family_) ? one.name.substr(family_.size()) : "of another family";
        if (histogram ? suffix != "_bucket" && suffix != "_sum" && suffix != "_count" : !suffix.empty())
            throw std::invalid_argument(one.name + " in family " + family_);
        if (find(one.name, one.labels)) throw std::invalid_argument("a sample twice");
        samples.push_back(std::move(one));
    }
    static std::string quoted(std::string_view& text) {
        std::string out;
        while (!text.starts_with('"')) {
            if (text.empty() || text[0] == '\n') throw std::invalid_argument("a value without an end");
            if (text[0] == '\\') {
                text.remove_prefix(1);
                if (text.empty() || std::string_view("\\\"n").find(text[0]) == std::string_view::npos)
                    throw std::invalid_argument("an escape that there is not");
                out += text[0] == 'n' ? '\n' : text[0];
            } else {
                out += text[0];
            }
            text.remove_prefix(1);
        }
        text.remove_prefix(1);
        return out;
    }

    void check_histograms() const {
        struct series {
            double bound = -1, count = -1;
            bool infinite = false;
        };
        std::map<std::pair<std::string, std::map<std::string, std::string>>, series> all;
        for (const sample& each : samples) {
            if (!each.name.ends_with("_bucket")) continue;
            auto labels = each.labels;
            const std::string bound = labels.extract("le").mapped();
            series& one = all[{each.name.substr(0, each.name.size() - 7), labels}];
            const bool last = bound == "+Inf";
            if (one.infinite || (!last && std::stod(bound) <= one.bound))
                throw std::invalid_argument("bounds that do not rise");
            if (each.value < one.count) throw std::invalid_argument("buckets that are not cumulative");
            one = {last ? one.bound : std::stod(bound), each.value, last};
        }
        for (const auto& [key, one] : all)
            if (!one.infinite || find(key.first + "_count", key.second) != one.count ||
                !find(key.first + "_sum", key.second))
                throw std::invalid_argument("a histogram that is not complete");
    }

    std::string family_;
    std::set<std::string> helped_;
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    if (at == text.npos) throw std::invalid_argument("nothing to replace");
    return text.replace(at, from.size(), to);
}

} // namespace

TEST_CASE("the text is a page that Prometheus reads, with what was counted") {
    counting_metrics counted;
    counted.requested({.api = api_key::fetch, .version = 12, .bytes = 100});
    counted.requested({.api = api_key::fetch, .version = 12, .bytes = 17});
    counted.answered({.request = {.api = api_key::fetch}, .bytes = 3'000'000'000, .took = 1'500'000us});
    counted.answered({.request = {.api = static_cast<api_key>(999)}, .bytes = 0, .took = 100s});
    counted.progressed({.reads = 1,
                        .read_bytes = 2,
                        .frames = 3,
                        .writes = 4,
                        .written_bytes = 5,
                        .moved_bytes = 6,
                        .allocations = 7});
    counted.refused(errc::frame_too_large);
    counted.timed_out(kwire::deadline::idle);

    const page read(kwire::prometheus_text(counted));
    CHECK(read.find("kwire_request_bytes_count", {}) == 2);
    CHECK(read.find("kwire_request_bytes_sum", {}) == 117);
    CHECK(read.find("kwire_request_bytes_bucket", {{"le", "16"}}) == 0);
    CHECK(read.find("kwire_request_bytes_bucket", {{"le", "32"}}) == 1);
    CHECK(read.find("kwire_request_bytes_bucket", {{"le", "64"}}) == 1);
    CHECK(read.find("kwire_request_bytes_bucket", {{"le", "128"}}) == 2);
    CHECK(read.find("kwire_answer_bytes_bucket", {{"le", "1073741824"}}) == 0);
    CHECK(read.find("kwire_answer_bytes_bucket", {{"le", "+Inf"}}) == 1);
    const auto fetch = [&](const std::string& le) {
        return read.find("kwire_request_duration_seconds_bucket", {{"api", "Fetch"}, {"le", le}});
    };
    CHECK(fetch("0.000001") == 0);
    CHECK(fetch("1.048576") == 0);
    CHECK(fetch("2.097152") == 1);
    CHECK(read.find("kwire_request_duration_seconds_sum", {{"api", "Fetch"}}) == 1.5);
    CHECK(read.find("kwire_request_duration_seconds_count", {{"api", "unknown"}}) == 1);
    CHECK_FALSE(read.find("kwire_request_duration_seconds_count", {{"api", "Produce"}}));
    CHECK(read.find("kwire_reads_total", {}) == 1);
    CHECK(read.find("kwire_read_bytes_total", {}) == 2);
    CHECK(read.find("kwire_frames_total", {}) == 3);
    CHECK(read.find("kwire_writes_total", {}) == 4);
    CHECK(read.find("kwire_written_bytes_total", {}) == 5);
    CHECK(read.find("kwire_moved_bytes_total", {}) == 6);
    CHECK(read.find("kwire_frame_allocations_total", {}) == 7);
    CHECK(read.find("kwire_copied_bytes_total", {}) == static_cast<double>(kwire::copied_bytes()));
    CHECK(read.find("kwire_refused_total", {{"reason", "frame_too_large"}}) == 1);
    CHECK(read.find("kwire_refused_total", {{"reason", "truncated"}}) == 0);
    CHECK(read.find("kwire_timeouts_total", {{"deadline", "idle"}}) == 1);
    CHECK(read.find("kwire_timeouts_total", {{"deadline", "write"}}) == 0);
    CHECK(read.types.size() == 13);
}

TEST_CASE("a page of nothing is a page") {
    counting_metrics counted;
    const page read(kwire::prometheus_text(counted));
    CHECK(read.find("kwire_request_bytes_count", {}) == 0);
    CHECK(read.find("kwire_timeouts_total", {{"deadline", "read"}}) == 0);
}

TEST_CASE("several sinks are in one page, told apart by labels, whatever is in these") {
    counting_metrics one, other;
    one.answered({.request = {.api = api_key::produce}, .bytes = 1, .took = 1us});
    other.answered({.request = {.api = api_key::produce}, .bytes = 1, .took = 1us});
    other.requested({.bytes = 9});
    const std::string odd = "a \"quoted\" \\ path\nand a line";
    const kwire::metrics_label first[] = {{"listener", "plain"}};
    const kwire::metrics_label second[] = {{"listener", odd}, {"zone", "{}, ="}};
    const kwire::labelled_metrics all[] = {{one, first}, {other, second}};

    const page read(kwire::prometheus_text(all));
    CHECK(read.find("kwire_request_bytes_count", {{"listener", "plain"}}) == 0);
    CHECK(read.find("kwire_request_bytes_count", {{"listener", odd}, {"zone", "{}, ="}}) == 1);
    CHECK(read.find("kwire_request_duration_seconds_count", {{"listener", "plain"}, {"api", "Produce"}}) ==
          1);
    CHECK(read.find("kwire_copied_bytes_total", {})); // of the process
}

TEST_CASE("the rules that the pages are read by refuse what they should") {
    counting_metrics counted;
    counted.requested({.bytes = 17});
    const std::string good = kwire::prometheus_text(counted);
    CHECK_NOTHROW(page(good));
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"_bucket{le=\"64\"} 1", "_bucket{le=\"64\"} 0"},
             {"_bucket{le=\"64\"} 1", "_bucket{le=\"8\"} 1"},
             {"_bucket{le=\"+Inf\"} 1", "_bucket{le=\"+Inf\"} 2"},
             {"kwire_request_bytes_count 1\n", ""},
             {"kwire_request_bytes_sum 17\n", ""},
             {"# TYPE kwire_reads_total counter\n", ""},
             {"kwire_reads_total 0", "kwire_reads_total 0x"},
             {"kwire_reads_total 0", "kwire reads_total 0"},
             {"kwire_reads_total 0", "kwire_frames_total 0"},
             {"kwire_reads_total 0\n", "kwire_reads_total 0\nkwire_reads_total 1\n"},
             {"{reason=\"truncated\"}", "{reason=\"truncated}"},
             {"{reason=\"truncated\"}", "{reason=\"trun\\cated\"}"},
             {"{reason=\"truncated\"}", "{1reason=\"truncated\"}"},
             {"# HELP kwire_reads_total", "# HELP kwire_frames_total"}})
        CHECK_THROWS(page(replaced(good, from, to)));
    CHECK_THROWS(page(good.substr(0, good.size() - 1)));
}
