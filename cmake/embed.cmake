# embed.cmake -- turns cl/ into a C file, at build time, so that the library needs no files when it runs.
#
# Included, it defines clnorm_embed_kernels(outfile); run as a script, it writes that file. Bytes are written as
# character constants: C99 has a limit on the length of a string but none on an array's, and nothing needs escapes.

# The kernel files, relative to root.
macro(clnorm_list_kernels out root)
  file(GLOB ${out} ${ARGN} RELATIVE ${root} ${root}/*.cl ${root}/common/*.clh)
endmacro()

function(clnorm_embed_kernels outfile)
  set(root ${PROJECT_SOURCE_DIR}/cl)
  clnorm_list_kernels(names ${root} CONFIGURE_DEPENDS)
  list(TRANSFORM names PREPEND ${root}/ OUTPUT_VARIABLE paths)
  file(CONFIGURE OUTPUT ${outfile}.names CONTENT "${names}") # changes when a file goes, which no date tells
  add_custom_command(OUTPUT ${outfile}
    COMMAND ${CMAKE_COMMAND} -DROOT=${root} -DOUT=${outfile} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${paths} ${outfile}.names ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "Embedding cl/" VERBATIM)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  clnorm_list_kernels(names ${ROOT})
  set(arrays "")
  set(table "")
  foreach(name IN LISTS names)
    file(READ ${ROOT}/${name} hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    if(bytes MATCHES "x00")
      message(FATAL_ERROR "${ROOT}/${name} has a NUL byte")
    endif()
    string(MAKE_C_IDENTIFIER "text_${name}" array)
    string(APPEND arrays "static const char ${array}[] = {\n${bytes}0 };\n")
    string(APPEND table "    { \"${name}\", ${array} },\n")
  endforeach()
  file(WRITE ${OUT} "/* Written by cmake/embed.cmake from cl/; do not edit. */\n#include \"device/device.h\"\n\n"
    "${arrays}\nconst cln_embedded cln_embedded_kernels[] = {\n${table}    { NULL, NULL },\n};\n")
endif()
