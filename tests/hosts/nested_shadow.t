#!/bin/bash
# limit: 3600
# All machine tests and abi programs on the nested host, whose KVM has shadow paging: each table
# entry that the kernel writes and each flush that it leaves out goes through KVM's MMU code.
KVM_AMD=npt=0 exec tests/hosts/nested-tests vm abi
