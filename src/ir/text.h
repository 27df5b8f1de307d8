/* The text form of an ig_ir, one node a line:
 *
 *   model canonical opset ""=17 {
 *     symbol "batch" input 0 0 1..8 opt 4
 *     guard ge [batch,1] "fc1" "rows" in 1
 *     input %x : f32[batch,3]
 *     const %w : f32[3,2] = {1, 2, 3, 4, 5, 6}
 *     %y = MatMul(%x, %w) {axis=1, alpha=0.5f, mode="linear"} : f32[batch,2] @"fc1"
 *     output %y as "logits"
 *   }
 *
 * "-" stands for an input or result that is left out, @"..." names the node where it is not called as its first result, from "..." its
 * sources. `in 1` ends a guard that counts only in the first sub-graph of the text. Names of values are quoted where they hold more than
 * letters, digits and _ . / : - . Small constants are written out, others as #hash, or base64 in the full form. Comments run from // to the
 * end of the line. Sub-graphs are blocks in attributes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_IR_TEXT_H
#define IG_IR_TEXT_H
#include "ir/graph.h"

#define IG_TEXT_SMALL 16 /* constants of at most so many elements are written out in the short form */
#define IG_TEXT_DEPTH 64 /* nested graphs that the parser takes */

const char *ig_text_dtype(ig_dtype d);                 /* "f32"; "?" if unknown */
ig_dtype ig_text_dtype_parse(const char *s, size_t n); /* IG_DTYPE_NONE if unknown */
bool ig_text_is_name_char(char c);
void ig_text_quote(const char *s, size_t n, ig_buf *out);
/* Contents of a constant: {1, 2}, 0x.. for types without numbers of their own, #hash or base64 "..". */
void ig_text_data(const ig_data *d, bool full, ig_buf *out);
void ig_text_f32(float f, ig_buf *out); /* shortest text that reads back */

/* ---- reading ---- */
typedef struct ig_text {
  ig_ir *ir;
  const char *text, *p, *end;
  uint32_t depth;
} ig_text;
IG_MUST_USE ig_status ig_text_error(const ig_text *t, const char *fmt, ...) IG_PRINTF(2, 3); /* BAD_MODEL with the line number */
void ig_text_space(ig_text *t);
bool ig_text_accept(ig_text *t, const char *token); /* punctuation, or a whole word */
IG_MUST_USE ig_status ig_text_expect(ig_text *t, const char *token);
bool ig_text_at(ig_text *t, char c);                                                 /* next character after blanks */
IG_MUST_USE ig_status ig_text_word(ig_text *t, const char **out_s, size_t *out_n);   /* letters, digits, _ ; may be empty */
IG_MUST_USE ig_status ig_text_string(ig_text *t, const char **out_s, size_t *out_n); /* quoted; into the arena, NUL-terminated */
IG_MUST_USE ig_status ig_text_number(ig_text *t, const char **out_s, size_t *out_n); /* digits, letters, signs and points */
IG_MUST_USE ig_status ig_text_i64(ig_text *t, int64_t *out);
/* After the type "f32[2,3]" of a constant and "=": its contents. */
IG_MUST_USE ig_status ig_text_read_data(ig_text *t, ig_data *d);
#endif
