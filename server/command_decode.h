/* `patchbay decode`: the events that a recorded stream or request would become. */
#ifndef SERVER_COMMAND_DECODE_H
#define SERVER_COMMAND_DECODE_H

/* argv[0] is the command's name for complaints. Returns the exit code. */
int command_decode(int argc, char **argv);

#endif
