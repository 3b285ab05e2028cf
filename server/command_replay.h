#ifndef SERVER_COMMAND_REPLAY_H
#define SERVER_COMMAND_REPLAY_H

int command_replay(int argc, char **argv);

#endif
