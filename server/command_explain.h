#ifndef SERVER_COMMAND_EXPLAIN_H
#define SERVER_COMMAND_EXPLAIN_H

int command_explain(int argc, char **argv);

#endif
