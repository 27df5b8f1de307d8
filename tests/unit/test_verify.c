/* The verifier: a sound graph of each stage passes; each single damage is found and named.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir_util.h"

static const char *const model = "model imported opset \"\"=17 {\n"
                                 "  symbol \"n\" input 1 0 2..8 opt 4\n"
                                 "  input %c : bool[]\n"
                                 "  input %x : f32[n,3]\n"
                                 "  const %w : f32[3] = {1, 2, 3}\n"
                                 "  %a = Add(%x, %w) : f32[n,3]\n"
                                 "  %b = Transpose(%a) {perm=[1,0]} : f32[3,n]\n"
                                 "  %y = If(%c) {then_branch=graph \"t\" {\n"
                                 "    %t = Neg(%b) : f32[3,n]\n"
                                 "    output %t\n"
                                 "  }, else_branch=graph \"e\" {\n"
                                 "    %e = Exp(%b) : f32[3,n]\n"
                                 "    output %e\n"
                                 "  }} : f32[3,n]\n"
                                 "  output %y\n"
                                 "}\n";

typedef struct fixture {
  ig_env *env;
  ig_ir *ir;
  ig_graph *g;
  ig_node *first;
} fixture;

static fixture make(ig_stage stage) {
  const ig_opt_options opt = {.pass_limit = -1};
  fixture f = {.env = new_env()};
  f.ir = parse(f.env, model);
  if (stage >= IG_STAGE_CANONICAL) check_ok(ig_opt_canonical(f.ir, &opt));
  if (stage >= IG_STAGE_LOWERED) check_ok(ig_opt_lower(f.ir, &opt));
  f.g = f.ir->main;
  f.first = f.g->first;
  check_ok(ig_ir_verify(f.ir));
  return f;
}

static void found(fixture *f, const char *message) {
  ig_status st = ig_ir_verify(f->ir);
  assert_non_null(st);
  if (!strstr(ig_status_message(st), message)) print_error("%s\n", ig_status_message(st));
  assert_non_null(strstr(ig_status_message(st), message));
  ig_status_free(st);
  ig_ir_destroy(f->ir);
  ig_env_release(f->env);
}

#define DAMAGE(stage, message, ...)                                                                                                                  \
  do {                                                                                                                                               \
    fixture f = make(stage);                                                                                                                         \
    ig_node *n = f.first;                                                                                                                            \
    IG_UNUSED(n);                                                                                                                                    \
    __VA_ARGS__;                                                                                                                                     \
    found(&f, message);                                                                                                                              \
  } while (0)

static ig_node *find_form(const fixture *f, ig_form form) {
  ig_node *n = f->g->first;
  while (n && n->form != form)
    n = n->next;
  assert_non_null(n);
  return n;
}

static void lists(void **state) {
  (void)state;
  DAMAGE(IG_STAGE_IMPORTED, "not linked back", n->next->prev = NULL);
  DAMAGE(IG_STAGE_IMPORTED, "counts 9 nodes, but its list has 3", f.g->n_nodes = 9);
  DAMAGE(IG_STAGE_IMPORTED, "but its list is longer", f.g->n_nodes = 2);
  DAMAGE(IG_STAGE_IMPORTED, "not the end of the list", f.g->last = n);
  DAMAGE(IG_STAGE_IMPORTED, "a graph that is not its own", n->graph = NULL);
  DAMAGE(IG_STAGE_IMPORTED, "as its parent", ig_node_subgraph(f.g->last, 0)->parent = NULL);
  DAMAGE(IG_STAGE_IMPORTED, "no main graph", f.ir->main = NULL);
}

static void single_assignment(void **state) {
  (void)state;
  DAMAGE(IG_STAGE_IMPORTED, "'b' is used before it is defined", n->in[0] = n->next->out[0]);
  DAMAGE(IG_STAGE_IMPORTED, "'x' is defined twice", f.g->inputs[0] = f.g->inputs[1]);
  DAMAGE(IG_STAGE_IMPORTED, "does not name this node as its producer", n->next->out[0] = n->out[0]);
  DAMAGE(IG_STAGE_IMPORTED, "does not name this node as its producer", n->out[0]->index = 1);
  DAMAGE(IG_STAGE_IMPORTED, "outside the graph that defines it", f.g->outputs[0] = ig_graph_output(ig_node_subgraph(f.g->last, 0), 0));
  DAMAGE(IG_STAGE_IMPORTED, "has a producer", f.g->inputs[1]->producer = n);
  DAMAGE(IG_STAGE_IMPORTED, "belongs to another graph", n->out[0]->graph = ig_node_subgraph(f.g->last, 0));
  DAMAGE(IG_STAGE_IMPORTED, "no value for output 0", f.g->outputs[0] = NULL);
  DAMAGE(IG_STAGE_IMPORTED, "has the id 4000000", n->out[0]->id = 4000000);
}

static void types(void **state) {
  (void)state;
  DAMAGE(IG_STAGE_IMPORTED, "has rank 9", n->out[0]->rank = 9);
  DAMAGE(IG_STAGE_IMPORTED, "not in the table of dims", n->out[0]->dims[1] = 100000);
  DAMAGE(IG_STAGE_IMPORTED, "type differs from that of its data", ig_node_in(n, 1)->dtype = IG_DTYPE_I32);
  DAMAGE(IG_STAGE_IMPORTED, "bytes, its type takes", ig_data d = *ig_node_in(n, 1)->data; d.n_bytes = 4; ig_node_in(n, 1)->data = &d);
  DAMAGE(IG_STAGE_CANONICAL, "has no data type after inference", n->out[0]->dtype = IG_DTYPE_NONE);
  DAMAGE(IG_STAGE_CANONICAL, "has no rank after inference", n->out[0]->rank = -1);
  DAMAGE(IG_STAGE_CANONICAL, "dim 1 is not known after inference", n->out[0]->dims[1] = IG_DIM_BAD);
}

static void forms(void **state) {
  (void)state;
  DAMAGE(IG_STAGE_IMPORTED, "node has no operator", n->type = "");
  DAMAGE(IG_STAGE_IMPORTED, "for stage LOWERED only", n->form = IG_FORM_VIEW);
  DAMAGE(IG_STAGE_IMPORTED, "a trap at stage IMPORTED", n->form = IG_FORM_TRAP);
  DAMAGE(IG_STAGE_CANONICAL, "without a record", n->op = NULL);
  DAMAGE(IG_STAGE_CANONICAL, "a trap without a message", n->form = IG_FORM_TRAP);
  DAMAGE(IG_STAGE_CANONICAL, "unknown form 77", n->form = (ig_form)77);
  DAMAGE(IG_STAGE_LOWERED, "an operator is left", n->form = IG_FORM_OP);
  DAMAGE(IG_STAGE_CANONICAL, "attribute 'perm' is given twice", ig_ir_attr a[2] = {n->next->attrs[0], n->next->attrs[0]}; n->next->attrs = a;
         n->next->n_attrs = 2);
  DAMAGE(IG_STAGE_CANONICAL, "an attribute has no name", n->next->attrs[0].name = NULL);
  DAMAGE(IG_STAGE_CANONICAL, "has an unknown type", n->next->attrs[0].type = (ig_attr_type_id)99);
}

static void kernels(void **state) {
  (void)state;
  DAMAGE(IG_STAGE_LOWERED, "without a request", find_form(&f, IG_FORM_KERNEL)->region->n_requests = 0);
  DAMAGE(IG_STAGE_LOWERED, "the region has", find_form(&f, IG_FORM_KERNEL)->region->n_in = 7);
  DAMAGE(IG_STAGE_LOWERED, "fewer than its inputs and results", find_form(&f, IG_FORM_KERNEL)->region->n_values = 1);
  DAMAGE(IG_STAGE_LOWERED, "names value 70", find_form(&f, IG_FORM_KERNEL)->region->requests[0].operands[0].value = 70);
  DAMAGE(IG_STAGE_LOWERED, "before it is written", ig_request *r = find_form(&f, IG_FORM_KERNEL)->region->requests;
         r->operands[0].value = ig_request_out(r, 0)->value);
  DAMAGE(IG_STAGE_LOWERED, "writes the region's input", ig_request *r = find_form(&f, IG_FORM_KERNEL)->region->requests;
         ig_request_out(r, 0)->value = 0);
  DAMAGE(IG_STAGE_LOWERED, "operand 0 is double", find_form(&f, IG_FORM_KERNEL)->region->requests[0].operands[0].dtype = IG_DTYPE_F64);
  DAMAGE(IG_STAGE_LOWERED, "differ in dim 1", ig_operand *o = find_form(&f, IG_FORM_KERNEL)->region->requests[0].operands;
         o->dims[1] = ig_dim_const(&f.ir->dims, 5));
  DAMAGE(IG_STAGE_LOWERED, "unknown kind", find_form(&f, IG_FORM_KERNEL)->region->requests[0].kind = (ig_kind_id)99);
}

static void views(void **state) {
  (void)state;
  /* %w is expanded first, then %a is transposed */
  DAMAGE(IG_STAGE_LOWERED, "is neither 1 nor that of the result", ig_node *v = find_form(&f, IG_FORM_VIEW);
         v->out[0]->dims[1] = ig_dim_const(&f.ir->dims, 4));
  DAMAGE(IG_STAGE_LOWERED, "one input and one result", find_form(&f, IG_FORM_VIEW)->n_in = 0);
  DAMAGE(IG_STAGE_LOWERED, "unknown view 50", find_form(&f, IG_FORM_VIEW)->view.op = (ig_view_op)50);
  DAMAGE(IG_STAGE_LOWERED, "a view of float gives int32", find_form(&f, IG_FORM_VIEW)->out[0]->dtype = IG_DTYPE_I32);
  DAMAGE(IG_STAGE_LOWERED, "numbers of elements", ig_node *v = find_form(&f, IG_FORM_VIEW); v->view.op = IG_VIEW_RESHAPE; v->out[0]->rank = 1;
         v->out[0]->dims[0] = ig_dim_const(&f.ir->dims, 4));
  DAMAGE(IG_STAGE_LOWERED, "a bit cast from float to int64", ig_node *v = find_form(&f, IG_FORM_VIEW); v->view.op = IG_VIEW_BITCAST;
         v->out[0]->dtype = IG_DTYPE_I64);
  DAMAGE(IG_STAGE_LOWERED, "no part of a permutation", ig_node *v = find_form(&f, IG_FORM_IF)->prev; v->view.perm[0] = v->view.perm[1]);
  DAMAGE(IG_STAGE_LOWERED, "is not dim", ig_node *v = find_form(&f, IG_FORM_IF)->prev; v->out[0]->dims[0] = ig_dim_const(&f.ir->dims, 77));
  DAMAGE(IG_STAGE_LOWERED, "the step of axis 0 is 0", ig_node *v = find_form(&f, IG_FORM_IF)->prev; v->view = (ig_view_spec){.op = IG_VIEW_SLICE});
  DAMAGE(IG_STAGE_LOWERED, "axis 0 reaches outside", ig_dims *t = &f.ir->dims; ig_node *v = find_form(&f, IG_FORM_VIEW);
         v->view = (ig_view_spec){.op = IG_VIEW_SLICE, .start = {ig_dim_const(t, 2)}, .step = {1}}; v->out[0]->rank = 1;
         v->out[0]->dims[0] = ig_dim_const(t, 2));
}

static void ifs(void **state) {
  (void)state;
  DAMAGE(IG_STAGE_LOWERED, "the condition is no bool", find_form(&f, IG_FORM_IF)->in[0]->dtype = IG_DTYPE_I8);
  DAMAGE(IG_STAGE_LOWERED, "arm 1 is missing", find_form(&f, IG_FORM_IF)->arms[1] = NULL);
  DAMAGE(IG_STAGE_LOWERED, "has 0 outputs", find_form(&f, IG_FORM_IF)->arms[0]->n_outputs = 0);
  DAMAGE(IG_STAGE_LOWERED, "gives result 0 another type", find_form(&f, IG_FORM_IF)->out[0]->rank = 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists), cmocka_unit_test(single_assignment), cmocka_unit_test(types),
      cmocka_unit_test(forms), cmocka_unit_test(kernels),           cmocka_unit_test(views),
      cmocka_unit_test(ifs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
