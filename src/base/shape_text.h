/* The command line's grammar for shapes: `NAME:1x3x224x224,NAME2:`; shared by the API's strings and the CLI.
 * A name ends at the last ':' of its entry, so that `input:0:1x3` works; names may be quoted with ' or ". `NAME:` is a scalar.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IG_BASE_SHAPE_TEXT_H
#define IG_BASE_SHAPE_TEXT_H
#include "base/util.h"

typedef struct ig_shape_entry { char *name; uint32_t rank; int64_t dims[IG_MAX_RANK]; } ig_shape_entry;
typedef struct ig_shape_list { IG_VEC(ig_shape_entry) entries; } ig_shape_list;
/* text NULL or "" gives an empty list. Dims 0 and up. A name given twice is refused. IG_ERROR_INVALID_ARGUMENT names the bad piece. */
IG_MUST_USE ig_status ig_shape_text_parse(const ig_allocator *a, const char *text, ig_shape_list *out);
void ig_shape_list_free(const ig_allocator *a, ig_shape_list *l);
const ig_shape_entry *ig_shape_list_find(const ig_shape_list *l, const char *name);
#endif
