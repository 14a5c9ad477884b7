/* text.h - bytes that a guest chose, written into formats that people and browsers read.
 *
 * In all of them a byte that is no part of valid UTF-8 becomes U+FFFD, one for each byte, so
 * that what is written is UTF-8 whatever the guest did.  All else is kept as far as the format
 * can say it; the functions tell what it cannot. */
#ifndef VMM_TRACE_EXPORT_TEXT_H
#define VMM_TRACE_EXPORT_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* In quotes.  Control characters and what ends a <script> or a line for JavaScript ("<", ">",
 * "&", U+2028, U+2029) as \uXXXX, so that the file may be pasted into a page. */
void text_json(FILE *out, const char *s, size_t n);

/* A field by RFC 4180: in quotes, those inside doubled.  Everything is kept, line ends and a
 * leading "=", "+", "-" or "@" too: a spreadsheet must be told that the column is text. */
void text_csv(FILE *out, const char *s, size_t n);

/* In quotes, for dot.  A backslash is doubled; control characters become U+FFFD. */
void text_dot(FILE *out, const char *s, size_t n);

/* In quotes, for mermaid: all but letters, digits, blanks and ".,:/-_[]>" as #NUMBER; which is
 * mermaid's own escape.  Control characters become U+FFFD. */
void text_mermaid(FILE *out, const char *s, size_t n);

/* A frame of a folded stack, where ";" and the end of a line mean something: they and control
 * characters become "?". */
void text_folded(FILE *out, const char *s, size_t n);

/* The bare UTF-8, for formats that say how long a text is. */
void text_plain(FILE *out, const char *s, size_t n);

#endif
