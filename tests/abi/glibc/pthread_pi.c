/* The same with glibc. */
#include "../pthread_pi.c"
