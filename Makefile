# Delegates to ./do, the front door.
# SPDX-License-Identifier: Apache-2.0
.PHONY: build demo test test-asan bench install help
build demo test test-asan bench install help:
	@./do $@
