/// The numbers of counting_metrics in the text format of Prometheus, version 0.0.4.
///
///     std::string page = kwire::prometheus_text(counted);
///
/// or of several listeners, told apart by labels:
///
///     const kwire::metrics_label plain[] = {{"listener", "plain"}}, tls[] = {{"listener", "tls"}};
///     const kwire::labelled_metrics all[] = {{one, plain}, {other, tls}};
///     std::string both = kwire::prometheus_text(all);
///
/// It is the body of the answer to GET /metrics, with the content type `text/plain; version=0.0.4`.
#pragma once

#include <kwire/api.hpp>
#include <kwire/buffer/detail/memory.hpp>
#include <kwire/connect/counting_metrics.hpp>
#include <kwire/connect/metrics.hpp>
#include <kwire/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// A label of all samples of a sink. @pre the name is one of Prometheus ([a-zA-Z_][a-zA-Z0-9_]*), and none of
/// kwire's own: api, deadline, le, reason. The value may be any UTF-8.
struct metrics_label {
    /// Such as `listener` and `external`; the name as Prometheus allows it.
    std::string_view name, value;
};

/// A sink, and what its samples have in common. Refers to both.
struct labelled_metrics {
    /// What to print.
    const counting_metrics& metrics;
    /// What each of its lines says of itself.
    std::span<const metrics_label> labels;
};

namespace detail {

/// Writes one family after the other, with the samples of all sinks, as the format wants them.
class prometheus_writer {
public:
    prometheus_writer(std::string& out, std::span<const labelled_metrics> all) noexcept
        : out_(out), all_(all) {}

    void write() {
        family("kwire_request_bytes", "histogram", "Size of requests, length included.");
        for (const auto& [from, labels] : all_) sizes("kwire_request_bytes", labels, from.request_sizes());
        family("kwire_answer_bytes", "histogram", "Size of answers, length included.");
        for (const auto& [from, labels] : all_) sizes("kwire_answer_bytes", labels, from.answer_sizes());
        family("kwire_request_duration_seconds", "histogram",
               "Time from handing a request over to its answer, by API.");
        for (const auto& [from, labels] : all_)
            for (std::size_t i = 0; i < counting_metrics::api_count; ++i) latency(labels, i, from.latency(i));

        counters<&traffic_event::frames>("kwire_frames_total", "Frames that were read.");
        counters<&traffic_event::reads>("kwire_reads_total", "Reads that found bytes.");
        counters<&traffic_event::read_bytes>("kwire_read_bytes_total", "Bytes that were read.");
        counters<&traffic_event::writes>("kwire_writes_total", "Writes that took bytes.");
        counters<&traffic_event::written_bytes>("kwire_written_bytes_total", "Bytes that were written.");
        counters<&traffic_event::allocations>("kwire_frame_allocations_total",
                                              "Allocations of memory for frames, growth included.");
        counters<&traffic_event::moved_bytes>(
            "kwire_moved_bytes_total",
            "Bytes of frames that were copied since they went on in other memory.");
        family("kwire_copied_bytes_total", "counter",
               "Bytes that the buffers of the process copied, on all connections and elsewhere.");
        sample("kwire_copied_bytes_total", {}, copied_bytes());

        family("kwire_refused_total", "counter", "Bytes of peers that were refused, by reason.");
        for (const auto& [from, labels] : all_)
            for (std::size_t i = 0; i < counting_metrics::reason_count; ++i) {
                const auto why = static_cast<errc>(i);
                sample("kwire_refused_total", labels, from.refusals(why), "reason", name_of(why));
            }
        family("kwire_timeouts_total", "counter", "Connections that ended by a deadline, by which.");
        for (const auto& [from, labels] : all_)
            for (std::size_t i = 0; i < counting_metrics::deadline_count; ++i) {
                const auto which = static_cast<deadline>(i);
                sample("kwire_timeouts_total", labels, from.timeouts(which), "deadline", name_of(which));
            }
    }

private:
    using labels_type = std::span<const metrics_label>;

