/* `patchbay import FILE|-`: customers from CSV, straight into the database, beside whatever router runs. */
#ifndef SERVER_COMMAND_IMPORT_H
#define SERVER_COMMAND_IMPORT_H

int command_import(int argc, char **argv);

#endif
