#!/bin/sh
# Random models of one node: results or a verdict. SPDX-License-Identifier: Apache-2.0
cd "$INGOT_ROOT" && exec tests/hostile/random_nodes.sh "$INGOT_BUILD" 3000
