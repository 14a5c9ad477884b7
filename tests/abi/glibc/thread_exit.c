/* The same with glibc, whose threads, locks and cancellation are made another way. */
#include "../thread_exit.c"
