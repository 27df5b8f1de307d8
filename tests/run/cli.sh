#!/bin/sh
# The command `ingot`: exit codes, messages, and for every option of every command an output or an engine that differs with it.
# SPDX-License-Identifier: Apache-2.0
set -u
root=${INGOT_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
ingot=${INGOT_BUILD:-$root/build}/ingot
python=${INGOT_PYTHON:-python3}
script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
digits=$root/examples/digits/digits.onnx
models=$root/tests/models
passed=0
failed=0
step=

# run CODE ARGUMENTS: the exit code must be CODE; output goes to ./out and ./err.
run() {
  want=$1
  shift
  step="ingot $*"
  "$ingot" "$@" >out 2>err
  got=$?
  if [ "$got" = "$want" ]; then passed=$((passed + 1)); else fail "exit code $got, expected $want"; fi
}
fail() {
  failed=$((failed + 1))
  echo "cli: $step: $1"
  head -c 600 out err 2>/dev/null
}
# has FILE REGEX, hasnt FILE REGEX, same FILE FILE, differs FILE FILE, is FILE (exists), empty FILE
has() { if grep -q -e "$2" "$1"; then passed=$((passed + 1)); else fail "$1 lacks '$2'"; fi; }
hasnt() { if grep -q -e "$2" "$1"; then fail "$1 has '$2'"; else passed=$((passed + 1)); fi; }
same() { if cmp -s "$1" "$2"; then passed=$((passed + 1)); else fail "$1 and $2 differ"; fi; }
differs() { if cmp -s "$1" "$2"; then fail "$1 and $2 are equal"; else passed=$((passed + 1)); fi; }
is() { if [ -f "$1" ]; then passed=$((passed + 1)); else fail "$1 is not there"; fi; }
isnt() { if [ -e "$1" ]; then fail "$1 is there"; else passed=$((passed + 1)); fi; }
empty() { if [ -s "$1" ]; then fail "$1 is not empty"; else passed=$((passed + 1)); fi; }
# json FILE EXPRESSION over d
json() { if "$python" -c "import json,os,sys; d=json.load(open('$1')); sys.exit(0 if ($2) else 1)" 2>/dev/null; then passed=$((passed + 1)); else fail "$1: not $2"; fi; }

# ---- the frame ----
run 0 --version
[ "$(cat out)" = "ingot 0.1.0" ] && passed=$((passed + 1)) || fail "version"
run 0 --help
for command in build run compare bench inspect show check devices; do has out "^  ingot $command "; done
for command in build run compare bench inspect show check devices; do
  run 0 "$command" --help
  has out "^ingot $command "
done
run 2 buid
has err "did you mean 'build'"
run 2 build "$digits" -o a.ingot --jsno
has err "unknown option '--jsno': did you mean '--json'"
run 2 build "$digits" -o a.ingot --js
has err "unknown option '--js'"
run 2 build "$digits" -o a.ingot --json=yes
run 2 build "$digits" --output
run 2 build
run 2 build "$digits" "$digits" -o a.ingot
run 2 build "$digits"
isnt a.ingot
run 7 build missing.onnx -o a.ingot
has err "missing.onnx"
printf '\010\000garbage' >garbage.onnx
run 3 build garbage.onnx -o a.ingot
run 3 build garbage.onnx -o a.ingot --json
json out "sorted(d['error'])==['code','hint','message','name','node'] and d['error']['code']==2 and d['error']['name']=='IG_ERROR_BAD_MODEL'"
empty err
run 2 --json
printf 'ftrt0000000000000000' >trt.plan
run 3 inspect trt.plan
has err TensorRT
run 3 inspect "$digits"
run 0 build "$digits" -o digits.ingot --tune guess
run 3 show digits.ingot
cp digits.ingot -- --odd.ingot
run 0 inspect -- --odd.ingot
# Closing the pipe is no error.
step="ingot show | head"
{ "$ingot" show "$digits" --stage imported; echo $? >code; } 2>err | head -n 1 >out
[ "$(cat code)" = 0 ] && passed=$((passed + 1)) || fail "exit code $(cat code) with a closed pipe"
empty err

# ---- build ----
run 0 build "$digits" --output=b.ingot --tune=guess
same b.ingot digits.ingot
has out '^9 nodes -> [0-9]* steps$'
run 0 build "$digits" -o b.ingot --tune guess --quiet
empty out
run 0 build "$digits" -o b.ingot --tune guess --verbose
has out 'step 0: conv_1 .* fp32 .*guess'
run 0 build "$digits" -o b.ingot --tune guess --json
json out "d['nodes']==9 and d['steps']==len(d['layers']) and d['layers'][0]['tactic'] and d['measured']==0"
run 0 build "$digits" -o b.ingot --json
json out "d['measured']>0"
run 0 build "$digits" -o b.ingot --json --build-seconds 0
json out "d['measured']==0"
for seconds in 1 10; do
  begin=$(date +%s)
  run 0 build "$digits" -o b.ingot --json --build-seconds $seconds
  [ $(($(date +%s) - begin)) -le $((10 * seconds + 10)) ] && passed=$((passed + 1)) || fail "took longer than it may"
  json out "d['measured']>0"
  run 0 compare "$digits" b.ingot
done
run 2 build "$digits" -o b.ingot --build-seconds soon
run 2 build "$digits" -o b.ingot --tune best
run 2 build "$digits" -o b.ingot --tune replay
run 0 build "$digits" -o b.ingot --timing-cache times --json
json out "d['cached']==0"
is times
run 0 build "$digits" -o c.ingot --timing-cache times --json
json out "d['cached']>0 and d['measured']==0"
run 0 build "$digits" -o c.ingot --timing-cache times --tune replay --json
json out "d['cached']>0 and d['measured']==0"
run 5 build "$digits" -o b.ingot --device abacus
has err 'ingot devices'
run 0 build "$digits" -o b.ingot --device ref --verbose
has out ' ref\.conv '
run 0 build "$digits" -o b.ingot --precision fp32 --tune guess
run 4 build "$digits" -o b.ingot --precision int8
run 0 build "$digits" -o b.ingot --isa none --tune guess --verbose
hasnt out 'avx'
run 0 build "$digits" -o b.ingot --isa avx2 --tune guess --verbose
hasnt out 'avx512'
run 0 build "$digits" -o b.ingot --isa avx512 --tune guess
run 2 build "$digits" -o b.ingot --isa sse
run 0 build "$digits" -o b.ingot --threads 3 --tune guess
run 0 inspect b.ingot --json
json out "d['threads']==3"
run 0 build "$digits" -o b.ingot --tune guess --shapes image:4x1x8x8
run 0 inspect b.ingot
has out 'input  image: float 4x1x8x8$'
run 0 build "$digits" -o b.ingot --tune guess --opt-shapes image:4x1x8x8
run 0 inspect b.ingot
has out 'input  image: float 4x1x8x8$'
run 0 build "$digits" -o b.ingot --tune guess --min-shapes image:2x1x8x8 --opt-shapes image:4x1x8x8 --max-shapes image:16x1x8x8
run 0 inspect b.ingot
has out 'batch\[2\.\.16\]x1x8x8'
run 0 build "$digits" -o b.ingot --tune guess --min-shapes image:2x1x8x8 --max-shapes image:16x1x8x8 --profile --shapes image:32x1x8x8
run 0 inspect b.ingot --json
json out "d['profiles']==2"
run 2 build "$digits" -o b.ingot --shapes image:4x1x8x8 --shapes image:5x1x8x8
run 2 build "$digits" -o b.ingot --profile
run 2 build "$digits" -o b.ingot --shapes picture:4x1x8x8
has err "no input 'picture'; its inputs: 'image'"
run 2 build "$digits" -o b.ingot --shapes image:4x1x8
run 2 build "$digits" -o b.ingot --shapes image:4x1x8xq
run 6 build "$digits" -o b.ingot --tune guess --memory 10K
has err 'the least that works is [0-9]'
least=$(sed -n 's/.*the least that works is \([0-9]*\).*/\1/p' err)
run 0 build "$digits" -o b.ingot --tune guess --memory "$least"
run 2 build "$digits" -o b.ingot --memory 10Q
run 6 build "$digits" -o d.ingot --tune guess --max-memory 100K
has err 'max-memory'
isnt d.ingot
run 0 build "$digits" -o b.ingot --tune guess --max-memory 1G
run 0 build "$digits" -o b.ingot --tune guess --outputs pool_2_out,probabilities
run 0 inspect b.ingot --json
json out "[i['name'] for i in d['io']]==['image','pool_2_out','probabilities']"
run 2 build "$digits" -o b.ingot --outputs nothing
run 0 build "$digits" -o b.ingot --tune guess --cache cache
[ "$(ls cache | wc -l)" = 1 ] && passed=$((passed + 1)) || fail "one engine in the cache"
run 0 build "$digits" -o c.ingot --tune guess --cache cache --json
json out "d['from_cache'] is True"
same b.ingot c.ingot
for file in cache/*; do printf 'x' >>"$file"; done
run 0 build "$digits" -o c.ingot --tune guess --cache cache --json
json out "d['from_cache'] is False"
has err 'built again'
same b.ingot c.ingot
run 0 build "$digits" -o c.ingot --tune guess --cache cache --json
json out "d['from_cache'] is True"
run 0 build "$digits" --dump canonical --tune guess
has out '^model canonical'
run 0 build "$digits" --dump after:lower --tune guess
has out '^model lowered'
run 2 build "$digits" --dump nowhere
run 0 build "$digits" --explain conv_1 --tune guess
has out 'kind conv'
has out 'cpu.c.conv: guesses'
run 0 build "$digits" -o b.ingot --tune guess --json
json out "d['steps']<9"
run 0 build "$digits" -o c.ingot --tune guess --passes=-fuse_epilogue --json
json out "d['steps']>6"
run 0 build "$digits" -o c.ingot --tune guess --passes=-all --json
json out "d['steps']>=8"
run 2 build "$digits" -o c.ingot --passes=-nothing
run 2 build "$digits" -o c.ingot --passes=-infer
run 0 build "$digits" -o c.ingot --tune guess --pass-limit 0
differs b.ingot c.ingot
run 0 build "$digits" -o c.ingot --tune guess --check-passes
same b.ingot c.ingot
run 4 build "$models/../models/recurrent.onnx" -o b.ingot --dump after:dce --precision int8
run 0 build "$models/add.onnx" -o add.ingot --tune guess
ln -s add.ingot link.ingot
run 0 build "$digits" -o link.ingot --tune guess
[ -L link.ingot ] && passed=$((passed + 1)) || fail "the link is gone"
same add.ingot digits.ingot
run 0 build "$models/add.onnx" -o add.ingot --tune guess
step="a full standard output"
cp "$models/add.onnx" .
for form in "inspect digits.ingot" "run digits.ingot --json" "show add.onnx --stage imported"; do
  # shellcheck disable=SC2086
  "$ingot" $form >/dev/full 2>err
  [ $? = 7 ] && passed=$((passed + 1)) || fail "exit code of $form"
  has err '^ingot: error: cannot write to the standard output: No space'
done
step="ulimit -f"
cp add.ingot limited.ingot
(ulimit -f 10 && exec "$ingot" build "$digits" -o limited.ingot --tune guess) >out 2>err
[ $? = 7 ] && passed=$((passed + 1)) || fail "exit code with a limited file size"
has err "cannot write 'limited.ingot': File too large"
same limited.ingot add.ingot
[ -z "$(ls -A | grep ingot-tmp)" ] && passed=$((passed + 1)) || fail "a temporary stayed"
run 0 build "$digits" -o /dev/null --tune guess
[ -c /dev/null ] && passed=$((passed + 1)) || fail "/dev/null is gone"
run 7 build "$digits" -o none/b.ingot --tune guess
mkdir empty && run 0 build "$digits" -o empty/b.ingot --tune guess
[ "$(ls -A empty | wc -l)" = 1 ] && passed=$((passed + 1)) || fail "a temporary stayed"

# ---- values ----
"$python" - <<'END' || fail "making files"
import numpy as np, onnx
from onnx import helper as h, TensorProto as T, numpy_helper as n
r = h.make_model(h.make_graph([h.make_node('Reshape', ['x', 's'], ['y'])], 'g', [h.make_tensor_value_info('x', T.FLOAT, [6]), h.make_tensor_value_info('s', T.INT64, [2])],
  [h.make_tensor_value_info('y', T.FLOAT, None)]), opset_imports=[h.make_opsetid('', 17)], ir_version=8)
onnx.save(r, 'reshape.onnx')
a = h.make_model(h.make_graph([h.make_node('ReduceSum', ['x', 'axes'], ['y'])], 'g', [h.make_tensor_value_info('x', T.FLOAT, [2, 3]), h.make_tensor_value_info('axes', T.INT64, [1])],
  [h.make_tensor_value_info('y', T.FLOAT, None)]), opset_imports=[h.make_opsetid('', 17)], ir_version=8)
onnx.save(a, 'axes.onnx')
b = h.make_model(h.make_graph([h.make_node('Add', ['a', 'a'], ['y'])], 'g', [h.make_tensor_value_info('a', T.BFLOAT16, [2])], [h.make_tensor_value_info('y', T.BFLOAT16, [2])]),
  opset_imports=[h.make_opsetid('', 17)], ir_version=8)
onnx.save(b, 'bf16.onnx')
s = h.make_model(h.make_graph([h.make_node('Softmax', ['in:0'], ['y']), h.make_node('Log', ['in:0'], ['z'])], 'g', [h.make_tensor_value_info('in:0', T.FLOAT, ['n', 3])],
  [h.make_tensor_value_info('y', T.FLOAT, ['n', 3]), h.make_tensor_value_info('z', T.FLOAT, ['n', 3])]), opset_imports=[h.make_opsetid('', 17)], ir_version=8)
onnx.save(s, 'log.onnx')
u = h.make_model(h.make_graph([h.make_node('StringSplit', ['x'], ['a', 'b'], name='first'), h.make_node('Nonsense', ['x'], ['c'], name='second', domain='my.own')], 'g',
  [h.make_tensor_value_info('x', T.STRING, [2])], [h.make_tensor_value_info('c', T.FLOAT, [2])]), opset_imports=[h.make_opsetid('', 21), h.make_opsetid('my.own', 1)], ir_version=8)
onnx.save(u, 'unsupported.onnx')
l = h.make_model(h.make_graph([h.make_node('MatMul', ['a', 'b'], ['y'])], 'g', [h.make_tensor_value_info(v, T.FLOAT, [1500, 1500]) for v in 'ab'],
  [h.make_tensor_value_info('y', T.FLOAT, [1500, 1500])]), opset_imports=[h.make_opsetid('', 17)], ir_version=8)
onnx.save(l, 'large.onnx')
equal = lambda k: h.make_model(h.make_graph([h.make_node('MatMul', ['x' if i == 0 else f'h{i}', f'w{i}'], ['y' if i == k - 1 else f'h{i + 1}']) for i in range(k)], 'g',
  [h.make_tensor_value_info('x', T.FLOAT, [64, 64])], [h.make_tensor_value_info('y', T.FLOAT, [64, 64])], [n.from_array(np.full([64, 64], i, np.float32), f'w{i}') for i in range(k)]),
  opset_imports=[h.make_opsetid('', 17)], ir_version=8)
onnx.save(equal(4), 'equal4.onnx')
onnx.save(equal(7), 'equal7.onnx')
w = lambda name, *dims: n.from_array(np.full(dims, 0.01, np.float32), name)
c = h.make_model(h.make_graph([h.make_node('Conv', ['x', 'a'], ['p'], pads=[1, 1, 1, 1]), h.make_node('Conv', ['p', 'b'], ['q']), h.make_node('Conv', ['q', 'c'], ['r'], group=96,
  pads=[1, 1, 1, 1]), h.make_node('Conv', ['r', 'd'], ['y'])], 'g', [h.make_tensor_value_info('x', T.FLOAT, [1, 3, 128, 'w'])], [h.make_tensor_value_info('y', T.FLOAT, [1, 16, 128, 'w'])],
  [w('a', 32, 3, 3, 3), w('b', 96, 32, 1, 1), w('c', 96, 1, 3, 3), w('d', 16, 96, 1, 1)]), opset_imports=[h.make_opsetid('', 17)], ir_version=8)
onnx.save(c, 'chain.onnx')
d = h.make_model(h.make_graph([h.make_node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']), h.make_node('MatMulInteger', ['q', 'w', 'z'], ['i']),
  h.make_node('Cast', ['i'], ['f'], to=T.FLOAT), h.make_node('Mul', ['f', 's'], ['y'])], 'g', [h.make_tensor_value_info('x', T.FLOAT, [2, 8])],
  [h.make_tensor_value_info('y', T.FLOAT, [2, 16])], [n.from_array(np.arange(-64, 64, dtype=np.int8).reshape(8, 16), 'w')]),
  opset_imports=[h.make_opsetid('', 17)], ir_version=8)
onnx.save(d, 'dynamic_int8.onnx')
# Sums that lie on the edge between two quantised steps, requantised, added to others and requantised to smaller steps, or made floats again.
random = np.random.default_rng(0)
const = lambda name, v, t=np.float32: n.from_array(np.asarray(v, t), name)
scales = [const('sx', 0.04), const('sw', 0.11), const('s1', 8.8), const('s2', 0.05), const('s3', 4.888), const('z', 0, np.int8)]
for name, outer in ('edges', True), ('edges_float', False):
  nodes = [h.make_node('QuantizeLinear', ['x', 'sx', 'z'], ['xq']), h.make_node('DequantizeLinear', ['xq', 'sx', 'z'], ['xd']), h.make_node('DequantizeLinear', ['w', 'sw', 'z'], ['wd']), h.make_node('Conv', ['xd', 'wd'], ['p']),
    h.make_node('QuantizeLinear', ['p', 's1', 'z'], ['q']), h.make_node('DequantizeLinear', ['q', 's1', 'z'], ['d'])]
  if outer:
    nodes += [h.make_node('DequantizeLinear', ['r', 's2', 'z'], ['rd']), h.make_node('Add', ['d', 'rd'], ['s']), h.make_node('QuantizeLinear', ['s', 's3', 'z'], ['y'])]
  else:
    nodes += [h.make_node('Identity', ['d'], ['y'])]
  e = h.make_model(h.make_graph(nodes, 'g', [h.make_tensor_value_info(v, t, [4096, 16, 1, 1]) for v, t in (('x', T.FLOAT), ('r', T.INT8))[:1 + outer]],
    [h.make_tensor_value_info('y', T.INT8 if outer else T.FLOAT, [4096, 16, 1, 1])], scales + [const('w', random.integers(-127, 128, (16, 16, 1, 1)), np.int8)]),
    opset_imports=[h.make_opsetid('', 17)], ir_version=8)
  onnx.save(e, f'{name}.onnx')
x = np.arange(6, dtype=np.float32)
np.save('x.npy', x)
np.save('x_big.npy', x.astype('>f4'))
np.save('bf16.npy', np.array([1.5, -2], np.float32))
np.save('log.npy', np.array([[1, 2, 3], [4, 5, 6]], np.float32))
np.save('log_f.npy', np.asfortranarray(np.array([[1, 2, 3], [4, 5, 6]], np.float32)))
np.save('log_0.npy', np.array([[1, 2, 0]], np.float32))
np.save('object.npy', np.array([{}, 1], dtype=object), allow_pickle=True)
open('x.pb', 'wb').write(n.from_array(x, 'x').SerializeToString())
END
# Structure must be known when building; mere extents are read when the engine is given its inputs.
run 4 build axes.onnx -o axes.ingot --tune guess
has err 'UNSUPPORTED_SHAPE'
has err '\-\-values axes='
run 0 build axes.onnx -o axes.ingot --tune guess --values axes=1
run 0 inspect axes.ingot
has out 'output y: float 2x1'
run 0 build reshape.onnx -o free.ingot --tune guess
run 0 run free.ingot --input x=x.npy --values s=3,2
has out '^y: float 3x2$'
run 0 run free.ingot --input x=x.npy --values s=-1,1
has out '^y: float 6x1$'
run 4 run free.ingot --input x=x.npy --values s=4,2
has err "node 'y'"
run 0 build reshape.onnx -o r.ingot --tune guess --values s=2,3
run 0 inspect r.ingot
has out 'output y: float 2x3'
run 2 build reshape.onnx -o r2.ingot --values s=2
run 2 build reshape.onnx -o r2.ingot --values t=2,3
has err "the inputs are 'x', 's'"
run 2 build reshape.onnx -o r2.ingot --values s=2,z

# ---- run ----
run 0 run digits.ingot
has out '^probabilities: float 1x10$'
has out '^  range '
has out '^  first '
has out '^  top '
cp out first
run 0 run digits.ingot
same out first
run 0 run digits.ingot --seed 7
differs out first
run 0 run digits.ingot --shapes image:3x1x8x8
has out '^probabilities: float 3x10$'
run 0 run "$digits" --shapes image:3x1x8x8
has out '^probabilities: float 3x10$'
run 2 run digits.ingot --shapes picture:3x1x8x8
run 0 run digits.ingot --device ref --verbose
has err ' ref\.conv '
run 5 run digits.ingot --device abacus
run 0 run digits.ingot --isa none --verbose
has err 'cpu\.c\.conv'
run 0 run digits.ingot --verbose --threads 1
has err 'step 0: conv_1 .* fp32 .* ms  because'
run 2 run digits.ingot --threads 0
run 0 run "$digits" --tune measure --verbose
has err 'fastest'
run 0 run "$digits" --tune guess --verbose
hasnt err 'fastest'
run 0 run digits.ingot --quiet
empty out
run 0 run digits.ingot --json
json out "d['outputs'][0]['name']=='probabilities' and d['outputs'][0]['dims']==[1,10]"
run 0 run digits.ingot --output-dir o
is o/output_0.npy
has out '^probabilities -> o/output_0.npy$'
run 0 run digits.ingot --output-dir o --output-format pb
is o/output_0.pb
run 2 run digits.ingot --output-format pb
run 2 run digits.ingot --output-dir o --output-format txt
run 0 run reshape.onnx --input x=x.npy --values s=3,2
has out '^y: float 3x2$'
has out '  first 0 1 2 3 4 5$'
run 0 run reshape.onnx --input x=x_big.npy --values s=3,2
has out '  first 0 1 2 3 4 5$'
run 0 run reshape.onnx --input x=x.pb --values s=1,6
has out '^y: float 1x6$'
run 0 run r.ingot --input x=x.npy --values s=2,3
run 4 run r.ingot --input x=x.npy --values s=3,2
run 2 run reshape.onnx --input q=x.npy
run 2 run reshape.onnx --input x.npy
run 2 run reshape.onnx --input x=object.npy
has err pickle
run 7 run reshape.onnx --input x=nothing.npy
run 0 run bf16.onnx --input a=bf16.npy --output-dir o
has err 'bfloat16 is written as float'
"$python" -c "import numpy as np; assert (np.load('o/output_0.npy')==np.array([3,-4],np.float32)).all()" && passed=$((passed + 1)) || fail "bfloat16 output"
run 0 run log.onnx --input in:0=log.npy
has out '^y: float 2x3$'
cp out c_order
run 0 run log.onnx --input in:0=log_f.npy
same out c_order
run 0 run log.onnx --shapes in:0:5x3
has out '^y: float 5x3$'
run 0 run log.onnx --input in:0=log.npy --check-finite
run 1 run log.onnx --input in:0=log_0.npy --check-finite
has err 'infinity'
run 0 run log.onnx --input in:0=log_0.npy
has out 'not finite'
run 0 run "$models/dynamic.onnx" --input "$models/dynamic/test_data_set_0"
has out '^hidden: '
run 0 run "$models/dynamic.onnx" --input "$models/dynamic"
run 2 run "$models/dynamic.onnx" --input "$work/empty"
run 4 run unsupported.onnx

# ---- compare ----
run 0 compare "$digits"
has out '^ok   probabilities: '
run 0 compare "$digits" digits.ingot
run 2 compare digits.ingot
run 0 compare "$digits" --json
json out "d['agrees'] is True and d['results'][0]['name']=='probabilities'"
run 0 compare "$digits" --quiet
empty out
run 0 compare "$digits" --per-node
has out '^every step agrees'
run 0 compare "$digits" --seed 3
cp out seed3
run 0 compare "$digits" --seed 4
differs out seed3
run 0 compare "$digits" --shapes image:5x1x8x8 --threads 1 --tune measure
has out ', 50 elements$'
run 0 compare "$digits" --isa none
run 1 compare "$digits" --isa avx2 --atol 0 --rtol 0
has out '^OVER probabilities'
run 0 compare "$digits" --isa avx2 --atol 1e-4
run 0 compare "$digits" --isa avx2 --rtol 1e-1
run 1 compare "$digits" --isa avx2 --rtol 0 --json
json out "d['agrees'] is False"
run 5 compare "$digits" --device abacus
for name in add dynamic external local_function quantised recurrent; do
  run 0 compare "$models/$name.onnx" --input "$models/$name/test_data_set_0" --expect "$models/$name/test_data_set_0"
  run 0 compare "$models/$name.onnx" --input "$models/$name/test_data_set_1"
done
run 7 compare "$digits" --expect "$work/empty"
run 1 compare "$models/dynamic.onnx" --input "$models/dynamic/test_data_set_0" --expect "$models/dynamic/test_data_set_1"
run 0 compare reshape.onnx --values s=2,3 --input x=x.npy

# Networks that find their scales in each run are held to a closer cosine than those that hold them.
for model in "$models/quantised.onnx" dynamic_int8.onnx; do
  run 0 compare "$model"
  run 0 run "$model" --output-dir wanted --output-format npy
  "$python" -c "
import numpy as np
y = np.load('wanted/output_0.npy').astype(np.float64)
noise = np.random.default_rng(0).standard_normal(y.shape)
noise -= y * (noise * y).sum() / (y * y).sum()
noise *= 0.1 * np.sqrt((y * y).sum() / (noise * noise).sum())
np.save('wanted/output_0.npy', (y + noise).astype(np.float32))" || fail "a cosine of 0.995"
  if [ "$model" = dynamic_int8.onnx ]; then run 1 compare "$model" --expect wanted; else run 0 compare "$model" --expect wanted; fi
done

# Where a step rounds within, a sum on the edge between two steps may move its result by more than one, and a float by a whole inner step.
run 0 compare edges.onnx --per-node
run 0 compare edges_float.onnx --per-node

# ---- bench ----
run 0 bench --kernels softmax
has out '^cpu\.c\.softmax .*% of'
has out ' timed on one core$'
run 0 bench --kernels cpu.c.softmax --isa none --json
json out "d['kernels'] and all(k['tactic']=='cpu.c.softmax' and k['us']>0 and k['rate']>0 and k['peak']>0 for k in d['kernels'])"
run 2 bench --kernels abacus
run 2 bench
run 0 bench digits.ingot --iterations 5 --warm-up 0 --json
json out "d['iterations']==5 and d['contexts']==1 and d['device']=='cpu' and sorted(d['latency_ms'])==['mean','median','min','p90','p99'] and d['throughput']>0"
run 0 bench digits.ingot --iterations 5 --warm-up 0 --contexts 2 --threads 1 --json
json out "d['iterations']==10 and d['contexts']==2 and d['threads']==1"
run 0 bench digits.ingot --duration 0.05 --warm-up 0.01
has out '^median [0-9.]* ms, mean '
run 0 bench digits.ingot --iterations 3 --quiet
hasnt out median
run 0 bench digits.ingot --iterations 50 --profile
has out 'sum of the layers'
# The layers' sum lies within 10 % of the whole. A neighbour's noise passes, a real difference comes back each time.
for model in digits.onnx dynamic.onnx recurrent.onnx; do
  [ "$model" = digits.onnx ] && path=$digits || path=$models/$model
  for try in 1 2 3 4 5; do
    run 0 bench "$path" --duration 0.3 --threads 1 --profile --json
    "$python" -c "import json, sys; d = json.load(open('out')); sys.exit(abs(d['layers_ms'] / d['whole_ms'] - 1) > 0.1)" && break
  done
  json out "abs(d['layers_ms']/d['whole_ms']-1)<=0.1 and abs(d['layers_ms']-sum(l['ms'] for l in d['layers']))<1e-9"
done
run 0 bench digits.ingot --iterations 3 --isa none --profile
hasnt out avx
run 0 bench digits.ingot --iterations 3 --device ref --profile
has out 'ref\.conv'
run 0 bench "$digits" --iterations 3 --shapes image:16x1x8x8 --profile --json --seed 1
json out "d['layers'][-1]['bytes']>=2*16*10*4"
run 0 bench "$digits" --iterations 3 --tune guess
run 0 bench reshape.onnx --iterations 3 --values s=2,3 --input x=x.npy
run 2 bench digits.ingot --iterations none
run 2 bench digits.ingot --duration -1

# ---- inspect, show, check, devices ----
run 0 inspect digits.ingot
has out '^engine for cpu: '
run 0 inspect digits.ingot --memory
has out '^total '
cp out largest
run 0 inspect digits.ingot --memory --shapes image:9x1x8x8
differs out largest
run 0 inspect digits.ingot --memory --json
json out "d['total']==d['weights']+d['activations'] and d['lower_bound']<=d['activations']"
run 2 inspect digits.ingot --shapes image:9x1x8x8
"$python" - <<'END'
b = bytearray(open('digits.ingot', 'rb').read())
b[-1] ^= 1
open('flipped.ingot', 'wb').write(b)
open('short.ingot', 'wb').write(b[:-1])
END
run 3 inspect flipped.ingot
has err 'section WGTS: hash mismatch'
run 3 run short.ingot
run 0 show "$digits"
has out '^model: 9 nodes'
has out '^ *2  Conv$'
run 0 show "$digits" --json
json out "d['nodes']==9 and d['opsets']['ai.onnx']==17"
for stage in imported canonical lowered; do
  run 0 show "$digits" --stage $stage
  has out "^model $stage"
done
run 2 show "$digits" --stage final
run 2 show "$digits" --stage imported --json
run 0 check "$digits"
has out '^9 nodes: all can be built$'
run 0 check "$digits" --json
json out "d['supported'] is True and d['problems']==[]"
# A chain in bands at a profile's optimum, one by one at its largest shape.
run 0 build chain.onnx -o chain.ingot --threads 2 --tune guess --min-shapes x:1x3x128x8 --opt-shapes x:1x3x128x128 --max-shapes x:1x3x128x4096
for width in 64 128 300 600 1200; do   # between them: widths where a part of the chain would fit a second-level cache of 512 KiB to 2 MiB, and the whole does not
  run 0 run chain.ingot --threads 2 --shapes x:1x3x128x$width
done
# Equal layers share their times, whatever their weights: those between the first and the last.
run 0 build equal4.onnx -o equal.ingot --json
once=$(sed -n 's/.*"measured":\([0-9][0-9]*\).*/\1/p' out)
run 0 build equal7.onnx -o equal.ingot --json
json out "d['steps']==7 and d['measured']==${once:-0} and d['measured']>0 and d['cached']==0"
# One step that is longer than the time there is: it is not timed at all.
run 0 build large.onnx -o large.ingot --json --build-seconds 0.01
json out "d['measured']==0"
run 4 check unsupported.onnx
has out 'UNSUPPORTED_NODE.*first'
has out 'UNSUPPORTED_NODE.*second'
run 4 check unsupported.onnx --json
json out "len(d['problems'])==2 and d['problems'][0]['code']=='UNSUPPORTED_NODE'"
run 4 build unsupported.onnx -o u.ingot
has err 'first'
has err 'second'
run 4 build unsupported.onnx -o u.ingot --json
json out "d['error']['name']=='UNSUPPORTED_NODE' and d['error']['node']=='first'"
run 0 check --limits
has out '^nesting  *64 '
run 0 check --limits --json
json out "d['limits']['nodes']==1000000 and d['limits']['elements']==2**40 and d['limits']['memory']==64<<20 and 0<d['limits']['max-memory']<=os.sysconf('SC_PHYS_PAGES')*os.sysconf('SC_PAGE_SIZE')"
run 0 check "$digits" --limits
has out 'all can be built'
run 2 check
run 3 check garbage.onnx
run 0 devices
has out '^cpu: '
run 0 devices --json
json out "[x['name'] for x in d['devices']][0]=='cpu'"

# ---- every option that --help lists is used above ----
for command in build run compare bench inspect show check devices; do
  for option in $("$ingot" $command --help | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
    step="$command --$option"
    if [ "$option" = help ] || grep -q "^run [0-9]* $command .*--$option" "$script"; then passed=$((passed + 1)); else fail "no test"; fi
  done
done

# ---- interruption, locale ----
step="Ctrl-C"
"$ingot" bench digits.ingot --duration 60 >out 2>err &
pid=$!
sleep 0.3
kill -INT $pid
wait $pid
code=$?
[ "$code" = 130 ] && passed=$((passed + 1)) || fail "exit code $code after an interrupt"
comma=$(locale -a 2>/dev/null | grep -i -m 1 -e '^de_DE.utf-*8$' -e '^fr_FR.utf-*8$' || :)
run 0 run digits.ingot
cp out plain
LC_ALL=${comma:-de_DE.UTF-8} "$ingot" run digits.ingot >out 2>err
same out plain

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
