/* The same with glibc, whose threads, locks and cancellation are made another way. */
#include "../pthread_cond.c"
