/* Streaming JSON writer onto an ig_buf: commas, escapes (invalid UTF-8 becomes U+FFFD) and nesting are its business.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BASE_JSON_WRITE_H
#define IG_BASE_JSON_WRITE_H
#include "base/util.h"
typedef struct ig_json { ig_buf *out; bool need_comma; } ig_json;
void ig_json_init(ig_json *j, ig_buf *out);
void ig_json_open(ig_json *j, const char *key, char bracket);  /* '{' or '['; key NULL inside arrays */
void ig_json_close(ig_json *j, char bracket);                  /* '}' or ']' */
void ig_json_str(ig_json *j, const char *key, const char *value); /* value NULL -> null */
void ig_json_i64(ig_json *j, const char *key, int64_t value);
void ig_json_f64(ig_json *j, const char *key, double value);   /* NaN and infinities -> null */
void ig_json_bool(ig_json *j, const char *key, bool value);
#endif
