/* Text of dimension expressions, and back:
 *   sum     = product { ("+" | "-") product }
 *   product = factor { "*" factor }
 *   factor  = "-" factor | number | symbol | function "(" sum { "," sum } ")" | "(" sum ")"
 *   symbol  = letter { letter | digit | "_" } or 'quoted' with \' and \\, followed by #index where an earlier symbol has the name
 * The last argument of scale (computed in double) and scalef (in float) is a floating number. Both directions are limited in depth,
 * and print in length, as a shared graph of nodes can be exponentially long as text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/dim_impl.h"

#define MAX_DEPTH 64
#define MAX_TEXT 65536

static const struct { uint16_t op; uint8_t n_args; const char *name; } functions[] = {
  { IG_DIM_FLOORDIV, 2, "floordiv" }, { IG_DIM_CEILDIV, 2, "ceildiv" }, { IG_DIM_MOD, 2, "mod" }, { IG_DIM_MIN, 2, "min" },
  { IG_DIM_MAX, 2, "max" }, { IG_DIM_EQ, 2, "eq" }, { IG_DIM_GE, 2, "ge" }, { IG_DIM_SELECT, 3, "select" },
  { IG_DIM_BROADCAST, 2, "broadcast" },
};

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---- printing ---- */

/* Where a print stands: end is the length of out at which it gives up. */
typedef struct printer { const ig_dims *t; ig_buf *out; size_t end; } printer;

static void print_sum(const printer *p, ig_dim d, int depth);

static bool is_plain(const char *name) {
  if (!is_letter(name[0])) return false;
  while (is_letter(*name) || is_digit(*name)) name++;
  return *name == '\0';
}

static void print_symbol(const printer *p, uint32_t index) {
  const char *const name = p->t->symbols.data[index].name;
  if (is_plain(name)) {
    ig_buf_str(p->out, name);
  } else {
    ig_buf_str(p->out, "'");
    for (const char *c = name; *c; c++) {
      if (*c == '\'' || *c == '\\') ig_buf_str(p->out, "\\");
      ig_buf_bytes(p->out, c, 1);
    }
    ig_buf_str(p->out, "'");
  }
  uint32_t first = 0;
  while (strcmp(p->t->symbols.data[first].name, name) != 0) first++;
  if (first != index) ig_buf_printf(p->out, "#%u", index);
}

static void print_function(const printer *p, const ig_dim_node *n, int depth) {
  if (n->op == IG_DIM_SCALE) {
    ig_buf_str(p->out, n->c == 1 ? "scalef(" : "scale(");
    print_sum(p, n->a, depth);
    ig_buf_str(p->out, ", ");
    ig_buf_f64(p->out, ig_dim_factor(n));
    ig_buf_str(p->out, ")");
    return;
  }
  const ig_dim arg[3] = { n->a, n->b, n->c };
  for (size_t f = 0; f < IG_COUNT(functions); f++) {
    if (functions[f].op != n->op) continue;
    ig_buf_printf(p->out, "%s(", functions[f].name);
    for (size_t i = 0; i < functions[f].n_args; i++) {
      if (i > 0) ig_buf_str(p->out, ", ");
      print_sum(p, arg[i], depth);
    }
    ig_buf_str(p->out, ")");
  }
}

/* A term of a sum; negated if asked: the caller has written the minus. */
static void print_product(const printer *p, ig_dim d, bool is_negated, int depth) {
  const ig_dim_node n = *ig_dim_at(p->t, d);
  if (n.op == IG_DIM_CONST) {
    ig_buf_printf(p->out, "%lld", is_negated ? -(long long)n.imm : (long long)n.imm);
  } else if (n.op == IG_DIM_SYMBOL) {
    print_symbol(p, n.a);
  } else if (n.op == IG_DIM_MUL) {
    print_product(p, n.a, false, depth);
    if (is_negated && ig_dim_equals(p->t, n.b, -1)) return;
    ig_buf_str(p->out, "*");
    print_product(p, n.b, is_negated, depth);
  } else {
    print_function(p, &n, depth + 1);
  }
}

/* Whether the term has a negative coefficient that can be written after a minus. */
static bool is_negative(const ig_dims *t, ig_dim d) {
  const ig_dim_node *const n = ig_dim_at(t, d);
  int64_t v;
  return ig_dim_is_const(t, n->op == IG_DIM_MUL ? n->b : d, &v) && v < 0 && v != INT64_MIN;
}

/* The term i from the end of a sum. */
static ig_dim term_at(const ig_dims *t, ig_dim sum, size_t i) {
  for (; i > 0; i--) sum = ig_dim_at(t, sum)->a;
  const ig_dim_node *const n = ig_dim_at(t, sum);
  return n->op == IG_DIM_ADD ? n->b : sum;
}

