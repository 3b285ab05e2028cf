# Writes OUT: the bytes of FILE as `const char NAME[]` with its size in NAME_size.
file(READ ${FILE} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" body "${hex}")
# One literal per 16 bytes keeps lines short and hex escapes apart.
string(REGEX REPLACE "((\\\\x[0-9a-f][0-9a-f]){16})" "\\1\"\n    \"" body "${body}")
get_filename_component(source ${FILE} NAME)
file(WRITE ${OUT} "/* Made by cmake/embed_file.cmake from ${source}. */\n#include <stddef.h>\n\n"
    "extern const char ${NAME}[];\nextern const size_t ${NAME}_size;\n\n"
    "const char ${NAME}[] =\n    \"${body}\";\nconst size_t ${NAME}_size = sizeof ${NAME} - 1;\n")
