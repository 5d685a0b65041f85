/* SPDX-License-Identifier: MIT */
/* qr.c - asks the library. What is called of it uses no SSE register (cpu/hosted_code.h). */
#include "display/qr.h"
#include "cpu/hosted_code.h"
#include <qrcodegen/qrcodegen.h>

_Static_assert(QR_CODE_BYTES == qrcodegen_BUFFER_LEN_FOR_VERSION(QR_VERSION_LIMIT), "the library's buffer");

struct request {
    size_t bytes;
    struct qr_code *code;
    bool made;
};

static uint8_t text_and_scratch[QR_CODE_BYTES];

static void encode(void *argument)
{
    struct request *request = argument;
    request->made =
        qrcodegen_encodeBinary(text_and_scratch, request->bytes, request->code->bytes, qrcodegen_Ecc_LOW,
                               qrcodegen_VERSION_MIN, QR_VERSION_LIMIT, qrcodegen_Mask_AUTO, true);
}

bool qr_encode(const char *text, size_t bytes, struct qr_code *code)
{
    struct request request = {bytes, code, false};
    if (bytes > sizeof text_and_scratch)
        return false;
    for (size_t i = 0; i < bytes; i++)
        text_and_scratch[i] = (uint8_t)text[i];
    call_hosted(encode, &request);
    return request.made;
}

/* The library's form: the size, and then the modules row by row, the first in the lowest bit. */
unsigned qr_size(const struct qr_code *code)
{
    return code->bytes[0];
}

bool qr_module(const struct qr_code *code, unsigned x, unsigned y)
{
    unsigned bit = y * qr_size(code) + x;
    return code->bytes[1 + bit / 8] >> bit % 8 & 1;
}
