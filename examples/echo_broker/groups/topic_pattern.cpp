#include "echo_broker/groups/topic_pattern.hpp"

#include <cstdint>
#include <utility>

namespace echo_broker {

namespace {

using characters = topic_pattern::characters;
using step = topic_pattern::step;
using step_kind = topic_pattern::step_kind;

/// An expression in parts.
struct part {
    enum class kind {
        one_of,
        sequence,
        alternatives,
        repeat,
        begin,
        end
    };
    kind is = kind::sequence;
    characters set{};
    std::vector<part> parts{};
    std::size_t least = 0;
    std::optional<std::size_t> most{}; ///< of repeat; nullopt: any number
};

characters range(char first, char last) {
    characters out;
    for (auto c = static_cast<unsigned char>(first); c <= static_cast<unsigned char>(last); ++c) out.set(c);
    return out;
}
characters only(char c) { return range(c, c); }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 128; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads an expression by recursive descent. A function that finds what it does not know sets failed_.
class reader {
public:
    explicit reader(std::string_view text) : text_(text) {}

    std::optional<part> read() {
        part out = alternatives(0);
        if (failed_ || !text_.empty()) return std::nullopt; // what is left begins with ")"
        return out;
    }

private:
    bool next_is(char c) const { return !text_.empty() && text_.front() == c; }
    bool skip(char c) {
        if (!next_is(c)) return false;
        text_.remove_prefix(1);
        return true;
    }
    char take() {
        if (text_.empty() || !is_ascii(text_.front())) return fail(), '\0';
        const char c = text_.front();
        text_.remove_prefix(1);
        return c;
    }
    void fail() { failed_ = true; }

    part alternatives(int depth) {
        constexpr int deepest = 50;
        part out{.is = part::kind::alternatives};
        if (depth > deepest) return fail(), out;
        do out.parts.push_back(sequence(depth));
        while (!failed_ && skip('|'));
        return out;
    }

    part sequence(int depth) {
        part out{.is = part::kind::sequence};
        while (!failed_ && !text_.empty() && !next_is('|') && !next_is(')'))
            out.parts.push_back(repeated(atom(depth)));
        return out;
    }

    /// Whether a count follows: "{2}", "{2,}" or "{2,5}". Any other "{" is a character.
    bool at_count() const {
        std::size_t i = 1;
        const auto digits = [&] {
            const std::size_t first = i;
            while (i < text_.size() && is_digit(text_[i])) ++i;
            return i != first;
        };
        if (!next_is('{') || !digits()) return false;
        if (i < text_.size() && text_[i] == ',') ++i, digits();
        return i < text_.size() && text_[i] == '}';
    }
    bool at_repetition() const { return next_is('*') || next_is('+') || next_is('?') || at_count(); }

    part atom(int depth) {
        part out{.is = part::kind::one_of};
        if (at_repetition()) return fail(), out; // of nothing
        switch (const char c = take()) {
        case '(':
            if (skip('?') && !skip(':')) fail();
            if (!failed_) out = alternatives(depth + 1);
            if (!skip(')')) fail();
            break;
        case '[': out.set = bracketed(); break;
        case '.': out.set = ~only('\n'); break;
        case '^': out.is = part::kind::begin; break;
        case '$': out.is = part::kind::end; break;
        case '\\': out.set = escaped(); break;
        default: out.set = only(c);
        }
        return out;
    }

    part repeated(part inner) {
        part out{.is = part::kind::repeat};
        if (skip('*')) {
        } else if (skip('+')) {
            out.least = 1;
        } else if (skip('?')) {
            out.most = 1;
        } else if (at_count()) {
            skip('{');
            out.least = number();
            if (!skip(','))
                out.most = out.least;
            else if (!next_is('}'))
                out.most = number();
            skip('}');
            if (out.most && *out.most < out.least) fail();
        } else {
            return inner;
        }
        skip('?'); // prefers few repetitions: the same names match
        if (at_repetition()) fail();
        out.parts.push_back(std::move(inner));
        return out;
    }

    std::size_t number() {
        constexpr std::size_t most = 1000; // as RE2
        std::size_t out = 0;
        while (!text_.empty() && is_digit(text_.front()) && out <= most)
            out = out * 10 + static_cast<std::size_t>(take() - '0');
        if (out > most) fail();
        return out;
    }

    /// What follows a backslash.
    characters escaped() {
        const characters digits = range('0', '9');
        const characters word = digits | range('a', 'z') | range('A', 'Z') | only('_');
        const characters space = only(' ') | only('\t') | only('\n') | only('\f') | only('\r');
        switch (const char c = take()) {
        case 'd': return digits;
        case 'D': return ~digits;
        case 'w': return word;
        case 'W': return ~word;
        case 's': return space;
        case 'S': return ~space;
        default:
            if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) fail();
            return failed_ ? characters{} : only(c);
        }
    }

    /// What follows "[".
    characters bracketed() {
        characters out;
        const bool negated = skip('^');
        bool first = true; // a "]" in front is a character
        while (!failed_ && (first || !next_is(']'))) {
            first = false;
            if (text_.starts_with("[:")) return fail(), out; // a class by name
            const char c = take();
            if (failed_) return out;
            if (c == '\\') {
                const characters set = escaped();
                out |= set;
                if (next_is('-') && !text_.substr(1).starts_with(']')) fail(); // a range of what?
                continue;
            }
            if (next_is('-') && !text_.substr(1).starts_with(']')) {
                take();
                char last = take();
                if (last == '\\') last = take();
                if (failed_ || last < c) return fail(), out;
                out |= range(c, last);
            } else {
                out.set(static_cast<unsigned char>(c));
            }
        }
        if (!skip(']')) fail();
        return negated ? ~out : out;
    }

