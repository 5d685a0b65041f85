/* SPDX-License-Identifier: MIT */
/*
 * console.c - a console that goes straight to COM1, because the firmware's is slow.
 *
 *   console=firmware    the firmware's own
 *   out-status=STATUS   what OutputString returns, without writing
 */
#include "shim.h"

static SIMPLE_TEXT_OUTPUT_MODE mode = {.MaxMode = 1};

static EFI_STATUS EFIAPI output_string(SIMPLE_TEXT_OUTPUT_INTERFACE *this, CHAR16 *text)
{
    (void)this;
    EFI_STATUS status = word_number("out-status", EFI_SUCCESS);
    for (; *text && !EFI_ERROR(status); text++)
        serial_put((char)*text);
    return status;
}

static EFI_STATUS EFIAPI reset(SIMPLE_TEXT_OUTPUT_INTERFACE *this, BOOLEAN extended)
{
    (void)this, (void)extended;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI test_string(SIMPLE_TEXT_OUTPUT_INTERFACE *this, CHAR16 *text)
{
    (void)this, (void)text;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI query_mode(SIMPLE_TEXT_OUTPUT_INTERFACE *this, UINTN number, UINTN *columns,
                                    UINTN *rows)
{
    (void)this, (void)number;
    *columns = 80;
    *rows = 25;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_number(SIMPLE_TEXT_OUTPUT_INTERFACE *this, UINTN number)
{
    (void)this, (void)number;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI clear_screen(SIMPLE_TEXT_OUTPUT_INTERFACE *this)
{
    (void)this;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_cursor(SIMPLE_TEXT_OUTPUT_INTERFACE *this, UINTN column, UINTN row)
{
    (void)this, (void)column, (void)row;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI enable_cursor(SIMPLE_TEXT_OUTPUT_INTERFACE *this, BOOLEAN enable)
{
    (void)this, (void)enable;
    return EFI_SUCCESS;
}

void hook_console(void)
{
    static SIMPLE_TEXT_OUTPUT_INTERFACE console = {
        .Reset = reset,
        .OutputString = output_string,
        .TestString = test_string,
        .QueryMode = query_mode,
        .SetMode = set_number,
        .SetAttribute = set_number,
        .ClearScreen = clear_screen,
        .SetCursorPosition = set_cursor,
        .EnableCursor = enable_cursor,
        .Mode = &mode,
    };
    if (!word("console"))
        false_table.ConOut = false_table.StdErr = &console;
}
