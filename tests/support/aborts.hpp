/// For tests of preconditions: a violated precondition must abort.
#pragma once

#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

namespace support {

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

} // namespace support
