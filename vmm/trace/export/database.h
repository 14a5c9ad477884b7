/* database.h - an SQLite database that is written by a process which may open nothing.
 *
 * SQLite's own way to files opens them by name, locks them, and makes temporary ones when it
 * sorts.  This one has the file and some scratch files open before the process is confined, and
 * gives them out.  Nobody else has the database open: it has its name only when it is whole. */
#ifndef VMM_TRACE_EXPORT_DATABASE_H
#define VMM_TRACE_EXPORT_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

/* Takes the file that fd is, and opens scratch files beside `file`.  False after one line. */
bool database_prepare(int fd, const char *file);

struct database {
    sqlite3 *db;
    bool failed; /* from here on nothing is done any more */
};

/* An empty database in a transaction. */
bool database_open(struct database *d);
/* Statements without parameters and results. */
void database_do(struct database *d, const char *sql);
sqlite3_stmt *database_statement(struct database *d, const char *sql);
/* Runs it once; the values by the letters of `kinds`: u uint64_t, s int64_t, n uint64_t of which
 * 0 is NULL, t const char * that may be NULL, bytes of a guest's perhaps. */
void database_row(struct database *d, sqlite3_stmt *s, const char *kinds, ...);
/* Commits and closes.  False after one line, if something failed on the way. */
bool database_close(struct database *d);

#endif
