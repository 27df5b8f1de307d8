/* Model-local functions: read into a table, and inlined where they are called, with the caller's values in place of the formal ones.
 * Names inside get the call's name as prefix. Recursion is refused; the growth by inlining is limited against what is written.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"

static const char *key_of(ig_onnx_importer *im, const char *domain, const char *name, const char *overload) {
  ig_buf *b = &im->scratch;
  b->n = 0;
  ig_buf_str(b, strcmp(domain, "ai.onnx") == 0 ? "" : domain);
  ig_buf_str(b, "\n");
  ig_buf_str(b, name);
  ig_buf_str(b, "\n");
  ig_buf_str(b, overload);
  const char *s = ig_buf_cstr(b);
  return b->failed ? NULL : s;
}

static ig_status read_function(ig_onnx_importer *im, ig_wire_bytes bytes) {
  ig_onnx_function *f = IG_NEW(im->arena, ig_onnx_function);
  IG_ONNX_CHECK_MEM(im, f);
  IG_TRY(IG_PB_READ(function, bytes, &f->proto));
  IG_TRY(ig_onnx_string(im, f->proto.name, &f->name));
  IG_TRY(ig_onnx_string(im, f->proto.domain, &f->domain));
  IG_TRY(ig_onnx_string(im, f->proto.overload, &f->overload));
  IG_REQUIRE(f->name[0], IG_ERROR_BAD_MODEL, "a function has no name");
  IG_TRY_NOTE(ig_onnx_read_opsets(im, &f->proto.opset_import, &f->opsets), "function '%s'", f->name);
  const char *key = key_of(im, f->domain, f->name, f->overload);
  IG_CHECK_MEM(key);
  IG_REQUIRE(!ig_strmap_get(&im->functions, key), IG_ERROR_BAD_MODEL, "function '%s' of domain '%s' is defined twice", f->name, f->domain);
  key = ig_arena_strdup(im->arena, key);
  IG_ONNX_CHECK_MEM(im, key);
  im->n_written += f->proto.node.n;
  return ig_strmap_set(&im->functions, key, f) ? NULL : IG_OOM();
}

ig_status ig_onnx_read_functions(ig_onnx_importer *im, const ig_wire_list *list) {
  ig_wire_iter it = ig_wire_iterate(list);
  ig_wire_bytes b;
  while (ig_wire_next(&it, &b)) IG_TRY(read_function(im, b));
  return NULL;
}

ig_status ig_onnx_find_function(ig_onnx_importer *im, const char *domain, const char *name, const char *overload, ig_onnx_function **out) {
  *out = NULL;
  if (im->functions.n == 0) return NULL;
  const char *key = key_of(im, domain, name, overload);
  IG_CHECK_MEM(key);
  *out = ig_strmap_get(&im->functions, key);
  return NULL;
}

static ig_status bind_inputs(ig_onnx_importer *im, ig_onnx_scope *body, const ig_onnx_function *f, ig_val *const *in, uint32_t n_in) {
  IG_REQUIRE(n_in <= f->proto.input.n, IG_ERROR_BAD_MODEL, "%u inputs given, the function has %llu", n_in, (unsigned long long)f->proto.input.n);
  ig_wire_iter it = ig_wire_iterate(&f->proto.input);
  ig_wire_bytes b;
  for (uint32_t i = 0; ig_wire_next(&it, &b); i++) {
    const char *name;
    IG_TRY(ig_onnx_string(im, b, &name));
    IG_TRY(ig_onnx_declare(im, body, name, i < n_in && in[i] ? in[i] : &im->absent));
  }
  return NULL;
}

/* A result made in the body takes the caller's name; one that is handed through keeps its own. */
static ig_status bind_outputs(ig_onnx_importer *im, ig_onnx_scope *s, const ig_onnx_scope *body, const ig_onnx_function *f, uint32_t first_id,
                              const char *const *out, uint32_t n_out) {
  IG_REQUIRE(n_out <= f->proto.output.n, IG_ERROR_BAD_MODEL, "%u results named, the function has %llu", n_out, (unsigned long long)f->proto.output.n);
  ig_wire_iter it = ig_wire_iterate(&f->proto.output);
  ig_wire_bytes b;
  for (uint32_t i = 0; i < n_out && ig_wire_next(&it, &b); i++) {
    const char *formal;
    bool absent;
    if (!out[i][0]) continue;
    IG_TRY(ig_onnx_string(im, b, &formal));
    ig_val *v = ig_onnx_lookup(im, body, formal, &absent);
    IG_REQUIRE(v, IG_ERROR_BAD_MODEL, "the function does not define its output '%s'", formal);
    if (v->producer && v->id >= first_id) {
      const char *prefix = s->frame->prefix;
      const char *name = prefix[0] ? ig_arena_printf(im->arena, "%s%s", prefix, out[i]) : out[i];
      IG_ONNX_CHECK_MEM(im, name && ig_val_rename(v, name));
    }
    IG_TRY(ig_onnx_declare(im, s, out[i], v));
  }
  return NULL;
}

static ig_status import_body(ig_onnx_importer *im, ig_onnx_scope *body, ig_onnx_function *f, ig_val *const *in, uint32_t n_in) {
  im->n_nodes--; /* the call itself goes */
  im->n_inlined += f->proto.node.n;
  IG_REQUIRE(im->n_inlined <= im->limits.inlining * im->n_written, IG_ERROR_LIMIT, "limit 'inlining' (%u times the %llu nodes written) exceeded",
             im->limits.inlining, (unsigned long long)im->n_written);
  IG_TRY(ig_onnx_reread(im, &f->proto.node));
  IG_TRY(bind_inputs(im, body, f, in, n_in));
  return ig_onnx_import_nodes(im, body, &f->proto.node);
}

ig_status ig_onnx_inline(ig_onnx_importer *im, ig_onnx_scope *s, ig_onnx_function *f, const ig_pb_node *call, const char *call_name,
                         ig_val *const *in, uint32_t n_in, const char *const *out, uint32_t n_out) {
  if (f->active) return ig_status_node(IG_ERROR_BAD_MODEL, call_name, f->name, "function '%s' calls itself, directly or through others", f->name);
  const char *prefix = ig_arena_printf(im->arena, "%s/", call_name);
  IG_ONNX_CHECK_MEM(im, prefix);
  IG_TRY(ig_onnx_enter(im, "function", f->name));
  const ig_onnx_frame frame = { .function = f, .call = call, .caller = s, .opsets = f->opsets, .prefix = prefix };
  ig_onnx_scope body = { .frame = &frame, .graph = s->graph };
  ig_strmap_init(&body.names, im->alloc);
  const bool was_inside = im->in_function;
  const uint32_t first_id = im->ir->next_id;
  im->in_function = f->active = true;
  ig_status st = import_body(im, &body, f, in, n_in);
  if (!st) st = bind_outputs(im, s, &body, f, first_id, out, n_out);
  /* Names within carry the calls as prefix, so the outermost is enough. */
  if (st && !was_inside) st = ig_status_note(st, "in the call '%s' of function '%s'", call_name, f->name);
  im->in_function = was_inside;
  f->active = false;
  ig_strmap_free(&body.names);
  ig_onnx_leave(im);
  return st;
}
