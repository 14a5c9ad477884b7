/* The same with glibc, whose threads, locks and cancellation are made another way. */
#include "../spawn_threads.c"
