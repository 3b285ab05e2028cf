/* `patchbay export`: customers to CSV, straight out of the database. */
#ifndef SERVER_COMMAND_EXPORT_H
#define SERVER_COMMAND_EXPORT_H

int command_export(int argc, char **argv);

#endif
