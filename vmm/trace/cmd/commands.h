/* commands.h - the commands of vmm-trace, a file each; they return a status of
 * lib/status.h. */
#ifndef VMM_TRACE_COMMANDS_H
#define VMM_TRACE_COMMANDS_H

/* argv[0] is for messages. */
/* summary.c */
int command_summary(int argc, char **argv);
/* tree.c */
int command_tree(int argc, char **argv);
/* blocked.c */
int command_blocked(int argc, char **argv);
/* call.c */
int command_call(int argc, char **argv);
/* who_wrote.c */
int command_who_wrote(int argc, char **argv);
/* at.c */
int command_at(int argc, char **argv);
/* diff.c */
int command_diff(int argc, char **argv);
/* report.c */
int command_report(int argc, char **argv);
/* live.c */
int command_live(int argc, char **argv);
/* print.c */
int command_print(int argc, char **argv);
/* lint.c */
int command_lint(int argc, char **argv);
/* export.c */
int command_export(int argc, char **argv);
/* info.c */
int command_info(int argc, char **argv);
/* recover.c */
int command_recover(int argc, char **argv);

#endif
