# SPDX-License-Identifier: MIT
"""access_rules.py - why an access succeeds or fails, by the manual's rules and in its words.

Written from SDM 3A, chapter 4, for tools/gdb_commands.py, and independent of paging/src/check_access.c.
Shadow stacks and supervisor protection keys are not judged; `unjudged` says so where a processor uses them.
"""

from dataclasses import dataclass, field

import tables
from tables import NOT_PRESENT, NO_EXECUTE, PAGE, PRESENT, REFUSED, SIZE, USER, WRITABLE

CR0_WP, CR0_PG = 1 << 16, 1 << 31
CR4_PAE, CR4_LA57, CR4_SMEP, CR4_SMAP = 1 << 5, 1 << 12, 1 << 20, 1 << 21
CR4_PKE, CR4_CET, CR4_PKS = 1 << 22, 1 << 23, 1 << 24
EFER_LMA, EFER_NXE = 1 << 10, 1 << 11
RFLAGS_AC = 1 << 18
ERROR_PRESENT, ERROR_WRITE, ERROR_USER, ERROR_RESERVED, ERROR_FETCH, ERROR_KEY = 1, 2, 4, 8, 16, 32
READ, WRITE, EXECUTE = "r", "w", "x"
WORDS = {READ: "read from", WRITE: "write to", EXECUTE: "fetch from"}
ANY_KEY = 0xf << 59


@dataclass
class State:
    """The registers that decide."""
    cr0: int
    cr3: int
    cr4: int
    efer: int
    rflags: int = 0
    cpl: int = 0
    pkru: int | None = None  # None: it could not be read


@dataclass
class Answer:
    """What an access would do, and the sentences that say why."""
    fault: str = ""      # "#PF", "#GP", or "" if it succeeds
    error_code: int = 0
    reasons: list = field(default_factory=list)  # why it fails
    notes: list = field(default_factory=list)    # what does not forbid it, though it looks so


def name_of(met):
    """P4 to P1 with its index and value."""
    return f"P{met.level}[{met.index}] = {met.entry:016x}"


def reserved_bits(processor, met):
    """A sentence for each kind of reserved bit that is set in an entry."""
    bad = processor.reserved(met.entry, met.level)
    if bad & NO_EXECUTE:
        yield "XD (bit 63) is set and EFER.NXE is 0, which makes it a reserved bit"
        bad &= ~NO_EXECUTE
    if bad & SIZE:
        why = "the processor has no 1 GiB pages" if met.level == 3 else "no page is as large as this level's"
        yield f"PS (bit 7) is set and {why}, so it is a reserved bit"
        bad &= ~SIZE
    high = bad & (tables.ADDRESS & ~((1 << processor.physical_bits) - 1))
    if high:
        yield f"the address has bits beyond the {processor.physical_bits} of MAXPHYADDR: {high:x}"
    if bad & ~high:
        yield f"the address of a huge page is not a multiple of its size: {bad & ~high:x}"


def _forbidden_by(met, bit, want):
    return [m for m in met if bool(m.entry & bit) != want]


def _rights(answer, met, bit, want, name, rule):
    """Adds a reason for each entry whose bit is not as the access wants it."""
    for m in _forbidden_by(met, bit, want):
        number = bit.bit_length() - 1
        answer.reasons.append(f"{name_of(m)}: {name} (bit {number}) is {int(not want)}; {rule}")


def _write_rights(answer, state, met, user):
    if user:
        _rights(answer, met, WRITABLE, True, "R/W", "a user write needs 1 in every entry (SDM 3A 4.6.1)")
    elif state.cr0 & CR0_WP:
        _rights(answer, met, WRITABLE, True, "R/W",
                "with CR0.WP = 1 a supervisor write needs 1 in every entry (SDM 3A 4.6.1)")
    else:
        answer.notes += [f"{name_of(m)}: R/W (bit 1) is 0, which does not matter to a supervisor while"
                         " CR0.WP = 0" for m in _forbidden_by(met, WRITABLE, True)]


def _supervisor_on_user_page(answer, state, access):
    if access == EXECUTE:
        if state.cr4 & CR4_SMEP:
            answer.reasons.append("the page is a user page (U/S is 1 in every entry), and with CR4.SMEP = 1 a"
                                  " supervisor must not fetch from it (SDM 3A 4.6.1)")
    elif state.cr4 & CR4_SMAP and not state.rflags & RFLAGS_AC:
        answer.reasons.append("the page is a user page (U/S is 1 in every entry), and with CR4.SMAP = 1 and"
                              " RFLAGS.AC = 0 a supervisor must not read or write it (SDM 3A 4.6.1)")
    elif state.cr4 & CR4_SMAP:
        answer.notes.append("the page is a user page, and CR4.SMAP = 1 does not forbid it because"
                            " RFLAGS.AC = 1")