static void print_sum(const printer *p, ig_dim d, int depth) {
  if (depth > MAX_DEPTH || p->out->n > p->end) {
    ig_buf_str(p->out, "...");
    return;
  }
  const ig_dim_node n = *ig_dim_at(p->t, d);
  if (n.op != IG_DIM_ADD) {
    const bool is_minus = is_negative(p->t, d);
    if (is_minus) ig_buf_str(p->out, "-");
    print_product(p, d, is_minus, depth);
    return;
  }
  size_t n_terms = 0;
  for (ig_dim sum = d; ig_dim_at(p->t, sum)->op == IG_DIM_ADD; sum = ig_dim_at(p->t, sum)->a) n_terms++;
  print_sum(p, term_at(p->t, d, n_terms), depth);
  for (size_t i = n_terms; i-- > 0 && p->out->n <= p->end;) {
    const ig_dim term = term_at(p->t, d, i);
    const bool is_minus = is_negative(p->t, term);
    ig_buf_str(p->out, is_minus ? " - " : " + ");
    print_product(p, term, is_minus, depth);
  }
}

void ig_dim_print(const ig_dims *t, ig_dim d, ig_buf *out) {
  if (d == IG_DIM_BAD) ig_buf_str(out, "?");
  else print_sum(&(printer){ .t = t, .out = out, .end = out->n + MAX_TEXT }, d, 0);
}

/* ---- parsing ---- */

typedef struct parser { ig_dims *t; const char *text, *at, *end; int depth; } parser;

static ig_dim parse_sum(parser *p);

static ig_dim refuse(const parser *p, const char *why) {
  return ig_dims_fail(p->t, ig_status_new(IG_ERROR_INVALID_ARGUMENT, "dimension expression '%.*s': at character %zu: %s",
    (int)ig_min_i64(p->end - p->text, 200), p->text, (size_t)(p->at - p->text), why));
}

static void skip_blanks(parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\t')) p->at++;
}

static bool take(parser *p, char c) {
  skip_blanks(p);
  if (p->at == p->end || *p->at != c) return false;
  p->at++;
  return true;
}

/* The number from start up to what is no digit; start may be a minus before p->at. */
static ig_dim parse_number(parser *p, const char *start) {
  while (p->at < p->end && is_digit(*p->at)) p->at++;
  int64_t v;
  return ig_parse_i64(start, (size_t)(p->at - start), &v) ? ig_dim_const(p->t, v) : refuse(p, "a number does not fit 64 bits");
}

static ig_dim find_symbol(parser *p, const char *name, size_t n) {
  size_t index = 0;
  const size_t n_symbols = p->t->symbols.n;
  if (take(p, '#')) {
    const char *const start = p->at;
    while (p->at < p->end && is_digit(*p->at)) p->at++;
    int64_t v;
    if (!ig_parse_i64(start, (size_t)(p->at - start), &v) || v < 0 || (uint64_t)v >= n_symbols) return refuse(p, "no symbol has this number");
    index = (size_t)v;
  }
  const ig_symbol *const symbols = p->t->symbols.data;
  while (index < n_symbols && (strlen(symbols[index].name) != n || memcmp(symbols[index].name, name, n) != 0)) index++;
  if (index == n_symbols) return refuse(p, "unknown symbol");
  if (symbols[index].min == symbols[index].max) return ig_dim_const(p->t, symbols[index].min);
  return ig_dims_intern(p->t, (ig_dim_node){ .op = IG_DIM_SYMBOL, .a = (uint32_t)index });
}

/* After the opening quote. */
static ig_dim parse_quoted(parser *p) {
  ig_buf name;
  ig_buf_init(&name, p->t->alloc);
  while (p->at < p->end && *p->at != '\'') {
    if (*p->at == '\\' && p->at + 1 < p->end) p->at++;
    ig_buf_bytes(&name, p->at++, 1);
  }
  ig_dim d = IG_DIM_BAD;
  if (!take(p, '\'')) refuse(p, "the closing quote is missing");
  else if (name.failed) ig_dims_fail(p->t, IG_OOM());
  else d = find_symbol(p, ig_buf_cstr(&name), name.n);
  ig_buf_free(&name);
  return d;
}

