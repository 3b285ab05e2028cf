/* `patchbay simulate`: the decision core against random projects and traffic in virtual time. */
#ifndef SERVER_COMMAND_SIMULATE_H
#define SERVER_COMMAND_SIMULATE_H

int command_simulate(int argc, char **argv);

#endif