    void family(std::string_view name, std::string_view type, std::string_view help) {
        out_.append("# HELP ").append(name).append(" ").append(help).append("\n");
        out_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
    }
    template <std::uint64_t traffic_event::* Member>
    void counters(std::string_view name, std::string_view help) {
        family(name, "counter", help);
        for (const auto& [from, labels] : all_) sample(name, labels, from.traffic().*Member);
    }

    void sizes(std::string_view name, labels_type labels, const counting_metrics::size_histogram::values& h) {
        buckets<counting_metrics::size_histogram>(name, labels, h, {}, {}, 1);
    }
    /// APIs that no one has used are left out: there are many.
    void latency(labels_type labels, std::size_t i, const counting_metrics::latency_histogram::values& h) {
        if (h.count() == 0) return;
        const bool assigned = i < apis.size() && apis[i].assigned;
        buckets<counting_metrics::latency_histogram>("kwire_request_duration_seconds", labels, h, "api",
                                                     assigned ? apis[i].name : "unknown", 1'000'000);
    }
    /// `units` of a bound are one of what is printed; of a sum, if it is not 1, a thousand times as many.
    template <class Histogram>
    void buckets(std::string_view name, labels_type labels, const typename Histogram::values& h,
                 std::string_view key, std::string_view value, std::uint64_t units) {
        std::uint64_t so_far = 0;
        for (std::size_t i = 0; i <= Histogram::bounds; ++i) {
            so_far += h.counts[i];
            start(name, "_bucket", labels, key, value);
            add_label("le", i == Histogram::bounds ? "+Inf" : decimal(Histogram::bound(i), units));
            finish(std::to_string(so_far));
        }
        start(name, "_sum", labels, key, value);
        finish(decimal(h.sum, units == 1 ? 1 : units * 1000));
        start(name, "_count", labels, key, value);
        finish(std::to_string(so_far));
    }

    void sample(std::string_view name, labels_type labels, std::uint64_t n, std::string_view key = {},
                std::string_view value = {}) {
        start(name, "", labels, key, value);
        finish(std::to_string(n));
    }
    void start(std::string_view name, std::string_view suffix, labels_type labels, std::string_view key,
               std::string_view value) {
        out_.append(name).append(suffix);
        between_ = '{';
        for (const metrics_label& each : labels) add_label(each.name, each.value);
        if (!key.empty()) add_label(key, value);
    }
    void add_label(std::string_view name, std::string_view value) {
        out_.append(1, between_).append(name).append("=\"");
        for (const char c : value) {
            if (c == '\n')
                out_.append("\\n");
            else if (c == '\\' || c == '"')
                out_.append(1, '\\').append(1, c);
            else
                out_.append(1, c);
        }
        out_.append("\"");
        between_ = ',';
    }
    void finish(std::string_view number) {
        out_.append(between_ == ',' ? "} " : " ").append(number).append("\n");
    }
    /// n / units without an exponent and without zeros at the end. @pre `units` is a power of ten
    [[nodiscard]] static std::string decimal(std::uint64_t n, std::uint64_t units) {
        std::string text = std::to_string(n / units);
        std::uint64_t rest = n % units;
        if (rest != 0) text += '.';
        while (rest != 0) {
            units /= 10;
            text += static_cast<char>('0' + rest / units);
            rest %= units;
        }
        return text;
    }

    std::string& out_;
    std::span<const labelled_metrics> all_;
    char between_ = '{';
};

} // namespace detail

/// All numbers of these sinks, about 10 KB for each, and once copied_bytes(). No two have the same labels.
[[nodiscard]] inline std::string prometheus_text(std::span<const labelled_metrics> all) {
    std::string out;
    detail::prometheus_writer(out, all).write();
    return out;
}
/// The numbers of one sink.
[[nodiscard]] inline std::string prometheus_text(const counting_metrics& metrics,
                                                 std::span<const metrics_label> labels = {}) {
    const labelled_metrics one[] = {{metrics, labels}};
    return prometheus_text(one);
}

} // namespace kwire::inline KWIRE_ABI