static ig_dim apply(ig_dims *t, uint16_t op, const ig_dim arg[3]) {
  switch (op) {
  case IG_DIM_FLOORDIV: return ig_dim_floordiv(t, arg[0], arg[1]);
  case IG_DIM_CEILDIV: return ig_dim_ceildiv(t, arg[0], arg[1]);
  case IG_DIM_MOD: return ig_dim_mod(t, arg[0], arg[1]);
  case IG_DIM_MIN: return ig_dim_min(t, arg[0], arg[1]);
  case IG_DIM_MAX: return ig_dim_max(t, arg[0], arg[1]);
  case IG_DIM_EQ: return ig_dim_eq(t, arg[0], arg[1]);
  case IG_DIM_GE: return ig_dim_ge(t, arg[0], arg[1]);
  case IG_DIM_SELECT: return ig_dim_select(t, arg[0], arg[1], arg[2]);
  default: return ig_dims_broadcast_value(t, arg[0], arg[1]);
  }
}

/* After "scale(" or "scalef(". */
static ig_dim parse_scale(parser *p, bool in_float) {
  const ig_dim a = parse_sum(p);
  if (a == IG_DIM_BAD) return a;
  if (!take(p, ',')) return refuse(p, "scale takes two arguments");
  skip_blanks(p);
  const char *const start = p->at;
  while (p->at < p->end && *p->at != ')' && *p->at != ' ') p->at++;
  double f;
  if (!ig_parse_f64(start, (size_t)(p->at - start), &f)) return refuse(p, "the factor is no number");
  return take(p, ')') ? ig_dim_scale(p->t, a, f, in_float) : refuse(p, "')' is missing");
}

/* After the opening parenthesis of the function `name`. */
static ig_dim parse_call(parser *p, const char *name, size_t n) {
  if (n == 5 && memcmp(name, "scale", n) == 0) return parse_scale(p, false);
  if (n == 6 && memcmp(name, "scalef", n) == 0) return parse_scale(p, true);
  size_t f = 0;
  while (f < IG_COUNT(functions) && (strlen(functions[f].name) != n || memcmp(functions[f].name, name, n) != 0)) f++;
  if (f == IG_COUNT(functions)) return refuse(p, "unknown function");
  ig_dim arg[3] = { IG_DIM_BAD, IG_DIM_BAD, IG_DIM_BAD };
  for (size_t i = 0; i < functions[f].n_args; i++) {
    if (i > 0 && !take(p, ',')) return refuse(p, "an argument is missing");
    arg[i] = parse_sum(p);
    if (arg[i] == IG_DIM_BAD) return IG_DIM_BAD;
  }
  return take(p, ')') ? apply(p->t, functions[f].op, arg) : refuse(p, "')' is missing");
}

static ig_dim parse_factor(parser *p) {
  bool is_negated = false;
  const char *start;
  do {
    skip_blanks(p);
    start = p->at;
    if (!take(p, '-')) break;
    if (p->at < p->end && is_digit(*p->at)) {
      const ig_dim number = parse_number(p, start);
      return is_negated ? ig_dim_mul_c(p->t, number, -1) : number;
    }
    is_negated = !is_negated;
  } while (true);
  ig_dim d;
  if (p->at < p->end && is_digit(*p->at)) {
    d = parse_number(p, p->at);
  } else if (take(p, '\'')) {
    d = parse_quoted(p);
  } else if (take(p, '(')) {
    d = parse_sum(p);
    if (d != IG_DIM_BAD && !take(p, ')')) d = refuse(p, "')' is missing");
  } else if (p->at < p->end && is_letter(*p->at)) {
    while (p->at < p->end && (is_letter(*p->at) || is_digit(*p->at))) p->at++;
    const size_t n = (size_t)(p->at - start);
    d = take(p, '(') ? parse_call(p, start, n) : find_symbol(p, start, n);
  } else {
    d = refuse(p, "a number, symbol or function is expected");
  }
  return is_negated ? ig_dim_mul_c(p->t, d, -1) : d;
}

static ig_dim parse_product(parser *p) {
  ig_dim d = parse_factor(p);
  while (d != IG_DIM_BAD && take(p, '*')) d = ig_dim_mul(p->t, d, parse_factor(p));
  return d;
}

static ig_dim parse_sum(parser *p) {
  if (p->depth >= MAX_DEPTH + 2) return refuse(p, "nested deeper than 64 (limit 'expression nesting')");
  p->depth++;
  ig_dim d = parse_product(p);
  while (d != IG_DIM_BAD) {
    if (take(p, '+')) d = ig_dim_add(p->t, d, parse_product(p));
    else if (take(p, '-')) d = ig_dim_sub(p->t, d, parse_product(p));
    else break;
  }
  p->depth--;
  return d;
}

ig_dim ig_dim_parse(ig_dims *t, const char *text, size_t n) {
  parser p = { .t = t, .text = text, .at = text, .end = text + n };
  const ig_dim d = parse_sum(&p);
  skip_blanks(&p);
  return d != IG_DIM_BAD && p.at != p.end ? refuse(&p, "unexpected text after the expression") : d;
}
