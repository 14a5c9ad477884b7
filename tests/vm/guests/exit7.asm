; The status of HC_EXIT is that of vmm.
%include "pvh.inc"
global start
start:  quit    7
