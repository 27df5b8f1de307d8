/* Making and passing on statuses inside the library. Public face and the frozen codes: ingot/base.h.
 * Rules (docs/design.md 8): a failure never becomes NULL; one static status per code serves when malloc fails; statuses come
 * from malloc, not from the env's allocator, and outlive the env; a note that cannot be allocated leaves the status as it is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BASE_STATUS_H
#define IG_BASE_STATUS_H
#include "ingot/base.h"

/* A new failure. node, op, hint, issue may be NULL (all are copied). The message is printf-formatted, cut at 2,000 bytes. */
IG_MUST_USE ig_status ig_status_new(ig_code code, const char *fmt, ...) IG_PRINTF(2, 3);
/* As ig_status_new, with the message prefixed by "node 'NODE' (OP): ". */
IG_MUST_USE ig_status ig_status_node(ig_code code, const char *node, const char *op, const char *fmt, ...) IG_PRINTF(4, 5);
/* Sets a detail on s (taken and returned); s unchanged if it is NULL, static, or memory is out. */
IG_MUST_USE ig_status ig_status_with(ig_status s, ig_detail which, const char *text);
/* Prefixes context: "note: message". Takes and returns s. */
IG_MUST_USE ig_status ig_status_note(ig_status s, const char *fmt, ...) IG_PRINTF(2, 3);
/* The immortal status of a code; never NULL for a code other than IG_OK. */
IG_MUST_USE ig_status ig_status_static(ig_code code);

#define IG_OOM() ig_status_static(IG_ERROR_OUT_OF_MEMORY)
/* Return on failure. */
#define IG_TRY(expr) do { ig_status ig_s_ = (expr); if (ig_s_) return ig_s_; } while (0)
/* Return on failure with context in front of the message. */
#define IG_TRY_NOTE(expr, ...) do { ig_status ig_s_ = (expr); if (ig_s_) return ig_status_note(ig_s_, __VA_ARGS__); } while (0)
/* goto label on failure; needs a local `ig_status st`. */
#define IG_GOTO(label, expr) do { st = (expr); if (st) goto label; } while (0)
/* Return a new failure unless cond holds. */
#define IG_REQUIRE(cond, code, ...) do { if (!(cond)) return ig_status_new((code), __VA_ARGS__); } while (0)
#define IG_FAIL(code, ...) return ig_status_new((code), __VA_ARGS__)
/* Return out-of-memory if p is NULL. */
#define IG_CHECK_MEM(p) do { if (!(p)) return IG_OOM(); } while (0)
#endif