    std::string_view text_;
    bool failed_ = false;
};

/// Writes an expression as a program; stops where it becomes too large.
class writer {
public:
    std::optional<std::vector<step>> write(const part& whole) {
        emit(whole);
        if (too_large()) return std::nullopt;
        return std::move(program_);
    }

private:
    /// Counts the parts too: repetitions of nothing write no steps.
    bool too_large() const {
        return program_.size() > topic_pattern::most_steps || parts_ > 8 * topic_pattern::most_steps;
    }
    std::size_t here() const { return program_.size(); }
    std::size_t add(step one) {
        program_.push_back(std::move(one));
        return program_.size() - 1;
    }

    void emit(const part& one) {
        ++parts_;
        if (too_large()) return;
        switch (one.is) {
        case part::kind::one_of: add({.kind = step_kind::take, .set = one.set}); break;
        case part::kind::begin: add({.kind = step_kind::begin}); break;
        case part::kind::end: add({.kind = step_kind::end}); break;
        case part::kind::sequence:
            for (const part& inner : one.parts) emit(inner);
            break;
        case part::kind::alternatives: emit_alternatives(one); break;
        case part::kind::repeat: emit_repeat(one); break;
        }
    }

    void emit_alternatives(const part& one) {
        std::vector<std::size_t> jumps;
        for (std::size_t i = 0; i < one.parts.size() && !too_large(); ++i) {
            const bool last = i + 1 == one.parts.size();
            const std::size_t fork = here();
            if (!last) add({.kind = step_kind::fork, .next = fork + 1});
            emit(one.parts[i]);
            if (last) break;
            jumps.push_back(add({.kind = step_kind::jump}));
            program_[fork].other = here();
        }
        for (const std::size_t jump : jumps) program_[jump].next = here();
    }

    void emit_repeat(const part& one) {
        const part& inner = one.parts.front();
        for (std::size_t i = 0; i < one.least && !too_large(); ++i) emit(inner);
        if (!one.most) {
            const std::size_t fork = add({.kind = step_kind::fork, .next = here() + 1});
            emit(inner);
            add({.kind = step_kind::jump, .next = fork});
            program_[fork].other = here();
            return;
        }
        std::vector<std::size_t> forks;
        for (std::size_t i = one.least; i < *one.most && !too_large(); ++i) {
            forks.push_back(add({.kind = step_kind::fork, .next = here() + 1}));
            emit(inner);
        }
        for (const std::size_t fork : forks) program_[fork].other = here();
    }

    std::vector<step> program_;
    std::size_t parts_ = 0;
};

/// The steps that wait for the next character.
class positions {
public:
    explicit positions(const std::vector<step>& program) : program_(&program), seen_(program.size() + 1) {}

    void clear() {
        seen_.assign(seen_.size(), false);
        waiting_.clear();
    }
    /// Adds a step, and what is reached from it without a character.
    void add(std::size_t first, bool at_begin, bool at_end) {
        open_.push_back(first);
        while (!open_.empty()) {
            const std::size_t at = open_.back();
            open_.pop_back();
            if (seen_[at]) continue;
            seen_[at] = true;
            if (at == program_->size()) continue;
            const step& one = (*program_)[at];
            switch (one.kind) {
            case step_kind::take: waiting_.push_back(at); break;
            case step_kind::fork: open_.push_back(one.other); [[fallthrough]];
            case step_kind::jump: open_.push_back(one.next); break;
            case step_kind::begin:
                if (at_begin) open_.push_back(at + 1);
                break;
            case step_kind::end:
                if (at_end) open_.push_back(at + 1);
                break;
            }
        }
    }
    [[nodiscard]] const std::vector<std::size_t>& waiting() const { return waiting_; }
    [[nodiscard]] bool at_end_of_program() const { return seen_.back(); }

private:
    const std::vector<step>* program_;
    std::vector<bool> seen_;
    std::vector<std::size_t> waiting_, open_;
};

} // namespace

std::optional<topic_pattern> topic_pattern::compile(std::string_view expression) {
    if (expression.size() > most_text) return std::nullopt;
    const auto parts = reader(expression).read();
    if (!parts) return std::nullopt;
    auto program = writer().write(*parts);
    if (!program) return std::nullopt;
    topic_pattern out;
    out.program_ = *std::move(program);
    return out;
}

bool topic_pattern::matches(std::string_view topic) const {
    positions now(program_), after(program_);
    now.add(0, true, topic.empty());
    for (std::size_t i = 0; i < topic.size(); ++i) {
        const auto c = static_cast<unsigned char>(topic[i]);
        if (c >= 128 || now.waiting().empty()) return false;
        after.clear();
        for (const std::size_t at : now.waiting())
            if (program_[at].set.test(c)) after.add(at + 1, false, i + 1 == topic.size());
        std::swap(now, after);
    }
    return now.at_end_of_program();
}

} // namespace echo_broker
