/// For tests of preconditions: a violated precondition must abort.
#pragma once

#include <csignal>

#if defined(_WIN32)
#include <csetjmp>
#else
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace support {

#if defined(_WIN32)
/// Whether `f` aborts. There is no fork on Windows: the handler of the signal leaves the call by longjmp, so
/// `f` may have no local object with a destructor.
template <class F>
bool aborts(F&& f) {
    static std::jmp_buf before;
    static volatile bool aborted;
    aborted = false;
    const auto usual = std::signal(SIGABRT, [](int) {
        aborted = true;
        std::longjmp(before, 1);
    });
    if (setjmp(before) == 0) f();
    std::signal(SIGABRT, usual);
    return aborted;
}
#else
/// Whether `f` aborts; runs it in a child process whose standard error is closed.
template <class F>
bool aborts(F&& f) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(2);
        std::signal(SIGABRT, SIG_DFL); // Catch2 would report it as a failed test
        f();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
#endif

} // namespace support
