#!/bin/bash
# limit: 3600
# All machine tests and abi programs on the nested host.
exec tests/hosts/nested-tests vm abi
