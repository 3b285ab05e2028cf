/* The project file (contract section 5), YAML or JSON, to a validated struct project_config. */
#ifndef PROTO_PROJECT_FILE_H
#define PROTO_PROJECT_FILE_H

#include "rules/event.h"
#include "rules/project_config.h"

#define PROJECT_FILE_MAX (4u << 20)
#define PROJECT_FAULTS_MAX 50

struct project_faults {
    uint32_t count;
    struct fault items[PROJECT_FAULTS_MAX];
};

/* YAML 1.1 (libyaml) to a value tree with line numbers; JSON is YAML. Aliases, tags, duplicate keys and
 * several documents are refused. Plain scalars become null, bool (true/false only), integer, double or
 * string. */
bool yaml_read(struct value *out, struct slice text, struct arena *arena, struct fault *fault)
    __attribute__((warn_unused_result));

/* Reads a file that is to be applied: with the time zones of the system, and with the linter
 * (proto/project_lint.h). Everything wrong is listed in the order of lines, each with line and JSON Pointer;
 * unknown keys are faults. False when there is any: then there is nothing to close, else config_close() comes
 * before the arena's end. */
bool project_file_read(struct project_config *out, struct slice text, struct arena *arena,
                       struct project_faults *faults) __attribute__((warn_unused_result));
/* Reads a file that was applied, with the time zones that project_file_zones() gave then, a JSON document. No
 * linter: what was good enough then goes on. */
bool project_file_load(struct project_config *out, struct slice text, struct slice zones, struct arena *arena,
                       struct project_faults *faults) __attribute__((warn_unused_result));
const char *field_type_name(enum field_type type); /* "text", as the file says it */
struct slice project_file_zones(const struct project_config *config, struct arena *arena);

#endif
