/* `patchbay cel`: the value of a rule expression, and conformance files, without a server. */
#ifndef SERVER_COMMAND_CEL_H
#define SERVER_COMMAND_CEL_H

/* argv[0] is the command's name for complaints. Returns the exit code. */
int command_cel(int argc, char **argv);

#endif
