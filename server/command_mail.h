/* `patchbay mail`: a message on standard input, read or delivered. */
#ifndef SERVER_COMMAND_MAIL_H
#define SERVER_COMMAND_MAIL_H

/* argv[0] is the command's name for complaints. Returns the exit code. */
int command_mail(int argc, char **argv);

#endif
