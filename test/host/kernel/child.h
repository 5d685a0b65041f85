/* SPDX-License-Identifier: MIT */
/*
 * child.h - runs a function in a process of its own: what it tests ends a run, or can begin only once.
 */
#ifndef HOST_KERNEL_CHILD_H
#define HOST_KERNEL_CHILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int child_pipe;

/* Ends the child, and leaves a text to its parent. */
_Noreturn static inline void child_ends(int status, const char *text, size_t length)
{
    (void)!write(child_pipe, text, length);
    _exit(status);
}

/* Runs the function, which calls child_ends, and stores the text. Returns the status. */
static inline int run_in_child(void (*body)(void), char *text, size_t bytes)
{
    int pipes[2], status;
    size_t length = 0;
    ssize_t got;
    assert_int_equal(pipe(pipes), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        child_pipe = pipes[1];
        body();
        _exit(255);
    }
    close(pipes[1]);
    while ((got = read(pipes[0], text + length, bytes - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#endif
