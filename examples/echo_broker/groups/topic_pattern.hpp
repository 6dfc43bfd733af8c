// Regular expressions over topic names, matched in time that a hostile pattern cannot stretch.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace echo_broker {

/// A regular expression that matches whole topic names, as the SubscribedTopicRegex of KIP-848 does.
///
/// It is the common part of what RE2 reads: literals, `.`, classes with ranges and `\d \w \s`, groups,
/// alternatives, `* + ?`, counts, `^` and `$`. There are no flags, names of groups, Unicode classes and word
/// boundaries. All possible positions in the pattern go through the name together, without backtracking: the
/// time is at most the length of the name times that of the pattern.
class topic_pattern {
public:
    /// Nullopt for what is no such expression, or is too large.
    [[nodiscard]] static std::optional<topic_pattern> compile(std::string_view expression);
    [[nodiscard]] bool matches(std::string_view topic) const;
    /// The most steps that matches() takes for such a name.
    [[nodiscard]] std::size_t cost(std::string_view topic) const noexcept {
        return (topic.size() + 1) * (program_.size() + 1);
    }

    static constexpr std::size_t most_text = 1024;  ///< bytes of an expression
    static constexpr std::size_t most_steps = 1024; ///< with its counts written out

    using characters = std::bitset<128>; ///< topic names are ASCII

    enum class step_kind : unsigned char {
        take,
        fork,
        jump,
        begin,
        end
    };
    /// A step of the pattern as a program; it matches where its end is reached with the end of the name.
    struct step {
        step_kind kind{};
        std::size_t next = 0;  ///< of fork and jump
        std::size_t other = 0; ///< of fork
        characters set{};      ///< of take
    };

private:
    std::vector<step> program_;
};

} // namespace echo_broker