def _protection_key(answer, state, leaf, access, user):
    """SDM 3A 4.6.2, for user pages. Returns the bit of the error code."""
    key = (leaf.entry & ANY_KEY) >> 59
    if not state.cr4 & CR4_PKE or access == EXECUTE:
        return 0
    if state.pkru is None:
        answer.notes.append(f"CR4.PKE = 1 and PKRU could not be read: if it forbids key {key}, the access"
                            " fails")
        return 0
    no_access, no_write = state.pkru >> 2 * key & 1, state.pkru >> 2 * key & 2
    if no_access:
        answer.reasons.append(f"PKRU = {state.pkru:x} has AD set for key {key} of {name_of(leaf)}: no data"
                              " access (SDM 3A 4.6.2)")
    elif no_write and access == WRITE and (user or state.cr0 & CR0_WP):
        answer.reasons.append(f"PKRU = {state.pkru:x} has WD set for key {key} of {name_of(leaf)}: no write"
                              " (SDM 3A 4.6.2)")
    else:
        return 0
    return ERROR_KEY


def _judge_page(answer, state, met, access, user):
    """The entries lead to a page: the rights of all of them, together."""
    is_user_page = bool(met[-1].rights & USER)
    if user:
        _rights(answer, met, USER, True, "U/S", "a user access needs 1 in every entry (SDM 3A 4.6.1)")
    if access == WRITE:
        _write_rights(answer, state, met, user)
    if access == EXECUTE:  # without EFER.NXE the bit is reserved, and there is no page
        _rights(answer, met, NO_EXECUTE, False, "XD", "a fetch needs 0 in every entry (SDM 3A 4.6.1)")
    if is_user_page and not user:
        _supervisor_on_user_page(answer, state, access)
    if is_user_page and not answer.reasons:
        answer.error_code |= _protection_key(answer, state, met[-1], access, user)


def judge(state, processor, met, address, access, user):
    """What the access would do, by the tables that tables.path has met."""
    answer = Answer()
    if processor.canonical(address) != address:
        answer.fault = "#GP"
        answer.reasons = [f"the address is not canonical: bits 63 to {processor.bits - 1} are not all alike"
                          " (SDM 1 3.3.7.1; through the stack segment it is #SS)"]
        return answer
    last = met[-1]
    if last.kind == NOT_PRESENT:
        answer.reasons = [f"{name_of(last)}: P (bit 0) is 0, so there is no translation (SDM 3A 4.7)"]
    elif last.kind == REFUSED:
        answer.error_code |= ERROR_RESERVED
        answer.reasons = [f"{name_of(last)}: {what} (SDM 3A 4.7)" for what in reserved_bits(processor, last)]
    else:
        _judge_page(answer, state, met, access, user)
    if answer.reasons:
        answer.fault = "#PF"
        answer.error_code |= _error_code(state, last, access, user)
    return answer


def _error_code(state, last, access, user):
    """SDM 3A 4.7, figure 4-12, without the bits that depend on the reason."""
    tells_fetches = state.cr4 & CR4_SMEP or (state.cr4 & CR4_PAE and state.efer & EFER_NXE)
    return (ERROR_PRESENT if last.entry & PRESENT else 0) | (ERROR_WRITE if access == WRITE else 0) | \
        (ERROR_USER if user else 0) | (ERROR_FETCH if access == EXECUTE and tells_fetches else 0)


def unjudged(state):
    """What else might forbid an access on this processor."""
    for bit, what in ((CR4_CET, "shadow stacks (CR4.CET)"), (CR4_PKS, "supervisor keys (CR4.PKS)")):
        if state.cr4 & bit:
            yield f"not judged: {what}, which are switched on"


# ---- entries in words ----

def flags_of(met, processor):
    """The bits of an entry by the manual's names (tables 4-15 to 4-20)."""
    entry, is_page = met.entry, met.kind == PAGE
    if met.kind == NOT_PRESENT:
        return "not present" + (f", the other bits are the system's: {entry:x}" if entry else "")
    named = [("P", 0), ("RW", 1), ("US", 2), ("PWT", 3), ("PCD", 4), ("A", 5)]
    named += [("D", 6), ("G", 8)] if is_page else []
    named += [("PS", 7)] if met.level > 1 else [("PAT", 7)]
    named += [("PAT", 12)] if is_page and met.level > 1 else []
    words = [name for name, bit in named if entry >> bit & 1]
    words += ["XD"] if entry & NO_EXECUTE else []
    key = (entry & ANY_KEY) >> 59
    words += [f"key={key}"] if is_page and key else []
    system = entry >> 9 & 7 | (entry >> 52 & 0x7f) << 3
    words += [f"system={system:x}"] if system else []
    words += [f"RESERVED: {what}" for what in reserved_bits(processor, met)] if met.kind == REFUSED else []
    return " ".join(words)


def effective_rights(met, processor):
    """Of a page, all levels together: rwx and whose it is."""
    rights = met.rights
    return ("r" + ("w" if rights & WRITABLE else "-") +
            ("-" if rights & NO_EXECUTE and processor.no_execute else "x") +
            (", user" if rights & USER else ", supervisor"))
