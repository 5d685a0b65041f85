/* SPDX-License-Identifier: MIT */
/*
 * installed_config.h - the configuration that an installed library was compiled with: the text of the header
 * that `make install CONFIG=header.h` was given. This one sets nothing: the defaults of config.h hold.
 */
