; Never ends: only --timeout or a signal does.
%include "pvh.inc"
global start
start:  cli
.again: pause
        jmp     .again
