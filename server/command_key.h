/* `patchbay key`: the canonical key of a phone number or an e-mail address, without a server. */
#ifndef SERVER_COMMAND_KEY_H
#define SERVER_COMMAND_KEY_H

/* argv[0] is the command's name for complaints. Returns the exit code. */
int command_key(int argc, char **argv);

#endif
