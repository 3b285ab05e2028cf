# Writes OUT: the tables `sql_files` and `migration_files` of storage/sql.h from DIR/sql and DIR/migrations.
#
# A file in which a line `), name AS ( -- part: PART` stands before an indented body and a line that begins with `)` has
# variants besides: FILE_00, FILE_01, ... without the parts whose bit, in the order of PARTS, is not set. Of a body only its
# parameters stay, so that they keep their numbers and types; nothing refers to it, so it is never run.
set(PARTS arrivals moves made rare)
set(ALL_PARTS 15)

function(make_variant out text mask)
    set(bit 1)
    foreach(part ${PARTS})
        math(EXPR kept "${mask} & ${bit}")
        math(EXPR bit "${bit} << 1")
        while(NOT kept AND text MATCHES "AS \\( -- part: ${part}\n((    [^\n]*\n)+)\\)")
            set(whole "${CMAKE_MATCH_0}")
            string(REGEX MATCHALL "\\$[0-9]+::[a-z]+(\\[\\])?" params "${CMAKE_MATCH_1}")
            list(JOIN params ", " params)
            string(REPLACE "${whole}" "AS (\n    SELECT ${params}\n)" text "${text}")
        endwhile()
    endforeach()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(make_row out name text)
    string(HEX "${text}" hex)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" body "${hex}")
    # One literal per 16 bytes keeps lines short and hex escapes apart.
    string(REGEX REPLACE "((\\\\x[0-9a-f][0-9a-f]){16})" "\\1\"\n     \"" body "${body}")
    set(${out} "    {\"${name}\",\n     \"${body}\"},\n" PARENT_SCOPE)
endfunction()

function(emit table pattern)
    file(GLOB files ${DIR}/${pattern}/*.sql)
    list(SORT files)
    set(rows "")
    foreach(file ${files})
        get_filename_component(name ${file} NAME_WE)
        file(READ ${file} text)
        make_row(row ${name} "${text}")
        string(APPEND rows "${row}")
        if(text MATCHES "AS \\( -- part: ")
            math(EXPR last "${ALL_PARTS} - 1")
            foreach(mask RANGE ${last})
                make_variant(less "${text}" ${mask})
                math(EXPR tens "${mask} / 10") # two digits: rows are sorted by name
                math(EXPR ones "${mask} % 10")
                make_row(row ${name}_${tens}${ones} "${less}")
                string(APPEND rows "${row}")
            endforeach()
        endif()
    endforeach()
    set(out "${out}const struct sql_file ${table}[] = {\n${rows}    {NULL, NULL},\n};\n" PARENT_SCOPE)
endfunction()

set(out "/* Made by cmake/embed_sql.cmake from the .sql files. */\n#include \"storage/sql.h\"\n\n#include <stddef.h>\n\n")
emit(sql_files sql)
emit(migration_files migrations)
file(WRITE ${OUT} "${out}")
