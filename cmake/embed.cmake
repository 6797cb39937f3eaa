# embed.cmake -- turns a folder of kernels or scripts into a C file, at build time, so that a program needs no files
# when it runs.
#
# Included, it defines clnorm_embed(outfile root header table): a C file that includes `header` and defines `table`, its
# type and name, with a row { name, text } per kernel file or Python script under root. Run as a script, it writes that file. Bytes are
# written as character constants: C99 has a limit on the length of a string but none on an array's, and nothing needs
# escapes.

# The files, relative to root.
macro(clnorm_list_kernels out root)
  file(GLOB ${out} ${ARGN} RELATIVE ${root} ${root}/*.cl ${root}/common/*.clh ${root}/*.py)
endmacro()

function(clnorm_embed outfile root header table)
  clnorm_list_kernels(names ${root} CONFIGURE_DEPENDS)
  list(TRANSFORM names PREPEND ${root}/ OUTPUT_VARIABLE paths)
  file(CONFIGURE OUTPUT ${outfile}.names CONTENT "${names}") # changes when a file goes, which no date tells
  cmake_path(GET root FILENAME folder)
  add_custom_command(OUTPUT ${outfile}
    COMMAND ${CMAKE_COMMAND} -DROOT=${root} -DHEADER=${header} -DTABLE=${table} -DOUT=${outfile}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${paths} ${outfile}.names ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "Embedding ${folder}/" VERBATIM)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  clnorm_list_kernels(names ${ROOT})
  cmake_path(GET ROOT FILENAME folder)
  set(arrays "")
  set(rows "")
  foreach(name IN LISTS names)
    file(READ ${ROOT}/${name} hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    if(bytes MATCHES "x00")
      message(FATAL_ERROR "${ROOT}/${name} has a NUL byte")
    endif()
    string(MAKE_C_IDENTIFIER "text_${name}" array)
    string(APPEND arrays "static const char ${array}[] = {\n${bytes}0 };\n")
    string(APPEND rows "    { \"${name}\", ${array} },\n")
  endforeach()
  file(WRITE ${OUT} "/* Written by cmake/embed.cmake from ${folder}/; do not edit. */\n#include \"${HEADER}\"\n\n"
    "${arrays}\nconst ${TABLE}[] = {\n${rows}    { NULL, NULL },\n};\n")
endif()
