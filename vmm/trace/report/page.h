/* page.h - the parts of a report that are the same in all: markup, style, script.
 *
 * They are the files in page/, put together and embedded by the Makefile. */
#ifndef VMM_TRACE_PAGE_H
#define VMM_TRACE_PAGE_H

#include <stdio.h>

void page_head(FILE *out); /* up to where the data belong */
void page_tail(FILE *out); /* the script, and the end */

#endif
