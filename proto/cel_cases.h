/* Conformance files of the Common Expression Language: JSON lists of cases {section, name, expr, bindings,
 * container, typed, disable_check, and value or error}, made from cel-spec's tests/simple/testdata.
 *
 * Values are tagged: {"int":"1"}, {"uint":"1"}, {"double":"1.5"}, {"string":"x"}, {"bytes":"hex"},
 * {"bool":true},
 * {"null":null}, {"list":[...]}, {"map":[[key,value]...]}, {"type":"int"}. Where an error is expected, any
 * is right. A case is skipped when it needs messages of protocol buffers. */
#ifndef PROTO_CEL_CASES_H
#define PROTO_CEL_CASES_H

#include "rules/cel.h"
#include "rules/event.h"

enum cel_verdict { CEL_PASSED, CEL_FAILED, CEL_SKIPPED };
#define CEL_VERDICT_COUNT 3

struct cel_case_result {
    struct slice section, name, expression;
    enum cel_verdict verdict;
    struct slice wanted, got; /* of those that failed; `got` says why others were skipped */
};

typedef void cel_on_case(const struct cel_case_result *result, void *ctx);

/* False: the text is no such file. */
bool cel_cases_run(struct slice text, cel_on_case *on_case, void *ctx, struct fault *fault)
    __attribute__((warn_unused_result));

#endif
