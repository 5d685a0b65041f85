# SPDX-License-Identifier: MIT
# What `make host-debug` tells gdb: it stops where an assertion of cmocka fails.
set confirm off
set debuginfod enabled off
set breakpoint pending on
break _fail
