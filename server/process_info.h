/* What the kernel knows of this process (proc(5)). Reading /proc never blocks. */
#ifndef SERVER_PROCESS_INFO_H
#define SERVER_PROCESS_INFO_H

/* 0 where /proc is not mounted. */
double process_resident_memory(void); /* bytes */
double process_start_time(void);      /* seconds since 1970 */

#endif
